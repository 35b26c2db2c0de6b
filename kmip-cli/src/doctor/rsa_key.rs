//! RSA keys of the doctor, with which the server wraps.

use kmip::types::{
    BigInteger, CryptographicAlgorithm, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, PublicKey,
    Secret, TransparentRsaPublicKey,
};
use openssl::encrypt::Decrypter;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding as RsaPadding, Rsa};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// How a public key is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Pkcs1,
    Pkcs8,
    Transparent,
}

/// How the server pads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    OaepSha256,
    OaepSha1,
    Pkcs1,
}

/// A key pair.
pub(super) struct RsaKey(Rsa<Private>);

impl RsaKey {
    pub(super) fn generate(bits: i32) -> Result<Self, Failure> {
        let rsa = Rsa::generate(bits as u32);
        rsa.map(RsaKey).map_err(Failure::openssl("make an RSA key"))
    }

    /// The public key as an object.
    pub(super) fn public_key(&self, form: Form) -> Result<PublicKey<'static>, Failure> {
        let material = self.material(form);
        let (key_format_type, material) =
            material.map_err(Failure::openssl("encode a public key"))?;
        Ok(PublicKey {
            key_block: KeyBlock {
                key_format_type,
                key_value: Some(KeyValue::new(material)),
                cryptographic_algorithm: Some(CryptographicAlgorithm::RSA),
                cryptographic_length: i32::try_from(self.0.size() * 8).ok(),
                ..KeyBlock::default()
            },
            ..PublicKey::default()
        })
    }

    fn material(&self, form: Form) -> Result<(KeyFormatType, KeyMaterial<'static>), ErrorStack> {
        Ok(match form {
            Form::Pkcs1 => (
                KeyFormatType::PKCS_1,
                Secret::owned(self.0.public_key_to_der_pkcs1()?).into(),
            ),
            // As the plugin does it: the name of the format is not quite right, and what servers
            // know.
            Form::Pkcs8 => (
                KeyFormatType::PKCS_8,
                Secret::owned(self.0.public_key_to_der()?).into(),
            ),
            Form::Transparent => (
                KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
                KeyMaterial::TransparentRsaPublicKey(TransparentRsaPublicKey {
                    modulus: BigInteger::from_unsigned(&self.0.n().to_vec()),
                    public_exponent: BigInteger::from_unsigned(&self.0.e().to_vec()),
                    ..TransparentRsaPublicKey::default()
                }),
            ),
        })
    }

    /// What the server has wrapped.
    pub(super) fn unwrap(
        &self,
        padding: Padding,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
        let key = PKey::from_rsa(self.0.clone())?;
        let mut decrypter = Decrypter::new(&key)?;
        match padding {
            Padding::Pkcs1 => decrypter.set_rsa_padding(RsaPadding::PKCS1)?,
            Padding::OaepSha1 | Padding::OaepSha256 => {
                let digest = match padding {
                    Padding::OaepSha256 => MessageDigest::sha256(),
                    _ => MessageDigest::sha1(),
                };
                decrypter.set_rsa_padding(RsaPadding::PKCS1_OAEP)?;
                decrypter.set_rsa_oaep_md(digest)?;
                decrypter.set_rsa_mgf1_md(digest)?;
            }
        }
        let mut clear = Zeroizing::new(vec![0; decrypter.decrypt_len(wrapped)?]);
        let length = decrypter.decrypt(wrapped, &mut clear)?;
        clear.truncate(length);
        Ok(clear)
    }
}
