//! Several files of a directory change together or not at all.
//!
//! New files are written under temporary names (`<name>.new`). A journal, which lists what is to
//! be done, is then renamed into place: that is the commit point. After it the new files get
//! their names and the journal goes. Whoever opens the directory later finishes or takes back what is
//! left ([`super::recovery`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use super::lock::Lock;
use super::recovery;
use crate::files::{self, Access, FileError};
use crate::properties::{Integrity, Properties, PropertiesError};

pub(super) const JOURNAL: &str = "transaction.journal";
pub(super) const NEW_SUFFIX: &str = ".new";
const REPLACE: &str = "replace";
pub(super) const REMOVE: &str = "remove";

#[derive(Clone, PartialEq, Eq)]
enum Change {
    Replace { content: Vec<u8>, access: Access },
    Remove,
}

/// The content may be a secure key, which is nobody's business.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Replace { content, .. } => write!(f, "Replace({} bytes)", content.len()),
            Change::Remove => f.write_str("Remove"),
        }
    }
}

/// A commit failed.
#[derive(Debug)]
pub(super) enum CommitError {
    /// Before the commit point: nothing was changed.
    NotCommitted(PropertiesError),
    /// The same: somebody else changed the new files or what the change began with, so there is no
    /// lock that keeps others out.
    Interfered,
    /// After it: all will be changed when the directory is opened again.
    Unfinished(PropertiesError),
}

/// Changes that are not committed yet. Dropping it takes them back.
#[derive(Debug)]
pub(super) struct Transaction {
    directory: PathBuf,
    changes: BTreeMap<String, Change>,
    /// A file that the changes depend on, and its content, if there was one.
    base: Option<(String, Option<Vec<u8>>)>,
    _lock: Lock,
}

impl Transaction {
    pub(super) fn begin(directory: &Path, lock: Lock) -> Transaction {
        Transaction {
            directory: directory.to_owned(),
            changes: BTreeMap::new(),
            base: None,
            _lock: lock,
        }
    }

    /// The changes depend on the file `name` as it is now: nothing is committed if it is another one
    /// then, which would be undone.
    pub(super) fn depend_on(&mut self, name: &str) {
        let content = files::read_regular(&self.directory.join(name)).ok();
        self.base = Some((name.to_owned(), content));
    }

    /// The file `name` shall have this content.
    pub(super) fn replace(
        &mut self,
        name: &str,
        content: &[u8],
        access: Access,
    ) -> Result<(), FileError> {
        step("stage");
        files::replace(&staged(&self.directory, name), content, access)?;
        let content = content.to_vec();
        let change = Change::Replace { content, access };
        self.changes.insert(name.to_owned(), change);
        Ok(())
    }

    /// The file `name` shall not be there.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), FileError> {
        let former = self.changes.insert(name.to_owned(), Change::Remove);
        if matches!(former, Some(Change::Replace { .. })) {
            files::remove_if_present(&staged(&self.directory, name))?;
        }
        Ok(())
    }

    /// Where the content of `name` is, as after the commit; `None` if it will be removed.
    pub(super) fn path_of(&self, name: &str) -> Option<PathBuf> {
        match self.changes.get(name) {
            None => Some(self.directory.join(name)),
            Some(Change::Replace { .. }) => Some(staged(&self.directory, name)),
            Some(Change::Remove) => None,
        }
    }

    /// Makes all changes, or none; after the commit point, the rest is done at the latest when
    /// the directory is opened again.
    pub(super) fn commit(mut self) -> Result<(), CommitError> {
        let mut journal = Properties::new();
        for (count, (name, change)) in self.changes.iter().enumerate() {
            let verb = match change {
                Change::Replace { .. } => REPLACE,
                Change::Remove => REMOVE,
            };
            journal
                .set(&format!("{verb}-{count}"), name)
                .map_err(CommitError::NotCommitted)?;
        }
        step("before the commit point");
        let lost = self.lost();
        if !lost.is_empty() {
            // They are somebody else's now.
            self.changes.retain(|name, _| !lost.contains(name));
            return Err(CommitError::Interfered);
        }
        if let Some((name, content)) = &self.base {
            let present = files::read_regular(&self.directory.join(name)).ok();
            if present != *content {
                return Err(CommitError::Interfered);
            }
        }
        let path = self.directory.join(JOURNAL);
        if let Err(error) = journal.save(&path, Integrity::Hashed) {
            // It may be in place and only not be flushed. Without it nothing was committed; with
            // it, the staged files are still needed.
            if files::remove_if_present(&path).is_err() && path.is_file() {
                self.changes.clear();
                return Err(CommitError::Unfinished(error));
            }
            return Err(CommitError::NotCommitted(error));
        }
        step("after the commit point");
        // From here on the staged files belong to the journal.
        let changes = std::mem::take(&mut self.changes);
        restage(&self.directory, changes)
            .map_err(PropertiesError::from)
            .and_then(|()| recovery::finish(&self.directory, &journal))
            .map_err(CommitError::Unfinished)
    }

    /// New files that are not as they were written. Where locks hold for one machine only, a process
    /// of another one may have taken them for left over.
    fn lost(&self) -> Vec<String> {
        let is_lost = |name: &str, content: &[u8]| !holds(&staged(&self.directory, name), content);
        let mut lost = Vec::new();
        for (name, change) in &self.changes {
            match change {
                Change::Replace { content, .. } if is_lost(name, content) => {
                    lost.push(name.clone());
                }
                _ => {}
            }
        }
        lost
    }
}

/// Writes those of the new files again that have gone just before the commit point, and did not get
/// their names either.
fn restage(directory: &Path, changes: BTreeMap<String, Change>) -> Result<(), FileError> {
    for (name, change) in changes {
        if let Change::Replace { content, access } = change {
            let staged = staged(directory, &name);
            if !holds(&staged, &content) && !holds(&directory.join(&name), &content) {
                files::replace(&staged, &content, access)?;
            }
        }
    }
    Ok(())
}

fn holds(path: &Path, content: &[u8]) -> bool {
    files::read_regular(path).is_ok_and(|found| found == content)
}

impl Drop for Transaction {
    fn drop(&mut self) {
        for name in self.changes.keys() {
            // What cannot be removed now is removed by the next `recover`.
            let _ = fs::remove_file(staged(&self.directory, name));
        }
    }
}

/// Where the new content of a file waits.
pub(super) fn staged(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{NEW_SUFFIX}"))
}

/// Tests stop here.
#[cfg(not(test))]
pub(super) fn step(_name: &str) {}

#[cfg(test)]
pub(super) use tests::step;

#[cfg(test)]
mod tests;
