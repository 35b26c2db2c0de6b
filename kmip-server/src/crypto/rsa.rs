//! Encryption with RSA keys, of data as well as of other keys.

use kmip::server::Failure;
use kmip::types::{CryptographicParameters, PaddingMethod, ResultReason};
use openssl::encrypt::{Decrypter, Encrypter};
use openssl::pkey::{PKeyRef, Private, Public};
use openssl::rsa::Padding;
use zeroize::Zeroizing;

use super::failed;
use super::parameters::oaep_hashes;

/// Encrypts with a public key.
///
/// # Errors
/// If the padding is not known, or the data is too long for it.
pub(crate) fn rsa_encrypt(
    key: &PKeyRef<Public>,
    parameters: &CryptographicParameters<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    let too_long = || failed("the data is too long for the key and its padding");
    let wrong = || failed("the parameters of RSA");
    let mut encrypter = Encrypter::new(key).map_err(failed("the key"))?;
    let padding = padding(parameters)?;
    encrypter.set_rsa_padding(padding).map_err(wrong())?;
    if padding == Padding::PKCS1_OAEP {
        let (label, mask) = oaep_hashes(parameters)?;
        encrypter.set_rsa_oaep_md(label).map_err(wrong())?;
        encrypter.set_rsa_mgf1_md(mask).map_err(wrong())?;
        if let Some(source) = parameters.p_source.as_deref().filter(|s| !s.is_empty()) {
            encrypter.set_rsa_oaep_label(source).map_err(wrong())?;
        }
    }
    let length = encrypter.encrypt_len(plain).map_err(too_long())?;
    let mut data = vec![0; length];
    let length = encrypter.encrypt(plain, &mut data).map_err(too_long())?;
    data.truncate(length);
    Ok(data)
}

/// Decrypts with a private key.
///
/// # Errors
/// If the padding is not known, or the data was not encrypted so.
pub(crate) fn rsa_decrypt(
    key: &PKeyRef<Private>,
    parameters: &CryptographicParameters<'_>,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let refused = || failed("the data was not encrypted for this key");
    let wrong = || failed("the parameters of RSA");
    let mut decrypter = Decrypter::new(key).map_err(failed("the key"))?;
    let padding = padding(parameters)?;
    decrypter.set_rsa_padding(padding).map_err(wrong())?;
    if padding == Padding::PKCS1_OAEP {
        let (label, mask) = oaep_hashes(parameters)?;
        decrypter.set_rsa_oaep_md(label).map_err(wrong())?;
        decrypter.set_rsa_mgf1_md(mask).map_err(wrong())?;
        if let Some(source) = parameters.p_source.as_deref().filter(|s| !s.is_empty()) {
            decrypter.set_rsa_oaep_label(source).map_err(wrong())?;
        }
    }
    let length = decrypter.decrypt_len(data).map_err(refused())?;
    let mut plain = Zeroizing::new(vec![0; length]);
    let length = decrypter.decrypt(data, &mut plain).map_err(refused())?;
    plain.truncate(length);
    Ok(plain)
}

fn padding(parameters: &CryptographicParameters<'_>) -> Result<Padding, Failure> {
    Ok(match parameters.padding_method {
        Some(PaddingMethod::OAEP) => Padding::PKCS1_OAEP,
        Some(PaddingMethod::PKCS1_V1_5) | None => Padding::PKCS1,
        Some(PaddingMethod::NONE) => Padding::NONE,
        Some(other) => {
            let reason = ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS;
            let message = format!("RSA does not encrypt with the padding {other:?}");
            return Err(Failure::new(reason, message));
        }
    })
}
