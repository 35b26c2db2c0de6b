//! Transactions that are killed, interfered with, or fail.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Write};
use std::process::Stdio;

use super::super::recovery::recover;
use super::*;

thread_local!(static STOPS: Cell<bool> = const { Cell::new(false) });

const DIRECTORY: &str = "ZKEY_KMIP_TEST_TRANSACTION";

/// Tells the parent where the child is, and waits for its leave to go on.
pub(in super::super) fn step(name: &str) {
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

#[test]
fn new_files_are_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let mut transaction = begin(directory.path());
    let content = b"token";
    transaction
        .replace("key", content, Access::AsDirectory)
        .unwrap();
    let shown = format!("{transaction:?}");
    assert!(shown.contains("5 bytes") && !shown.contains(&format!("{content:?}")));
    assert!(
        !shown.contains(&format!("{:?}", content.to_vec())),
        "{shown}"
    );
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
    let mut child = test_support::command(std::env::current_exe().unwrap())
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

/// Another machine, which does not see the lock, takes the new files for left over.
#[test]
fn new_files_that_are_gone_or_changed_are_not_committed() {
    let spoil: [fn(&Path); 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, "of another process").unwrap(),
        |path| fs::write(path, "").unwrap(),
    ];
    for spoil in spoil {
        let directory = prepare();
        let mut transaction = begin(directory.path());
        transaction.replace("a", b"new a", Access::Owner).unwrap();
        transaction.replace("b", b"new b", Access::Owner).unwrap();
        spoil(&directory.path().join("b.new"));
        let failed = transaction.commit();
        assert!(matches!(failed, Err(CommitError::Interfered)));
        recover(directory.path()).unwrap();
        assert_eq!(state(directory.path()), state(prepare().path()));
    }
}

/// It may happen in the moment of the commit.
#[test]
fn what_is_committed_is_done_whatever_becomes_of_the_new_files() {
    let directory = prepare();
    let mut changes = BTreeMap::new();
    for name in ["a", "b", "d"] {
        let content = format!("new {name}").into_bytes();
        let access = Access::Owner;
        changes.insert(name.to_owned(), Change::Replace { content, access });
    }
    fs::write(directory.path().join("a.new"), "new a").unwrap();
    // Another process has finished this one.
    fs::write(directory.path().join("d"), "new d").unwrap();
    restage(directory.path(), changes).unwrap();
    let found = state(directory.path());
    let found: Vec<_> = found
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    let expected = [
        ("a", "old a"),
        ("a.new", "new a"),
        ("b", "old b"),
        ("b.new", "new b"),
        ("c", "old c"),
        ("d", "new d"),
    ];
    assert_eq!(found, expected);
}

/// Without locks, another one may have committed meanwhile.
#[test]
fn a_commit_does_not_undo_another_one() {
    for (before, after) in [(Some("one"), "two"), (None, "one")] {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("a");
        if let Some(before) = before {
            fs::write(&base, before).unwrap();
        }
        let mut transaction = begin(directory.path());
        transaction.depend_on("a");
        transaction.replace("a", b"new", Access::Owner).unwrap();
        fs::write(&base, after).unwrap();
        let result = transaction.commit();
        assert!(matches!(result, Err(CommitError::Interfered)), "{result:?}");
        assert_eq!(
            state(directory.path()),
            [("a".to_owned(), after.to_owned())]
        );
    }
}

#[test]
fn a_pipe_in_place_of_a_new_file_is_not_waited_for() {
    let directory = prepare();
    let mut transaction = begin(directory.path());
    transaction.replace("a", b"new", Access::Owner).unwrap();
    let staged = transaction.path_of("a").unwrap();
    fs::remove_file(&staged).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &staged, rustix::fs::Mode::RWXU).unwrap();
    let result = transaction.commit();
    assert!(matches!(result, Err(CommitError::Interfered)), "{result:?}");
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"old a");
}
