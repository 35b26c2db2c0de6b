//! Wrapping of keys, as a key server does it.

use kmip::types::*;
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::{Padding, Rsa};

/// The registered public key in any of its forms.
pub(super) fn public_key(public: &PublicKey<'_>) -> PKey<Public> {
    let block = &public.key_block;
    let value = block.key_value.as_ref().unwrap();
    let rsa = match (block.key_format_type, value) {
        (KeyFormatType::PKCS_1, value) => {
            Rsa::public_key_from_der_pkcs1(value.as_bytes().unwrap()).unwrap()
        }
        (KeyFormatType::PKCS_8, value) => {
            Rsa::public_key_from_der(value.as_bytes().unwrap()).unwrap()
        }
        (KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY, KeyValue::Plain(plain)) => {
            let KeyMaterial::TransparentRsaPublicKey(key) = &plain.key_material else {
                panic!("wrong material");
            };
            let number = |value: &BigInteger<'_>| {
                // A modulus without sign byte would be negative.
                openssl::bn::BigNum::from_slice(value.to_unsigned().unwrap()).unwrap()
            };
            Rsa::from_public_components(number(&key.modulus), number(&key.public_exponent)).unwrap()
        }
        (other, _) => panic!("format {other:?}"),
    };
    PKey::from_rsa(rsa).unwrap()
}

pub(super) fn wrap(
    public: &PKey<Public>,
    parameters: &CryptographicParameters<'_>,
    key: &[u8],
) -> Vec<u8> {
    let mut encrypter = Encrypter::new(public).unwrap();
    match parameters.padding_method {
        Some(PaddingMethod::PKCS1_V1_5) => encrypter.set_rsa_padding(Padding::PKCS1).unwrap(),
        Some(PaddingMethod::OAEP) => {
            let digest = match parameters.hashing_algorithm {
                Some(HashingAlgorithm::SHA_1) => MessageDigest::sha1(),
                Some(HashingAlgorithm::SHA_256) => MessageDigest::sha256(),
                Some(HashingAlgorithm::SHA_384) => MessageDigest::sha384(),
                Some(HashingAlgorithm::SHA_512) => MessageDigest::sha512(),
                other => panic!("hash {other:?}"),
            };
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            encrypter.set_rsa_oaep_md(digest).unwrap();
            encrypter.set_rsa_mgf1_md(digest).unwrap();
        }
        other => panic!("padding {other:?}"),
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(key).unwrap()];
    let length = encrypter.encrypt(key, &mut wrapped).unwrap();
    wrapped.truncate(length);
    wrapped
}
