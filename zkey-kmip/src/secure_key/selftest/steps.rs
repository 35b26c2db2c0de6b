//! The steps of trials: keys are used, and OpenSSL looks whether the result is right.

use std::sync::Arc;

use openssl::encrypt::Encrypter;
use openssl::hash::hash;
use openssl::pkey::{PKey, Public};
use openssl::rand::rand_bytes;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};
use zeroize::Zeroizing;

use super::{SHA256, SelftestError, Trial};
use crate::abi::SecureKeyType;
use crate::secure_key::signature::digest_info;
use crate::secure_key::{
    DigestAlgorithm, KeyKind, Register, SecureKeyBackend, SecureKeyError, SignatureScheme,
    UnwrapRequest, WrapPadding, secure_key_size, tls_identity,
};

const MESSAGE: &[u8] = b"zkey-kmip selftest";

const PADDINGS: [WrapPadding; 5] = [
    WrapPadding::Pkcs1V15,
    WrapPadding::Oaep(DigestAlgorithm::Sha1),
    WrapPadding::Oaep(DigestAlgorithm::Sha256),
    WrapPadding::Oaep(DigestAlgorithm::Sha384),
    WrapPadding::Oaep(DigestAlgorithm::Sha512),
];

/// Those that adapters of this kind know.
pub(super) fn paddings(backend: &dyn SecureKeyBackend) -> impl Iterator<Item = WrapPadding> {
    PADDINGS
        .into_iter()
        .filter(|padding| backend.knows_padding(*padding))
}

/// Whether an RSA key is large enough for a signature (RFC 8017, 9.1.1 and 9.2).
pub(super) fn fits(rsa_bits: u32, scheme: SignatureScheme, algorithm: DigestAlgorithm) -> bool {
    let bytes = rsa_bits as usize / 8;
    match scheme {
        SignatureScheme::RsaPss => 2 * algorithm.size() + 2 <= bytes,
        _ => digest_info(algorithm, &vec![0; algorithm.size()]).len() + 11 <= bytes,
    }
}

fn public_key(backend: &dyn SecureKeyBackend, key: &[u8]) -> Result<PKey<Public>, SelftestError> {
    Ok(PKey::public_key_from_der(&backend.public_key(key)?)?)
}

pub(super) fn signs(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    scheme: SignatureScheme,
    algorithm: DigestAlgorithm,
) -> Trial {
    let digest = hash(algorithm.message_digest(), MESSAGE)?;
    let signature = backend.sign(key, scheme, algorithm, &digest)?;
    let public = public_key(backend, key)?;
    let mut verifier = Verifier::new(algorithm.message_digest(), &public)?;
    if scheme == SignatureScheme::RsaPss {
        verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
    }
    if verifier.verify_oneshot(&signature, MESSAGE)? {
        Ok(String::new())
    } else {
        Err(SelftestError::Wrong(
            "OpenSSL does not accept the signature",
        ))
    }
}

/// OpenSSL makes a signature with the key, which the backend does for it.
pub(super) fn provided(backend: &Arc<dyn SecureKeyBackend>, key: &[u8]) -> Trial {
    let private = tls_identity(backend, key)?;
    let digest = SHA256.message_digest();
    let signature = Signer::new(digest, &private)?.sign_oneshot_to_vec(MESSAGE)?;
    let public = public_key(&**backend, key)?;
    if Verifier::new(digest, &public)?.verify_oneshot(&signature, MESSAGE)? {
        Ok(String::new())
    } else {
        Err(SelftestError::Wrong(
            "OpenSSL does not accept the signature",
        ))
    }
}

/// Checks what a token is; returns its bits.
pub(super) fn has_status(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    kind: KeyKind,
    register: Register,
) -> Result<u32, SelftestError> {
    let status = backend.verify(key)?;
    if status.kind != kind {
        return Err(SelftestError::Wrong("the key is of another kind"));
    }
    if status.register != register {
        return Err(SelftestError::Wrong("the key is under another master key"));
    }
    Ok(status.bits)
}

fn wrap(
    backend: &dyn SecureKeyBackend,
    wrapping_key: &[u8],
    padding: WrapPadding,
    size: usize,
) -> Result<Vec<u8>, SelftestError> {
    let public = public_key(backend, wrapping_key)?;
    let mut clear = Zeroizing::new(vec![0; size]);
    rand_bytes(&mut clear)?;
    let mut encrypter = Encrypter::new(&public)?;
    match padding {
        WrapPadding::Pkcs1V15 => encrypter.set_rsa_padding(Padding::PKCS1)?,
        WrapPadding::Oaep(digest) => {
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
            encrypter.set_rsa_oaep_md(digest.message_digest())?;
            encrypter.set_rsa_mgf1_md(digest.message_digest())?;
        }
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(&clear)?];
    let length = encrypter.encrypt(&clear, &mut wrapped)?;
    wrapped.truncate(length);
    Ok(wrapped)
}

pub(super) fn unwrap(
    backend: &dyn SecureKeyBackend,
    wrapping_key: &[u8],
    padding: WrapPadding,
    key_type: SecureKeyType,
    size: usize,
) -> Result<Vec<u8>, SelftestError> {
    let key = backend.unwrap_aes_key(&UnwrapRequest {
        wrapping_key,
        padding,
        wrapped: &wrap(backend, wrapping_key, padding, size)?,
        key_type,
    })?;
    if key.bits as usize != 8 * size {
        return Err(SelftestError::Wrong("the secure key is of another size"));
    }
    if key.token.len() > secure_key_size(key_type) {
        return Err(SelftestError::Wrong("the secure key is too large"));
    }
    Ok(key.token)
}

pub(super) fn refused(
    backend: &dyn SecureKeyBackend,
    wrapping_key: &[u8],
    rsa_bits: u32,
    key_type: SecureKeyType,
) -> Trial {
    for padding in paddings(backend) {
        let Some(bits) = padding.largest_aes_key(rsa_bits) else {
            continue;
        };
        let mut wrapped = wrap(backend, wrapping_key, padding, bits as usize / 8)?;
        let middle = wrapped.len() / 2;
        wrapped[middle] ^= 1;
        let request = UnwrapRequest {
            wrapping_key,
            padding,
            wrapped: &wrapped,
            key_type,
        };
        match backend.unwrap_aes_key(&request) {
            Err(SecureKeyError::Unwrap | SecureKeyError::UnwrapRefused { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(SelftestError::Wrong("a damaged key was unwrapped")),
        }
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use openssl::rsa::Rsa;

    use super::*;

    #[test]
    fn signatures_fit_where_openssl_can_make_them() {
        for bits in [512, 1024, 2048] {
            let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
            for algorithm in DigestAlgorithm::ALL {
                for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
                    let mut signer = Signer::new(algorithm.message_digest(), &key).unwrap();
                    if scheme == SignatureScheme::RsaPss {
                        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
                        let salt = RsaPssSaltlen::DIGEST_LENGTH;
                        signer.set_rsa_pss_saltlen(salt).unwrap();
                    }
                    let is_made = signer.sign_oneshot_to_vec(MESSAGE).is_ok();
                    let what = format!("{bits} {scheme:?} {algorithm:?}");
                    assert_eq!(fits(bits, scheme, algorithm), is_made, "{what}");
                }
            }
        }
    }
}
