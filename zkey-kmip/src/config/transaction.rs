//! Several files of a directory change together or not at all.
//!
//! New files are written under temporary names (`<name>.new`). A journal, which lists what is to
//! be done, is then renamed into place: that is the commit point. After it the new files get
//! their names and the journal goes. Whoever opens the directory later finishes what a journal
//! says, or, without a journal, removes the new files of a transaction that was not committed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::intent::{is_abandoned, is_intent};
use super::lock::Lock;
use crate::files::{self, Access, FileError};
use crate::properties::{Integrity, Properties, PropertiesError};

const JOURNAL: &str = "transaction.journal";
const NEW_SUFFIX: &str = ".new";
const REPLACE: &str = "replace";
const REMOVE: &str = "remove";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Replace,
    Remove,
}

/// A commit failed.
#[derive(Debug)]
pub(super) enum CommitError {
    /// Before the commit point: nothing was changed.
    NotCommitted(PropertiesError),
    /// After it: all will be changed when the directory is opened again.
    Unfinished(PropertiesError),
}

/// Changes that are not committed yet. Dropping it takes them back.
#[derive(Debug)]
pub(super) struct Transaction {
    directory: PathBuf,
    changes: BTreeMap<String, Change>,
    _lock: Lock,
}

impl Transaction {
    pub(super) fn begin(directory: &Path, lock: Lock) -> Transaction {
        Transaction {
            directory: directory.to_owned(),
            changes: BTreeMap::new(),
            _lock: lock,
        }
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
        self.changes.insert(name.to_owned(), Change::Replace);
        Ok(())
    }

    /// The file `name` shall not be there.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), FileError> {
        if self.changes.insert(name.to_owned(), Change::Remove) == Some(Change::Replace) {
            files::remove_if_present(&staged(&self.directory, name))?;
        }
        Ok(())
    }

    /// Where the content of `name` is, as after the commit; `None` if it will be removed.
    pub(super) fn path_of(&self, name: &str) -> Option<PathBuf> {
        match self.changes.get(name) {
            None => Some(self.directory.join(name)),
            Some(Change::Replace) => Some(staged(&self.directory, name)),
            Some(Change::Remove) => None,
        }
    }

    /// Makes all changes, or none; after the commit point, the rest is done at the latest when
    /// the directory is opened again.
    pub(super) fn commit(mut self) -> Result<(), CommitError> {
        let mut journal = Properties::new();
        for (count, (name, change)) in self.changes.iter().enumerate() {
            let verb = match change {
                Change::Replace => REPLACE,
                Change::Remove => REMOVE,
            };
            journal
                .set(&format!("{verb}-{count}"), name)
                .map_err(CommitError::NotCommitted)?;
        }
        step("before the commit point");
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
        self.changes.clear();
        finish(&self.directory, &journal).map_err(CommitError::Unfinished)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        for name in self.changes.keys() {
            // What cannot be removed now is removed by the next `recover`.
            let _ = fs::remove_file(staged(&self.directory, name));
        }
    }
}

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
    let _lock = match Lock::try_acquire(directory).map_err(failed)? {
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
fn finish(directory: &Path, journal: &Properties) -> Result<(), PropertiesError> {
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

fn staged(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{NEW_SUFFIX}"))
}

/// Tests stop here.
#[cfg(not(test))]
fn step(_name: &str) {}

#[cfg(test)]
use tests::step;

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use super::*;

    thread_local!(static STOPS: Cell<bool> = const { Cell::new(false) });

    const DIRECTORY: &str = "ZKEY_KMIP_TEST_TRANSACTION";

    /// Tells the parent where the child is, and waits for its leave to go on.
    pub(super) fn step(name: &str) {
        if STOPS.get() {
            // Not by `println`, which the test harness catches.
            writeln!(io::stdout(), "\nSTEP {name}").unwrap();
            io::stdin().lock().read_line(&mut String::new()).unwrap();
        }
    }

    fn begin(directory: &Path) -> Transaction {
        let lock = Lock::try_acquire(directory).unwrap().unwrap();
        Transaction::begin(directory, lock)
    }

    fn change(directory: &Path) -> Result<(), CommitError> {
        let mut transaction = begin(directory);
        transaction.replace("a", b"new a", Access::Owner).unwrap();
        transaction.replace("b", b"new b", Access::Owner).unwrap();
        transaction.remove("c").unwrap();
        transaction.replace("d", b"new d", Access::Owner).unwrap();
        transaction.commit()
    }

    /// The child of the test below.
    #[test]
    fn child() {
        if let Some(directory) = std::env::var_os(DIRECTORY) {
            STOPS.set(true);
            change(Path::new(&directory)).unwrap();
        }
    }

    fn prepare() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(directory.path().join(name), format!("old {name}")).unwrap();
        }
        directory
    }

    fn state(directory: &Path) -> Vec<(String, String)> {
        let mut state: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let content = fs::read_to_string(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), content)
            })
            .collect();
        state.sort();
        state
    }

    /// Runs the transaction in a child that is killed at its step number `stop`; returns the name
    /// of that step, or `None` if the child ended before it.
    fn run_child(directory: &Path, stop: usize) -> Option<String> {
        let test = std::env::current_exe().unwrap();
        let runner = std::env::var("KMIP_TEST_RUNNER").unwrap_or_default();
        let mut words = runner.split_whitespace().map(std::ffi::OsString::from);
        let program = words.next();
        let mut command = Command::new(program.as_ref().unwrap_or(&test.clone().into()));
        if program.is_some() {
            command.args(words).arg(&test);
        }
        let mut child = command
            .args([
                "--exact",
                "config::transaction::tests::child",
                "--nocapture",
            ])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut leave = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut stopped_at = None;
        let lines = output.lines().map(Result::unwrap);
        let steps = lines.filter_map(|line| Some(line.strip_prefix("STEP ")?.to_owned()));
        for (count, step) in steps.enumerate() {
            if count == stop {
                child.kill().unwrap();
                stopped_at = Some(step);
                break;
            }
            writeln!(leave).unwrap();
        }
        let status = child.wait().unwrap();
        assert_eq!(status.success(), stopped_at.is_none());
        stopped_at
    }

    #[test]
    fn a_kill_at_any_step_leaves_the_old_or_the_new_state() {
        let old = state(prepare().path());
        let committed = prepare();
        change(committed.path()).unwrap();
        let new = state(committed.path());
        let names: Vec<_> = new.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "d"]);
        let mut is_committed = false;
        for stop in 0.. {
            let directory = prepare();
            let Some(step) = run_child(directory.path(), stop) else {
                assert!(stop > 9, "only {stop} steps");
                break;
            };
            is_committed |= step == "after the commit point";
            recover(directory.path()).unwrap();
            let expected = if is_committed { &new } else { &old };
            assert_eq!(&state(directory.path()), expected, "killed at `{step}`");
        }
        assert!(is_committed);
    }

    #[test]
    fn what_is_not_committed_is_taken_back() {
        let directory = prepare();
        let old = state(directory.path());
        let mut transaction = begin(directory.path());
        transaction.replace("a", b"new", Access::Owner).unwrap();
        transaction.remove("b").unwrap();
        let staged = transaction.path_of("a").unwrap();
        assert_eq!(fs::read(staged).unwrap(), b"new");
        assert_eq!(transaction.path_of("b"), None);
        drop(transaction);
        assert_eq!(state(directory.path()), old);
    }

    #[test]
    fn others_leave_what_is_not_committed_alone() {
        let directory = prepare();
        let mut transaction = begin(directory.path());
        transaction.replace("a", b"new", Access::Owner).unwrap();
        recover(directory.path()).unwrap();
        assert!(Lock::try_acquire(directory.path()).unwrap().is_none());
        transaction.commit().unwrap();
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"new");
        assert!(Lock::try_acquire(directory.path()).unwrap().is_some());
    }

    #[test]
    fn a_failed_commit_leaves_the_old_state() {
        let directory = prepare();
        fs::create_dir(directory.path().join(JOURNAL)).unwrap();
        let failed = change(directory.path());
        assert!(matches!(failed, Err(CommitError::NotCommitted(_))));
        fs::remove_dir(directory.path().join(JOURNAL)).unwrap();
        assert_eq!(state(directory.path()), state(prepare().path()));
    }

    #[test]
    fn a_journal_does_not_reach_out_of_the_directory() {
        let directory = prepare();
        let inside = directory.path().join("inside");
        fs::create_dir(&inside).unwrap();
        for verb in [REMOVE, REPLACE] {
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
        let directory = prepare();
        fs::write(directory.path().join(JOURNAL), "remove-0=a\n").unwrap();
        assert!(recover(directory.path()).is_err());
        assert!(directory.path().join("a").exists());
    }
}
