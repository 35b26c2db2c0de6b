//! The key that is outside the store.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use zeroize::Zeroizing;

use super::cipher::{KEY_BYTES, Key};

/// Parameters of scrypt (RFC 7914): 32 MiB, about a tenth of a second.
const SCRYPT: (u64, u64, u64) = (1 << 15, 8, 1);
const SCRYPT_MEMORY: u64 = 64 << 20;
/// What is in files beyond this is neither a key nor a pass phrase.
const LONGEST: u64 = 4096;

/// What a keyring is opened with: a key of 256 bits, or a pass phrase that one is made of.
#[derive(Clone)]
pub struct MasterKey(Material);

#[derive(Clone)]
enum Material {
    Key(Key),
    PassPhrase(Zeroizing<Vec<u8>>),
}

/// A master key that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// The file cannot be read.
    #[error("{path}: cannot read the master key")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read the file.
    #[error("{path}: others can read the master key; use 'chmod 600'")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It is no key.
    #[error(
        "{origin}: a master key is 64 hexadecimal digits, as 'openssl rand -hex 32' makes them"
    )]
    Malformed {
        /// Where it comes from.
        origin: String,
    },
    /// A pass phrase that anybody can guess.
    #[error("{origin}: a pass phrase has at least 12 characters")]
    TooShort {
        /// Where it comes from.
        origin: String,
    },
}

impl MasterKey {
    /// A key.
    pub fn from_bytes(key: [u8; KEY_BYTES]) -> Self {
        MasterKey(Material::Key(Zeroizing::new(key)))
    }

    /// A key as 64 hexadecimal digits; `origin` names it in errors.
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_digits(digits: &str, origin: &str) -> Result<Self, MasterKeyError> {
        let malformed = || MasterKeyError::Malformed {
            origin: origin.to_owned(),
        };
        let digits = digits.trim();
        if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(malformed());
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| malformed())?;
        }
        Ok(MasterKey(Material::Key(key)))
    }

    /// A pass phrase of at least 12 characters, from which scrypt makes a key.
    ///
    /// # Errors
    /// If it is too short.
    pub fn from_pass_phrase(phrase: &str, origin: &str) -> Result<Self, MasterKeyError> {
        match phrase.chars().count() {
            12.. => Ok(MasterKey(Material::PassPhrase(Zeroizing::new(
                phrase.as_bytes().to_vec(),
            )))),
            _ => Err(MasterKeyError::TooShort {
                origin: origin.to_owned(),
            }),
        }
    }

    /// A key as 64 hexadecimal digits in a file that only its owner can read.
    ///
    /// # Errors
    /// If the file cannot be read, is open to others or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        Self::from_digits(&read(path)?, &path.display().to_string())
    }

    /// A pass phrase on the first line of a file that only its owner can read.
    ///
    /// # Errors
    /// As for [`from_file`](Self::from_file).
    pub fn from_pass_phrase_file(path: &Path) -> Result<Self, MasterKeyError> {
        let text = read(path)?;
        let line = text.lines().next().unwrap_or_default();
        Self::from_pass_phrase(line, &path.display().to_string())
    }

    /// Whether [`key`](Self::key) depends on the salt.
    pub(super) fn is_derived(&self) -> bool {
        matches!(self.0, Material::PassPhrase(_))
    }

    /// The key that keyrings are sealed with.
    pub(super) fn key(&self, salt: &[u8]) -> Result<Key, ErrorStack> {
        match &self.0 {
            Material::Key(key) => Ok(key.clone()),
            Material::PassPhrase(phrase) => {
                let (n, r, p) = SCRYPT;
                let mut key = Zeroizing::new([0; KEY_BYTES]);
                openssl::pkcs5::scrypt(phrase, salt, n, r, p, SCRYPT_MEMORY, &mut *key)?;
                Ok(key)
            }
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// The text of a file that only its owner can read.
fn read(path: &Path) -> Result<Zeroizing<String>, MasterKeyError> {
    let failed = |source| MasterKeyError::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(MasterKeyError::Exposed {
            path: path.to_owned(),
        });
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}
