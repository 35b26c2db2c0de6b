//! What a process is about to make at the KMIP server, for the next one if it does not get to its end.
//!
//! Before an object is made, a file beside `kmip.conf` says by which marker it can be recognised. The
//! file goes when the object has its place in the configuration or in the repository, or when it was
//! destroyed again. Its maker holds a lock on it, so a file without a lock is that of a process which
//! was killed or lost the connection.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{Config, ConfigError};
use crate::files::{self, Access, FileError};
use crate::properties::{Integrity, Properties, PropertiesError};

const PREFIX: &str = "intent-";

const MARKER: &str = "marker";
const SERVER: &str = "kmip-server";
const OBJECT: &str = "object";
const PUBLIC_KEY: &str = "public-key";
const FORMER: &str = "former-wrapping-key-id";
const WRAPPING_KEY: &str = "wrapping-key";
const KEY: &str = "key";
const KEY_OF_REPOSITORY: &str = "key-of-repository";
const ID: &str = "id";

/// What is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intended {
    /// A wrapping key.
    WrappingKey {
        /// SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
        public_key: String,
        /// The wrapping key that it replaces at the same server, which is to be revoked then.
        former: Option<String>,
    },
    /// A key.
    Key {
        /// It is for a repository, where it can be seen whether the key is in use.
        for_repository: bool,
        /// Its identifier, once the repository may refer to it.
        id: Option<String>,
    },
}

/// An object that is about to be made at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The server as the user gave it.
    pub server: String,
    /// A random text that the object bears.
    pub marker: String,
    /// What it is.
    pub object: Intended,
}

impl Intent {
    /// An intent with a new marker.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn new(server: &str, object: Intended) -> Result<Intent, openssl::error::ErrorStack> {
        let mut random = [0; 16];
        openssl::rand::rand_bytes(&mut random)?;
        Ok(Intent {
            server: server.to_owned(),
            marker: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            object,
        })
    }

    fn to_properties(&self) -> Result<Properties, PropertiesError> {
        let mut values = Properties::new();
        values.set(SERVER, &self.server)?;
        values.set(MARKER, &self.marker)?;
        match &self.object {
            Intended::Key { for_repository, id } => {
                let kind = if *for_repository {
                    KEY_OF_REPOSITORY
                } else {
                    KEY
                };
                values.set(OBJECT, kind)?;
                if let Some(id) = id {
                    values.set(ID, id)?;
                }
            }
            Intended::WrappingKey { public_key, former } => {
                values.set(OBJECT, WRAPPING_KEY)?;
                values.set(PUBLIC_KEY, public_key)?;
                if let Some(former) = former {
                    values.set(FORMER, former)?;
                }
            }
        }
        Ok(values)
    }

    /// `None` for one of a later version.
    fn from_properties(values: &Properties) -> Option<Intent> {
        let text = |key| values.get(key).map(str::to_owned);
        // An empty marker would be found in anything.
        let marker = text(MARKER).filter(|marker| marker.len() >= 16)?;
        let object = match values.get(OBJECT)? {
            kind @ (KEY | KEY_OF_REPOSITORY) => Intended::Key {
                for_repository: kind == KEY_OF_REPOSITORY,
                id: text(ID),
            },
            WRAPPING_KEY => Intended::WrappingKey {
                public_key: text(PUBLIC_KEY)?,
                former: text(FORMER),
            },
            _ => return None,
        };
        Some(Intent {
            server: text(SERVER)?,
            marker,
            object,
        })
    }
}

/// For people: what may be where.
impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = match &self.object {
            Intended::WrappingKey { .. } => "wrapping key",
            Intended::Key { .. } => "key",
        };
        let Intent { server, marker, .. } = self;
        write!(f, "a {object} with marker {marker} may be left at {server}")
    }
}

/// An intent that is this process's own: others leave it alone until it is dropped.
#[derive(Debug)]
pub struct HeldIntent {
    intent: Intent,
    path: PathBuf,
    lock: File,
}

impl HeldIntent {
    /// What it says.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// From now on, the repository may refer to the key with this identifier.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn hand_over(&mut self, key_id: &str) -> Result<(), ConfigError> {
        if let Intended::Key { id, .. } = &mut self.intent.object {
            *id = Some(key_id.to_owned());
            self.lock = write(&self.path, &self.intent)?;
        }
        Ok(())
    }

    /// There is nothing left to do. If the file cannot be removed, the next process finds that out.
    pub fn withdraw(self) {
        let removed = files::remove_if_present(&self.path);
        let _ = removed.and_then(|()| files::sync_directory(files::parent(&self.path)));
    }
}

impl Drop for HeldIntent {
    fn drop(&mut self) {
        // A process that is being started has a copy of the descriptor for a moment.
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

impl Config {
    /// Writes down what is about to be made.
    ///
    /// # Errors
    /// It cannot be written; the object must not be made then.
    pub fn intend(&self, intent: Intent) -> Result<HeldIntent, ConfigError> {
        let path = self.directory.join(format!("{PREFIX}{}", intent.marker));
        let lock = write(&path, &intent)?;
        Ok(HeldIntent { intent, path, lock })
    }

    /// What processes that are gone did not get done. They are this process's now. Files that cannot
    /// be read are left alone.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn left_intents(&self) -> Result<Vec<HeldIntent>, ConfigError> {
        let failed = |cause| FileError::new("read directory", &self.directory, cause);
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if is_intent(&name.to_string_lossy()) {
                left.extend(take_over(&self.directory.join(name)));
            }
        }
        Ok(left)
    }
}

fn write(path: &Path, intent: &Intent) -> Result<File, ConfigError> {
    let content = intent.to_properties()?.to_bytes(Integrity::Hashed);
    Ok(files::put_held(path, &content, Access::AsDirectoryKey)?)
}

fn is_intent(name: &str) -> bool {
    let marker = name.strip_prefix(PREFIX);
    marker.is_some_and(|marker| marker.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn take_over(path: &Path) -> Option<HeldIntent> {
    let lock = lock_abandoned(path).ok()?;
    let values = Properties::load(path, Integrity::Hashed).ok()?;
    Some(HeldIntent {
        intent: Intent::from_properties(&values)?,
        path: path.to_owned(),
        lock,
    })
}

fn lock_abandoned(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    // Between opening and locking, its owner may have withdrawn it.
    if fs::symlink_metadata(path)?.ino() == file.metadata()?.ino() {
        Ok(file)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_seen_when_its_owner_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::open(directory.path()).unwrap();
        for object in [
            Intended::Key {
                for_repository: true,
                id: None,
            },
            Intended::WrappingKey {
                public_key: "00ff".to_owned(),
                former: Some("id-1".to_owned()),
            },
        ] {
            let intent = Intent::new("host:1", object).unwrap();
            let mut held = config.intend(intent).unwrap();
            assert!(config.left_intents().unwrap().is_empty(), "its owner lives");
            held.hand_over("id-2").unwrap();
            assert!(config.left_intents().unwrap().is_empty(), "still");
            let expected = held.intent().clone();
            drop(held);
            let mut left = config.left_intents().unwrap();
            assert_eq!(left[0].intent(), &expected);
            assert!(config.left_intents().unwrap().is_empty(), "taken over");
            left.remove(0).withdraw();
            assert!(config.left_intents().unwrap().is_empty());
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::open(directory.path()).unwrap();
        let path = directory.path().join("intent-00");
        for content in [
            "",
            "marker=\nkmip-server=x\nobject=key\n",
            "marker=0123456789abcdef\nkmip-server=x\nobject=other\n",
            "marker=0123456789abcdef\nobject=key\n",
        ] {
            let values = Properties::parse(content.as_bytes(), &path, Integrity::Plain).unwrap();
            for integrity in [Integrity::Plain, Integrity::Hashed] {
                values.save(&path, integrity).unwrap();
                assert!(config.left_intents().unwrap().is_empty(), "{content}");
                assert!(path.exists());
            }
        }
    }
}
