//! Wrapping keys with other keys (Key Wrapping Specification: KMIP 1.4, 2.1.6; 2.1, 3.8).

use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{
    BlockCipherMode, CryptographicParameters, EncodingOption, KeyMaterial, KeyValue,
    ProtocolVersion, ResultReason, Tag,
};
use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use openssl::pkey::{PKey, Public};
use zeroize::Zeroizing;

use super::{failed, rsa_encrypt};

/// A key that wraps others.
pub(crate) enum WrappingKey {
    /// An RSA key.
    Rsa(PKey<Public>),
    /// An AES key.
    Aes(Zeroizing<Vec<u8>>),
}

/// Wraps a key value: its bytes, or its encoding by the rules of `version`.
///
/// # Errors
/// If the parameters are not supported, or do not fit the keys.
pub(crate) fn wrap(
    key: &WrappingKey,
    parameters: &CryptographicParameters<'_>,
    value: &KeyValue<'_>,
    encoding: EncodingOption,
    version: ProtocolVersion,
) -> Result<Vec<u8>, Failure> {
    let plain = plain_bytes(value, encoding, version)?;
    match key {
        WrappingKey::Rsa(key) => rsa_encrypt(key, parameters, &plain),
        WrappingKey::Aes(key) => wrap_with_aes(key, parameters, &plain),
    }
}

fn plain_bytes(
    value: &KeyValue<'_>,
    encoding: EncodingOption,
    version: ProtocolVersion,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match (encoding, value) {
        (EncodingOption::NO_ENCODING, KeyValue::Plain(plain)) => {
            let has_attributes = plain
                .attributes
                .as_ref()
                .is_some_and(|list| !list.is_empty());
            match &plain.key_material {
                KeyMaterial::Bytes(bytes) if !has_attributes => {
                    Ok(Zeroizing::new(bytes.expose().to_vec()))
                }
                _ => Err(Failure::new(
                    ResultReason::ENCODING_OPTION_ERROR,
                    "only a key that is a byte string is wrapped without encoding",
                )),
            }
        }
        (EncodingOption::TTLV_ENCODING, KeyValue::Plain(_)) => {
            let mut bytes = Zeroizing::new(Vec::with_capacity(512));
            ttlv::encode_item(value, Tag::KEY_VALUE, version, &mut bytes)
                .map_err(|_| Failure::internal())?;
            Ok(bytes)
        }
        (_, KeyValue::Wrapped(_)) => Err(Failure::new(
            ResultReason::ILLEGAL_OPERATION,
            "the key is wrapped already",
        )),
        _ => Err(Failure::new(
            ResultReason::ENCODING_OPTION_ERROR,
            "the Encoding Option is unknown",
        )),
    }
}

/// AES Key Wrap (RFC 3394), and with padding (RFC 5649).
fn wrap_with_aes(
    key: &[u8],
    parameters: &CryptographicParameters<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    let padded = match parameters.block_cipher_mode {
        Some(BlockCipherMode::NISTKEYWRAP) => false,
        Some(BlockCipherMode::AESKEYWRAPPADDING) => true,
        // Without a mode: with padding only if it has to be.
        None => plain.len() % 8 != 0 || plain.len() < 16,
        Some(other) => {
            return Err(unsupported(format!(
                "keys are not wrapped in the mode {other:?}"
            )));
        }
    };
    let cipher: &CipherRef = match (key.len(), padded) {
        (16, false) => Cipher::aes_128_wrap(),
        (24, false) => Cipher::aes_192_wrap(),
        (32, false) => Cipher::aes_256_wrap(),
        (16, true) => Cipher::aes_128_wrap_pad(),
        (24, true) => Cipher::aes_192_wrap_pad(),
        (32, true) => Cipher::aes_256_wrap_pad(),
        _ => return Err(unsupported("the wrapping key is no AES key".to_owned())),
    };
    let mut wrapped = Vec::with_capacity(plain.len() + 16);
    let done = CipherCtx::new().and_then(|mut context| {
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.encrypt_init(Some(cipher), Some(key), None)?;
        context.cipher_update_vec(plain, &mut wrapped)?;
        context.cipher_final_vec(&mut wrapped)
    });
    done.map_err(failed(
        "AES Key Wrap needs at least two times 8 bytes, or padding",
    ))?;
    Ok(wrapped)
}

fn unsupported(message: String) -> Failure {
    Failure::new(ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS, message)
}
