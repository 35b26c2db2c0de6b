//! Wrapping keys with other keys (Key Wrapping Specification: KMIP 1.4, 2.1.6; 2.1, 3.8).

use kmip::codec::Options;
use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{
    BlockCipherMode, CryptographicParameters, EncodingOption, IntoOwned, KeyMaterial, KeyValue,
    ProtocolVersion, ResultReason, Secret, Tag,
};
use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use openssl::pkey::{PKey, Private, Public};
use zeroize::Zeroizing;

use super::{failed, rsa_decrypt, rsa_encrypt};

/// A key that wraps others.
pub(crate) enum WrappingKey {
    /// An RSA key.
    Rsa(PKey<Public>),
    /// An AES key.
    Aes(Zeroizing<Vec<u8>>),
}

/// Wraps the bytes of a key value.
///
/// # Errors
/// If the parameters are not supported, or do not fit the keys.
pub(crate) fn wrap(
    key: &WrappingKey,
    parameters: &CryptographicParameters<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    match key {
        WrappingKey::Rsa(key) => rsa_encrypt(key, parameters, plain),
        WrappingKey::Aes(key) => wrap_with_aes(key, parameters, plain),
    }
}

/// A key that unwraps others.
pub(crate) enum UnwrappingKey {
    /// An RSA key.
    Rsa(PKey<Private>),
    /// An AES key.
    Aes(Zeroizing<Vec<u8>>),
}

/// Unwraps the bytes of a key value.
///
/// # Errors
/// If the parameters are not supported, or it was not wrapped so with this key.
pub(crate) fn unwrap(
    key: &UnwrappingKey,
    parameters: &CryptographicParameters<'_>,
    value: &KeyValue<'_>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let wrapped = value.as_bytes().ok_or_else(|| {
        let reason = ResultReason::ENCODING_OPTION_ERROR;
        Failure::new(reason, "the wrapped key is no byte string")
    })?;
    match key {
        UnwrappingKey::Rsa(key) => rsa_decrypt(key, parameters, wrapped),
        UnwrappingKey::Aes(key) => unwrap_with_aes(key, parameters, wrapped),
    }
}

/// The key value that was wrapped: the bytes themselves, or what they encode by the rules of `version`.
///
/// # Errors
/// If they encode no key value.
pub(crate) fn decode_key_value(
    plain: &[u8],
    encoding: EncodingOption,
    version: ProtocolVersion,
) -> Result<KeyValue<'static>, Failure> {
    if encoding == EncodingOption::NO_ENCODING {
        let bytes = Secret::owned(plain.to_vec());
        return Ok(KeyValue::new(KeyMaterial::Bytes(bytes)));
    }
    let value: KeyValue<'_> =
        ttlv::decode_item(plain, Tag::KEY_VALUE, version, &Options::default()).map_err(|_| {
            let reason = ResultReason::ENCODING_OPTION_ERROR;
            Failure::new(reason, "what was wrapped is no encoded Key Value")
        })?;
    Ok(value.into_owned())
}

/// What of a key value is wrapped: its bytes, or its encoding by the rules of `version`.
///
/// # Errors
/// If it is wrapped already, or its bytes are not all of it.
pub(crate) fn encode_key_value(
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
pub(super) fn wrap_with_aes(
    key: &[u8],
    parameters: &CryptographicParameters<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    // Without a mode: with padding only if it has to be.
    let needs_padding = plain.len() % 8 != 0 || plain.len() < 16;
    let cipher = aes_wrap(key, parameters, needs_padding)?;
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

pub(super) fn unwrap_with_aes(
    key: &[u8],
    parameters: &CryptographicParameters<'_>,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let cipher = aes_wrap(key, parameters, false)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(wrapped.len() + 16));
    let done = CipherCtx::new().and_then(|mut context| {
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.decrypt_init(Some(cipher), Some(key), None)?;
        context.cipher_update_vec(wrapped, &mut plain)?;
        context.cipher_final_vec(&mut plain)
    });
    done.map_err(failed("the key was not wrapped with this key"))?;
    Ok(plain)
}

fn aes_wrap(
    key: &[u8],
    parameters: &CryptographicParameters<'_>,
    padded_by_default: bool,
) -> Result<&'static CipherRef, Failure> {
    let padded = match parameters.block_cipher_mode {
        Some(BlockCipherMode::NISTKEYWRAP) => false,
        Some(BlockCipherMode::AESKEYWRAPPADDING) => true,
        None => padded_by_default,
        Some(other) => {
            return Err(unsupported(format!(
                "keys are not wrapped in the mode {other:?}"
            )));
        }
    };
    Ok(match (key.len(), padded) {
        (16, false) => Cipher::aes_128_wrap(),
        (24, false) => Cipher::aes_192_wrap(),
        (32, false) => Cipher::aes_256_wrap(),
        (16, true) => Cipher::aes_128_wrap_pad(),
        (24, true) => Cipher::aes_192_wrap_pad(),
        (32, true) => Cipher::aes_256_wrap_pad(),
        _ => return Err(unsupported("the wrapping key is no AES key".to_owned())),
    })
}

fn unsupported(message: String) -> Failure {
    Failure::new(ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS, message)
}
