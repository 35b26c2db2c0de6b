//! What the suite needs of a backend under test and of the adapter behind it.

use openssl::encrypt::Encrypter;
use openssl::error::ErrorStack;
use openssl::hash::hash;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};
use zkey_kmip::abi::SecureKeyType;
use zkey_kmip::secure_key::{
    DigestAlgorithm, SecureKeyBackend, SecureKeyError, SignatureScheme, UnwrapRequest, WrapPadding,
};

/// A machine with adapters.
pub(crate) trait Bench {
    /// The backend as a new process would have it, working with the first APQN.
    fn backend(&self) -> Box<dyn SecureKeyBackend>;

    /// The AES key in a secure key, which only the adapter can tell.
    fn clear_key(&self, secure_key: &[u8]) -> Vec<u8>;

    /// Puts new master keys of all kinds into NEW.
    fn load_new(&self);

    /// NEW becomes CURRENT.
    fn set_new(&self);

    /// Whether adapters keep the former master key, and use keys under it.
    fn has_old(&self) -> bool;
}

/// All paddings that profiles can name.
pub(crate) const PADDINGS: [WrapPadding; 5] = [
    WrapPadding::Pkcs1V15,
    WrapPadding::Oaep(DigestAlgorithm::Sha1),
    WrapPadding::Oaep(DigestAlgorithm::Sha256),
    WrapPadding::Oaep(DigestAlgorithm::Sha384),
    WrapPadding::Oaep(DigestAlgorithm::Sha512),
];

pub(crate) fn public_key(backend: &dyn SecureKeyBackend, key: &[u8]) -> PKey<Public> {
    PKey::public_key_from_der(&backend.public_key(key).unwrap()).unwrap()
}

/// What the key server does.
pub(crate) fn wrap(public: &PKey<Public>, padding: WrapPadding, clear: &[u8]) -> Vec<u8> {
    try_wrap(public, padding, clear).unwrap()
}

/// Fails if the key does not fit in.
pub(crate) fn try_wrap(
    public: &PKey<Public>,
    padding: WrapPadding,
    clear: &[u8],
) -> Result<Vec<u8>, ErrorStack> {
    let mut encrypter = Encrypter::new(public).unwrap();
    match padding {
        WrapPadding::Pkcs1V15 => encrypter.set_rsa_padding(Padding::PKCS1).unwrap(),
        WrapPadding::Oaep(digest) => {
            let digest = digest.message_digest();
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            encrypter.set_rsa_oaep_md(digest).unwrap();
            encrypter.set_rsa_mgf1_md(digest).unwrap();
        }
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(clear)?];
    let length = encrypter.encrypt(clear, &mut wrapped)?;
    wrapped.truncate(length);
    Ok(wrapped)
}

/// A secure key of `clear`, as the key server and the backend make it together.
pub(crate) fn import(
    backend: &dyn SecureKeyBackend,
    wrapping_key: &[u8],
    key_type: SecureKeyType,
    padding: WrapPadding,
    clear: &[u8],
) -> Result<Vec<u8>, SecureKeyError> {
    let public = public_key(backend, wrapping_key);
    let key = backend.unwrap_aes_key(&UnwrapRequest {
        wrapping_key,
        padding,
        wrapped: &wrap(&public, padding, clear),
        key_type,
    })?;
    assert_eq!(key.bits as usize, 8 * clear.len());
    Ok(key.token)
}

fn verifies(
    public: &PKey<Public>,
    scheme: SignatureScheme,
    algorithm: DigestAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let mut verifier = Verifier::new(algorithm.message_digest(), public).unwrap();
    if scheme == SignatureScheme::RsaPss {
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier
            .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
            .unwrap();
    }
    verifier.verify_oneshot(signature, message).unwrap_or(false)
}

/// Whether the key makes signatures that hold for what was signed only.
pub(crate) fn signs(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    scheme: SignatureScheme,
    algorithm: DigestAlgorithm,
) -> bool {
    let message = b"to be signed";
    let digest = hash(algorithm.message_digest(), message).unwrap();
    let signature = backend.sign(key, scheme, algorithm, &digest).unwrap();
    let public = public_key(backend, key);
    verifies(&public, scheme, algorithm, message, &signature)
        && !verifies(&public, scheme, algorithm, b"something else", &signature)
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
