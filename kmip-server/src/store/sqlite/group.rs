//! Group commit: transactions that come while others are at work become permanent together, with one
//! write to the disk.
//!
//! There is one connection that writes, and whoever has its lock works alone. Each transaction is a
//! savepoint within one of SQLite. When it is done and others wait for the lock, it leaves the commit
//! to them, and waits for its outcome; who finds nobody waiting commits for all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::super::StoreError;

/// More transactions do not wait for each other.
const MOST: usize = 128;

/// The connection that writes.
pub(super) struct Writer {
    state: Mutex<State>,
    /// How many are about to take the lock.
    waiting: AtomicUsize,
}

struct State {
    connection: Connection,
    group: Option<Arc<Group>>,
    /// How many transactions of the group have changed something.
    changes: usize,
}

/// Transactions that become permanent together.
#[derive(Default)]
struct Group {
    outcome: Mutex<Option<Result<(), String>>>,
    ended: Condvar,
}

impl Group {
    fn end(&self, outcome: Result<(), String>) {
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
            }),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Begins a transaction when all earlier ones are done, though not yet permanent.
    pub(super) fn begin(&self) -> Result<Part<'_>, StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        // From here on, dropping the part leaves everything in order.
        let mut part = Part {
            writer: self,
            state: Some(state),
            changed: false,
        };
        let state = part.state()?;
        if state.group.is_none() {
            state.connection.execute_batch("BEGIN IMMEDIATE")?;
            state.group = Some(Arc::default());
            state.changes = 0;
        }
        state.connection.execute_batch("SAVEPOINT part")?;
        Ok(part)
    }
}

/// A transaction of a group. Dropped before [`keep`](Self::keep), it changes nothing.
pub(super) struct Part<'w> {
    writer: &'w Writer,
    state: Option<MutexGuard<'w, State>>,
    changed: bool,
}

impl<'w> Part<'w> {
    pub(super) fn connection(&self) -> Result<&Connection, StoreError> {
        let state = self.state.as_ref();
        state.map(|state| &state.connection).ok_or_else(ended)
    }

    /// The connection, for a change.
    pub(super) fn change(&mut self) -> Result<&Connection, StoreError> {
        self.changed = true;
        self.connection()
    }

    /// Makes the changes permanent, at the latest together with those of the group.
    pub(super) fn keep(mut self) -> Result<(), StoreError> {
        match self.end("RELEASE part") {
            // What was read may not be permanent yet, so that reading waits as well.
            Some(group) => group.wait(),
            None => Ok(()),
        }
    }

    fn state(&mut self) -> Result<&mut MutexGuard<'w, State>, StoreError> {
        self.state.as_mut().ok_or_else(ended)
    }

    /// Ends the savepoint, and the group if nobody else can. Gives back the group to wait for.
    fn end(&mut self, how: &str) -> Option<Arc<Group>> {
        let mut state = self.state.take()?;
        let state = &mut *state;
        let group = state.group.clone()?;
        let released = state.connection.execute_batch(how);
        state.changes += usize::from(self.changed);
        // A full disk may have made SQLite roll back everything.
        let lost = released.is_err() || state.connection.is_autocommit();
        if lost {
            let error = released.err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| "the database has rolled back".to_owned());
            state.abandon(&group, error);
        } else if self.writer.waiting.load(Ordering::SeqCst) == 0 || state.changes >= MOST {
            match state.connection.execute_batch("COMMIT") {
                Ok(()) => {
                    state.group = None;
                    group.end(Ok(()));
                }
                Err(error) => state.abandon(&group, error.to_string()),
            }
        }
        // Who has seen nothing but what is permanent need not wait.
        (lost || state.changes > 0).then_some(group)
    }
}

impl State {
    /// Nothing of the group has happened.
    fn abandon(&mut self, group: &Group, error: String) {
        if !self.connection.is_autocommit() {
            // If this fails too, the next BEGIN reports it.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        self.group = None;
        group.end(Err(error));
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        self.changed = false;
        self.end("ROLLBACK TO part; RELEASE part");
    }
}

fn ended() -> StoreError {
    StoreError::Group("the transaction has ended".to_owned())
}
