//! The key repository of zkey: a directory with the files of the keys and `kms.conf`
//! (behaviour reference 1.8).
//!
//! A key is there when its `.info` file is. Every command that adds a key writes that file last,
//! and every command that takes one away removes it first, so that an interrupted command leaves a
//! whole key or none. What else may be left over is a `.skey` file that the next key of the name
//! replaces, and temporary files that the next command removes.

pub mod binding;
pub mod filter;
pub mod key;
pub mod lock;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use self::filter::{KeyFilter, is_pattern};
use self::key::{Key, KeyFiles};
use self::lock::Lock;
use super::association::{AssociationError, Volume};
use super::error::HostError;
use super::terminal::Terminal;
use crate::files::{self, FileError};

/// An open repository. No other process of this program or of zkey changes it meanwhile.
#[derive(Debug)]
pub struct Repository {
    directory: PathBuf,
    _lock: Lock,
}

impl Repository {
    /// Opens the repository `directory` and waits until it is ours.
    ///
    /// # Errors
    /// It is no directory, others can write to it, or it cannot be locked.
    pub fn open(directory: &Path, terminal: &Terminal) -> Result<Self, HostError> {
        let failed = |source| HostError::Repository {
            directory: directory.to_owned(),
            source,
        };
        let metadata = fs::metadata(directory).map_err(failed)?;
        if !metadata.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        if metadata.mode() & 0o002 != 0 {
            return Err(HostError::WritableForOthers {
                directory: directory.to_owned(),
            });
        }
        let lock = Lock::acquire(directory, terminal).map_err(failed)?;
        let repository = Repository {
            directory: directory.to_owned(),
            _lock: lock,
        };
        repository.remove_leftovers(terminal).map_err(failed)?;
        Ok(repository)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The files of the key `name`, whether they are there or not.
    ///
    /// # Errors
    /// No key can have this name.
    pub fn files(&self, name: &str) -> Result<KeyFiles, HostError> {
        KeyFiles::new(&self.directory, name)
    }

    /// The key `name`.
    ///
    /// # Errors
    /// It is not there, or its properties are damaged.
    pub fn key(&self, name: &str) -> Result<Key, HostError> {
        Key::load(self.files(name)?)
    }

    /// The files for a new key.
    ///
    /// # Errors
    /// The name is taken, or none for a key.
    pub fn vacant(&self, name: &str) -> Result<KeyFiles, HostError> {
        let files = self.files(name)?;
        if files.info().exists() {
            return Err(HostError::KeyExists {
                name: name.to_owned(),
            });
        }
        Ok(files)
    }

    /// The names of all keys, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, HostError> {
        let failed = |source| HostError::Repository {
            directory: self.directory.clone(),
            source,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".info"));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                if entry.file_type().map_err(failed)?.is_file() {
                    names.push(name.to_owned());
                }
            }
        }
        names.sort();
        Ok(names)
    }

    /// The keys that pass the filter. One that cannot be read is an error in its place.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn keys(&self, filter: &KeyFilter) -> Result<Vec<Result<Key, HostError>>, HostError> {
        let names = self.names()?.into_iter();
        Ok(names
            .filter(|name| filter.accepts_name(name))
            .map(|name| self.key(&name))
            .filter(|key| key.as_ref().map_or(true, |key| filter.accepts(key)))
            .collect())
    }

    /// As [`Repository::keys`]; a name without wildcards must be that of a key.
    ///
    /// # Errors
    /// There is no key of that name, or the directory cannot be read.
    pub fn named_keys(&self, filter: &KeyFilter) -> Result<Vec<Result<Key, HostError>>, HostError> {
        if let Some(name) = filter.name.as_ref().filter(|name| !is_pattern(name)) {
            if !self.files(name)?.info().exists() {
                return Err(HostError::KeyMissing { name: name.clone() });
            }
        }
        self.keys(filter)
    }

    /// Checks volumes that `owner` is to get: they must be block devices, and no other key may
    /// have them.
    ///
    /// # Errors
    /// One of the volumes does not pass.
    pub fn check_volumes(&self, volumes: &[Volume], owner: &str) -> Result<(), HostError> {
        use std::os::unix::fs::FileTypeExt;
        for volume in volumes {
            let metadata = fs::metadata(volume.device());
            if !metadata.is_ok_and(|metadata| metadata.file_type().is_block_device()) {
                let device = volume.device().to_owned();
                return Err(AssociationError::NoBlockDevice(device).into());
            }
        }
        for key in self.keys(&KeyFilter::default())? {
            // A damaged key has no say here; the commands that use it report it.
            let Ok(key) = key else { continue };
            let taken = key.volumes();
            let taken = volumes
                .iter()
                .find(|volume| taken.iter().any(|other| same_device(other, volume)));
            if let Some(volume) = taken.filter(|_| key.name() != owner) {
                return Err(HostError::Association(AssociationError::TakenBy {
                    volume: volume.device().to_owned(),
                    key: key.name().to_owned(),
                }));
            }
        }
        Ok(())
    }

    /// Makes the configuration directory of a plugin, with the rights of the repository. An empty
    /// one that is left over is as good.
    ///
    /// # Errors
    /// It cannot be made, or there is one that is in use.
    pub fn create_config_directory(&self, path: &Path) -> Result<(), HostError> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut entries =
                    fs::read_dir(path).map_err(|error| FileError::new("read", path, error))?;
                if entries.next().is_some() {
                    return Err(HostError::ConfigDirectoryTaken {
                        directory: path.to_owned(),
                    });
                }
            }
            other => other.map_err(|error| FileError::new("create", path, error))?,
        }
        self.share(path)
            .map_err(|error| FileError::new("set the rights of", path, error).into())
    }

    /// Group and mode of the repository, without rights for the rest of the world. Unlike zkey's,
    /// the directory can be entered by those who may read it.
    fn share(&self, path: &Path) -> io::Result<()> {
        let repository = fs::metadata(&self.directory)?;
        if fs::metadata(path)?.gid() != repository.gid() {
            std::os::unix::fs::chown(path, None, Some(repository.gid()))?;
        }
        let readable = repository.mode() & 0o660;
        let mode = readable | (readable & 0o440) >> 2;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    /// Removes temporary files: nobody else is writing, so they belong to a process that died.
    fn remove_leftovers(&self, terminal: &Terminal) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_temporary(&name.to_string_lossy()) {
                terminal.detail(format_args!(
                    "removing {} of an interrupted command",
                    entry.path().display()
                ));
                // Not ours to remove, perhaps; it does no harm where it is.
                let _ = files::remove_if_present(&entry.path());
            }
        }
        Ok(())
    }
}

fn same_device(one: &str, other: &Volume) -> bool {
    one.split(':').next() == Some(other.device())
}

/// Whether a file is one that [`files::replace`] makes beside its target: `kms.conf.12-3.tmp`.
fn is_temporary(name: &str) -> bool {
    let of_ours = |target: &str| {
        [".skey", ".info", ".renc", ".pass", "kms.conf"]
            .iter()
            .any(|end| target.ends_with(end))
    };
    files::is_temporary(name)
        && name
            .strip_suffix(".tmp")
            .and_then(|name| name.rsplit_once('.'))
            .is_some_and(|(target, _)| of_ours(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_temporary_files_are_left_over() {
        assert!(is_temporary("disk.skey.4711-0.tmp"));
        assert!(is_temporary("kms.conf.1-12.tmp"));
        for other in [
            "disk.skey",
            "disk.tmp",
            "disk.skey.tmp",
            "notes.4711-0.tmp",
            "a.info.x-0.tmp",
        ] {
            assert!(!is_temporary(other), "{other}");
        }
    }
}
