//! Dummy passphrases of LUKS2 volumes: the file `.pass`, and the property of the key at the key
//! management system that holds it in base64.

use std::fmt;
use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::HostError;
use super::repository::key::KeyFiles;
use crate::abi::Property;
use crate::files::{self, Access, FileError};

/// The property of the key at the key management system.
pub(super) const PROPERTY: &str = "dummy-passphrase-base64";

/// Length of a generated passphrase in bytes.
const GENERATED_LENGTH: usize = 16;

/// A passphrase; wiped when dropped.
pub(super) struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// A random one.
    ///
    /// # Errors
    /// There is no randomness.
    pub(super) fn generate() -> Result<Self, HostError> {
        let mut bytes = Zeroizing::new(vec![0; GENERATED_LENGTH]);
        openssl::rand::rand_bytes(&mut bytes)?;
        Ok(Passphrase(bytes))
    }

    /// The content of a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, HostError> {
        let bytes = fs::read(path).map_err(|error| FileError::new("read", path, error))?;
        Ok(Passphrase(bytes.into()))
    }

    /// From the property of the key `key`.
    ///
    /// # Errors
    /// It is not base64.
    pub(super) fn from_base64(text: &str, key: &str) -> Result<Self, HostError> {
        let bytes = openssl::base64::decode_block(text.trim());
        bytes
            .map(|bytes| Passphrase(bytes.into()))
            .map_err(|_| HostError::PassphraseEncoding {
                key: key.to_owned(),
            })
    }

    /// The property of the key; its value is wiped when dropped.
    pub(super) fn property(&self) -> Property<'static> {
        Property::new(PROPERTY, openssl::base64::encode_block(&self.0))
    }

    /// Writes the file of the key.
    ///
    /// # Errors
    /// The old file, if any, is still there.
    pub(super) fn store(&self, files: &KeyFiles) -> Result<(), HostError> {
        Ok(files::replace(&files.pass(), &self.0, Access::AsDirectory)?)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passphrase({} bytes)", self.0.len())
    }
}
