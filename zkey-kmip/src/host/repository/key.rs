//! One key of a repository: its files and properties.

use std::path::{Path, PathBuf};

use super::super::local_time;
use crate::abi::Apqn;
use crate::files::{self, Access, FileError};
use crate::host::association::{join, split};
use crate::host::error::HostError;
use crate::properties::{Integrity, Properties};

/// More than secure key and properties usually take.
const ROOM_FOR_KEY: usize = 8192;

/// The files of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    name: String,
    directory: PathBuf,
}

impl KeyFiles {
    pub(super) fn new(directory: &Path, name: &str) -> Result<Self, HostError> {
        let bad = |c: char| "/\\ *?'\"".contains(c) || c.is_control();
        if name.is_empty() || name.contains(bad) {
            return Err(HostError::KeyName {
                name: name.to_owned(),
            });
        }
        Ok(KeyFiles {
            name: name.to_owned(),
            directory: directory.to_owned(),
        })
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The secure key.
    pub fn skey(&self) -> PathBuf {
        self.path("skey")
    }

    /// The properties. The key is there when this file is.
    pub fn info(&self) -> PathBuf {
        self.path("info")
    }

    /// The re-enciphered secure key that waits for a new master key.
    pub fn renc(&self) -> PathBuf {
        self.path("renc")
    }

    /// The dummy passphrase.
    pub fn pass(&self) -> PathBuf {
        self.path("pass")
    }

    /// The dummy passphrase file, if it is there.
    pub fn passphrase_file(&self) -> Option<PathBuf> {
        Some(self.pass()).filter(|path| path.exists())
    }

    /// Finds out whether the files of a new key can be written.
    ///
    /// # Errors
    /// The repository cannot be written to, or its disk is full.
    pub fn check_room(&self) -> Result<(), HostError> {
        files::replace(&self.skey(), &[0; ROOM_FOR_KEY], Access::AsDirectory)?;
        Ok(files::remove_if_present(&self.skey())?)
    }

    /// Writes the secure key.
    ///
    /// # Errors
    /// An old key is still there.
    pub fn write_skey(&self, blob: &[u8]) -> Result<(), HostError> {
        Ok(files::replace(&self.skey(), blob, Access::AsDirectory)?)
    }

    /// Removes the key: from here on it is gone, even when a file cannot be removed.
    ///
    /// # Errors
    /// The key or one of its files is still there.
    pub fn remove(&self) -> Result<(), HostError> {
        for path in [self.info(), self.skey(), self.renc(), self.pass()] {
            files::remove_if_present(&path)?;
        }
        Ok(files::sync_directory(&self.directory)?)
    }

    /// Renames the key. It has one of the two names at any time, with all its files.
    ///
    /// # Errors
    /// The key has its old name.
    pub fn rename(&self, new: &KeyFiles) -> Result<(), HostError> {
        let pairs = self.movable(new);
        let link = || -> Result<(), FileError> {
            for (old, new) in &pairs {
                files::remove_if_present(new)?;
                std::fs::hard_link(old, new).map_err(|error| FileError::new("link", new, error))?;
            }
            let (old, new) = (self.info(), new.info());
            std::fs::rename(&old, new).map_err(|error| FileError::new("rename", old, error))
        };
        let linked = link();
        for (old, new) in &pairs {
            // What is not needed any more harms nobody when it stays.
            let _ = files::remove_if_present(if linked.is_ok() { old } else { new });
        }
        linked?;
        Ok(files::sync_directory(&self.directory)?)
    }

    fn movable(&self, new: &KeyFiles) -> Vec<(PathBuf, PathBuf)> {
        [
            (self.skey(), new.skey()),
            (self.renc(), new.renc()),
            (self.pass(), new.pass()),
        ]
        .into_iter()
        .filter(|(old, _)| old.exists())
        .collect()
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", self.name))
    }
}

/// Identifiers of a key at the key management system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KmsIds {
    /// Of a whole key.
    One(String),
    /// Of the two keys of an XTS pair.
    Xts(String, String),
}

impl KmsIds {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            KmsIds::One(id) => (id, None),
            KmsIds::Xts(first, second) => (first, Some(second)),
        };
        std::iter::once(first).chain(second).map(String::as_str)
    }
}

pub(crate) const KEY_ID: &str = "kms-key-id";
pub(crate) const XTS_KEY1_ID: &str = "kms-xts-key1-id";
pub(crate) const XTS_KEY2_ID: &str = "kms-xts-key2-id";

/// What refers to a key at the key management system.
pub(crate) const KEY_IDS: [&str; 3] = [KEY_ID, XTS_KEY1_ID, XTS_KEY2_ID];

const KMS_PROPERTIES: [&str; 7] = [
    "kms",
    KEY_ID,
    "kms-key-label",
    XTS_KEY1_ID,
    "kms-xts-key1-label",
    XTS_KEY2_ID,
    "kms-xts-key2-label",
];

/// A key with its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its files.
    pub files: KeyFiles,
    properties: Properties,
}

impl Key {
    pub(super) fn load(files: KeyFiles) -> Result<Key, HostError> {
        match Properties::load(&files.info(), Integrity::Hashed) {
            Err(error) if error.is_not_found() => Err(HostError::KeyMissing { name: files.name }),
            other => Ok(Key {
                files,
                properties: other?,
            }),
        }
    }

    /// A new key, not saved yet.
    pub fn new(files: KeyFiles, properties: Properties) -> Key {
        Key { files, properties }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.files.name
    }

    /// A property; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.properties.get(name).filter(|value| !value.is_empty())
    }

    /// Sets a property.
    ///
    /// # Errors
    /// The value cannot be stored.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), HostError> {
        Ok(self.properties.set(name, value)?)
    }

    /// Sets a property to the current time.
    ///
    /// # Errors
    /// Never in practice.
    pub fn touch(&mut self, name: &str) -> Result<(), HostError> {
        self.set(name, &local_time::now())
    }

    /// Writes the properties.
    ///
    /// # Errors
    /// The old properties are still there.
    pub fn save(&self) -> Result<(), HostError> {
        Ok(self
            .properties
            .save(&self.files.info(), Integrity::Hashed)?)
    }

    /// The type of the key; one without belongs to a time when there was one type.
    pub fn key_type(&self) -> &str {
        self.get("key-type").unwrap_or("CCA-AESDATA")
    }

    /// The type of its volumes; old keys have none, and are for plain dm-crypt.
    pub fn volume_type(&self) -> &str {
        self.get("volume-type").unwrap_or("PLAIN")
    }

    /// Its volumes with their dm-crypt names.
    pub fn volumes(&self) -> Vec<&str> {
        split(self.get("volumes").unwrap_or_default()).collect()
    }

    /// The plugin that the key is bound to.
    pub fn kms(&self) -> Option<&str> {
        self.get("kms")
            .filter(|kms| !kms.eq_ignore_ascii_case("LOCAL"))
    }

    /// Whether the key is bound to a key management system.
    pub fn is_bound(&self) -> bool {
        self.kms().is_some()
    }

    /// Its identifiers at the key management system.
    ///
    /// # Errors
    /// They are missing in the properties of a bound key.
    pub fn kms_ids(&self) -> Result<KmsIds, HostError> {
        let ids = match self.get(KEY_ID) {
            Some(id) => Some(KmsIds::One(id.to_owned())),
            None => self
                .get(XTS_KEY1_ID)
                .zip(self.get(XTS_KEY2_ID))
                .map(|(first, second)| KmsIds::Xts(first.to_owned(), second.to_owned())),
        };
        ids.ok_or_else(|| HostError::NoKeyId {
            key: self.name().to_owned(),
            info: self.files.info(),
        })
    }

    /// Its labels at the key management system.
    pub fn kms_labels(&self) -> Vec<&str> {
        ["kms-key-label", "kms-xts-key1-label", "kms-xts-key2-label"]
            .into_iter()
            .filter_map(|name| self.get(name))
            .collect()
    }

    /// Makes the key a local one.
    ///
    /// # Errors
    /// The properties cannot be written.
    pub fn unbind(&mut self) -> Result<(), HostError> {
        for name in KMS_PROPERTIES {
            self.properties.remove(name);
        }
        self.save()
    }

    /// Changes the APQNs.
    ///
    /// # Errors
    /// They cannot be stored.
    pub fn set_apqns(&mut self, apqns: &[Apqn]) -> Result<(), HostError> {
        self.set("apqns", &join(apqns))
    }
}
