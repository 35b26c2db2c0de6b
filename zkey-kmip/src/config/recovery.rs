//! What an earlier process left unfinished in the directory of a configuration: a journal says what is
//! still to be done; without one, the new files are those of a transaction that was not committed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use super::intent::{is_abandoned, is_intent};
use super::lock::Lock;
use super::transaction::{JOURNAL, NEW_SUFFIX, REMOVE, staged, step};
use crate::files::{self, FileError};
use crate::properties::{Integrity, Properties, PropertiesError};

/// Finishes or takes back what an earlier process left unfinished in `directory`. What belongs to
/// a process that is still at it is left alone; only the short time of a commit is waited for.
pub(super) fn recover(directory: &Path) -> Result<(), PropertiesError> {
    let failed = |source| PropertiesError::Read {
        path: directory.to_owned(),
        source,
    };
    let journal = directory.join(JOURNAL);
    if !has_left_overs(directory)? && !exists(&journal) {
        return Ok(());
    }
    let lock = match Lock::try_acquire(directory) {
        // Who may only read leaves what is left to others. Without a journal, it does not count.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !exists(&journal) => {
            return Ok(());
        }
        lock => lock.map_err(failed)?,
    };
    let _lock = match lock {
        Some(lock) => lock,
        None if exists(&journal) => Lock::wait(directory).map_err(failed)?,
        None => return Ok(()),
    };
    recover_locked(directory)
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The same for whoever has the lock.
pub(super) fn recover_locked(directory: &Path) -> Result<(), PropertiesError> {
    match Properties::load(&directory.join(JOURNAL), Integrity::Hashed) {
        Ok(journal) => {
            demand_plain_names(directory, &journal)?;
            finish(directory, &journal)?;
        }
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    remove_left_overs(directory)
}

/// Who may write to the directory must not be able to have files elsewhere removed or replaced, with
/// the rights of whoever opens the configuration next.
fn demand_plain_names(directory: &Path, journal: &Properties) -> Result<(), PropertiesError> {
    match journal.iter().find(|(_, name)| name.contains('/')) {
        None => Ok(()),
        Some((_, name)) => {
            let text = format!("it names a file outside of the directory: {name:?}");
            Err(PropertiesError::Read {
                path: directory.join(JOURNAL),
                source: io::Error::new(io::ErrorKind::InvalidData, text),
            })
        }
    }
}

/// Does what the journal says; what is done already is skipped.
pub(super) fn finish(directory: &Path, journal: &Properties) -> Result<(), PropertiesError> {
    for (verb, name) in journal.iter() {
        step("change");
        let path = directory.join(name);
        if verb.starts_with(REMOVE) {
            files::remove_if_present(&path)?;
            continue;
        }
        match fs::rename(staged(directory, name), &path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::new("replace", path, cause).into());
            }
            _ => {}
        }
    }
    step("changed");
    files::sync_directory(directory)?;
    step("before the end");
    files::remove_if_present(&directory.join(JOURNAL))?;
    Ok(files::sync_directory(directory)?)
}

fn remove_left_overs(directory: &Path) -> Result<(), PropertiesError> {
    for name in left_overs(directory)? {
        files::remove_if_present(&directory.join(name))?;
    }
    Ok(())
}

fn has_left_overs(directory: &Path) -> Result<bool, PropertiesError> {
    Ok(!left_overs(directory)?.is_empty())
}

fn left_overs(directory: &Path) -> Result<Vec<OsString>, PropertiesError> {
    let failed = |cause| FileError::new("read directory", directory, cause);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        // Those of intents are written without the lock of the directory.
        let is_in_use = || is_intent(&name) && !is_abandoned(&directory.join(&name));
        if is_left_over(&name.to_string_lossy()) && !is_in_use() {
            names.push(name);
        }
    }
    Ok(names)
}

fn is_left_over(name: &str) -> bool {
    name.ends_with(NEW_SUFFIX) || files::is_temporary(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_does_not_reach_out_of_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), "old a").unwrap();
        let inside = directory.path().join("inside");
        fs::create_dir(&inside).unwrap();
        for verb in [REMOVE, "replace"] {
            for name in ["../a", directory.path().join("a").to_str().unwrap()] {
                let mut journal = Properties::new();
                journal.set(&format!("{verb}-0"), name).unwrap();
                let path = inside.join(JOURNAL);
                journal.save(&path, Integrity::Hashed).unwrap();
                assert!(recover(&inside).is_err(), "{verb} {name}");
                assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"old a");
            }
        }
    }

    #[test]
    fn a_damaged_journal_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), "old a").unwrap();
        fs::write(directory.path().join(JOURNAL), "remove-0=a\n").unwrap();
        assert!(recover(directory.path()).is_err());
        assert!(directory.path().join("a").exists());
    }
}
