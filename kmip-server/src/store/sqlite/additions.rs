//! Additions that come together are made by one thread, in one transaction.
//!
//! The first to come leads: it makes its own addition and those of all who come meanwhile, and tells
//! them when they are permanent. So the connection does not go from thread to thread, each of which would have to
//! be woken for it. Who comes while the transaction is written to the disk is led by the first of those.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::super::addition::{Added, Addition};
use super::super::{StoreError, Transaction};
use super::SqliteTransaction;
use super::group::{GATHERING, MOST, Writer, ended, shared};

/// The additions that nobody has made yet.
#[derive(Default)]
pub(super) struct Additions(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Entry>>,
    /// Whether somebody is about to make them.
    is_led: bool,
    /// How many were made together the last time.
    before: usize,
}

/// An addition, and the thread that waits for it.
struct Entry {
    addition: Addition,
    stage: Mutex<Stage>,
    changed: Condvar,
}

enum Stage {
    Waiting,
    /// It has to make those that are waiting.
    Leads,
    Told(Result<Added, StoreError>),
    /// The thread knows the outcome.
    Over,
}

impl Entry {
    fn new(addition: Addition) -> Arc<Self> {
        Arc::new(Entry {
            addition,
            stage: Mutex::new(Stage::Waiting),
            changed: Condvar::new(),
        })
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_to(&self, stage: Stage) {
        *self.stage() = stage;
        self.changed.notify_one();
    }

    /// Tells the outcome. What was told first holds.
    fn end(&self, outcome: Result<Added, StoreError>) {
        let stage = &mut *self.stage();
        if matches!(stage, Stage::Waiting | Stage::Leads) {
            *stage = Stage::Told(outcome);
            self.changed.notify_one();
        }
    }

    /// Waits for the outcome; none if it has to lead first.
    fn wait(&self) -> Option<Result<Added, StoreError>> {
        let mut stage = self.stage();
        loop {
            match mem::replace(&mut *stage, Stage::Over) {
                Stage::Told(outcome) => return Some(outcome),
                Stage::Leads => {
                    // It is told its outcome later.
                    *stage = Stage::Waiting;
                    return None;
                }
                Stage::Over => return Some(Err(ended())),
                Stage::Waiting => *stage = Stage::Waiting,
            }
            let woken = self.changed.wait(stage);
            stage = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Additions {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an addition, together with those of others.
    ///
    /// # Errors
    /// As for [`Addition::alone`].
    pub(super) fn make(&self, addition: Addition, writer: &Writer) -> Result<Added, StoreError> {
        let entry = Entry::new(addition);
        let is_led = {
            let mut queue = self.queue();
            queue.waiting.push(Arc::clone(&entry));
            mem::replace(&mut queue.is_led, true)
        };
        if is_led {
            if let Some(outcome) = entry.wait() {
                return outcome;
            }
        }
        Led::new(self).make(writer);
        entry.wait().unwrap_or_else(|| Err(ended()))
    }
}

/// Those whose additions are made together. When it is dropped, all know what has become of theirs,
/// and the next are led by one of them.
struct Led<'a> {
    additions: &'a Additions,
    entries: Vec<Arc<Entry>>,
}

impl<'a> Led<'a> {
    /// All that are waiting, so that they are told also if there is no transaction for them.
    fn new(additions: &'a Additions) -> Self {
        Led {
            additions,
            entries: mem::take(&mut additions.queue().waiting),
        }
    }

    fn make(mut self, writer: &Writer) {
        while !self.entries.is_empty() {
            match self.together(writer) {
                Ok(outcomes) => {
                    for (entry, added) in self.entries.iter().zip(outcomes) {
                        entry.end(Ok(added));
                    }
                    self.entries.clear();
                }
                // The others are not to suffer from it.
                Err(Failed::One(position, error)) => {
                    self.entries.remove(position).end(Err(error));
                }
                Err(Failed::All(error)) => {
                    if let [alone] = &self.entries[..] {
                        alone.end(Err(error));
                        break;
                    }
                    let error = shared(error);
                    for entry in &self.entries {
                        entry.end(Err(StoreError::Group(Arc::clone(&error))));
                    }
                    self.entries.clear();
                }
            }
        }
    }

    /// Makes what is waiting and what comes meanwhile; nothing of it, if anything fails.
    fn together(&mut self, writer: &Writer) -> Result<Vec<Added>, Failed> {
        let part = writer.begin().map_err(Failed::All)?;
        let mut transaction = SqliteTransaction(part);
        let mut outcomes = Vec::new();
        let mut idle_since = Instant::now();
        let before = self.additions.queue().before;
        while outcomes.len() < MOST {
            self.entries.append(&mut self.additions.queue().waiting);
            if outcomes.len() == self.entries.len() {
                // Those who came together before do so again, and a write to the disk takes longer.
                if outcomes.len() >= before || idle_since.elapsed() > GATHERING {
                    break;
                }
                thread::yield_now();
                continue;
            }
            while let Some(entry) = self.entries.get(outcomes.len()) {
                match entry.addition.perform(&mut transaction) {
                    // Told at once, since it does something else instead: so it must not be made any more,
                    // even if others have to be made again.
                    Ok(Added::Hindered) => {
                        let entry = self.entries.remove(outcomes.len());
                        entry.end(Ok(Added::Hindered));
                    }
                    Ok(added) => outcomes.push(added),
                    Err(error) => return Err(Failed::One(outcomes.len(), error)),
                }
            }
            idle_since = Instant::now();
        }
        self.additions.queue().before = outcomes.len();
        Box::new(transaction).commit().map_err(Failed::All)?;
        Ok(outcomes)
    }
}

/// Why additions were not made together.
enum Failed {
    /// The one at this position failed.
    One(usize, StoreError),
    All(StoreError),
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        // There are some only after a panic.
        for entry in &self.entries {
            entry.end(Err(ended()));
        }
        let mut queue = self.additions.queue();
        match queue.waiting.first() {
            Some(next) => next.go_to(Stage::Leads),
            None => queue.is_led = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use kmip::types::DateTime;
    use rusqlite::Connection;

    use super::super::super::internal_content;
    use super::super::schema;
    use super::*;
    use crate::object::StoredObject;

    fn addition(identifier: &str) -> Addition {
        let object = StoredObject::internal(identifier);
        Addition::new(object, internal_content(Vec::new().into()), DateTime(0))
    }

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        schema::prepare(&connection).unwrap();
        Writer::new(connection)
    }

    #[test]
    fn who_comes_before_the_connection_is_free_is_led_by_the_first() {
        let (writer, additions) = (writer(), Additions::default());
        let part = writer.begin().unwrap();
        thread::scope(|scope| {
            let make = |identifier: &'static str| {
                let (additions, writer) = (&additions, &writer);
                scope.spawn(move || additions.make(addition(identifier), writer))
            };
            let first = make("first");
            let is_led = || {
                let queue = additions.queue();
                queue.is_led && queue.waiting.is_empty()
            };
            while !is_led() {
                thread::yield_now();
            }
            let others = ["second", "third", "second"].map(make);
            while additions.queue().waiting.len() < others.len() {
                thread::yield_now();
            }
            drop(part);
            assert_eq!(first.join().unwrap().unwrap(), Added::Done);
            let outcomes = others.map(|other| other.join().unwrap());
            let done = outcomes.iter().filter(|outcome| outcome.is_ok());
            assert_eq!(done.count(), 2, "{outcomes:?}");
            let duplicate =
                |outcome: &Result<_, _>| matches!(outcome, Err(StoreError::Duplicate(_)));
            assert!(outcomes.iter().any(duplicate), "{outcomes:?}");
        });
        // All but the one that failed.
        assert_eq!(additions.queue().before, 3);
        assert!(!additions.queue().is_led);
    }

    #[test]
    fn who_was_told_of_a_hindrance_is_not_made_again_with_the_others() {
        let (writer, additions) = (writer(), Additions::default());
        additions.make(addition("there"), &writer).unwrap();
        let mut hindered = addition("hindered");
        hindered.expected_contents = vec![("there".to_owned(), None)];
        let [hindered, other, fails] =
            [hindered, addition("other"), addition("there")].map(Entry::new);
        let waiting = vec![Arc::clone(&hindered), Arc::clone(&other), fails];
        additions.queue().waiting = waiting;
        let mut led = Led::new(&additions);
        let failed = led.together(&writer);
        assert!(matches!(
            failed,
            Err(Failed::One(1, StoreError::Duplicate(_)))
        ));
        assert!(matches!(hindered.wait(), Some(Ok(Added::Hindered))));
        assert!(
            !led.entries
                .iter()
                .any(|entry| Arc::ptr_eq(entry, &hindered))
        );
        led.make(&writer);
        assert!(matches!(other.wait(), Some(Ok(Added::Done))));
    }

    #[test]
    fn while_there_is_no_transaction_all_are_told_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.sqlite");
        let own = Connection::open(&path).unwrap();
        schema::prepare(&own).unwrap();
        own.busy_timeout(std::time::Duration::ZERO).unwrap();
        let other = Connection::open(&path).unwrap();
        let (writer, additions) = (Writer::new(own), Additions::default());
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        thread::scope(|scope| {
            let threads = ["first", "second", "third"].map(|identifier| {
                let (additions, writer) = (&additions, &writer);
                scope.spawn(move || additions.make(addition(identifier), writer))
            });
            for thread in threads {
                let error = thread.join().unwrap().unwrap_err();
                let code = match error {
                    StoreError::Group(cause) => cause.sqlite_error_code(),
                    StoreError::Database(cause) => cause.sqlite_error_code(),
                    other => panic!("{other:?}"),
                };
                assert_eq!(code, Some(rusqlite::ErrorCode::DatabaseBusy));
            }
        });
        other.execute_batch("ROLLBACK").unwrap();
        let added = additions.make(addition("first"), &writer);
        assert_eq!(added.unwrap(), Added::Done);
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let additions = Additions::default();
        let [led, next] = ["led", "next"].map(|identifier| Entry::new(addition(identifier)));
        *additions.queue() = Queue {
            waiting: vec![Arc::clone(&led)],
            is_led: true,
            before: 0,
        };
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _together = Led::new(&additions);
            additions.queue().waiting.push(Arc::clone(&next));
            panic!("while it makes them");
        }));
        assert!(panicked.is_err());
        assert!(matches!(led.wait(), Some(Err(_))));
        assert!(next.wait().is_none());
        drop(Led::new(&additions));
        assert!(!additions.queue().is_led);
    }
}
