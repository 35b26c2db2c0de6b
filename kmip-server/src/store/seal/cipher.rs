//! AES-256-GCM with a fresh nonce for each message.

use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// How much longer sealed data is than what it holds.
pub(super) const OVERHEAD: usize = NONCE_BYTES + TAG_BYTES;

/// A key for this cipher, wiped when dropped.
pub(super) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, ErrorStack> {
    let mut bytes = Zeroizing::new([0; N]);
    rand_bytes(&mut *bytes)?;
    Ok(bytes)
}

/// Nonce, ciphertext and tag of `plain`, bound to `context`. The nonce is random, which is good for
/// 2^32 messages with one key (NIST SP 800-38D, 8.3).
pub(super) fn seal(
    key: &[u8; KEY_BYTES],
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, ErrorStack> {
    let nonce = random::<NONCE_BYTES>()?;
    let mut tag = [0; TAG_BYTES];
    let cipher = Cipher::aes_256_gcm();
    let encrypted = encrypt_aead(cipher, key, Some(&*nonce), context, plain, &mut tag)?;
    Ok([&nonce[..], &encrypted, &tag].concat())
}

/// What was sealed with this key and for this context; `None` if it was not.
pub(super) fn open(
    key: &[u8; KEY_BYTES],
    context: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
    let (encrypted, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
    let cipher = Cipher::aes_256_gcm();
    let plain = decrypt_aead(cipher, key, Some(nonce), context, encrypted, tag);
    plain.ok().map(Zeroizing::new)
}
