//! The public key of a wrapping key, as it is registered and as servers tell it.

use kmip::types::{
    BigInteger, CryptographicAlgorithm, KeyBlock, KeyFormatType, KeyMaterial, KeyValue,
    ManagedObject, PublicKey, Secret, TransparentRsaPublicKey,
};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::sha::sha256;

use crate::abi::{Errno, PluginError};
use crate::profile::WrapKeyFormat;

/// An RSA key from its SubjectPublicKeyInfo.
pub(super) struct RsaPublicKey(Rsa<Public>);

impl RsaPublicKey {
    pub(super) fn from_spki(encoded: &[u8]) -> Result<RsaPublicKey, PluginError> {
        PKey::public_key_from_der(encoded)
            .and_then(|key| key.rsa())
            .map(RsaPublicKey)
            .map_err(failed)
    }

    /// The key that a server tells; `None` for anything that is not an RSA key.
    pub(super) fn from_object(object: &ManagedObject<'_>) -> Option<RsaPublicKey> {
        let ManagedObject::PublicKey(key) = object else {
            return None;
        };
        let value = key.key_block.key_value.as_ref()?;
        let rsa = match value {
            KeyValue::Plain(plain) => match &plain.key_material {
                KeyMaterial::TransparentRsaPublicKey(key) => {
                    let number = |value: &BigInteger<'_>| {
                        BigNum::from_slice(value.to_unsigned().unwrap_or_default())
                    };
                    let exponent = number(&key.public_exponent).ok()?;
                    Rsa::from_public_components(number(&key.modulus).ok()?, exponent).ok()
                }
                _ => None,
            },
            KeyValue::Wrapped(_) => None,
        };
        let of_bytes = |bytes: &[u8]| {
            Rsa::public_key_from_der(bytes)
                .or_else(|_| Rsa::public_key_from_der_pkcs1(bytes))
                .ok()
        };
        rsa.or_else(|| value.as_bytes().and_then(of_bytes))
            .map(RsaPublicKey)
    }

    /// SHA-256 of the SubjectPublicKeyInfo, in hexadecimal.
    pub(super) fn digest(&self) -> Result<String, PluginError> {
        let encoded = self.0.public_key_to_der().map_err(failed)?;
        let digest = sha256(&encoded);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key in the form that the server wants.
    pub(super) fn to_object(
        &self,
        format: WrapKeyFormat,
        bits: u32,
    ) -> Result<PublicKey<'static>, PluginError> {
        let (key_format_type, material) = match format {
            WrapKeyFormat::Pkcs1 => {
                let encoded = self.0.public_key_to_der_pkcs1().map_err(failed)?;
                (KeyFormatType::PKCS_1, Secret::owned(encoded).into())
            }
            // Servers take a SubjectPublicKeyInfo for it, as the C plugin sends it.
            WrapKeyFormat::Pkcs8 => {
                let encoded = self.0.public_key_to_der().map_err(failed)?;
                (KeyFormatType::PKCS_8, Secret::owned(encoded).into())
            }
            WrapKeyFormat::TransparentPublicKey => (
                KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
                KeyMaterial::TransparentRsaPublicKey(TransparentRsaPublicKey {
                    modulus: BigInteger::from_unsigned(&self.0.n().to_vec()),
                    public_exponent: BigInteger::from_unsigned(&self.0.e().to_vec()),
                    ..TransparentRsaPublicKey::default()
                }),
            ),
        };
        Ok(PublicKey {
            key_block: KeyBlock {
                key_format_type,
                key_value: Some(KeyValue::new(material)),
                cryptographic_algorithm: Some(CryptographicAlgorithm::RSA),
                cryptographic_length: i32::try_from(bits).ok(),
                ..KeyBlock::default()
            },
            ..PublicKey::default()
        })
    }
}

fn failed(error: ErrorStack) -> PluginError {
    PluginError::new(Errno::EIO, "OpenSSL cannot use the wrapping key").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_recognised_in_each_form() {
        let rsa = Rsa::generate(1024).unwrap();
        let spki = rsa.public_key_to_der().unwrap();
        let key = RsaPublicKey::from_spki(&spki).unwrap();
        let other = Rsa::generate(1024).unwrap().public_key_to_der().unwrap();
        let other = RsaPublicKey::from_spki(&other).unwrap().digest().unwrap();
        for format in [
            WrapKeyFormat::Pkcs1,
            WrapKeyFormat::Pkcs8,
            WrapKeyFormat::TransparentPublicKey,
        ] {
            let object = key.to_object(format, 1024).unwrap();
            let told = RsaPublicKey::from_object(&ManagedObject::PublicKey(object)).unwrap();
            assert_eq!(told.digest().unwrap(), key.digest().unwrap(), "{format:?}");
            assert_ne!(told.digest().unwrap(), other);
        }
        let nothing = ManagedObject::PublicKey(PublicKey::default());
        assert!(RsaPublicKey::from_object(&nothing).is_none());
    }
}
