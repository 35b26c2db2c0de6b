//! Master keys, and what lies under them.

use std::fmt;

use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rand::rand_bytes;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

const NONCE: usize = 12;
const TAG: usize = 16;

/// A master key. Equal keys have equal patterns.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// What [`MasterKey::seal`] adds to the length.
    pub const OVERHEAD: usize = NONCE + TAG;

    /// A new one.
    ///
    /// # Panics
    /// OpenSSL has no random bytes.
    pub fn random() -> MasterKey {
        let mut key = [0; 32];
        rand_bytes(&mut key).expect("random bytes");
        MasterKey(key)
    }

    /// Names the master key: a hash of it. CCA tokens have the first 8 bytes, EP11 ones 16.
    pub fn pattern(&self) -> [u8; 32] {
        let mut hash = openssl::sha::Sha256::new();
        hash.update(b"emulated master key\0");
        hash.update(&self.0);
        hash.finish()
    }

    /// A key derived for one purpose (HKDF-SHA-256).
    ///
    /// # Panics
    /// OpenSSL cannot do this.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        let mut context = PkeyCtx::new_id(Id::HKDF).expect("HKDF");
        context.derive_init().expect("HKDF");
        context.set_hkdf_md(Md::sha256()).expect("SHA-256");
        context.set_hkdf_key(&self.0).expect("a key");
        context.set_hkdf_salt(b"emulated adapter").expect("a salt");
        context.add_hkdf_info(purpose.as_bytes()).expect("a text");
        context.derive(Some(derived.as_mut())).expect("32 bytes");
        derived
    }

    /// Enciphers and authenticates `clear` together with `associated`, which stays in the clear.
    /// The result is [`MasterKey::OVERHEAD`] bytes longer than `clear`.
    ///
    /// # Panics
    /// OpenSSL has no random bytes or no AES.
    pub fn seal(&self, purpose: &str, associated: &[u8], clear: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; NONCE];
        rand_bytes(&mut sealed).expect("random bytes");
        let mut tag = [0; TAG];
        let key = self.derive(purpose);
        let nonce = Some(&sealed[..]);
        let cipher = Cipher::aes_256_gcm();
        let body = encrypt_aead(cipher, key.as_ref(), nonce, associated, clear, &mut tag);
        sealed.extend(body.expect("AES-GCM"));
        sealed.extend(tag);
        sealed
    }

    /// Opens what [`MasterKey::seal`] made; nothing if it was changed, or is of another purpose or
    /// master key.
    pub fn open(
        &self,
        purpose: &str,
        associated: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let body_length = sealed.len().checked_sub(Self::OVERHEAD)?;
        let (nonce, rest) = sealed.split_at(NONCE);
        let (body, tag) = rest.split_at(body_length);
        let key = self.derive(purpose);
        let cipher = Cipher::aes_256_gcm();
        decrypt_aead(cipher, key.as_ref(), Some(nonce), associated, body, tag)
            .ok()
            .map(Zeroizing::new)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({:02x?})", &self.pattern()[..8])
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_unchanged() {
        let key = MasterKey::random();
        let sealed = key.seal("test", b"head", b"clear text");
        assert_eq!(sealed.len(), b"clear text".len() + MasterKey::OVERHEAD);
        let opened = key.open("test", b"head", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"clear text");
        assert!(key.open("other", b"head", &sealed).is_none());
        assert!(key.open("test", b"heat", &sealed).is_none());
        assert!(MasterKey::random().open("test", b"head", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(key.open("test", b"head", &flipped).is_none(), "byte {at}");
            assert!(key.open("test", b"head", &sealed[..at]).is_none());
        }
    }
}
