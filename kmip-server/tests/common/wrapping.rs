//! What clients ask for who have keys wrapped.

use kmip::types::{
    BlockCipherMode, CryptographicParameters, EncodingOption, EncryptionKeyInformation,
    KeyWrappingSpecification, MacSignatureKeyInformation, WrappingMethod,
};

use super::Identifier;

/// How a key is to be wrapped: as AES Key Wrap does with `kek`, and with an HMAC by `mac`, as the method says.
pub(crate) fn specification(
    method: WrappingMethod,
    kek: &Identifier,
    mac: &Identifier,
) -> KeyWrappingSpecification<'static> {
    let encrypts = method != WrappingMethod::MAC_SIGN;
    let authenticates = method != WrappingMethod::ENCRYPT;
    KeyWrappingSpecification {
        wrapping_method: method,
        encryption_key_information: encrypts.then(|| EncryptionKeyInformation {
            unique_identifier: kek.clone(),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::NISTKEYWRAP),
                ..CryptographicParameters::default()
            }),
            ..EncryptionKeyInformation::default()
        }),
        mac_signature_key_information: authenticates.then(|| {
            Box::new(MacSignatureKeyInformation {
                unique_identifier: mac.clone(),
                ..MacSignatureKeyInformation::default()
            })
        }),
        encoding_option: Some(EncodingOption::NO_ENCODING),
        ..KeyWrappingSpecification::default()
    }
}
