//! Group commit: transactions that come while others are at work become permanent together, with one
//! write to the disk.
//!
//! There is one connection that writes, and whoever has its lock works alone. Each transaction is a
//! savepoint within one of SQLite. When it is done and others wait for the lock, it leaves the commit
//! to them, and waits for its outcome; who finds nobody waiting commits for all, after a moment if more were
//! in the group before.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

use super::super::StoreError;

/// More transactions do not wait for each other.
pub(super) const MOST: usize = 128;
/// How long a group waits for somebody to come that is smaller than the one before. Those who were in that
/// come again soon, and a write to the disk takes longer.
pub(super) const GATHERING: Duration = Duration::from_micros(200);

/// How long who is next stays awake. Few transactions take longer.
const AWAKE: Duration = Duration::from_micros(200);

/// The connection that writes.
pub(super) struct Writer {
    state: Mutex<State>,
    /// Of whoever takes the lock next. It stays awake for that, so that the connection does not lie idle
    /// until it is.
    next: Mutex<()>,
    /// How many are about to take the lock.
    waiting: AtomicUsize,
}

struct State {
    connection: Connection,
    group: Option<Arc<Group>>,
    /// How many transactions of the group have changed something.
    changes: usize,
    /// How many of the group before have.
    changes_before: usize,
}

/// What all transactions of a group are told.
type Outcome = Result<(), Arc<rusqlite::Error>>;

/// Transactions that become permanent together.
#[derive(Default)]
struct Group {
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

impl Group {
    fn end(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.ended.notify_all();
    }

    fn wait(&self) -> Result<(), StoreError> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = &*outcome {
                return outcome.clone().map_err(StoreError::Group);
            }
            let woken = self.ended.wait(outcome);
            outcome = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Writer {
            state: Mutex::new(State {
                connection,
                group: None,
                changes: 0,
                changes_before: 0,
            }),
            next: Mutex::new(()),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Begins a transaction when all earlier ones are done, though not yet permanent.
    pub(super) fn begin(&self) -> Result<Part<'_>, StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let state = self.lock();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        // From here on, dropping the part leaves everything in order.
        let mut part = Part {
            writer: self,
            state: Some(state),
            changed: false,
            undone: Cell::new(None),
        };
        let state = part.state()?;
        if state.group.is_none() {
            // In case that it has failed before.
            state.roll_back();
            run(&state.connection, "BEGIN IMMEDIATE")?;
            state.group = Some(Arc::default());
            state.changes = 0;
        }
        run(&state.connection, "SAVEPOINT part")?;
        Ok(part)
    }

    /// The lock, when all who came before have had it.
    fn lock(&self) -> MutexGuard<'_, State> {
        let _next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        while begun.elapsed() < AWAKE {
            match self.state.try_lock() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => thread::yield_now(),
            }
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody waits for the lock who can go on with the group.
    fn is_awaited(&self, state: &State) -> bool {
        let is_awaited = || self.waiting.load(Ordering::SeqCst) > 0;
        let grows = (1..state.changes_before).contains(&state.changes);
        let begun = grows.then(Instant::now);
        while !is_awaited() {
            match begun {
                Some(begun) if begun.elapsed() < GATHERING => thread::yield_now(),
                _ => return false,
            }
        }
        true
    }
}

/// A transaction of a group. Dropped before [`keep`](Self::keep), it changes nothing.
pub(super) struct Part<'w> {
    writer: &'w Writer,
    state: Option<MutexGuard<'w, State>>,
    changed: bool,
    /// Why SQLite has rolled back the whole group, if it has during this transaction.
    undone: Cell<Option<ffi::Error>>,
}

impl<'w> Part<'w> {
    /// Reads with the connection, unless the group has been rolled back: whatever is done then would be no part
    /// of it.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let state = self.state.as_ref().ok_or_else(ended)?;
        if let Some(cause) = self.undone.get() {
            return Err(rusqlite::Error::SqliteFailure(cause, None).into());
        }
        let done = work(&state.connection);
        if let Err(StoreError::Database(error)) = &done {
            // A statement that finds no room may roll back everything, not only itself.
            if state.connection.is_autocommit() {
                self.undone.set(error.sqlite_error().copied());
            }
        }
        done
    }

    /// Changes something with the connection.
    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.changed = true;
        self.read(work)
    }

    /// Makes the changes permanent, at the latest together with those of the group.
    pub(super) fn keep(mut self) -> Result<(), StoreError> {
        match self.end(&["RELEASE part"]) {
            // What was read may not be permanent yet, so that reading waits as well.
            Some(group) => group.wait(),
            None => Ok(()),
        }
    }

    fn state(&mut self) -> Result<&mut MutexGuard<'w, State>, StoreError> {
        self.state.as_mut().ok_or_else(ended)
    }

    /// Ends the savepoint with these statements, and the group if nobody else can. Gives back the group to
    /// wait for.
    fn end(&mut self, how: &[&str]) -> Option<Arc<Group>> {
        let mut guard = self.state.take()?;
        let state = &mut *guard;
        let group = state.group.clone()?;
        let released = how.iter().try_for_each(|sql| run(&state.connection, sql));
        state.changes += usize::from(self.changed);
        let lost = match (released, self.undone.take()) {
            (_, Some(cause)) => Some(rusqlite::Error::SqliteFailure(cause, None)),
            (Err(error), None) => Some(error),
            (Ok(()), None) if state.connection.is_autocommit() => Some(failure(
                ffi::SQLITE_ABORT_ROLLBACK,
                "the database has rolled back",
            )),
            (Ok(()), None) => None,
        };
        let is_lost = lost.is_some();
        let outcome = if let Some(error) = lost {
            Some(Err(Arc::new(error)))
        } else if state.changes >= MOST || !self.writer.is_awaited(state) {
            let committed = run(&state.connection, "COMMIT");
            Some(committed.map_err(Arc::new))
        } else {
            None
        };
        // Who has seen nothing but what is permanent need not wait.
        let waits = is_lost || state.changes > 0;
        if let Some(outcome) = outcome {
            if outcome.is_err() {
                state.roll_back();
            }
            state.group = None;
            state.changes_before = state.changes;
            // The next group can begin while the members of this one are woken.
            drop(guard);
            group.end(outcome);
        }
        waits.then_some(group)
    }
}

impl State {
    /// Nothing of the group has happened.
    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // If this fails, it is tried again before the next BEGIN, which reports it.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// A statement that is needed again and again.
fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        self.changed = false;
        self.end(&["ROLLBACK TO part", "RELEASE part"]);
    }
}

/// The error of whoever goes on after the end.
pub(super) fn ended() -> StoreError {
    failure(ffi::SQLITE_MISUSE, "the transaction has ended").into()
}

/// An error that several are told.
pub(super) fn shared(error: StoreError) -> Arc<rusqlite::Error> {
    match error {
        StoreError::Database(error) => Arc::new(error),
        StoreError::Group(error) => error,
        other => Arc::new(failure(ffi::SQLITE_ERROR, &other.to_string())),
    }
}

fn failure(code: i32, text: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transaction that is done, and waits for another that does this.
    fn ended_by(writer: &Writer, sql: &str) -> (StoreError, StoreError) {
        let mut first = writer.begin().unwrap();
        first
            .change(|connection| Ok(connection.execute_batch("INSERT INTO parent VALUES (1)")?))
            .unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                let mut part = writer.begin()?;
                let changed = part.change(|connection| Ok(connection.execute_batch(sql)?));
                if changed.is_err() {
                    let again =
                        part.change(|_| -> Result<(), _> { panic!("outside of the group") });
                    assert!(again.is_err());
                    return changed;
                }
                part.keep()
            });
            while writer.waiting.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            let first = first.keep().unwrap_err();
            (first, second.join().unwrap().unwrap_err())
        })
    }

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        let schema = "PRAGMA foreign_keys = ON;
            CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED, content BLOB)";
        connection.execute_batch(schema).unwrap();
        Writer::new(connection)
    }

    #[test]
    fn a_commit_that_fails_is_told_to_all_as_what_it_is() {
        let (first, second) = ended_by(&writer(), "INSERT INTO child VALUES (7, NULL)");
        for error in [first, second] {
            let StoreError::Group(cause) = &error else {
                panic!("{error:?}");
            };
            let cause = cause.sqlite_error().unwrap();
            assert_eq!(cause.extended_code, ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
            assert!(!error.told().to_string().contains("disk is full"));
        }
    }

    #[test]
    fn a_full_disk_in_one_transaction_is_told_to_all_whose_changes_it_takes() {
        let writer = writer();
        let few = "PRAGMA max_page_count = 10";
        let limited = |connection: &Connection| connection.query_row(few, [], |_| Ok(()));
        limited(&writer.lock().connection).unwrap();
        let (first, second) = ended_by(
            &writer,
            "INSERT INTO child VALUES (NULL, randomblob(1000000))",
        );
        assert!(matches!(first, StoreError::Group(_)), "{first:?}");
        for error in [first, second] {
            assert!(
                error.told().to_string().contains("disk is full"),
                "{error:?}"
            );
        }
        // The next group is not concerned.
        let mut next = writer.begin().unwrap();
        next.change(|connection| Ok(connection.execute_batch("INSERT INTO parent VALUES (1)")?))
            .unwrap();
        next.keep().unwrap();
    }
}
