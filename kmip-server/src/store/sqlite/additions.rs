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
use super::group::{GATHERING, MOST, Writer, ended};

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
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_to(&self, stage: Stage) {
        *self.stage() = stage;
        self.changed.notify_one();
    }

    /// Waits for the outcome; none if it has to lead first.
    fn wait(&self) -> Option<Result<Added, StoreError>> {
        let mut stage = self.stage();
        loop {
            match mem::replace(&mut *stage, Stage::Over) {
                Stage::Told(outcome) => return Some(outcome),
                Stage::Leads => return None,
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
        let entry = Arc::new(Entry {
            addition,
            stage: Mutex::new(Stage::Waiting),
            changed: Condvar::new(),
        });
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
    fn new(additions: &'a Additions) -> Self {
        Led {
            additions,
            entries: Vec::new(),
        }
    }

    fn make(mut self, writer: &Writer) {
        match self.together(writer) {
            Ok(outcomes) => {
                for (entry, added) in self.entries.drain(..).zip(outcomes) {
                    entry.go_to(Stage::Told(Ok(added)));
                }
            }
            // Whose fault it was comes out when each is made alone.
            Err(_) => {
                for entry in self.entries.drain(..) {
                    let begun = writer.begin();
                    let alone = begun
                        .and_then(|part| entry.addition.alone(Box::new(SqliteTransaction(part))));
                    entry.go_to(Stage::Told(alone));
                }
            }
        }
    }

    /// Makes what is waiting and what comes meanwhile; nothing of it, if one fails.
    fn together(&mut self, writer: &Writer) -> Result<Vec<Added>, StoreError> {
        let mut transaction = SqliteTransaction(writer.begin()?);
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
            for entry in &self.entries[outcomes.len()..] {
                outcomes.push(entry.addition.perform(&mut transaction)?);
            }
            idle_since = Instant::now();
        }
        self.additions.queue().before = outcomes.len();
        Box::new(transaction).commit()?;
        Ok(outcomes)
    }
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        // There are some only after a panic.
        for entry in self.entries.drain(..) {
            entry.go_to(Stage::Told(Err(ended())));
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

    fn entry(identifier: &str) -> Arc<Entry> {
        Arc::new(Entry {
            addition: Addition {
                object: StoredObject::internal(identifier),
                content: internal_content(Vec::new().into()),
                contents: Vec::new(),
                names: Vec::new(),
                now: DateTime(0),
            },
            stage: Mutex::new(Stage::Waiting),
            changed: Condvar::new(),
        })
    }

    #[test]
    fn who_comes_before_the_connection_is_free_is_led_by_the_first() {
        let connection = Connection::open_in_memory().unwrap();
        schema::prepare(&connection).unwrap();
        let writer = Writer::new(connection);
        let additions = Additions::default();
        let part = writer.begin().unwrap();
        thread::scope(|scope| {
            let threads = [1, 2, 3, 4].map(|number| {
                let (additions, writer) = (&additions, &writer);
                scope.spawn(move || {
                    let entry = entry(&format!("object {number}"));
                    additions.make(entry.addition.clone(), writer)
                })
            });
            while additions.queue().waiting.len() < threads.len() {
                thread::yield_now();
            }
            drop(part);
            for thread in threads {
                assert_eq!(thread.join().unwrap().unwrap(), Added::Done);
            }
        });
        assert_eq!(additions.queue().before, 4);
        assert!(!additions.queue().is_led);
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let additions = Additions::default();
        let (led, next) = (entry("led"), entry("next"));
        *additions.queue() = Queue {
            waiting: vec![Arc::clone(&next)],
            is_led: true,
            before: 0,
        };
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut together = Led::new(&additions);
            together.entries.push(Arc::clone(&led));
            panic!("while it makes them");
        }));
        assert!(panicked.is_err());
        assert!(matches!(led.wait(), Some(Err(_))));
        assert!(next.wait().is_none());
        additions.queue().waiting.clear();
        drop(Led::new(&additions));
        assert!(!additions.queue().is_led);
    }
}
