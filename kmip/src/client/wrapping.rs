//! How the server wraps keys that leave it.

use crate::types::{
    BlockCipherMode, CryptographicParameters, EncodingOption, EncryptionKeyInformation,
    HashingAlgorithm, KeyRoleType, KeyWrappingSpecification, PaddingMethod, UniqueIdentifier,
    WrappingMethod,
};

impl<'a> KeyWrappingSpecification<'a> {
    /// Encrypts the key bytes with `key`, an AES key on the server, by AES key wrap (RFC 3394).
    /// The encoding option, without which the encoding of a structure would be wrapped, needs KMIP
    /// 1.1; so it is for the two others.
    ///
    /// ```no_run
    /// use kmip::types::KeyWrappingSpecification;
    ///
    /// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
    /// let wrapping = KeyWrappingSpecification::aes_key_wrap("the wrapping key");
    /// let wrapped = client.get_key("the key", wrapping)?;
    /// println!("{} bytes", wrapped.len());
    /// # Ok(()) }
    /// ```
    pub fn aes_key_wrap(key: impl Into<UniqueIdentifier<'a>>) -> Self {
        encrypting(
            key,
            CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::NISTKEYWRAP),
                ..CryptographicParameters::default()
            },
        )
    }

    /// Encrypts the key bytes with `key`, a public RSA key on the server, by OAEP with this hash
    /// for the label. Fields that only newer versions have are left out: the mask is generated with
    /// the server's default.
    pub fn rsa_oaep(key: impl Into<UniqueIdentifier<'a>>, hash: HashingAlgorithm) -> Self {
        encrypting(
            key,
            CryptographicParameters {
                padding_method: Some(PaddingMethod::OAEP),
                hashing_algorithm: Some(hash),
                key_role_type: Some(KeyRoleType::KEK),
                ..CryptographicParameters::default()
            },
        )
    }

    /// Encrypts the key bytes with `key`, a public RSA key on the server, by the padding of PKCS #1
    /// version 1.5. Only for servers that cannot do OAEP.
    pub fn rsa_pkcs1(key: impl Into<UniqueIdentifier<'a>>) -> Self {
        encrypting(
            key,
            CryptographicParameters {
                padding_method: Some(PaddingMethod::PKCS1_V1_5),
                key_role_type: Some(KeyRoleType::KEK),
                ..CryptographicParameters::default()
            },
        )
    }
}

fn encrypting<'a>(
    key: impl Into<UniqueIdentifier<'a>>,
    parameters: CryptographicParameters<'a>,
) -> KeyWrappingSpecification<'a> {
    KeyWrappingSpecification {
        wrapping_method: WrappingMethod::ENCRYPT,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: key.into(),
            cryptographic_parameters: Some(parameters),
            ..EncryptionKeyInformation::default()
        }),
        encoding_option: Some(EncodingOption::NO_ENCODING),
        ..KeyWrappingSpecification::default()
    }
}
