//! What a process is about to make at the KMIP server, for the next one if it does not get to its end.
//!
//! Before an object is made, a file beside `kmip.conf` says by which marker it can be recognised. The
//! file goes when the object is in use, or was destroyed again; that of a key says before anybody gets to
//! use it that it was given away. Its maker holds a lock on it, so a file without a lock is that of a
//! process which was killed or lost the connection.
//! Where the file system has no locks, the process that is named in the file is looked for.
//! It counts only on the machine and in the directory that it was written for: a copy, such as one out
//! of a backup, says nothing about what the original has done since.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::transaction::JOURNAL;
use super::{Config, ConfigError, owner};
use crate::files::{self, Access, FileError};
use crate::flock::{Attempt, attempt};
use crate::properties::{Integrity, Properties, PropertiesError};

const PREFIX: &str = "intent-";

const MARKER: &str = "marker";
const SERVER: &str = "kmip-server";
const OBJECT: &str = "object";
const PUBLIC_KEY: &str = "public-key";
const FORMER: &str = "former-wrapping-key-id";
const WRAPPING_KEY: &str = "wrapping-key";
const KEY: &str = "key";
const GIVEN: &str = "given-key";
const KEY_ID: &str = "key-id";
const PLACE: &str = "place";
const OWNER: &str = "owner";

/// Bytes of a marker, which has two digits for each.
const MARKER_BYTES: usize = 16;

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
    /// A key that nobody has got.
    Key,
    /// A key that the host has got, which may be in use.
    Given {
        /// Its identifier.
        id: String,
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
        let mut random = [0; MARKER_BYTES];
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
            Intended::Key => values.set(OBJECT, KEY)?,
            Intended::Given { id } => {
                values.set(OBJECT, GIVEN)?;
                values.set(KEY_ID, id)?;
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
        // A shorter one could be found in what others have made.
        let marker = text(MARKER).filter(|marker| is_marker(marker))?;
        let object = match values.get(OBJECT)? {
            KEY => Intended::Key,
            GIVEN => Intended::Given { id: text(KEY_ID)? },
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
        let Intent { server, marker, .. } = self;
        let object = match &self.object {
            Intended::WrappingKey { .. } => "wrapping key",
            Intended::Key => "key",
            Intended::Given { id } => {
                return write!(
                    f,
                    "key {id} at {server} was given to zkey, but was not found in a key of this repository: \
                     take it with 'zkey kms import', or destroy it at the server if nothing uses it, as with \
                     half of a pair for XTS, which cannot be imported"
                );
            }
        };
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

    /// The host gets the key with this identifier: from now on only the host knows whether it is in use.
    ///
    /// # Errors
    /// It cannot be written down: the host must not get the key.
    pub fn give(&mut self, id: &str) -> Result<(), ConfigError> {
        self.become_object(Intended::Given { id: id.to_owned() })
    }

    /// The key that the host has got is not in use, and is to be destroyed.
    ///
    /// # Errors
    /// It cannot be written down; the next process does not destroy the key.
    pub fn take_back(&mut self) -> Result<(), ConfigError> {
        self.become_object(Intended::Key)
    }

    fn become_object(&mut self, object: Intended) -> Result<(), ConfigError> {
        let intent = Intent {
            object,
            ..self.intent.clone()
        };
        self.lock = write(&intent, &self.path)?;
        self.intent = intent;
        Ok(())
    }

    /// There is nothing left to do.
    ///
    /// # Errors
    /// The file cannot be removed: the next process will destroy the object, so nobody may get to use it.
    pub fn withdraw(self) -> Result<(), ConfigError> {
        files::remove_if_present(&self.path)?;
        Ok(files::sync_directory(files::parent(&self.path))?)
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
        let lock = write(&intent, &path)?;
        Ok(HeldIntent { intent, path, lock })
    }

    /// What processes that are gone did not get done. They are this process's now. Files that cannot
    /// be read are left alone, and all of them while a change of the configuration is to be finished.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn left_intents(&self) -> Result<Vec<HeldIntent>, ConfigError> {
        let failed = |cause| FileError::new("read directory", &self.directory, cause);
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name_text = name.to_string_lossy();
            if name_text.strip_prefix(PREFIX).is_some_and(is_marker) {
                left.extend(take_over(&self.directory.join(name)));
            }
        }
        // What is configured is still to be finished: nobody can tell yet what is left. Looked for
        // after the locks, since whoever held them may have got this far before.
        if fs::symlink_metadata(self.directory.join(JOURNAL)).is_ok() {
            left.clear();
        }
        Ok(left)
    }
}

/// Writes the file, or replaces it; returns it locked.
fn write(intent: &Intent, path: &Path) -> Result<File, ConfigError> {
    let mut values = intent.to_properties()?;
    values.set(PLACE, &place(files::parent(path)))?;
    values.set(OWNER, &owner::this_process())?;
    let content = values.to_bytes(Integrity::Hashed);
    Ok(files::put_held(path, &content, Access::AsDirectoryKey)?)
}

fn is_marker(text: &str) -> bool {
    text.len() == 2 * MARKER_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a file is that of an intent, finished or not.
pub(super) fn is_intent(name: &OsStr) -> bool {
    name.as_bytes().starts_with(PREFIX.as_bytes())
}

/// Whether no process is at work on the file of an intent.
pub(super) fn is_abandoned(path: &Path) -> bool {
    lock_abandoned(path).is_ok()
}

/// This directory of this machine.
fn place(directory: &Path) -> String {
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let directory = directory.canonicalize();
    let directory = directory.unwrap_or_default();
    format!("{}:{}", machine.trim(), directory.display()).replace('\n', " ")
}

fn take_over(path: &Path) -> Option<HeldIntent> {
    let lock = lock_abandoned(path).ok()?;
    let values = Properties::load(path, Integrity::Hashed).ok()?;
    let intent = Intent::from_properties(&values)?;
    let is_own = values.get(PLACE) == Some(&*place(files::parent(path)))
        && path.file_name()?.to_str()? == format!("{PREFIX}{}", intent.marker);
    is_own.then(|| HeldIntent {
        intent,
        path: path.to_owned(),
        lock,
    })
}

fn lock_abandoned(path: &Path) -> io::Result<File> {
    // Some file systems lock only what may be written.
    let file = File::options().read(true).write(true).open(path)?;
    let is_locked = match attempt(&file, FlockOperation::NonBlockingLockExclusive)? {
        Attempt::Locked => true,
        Attempt::Busy => false,
        // One that is not complete has no owner yet.
        Attempt::NoLocks => Properties::load(path, Integrity::Hashed)
            .is_ok_and(|values| !owner::may_live(values.get(OWNER).unwrap_or_default())),
    };
    if !is_locked {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    // Between opening and locking, its owner may have withdrawn it.
    if fs::symlink_metadata(path)?.ino() == file.metadata()?.ino() {
        Ok(file)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests;
