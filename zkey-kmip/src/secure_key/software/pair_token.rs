//! Tokens of key pairs.
//!
//! | offset | bytes | content |
//! |---:|---:|---|
//! | 0 | 8 | `ZKEYSWKP` |
//! | 8 | 1 | version, 1 |
//! | 9 | 1 | 1 identity key, 2 wrapping key |
//! | 10 | 2 | length of the public key, big-endian |
//! | 12 | 16 | pattern of the master key |
//! | 28 | 12 | nonce |
//! | 40 | | public key, DER SubjectPublicKeyInfo |
//! | | | private key, DER PKCS #8, under AES-256-GCM; all before it is associated data |
//! | | 16 | tag |

use openssl::pkey::{PKey, Private};
use openssl::rand::rand_bytes;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

use super::super::{KeyKind, Register, SecureKeyError};
use super::master_key::{MasterKey, MasterKeys};

const MAGIC: &[u8; 8] = b"ZKEYSWKP";
const VERSION: u8 = 1;
const HEADER: usize = 40;
const TAG: usize = 16;
const PURPOSE: &str = "seal key pair";

/// Whether the token claims to be one of a key pair.
pub(super) fn is_pair(token: &[u8]) -> bool {
    token.starts_with(MAGIC)
}

/// A key pair in the memory of OpenSSL.
pub(super) struct KeyPair {
    pub(super) kind: KeyKind,
    pub(super) key: PKey<Private>,
}

impl KeyPair {
    pub(super) fn new(kind: KeyKind, key: PKey<Private>) -> KeyPair {
        KeyPair { kind, key }
    }

    pub(super) fn public_key(&self) -> Result<Vec<u8>, SecureKeyError> {
        self.key
            .public_key_to_der()
            .map_err(SecureKeyError::openssl("encode a public key"))
    }

    /// The token under `master`.
    pub(super) fn seal(&self, master: &MasterKey) -> Result<Vec<u8>, SecureKeyError> {
        let private = self.key.private_key_to_pkcs8().map(Zeroizing::new);
        let private = private.map_err(SecureKeyError::openssl("encode a private key"))?;
        let public = self.public_key()?;
        let public_length = u16::try_from(public.len()).map_err(|_| malformed("it is too long"))?;
        let mut nonce = [0; 12];
        rand_bytes(&mut nonce).map_err(SecureKeyError::openssl("make random bytes"))?;
        let mut token = MAGIC.to_vec();
        token.extend([VERSION, kind_number(self.kind)]);
        token.extend(public_length.to_be_bytes());
        token.extend(master.pattern().0);
        token.extend(nonce);
        token.extend(public);
        let mut tag = [0; TAG];
        let sealed = encrypt_aead(
            Cipher::aes_256_gcm(),
            master.derive(PURPOSE)?.as_ref(),
            Some(&nonce),
            &token,
            &private,
            &mut tag,
        );
        token.extend(sealed.map_err(SecureKeyError::openssl("encipher a key pair"))?);
        token.extend(tag);
        Ok(token)
    }

    /// Opens a token, and tells where its master key is.
    pub(super) fn open(
        token: &[u8],
        masters: &MasterKeys,
    ) -> Result<(KeyPair, Register), SecureKeyError> {
        if !is_pair(token) {
            return Err(malformed("it does not begin as one"));
        }
        if token.len() < HEADER + TAG {
            return Err(malformed("it is cut off"));
        }
        let kind = match token[8..10] {
            [VERSION, 1] => KeyKind::Identity,
            [VERSION, 2] => KeyKind::Wrapping,
            _ => return Err(malformed("its version or kind is unknown")),
        };
        let public_length = usize::from(u16::from_be_bytes([token[10], token[11]]));
        let sealed_start = HEADER + public_length;
        let tag_start = token.len() - TAG;
        if sealed_start > tag_start {
            return Err(malformed("it is cut off"));
        }
        let (register, master) = masters.find(&token[12..28])?;
        let private = decrypt_aead(
            Cipher::aes_256_gcm(),
            master.derive(PURPOSE)?.as_ref(),
            Some(&token[28..HEADER]),
            &token[..sealed_start],
            &token[sealed_start..tag_start],
            &token[tag_start..],
        );
        let private = Zeroizing::new(private.map_err(|_| SecureKeyError::NotAuthentic)?);
        let key = PKey::private_key_from_pkcs8(&private)
            .map_err(SecureKeyError::openssl("decode a private key"))?;
        Ok((KeyPair { kind, key }, register))
    }
}

fn kind_number(kind: KeyKind) -> u8 {
    match kind {
        KeyKind::Wrapping => 2,
        KeyKind::Identity | KeyKind::Aes(_) => 1,
    }
}

fn malformed(problem: &'static str) -> SecureKeyError {
    SecureKeyError::Malformed {
        what: "identity or wrapping key",
        problem,
    }
}
