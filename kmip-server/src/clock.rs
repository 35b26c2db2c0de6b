//! Where the time comes from.

use std::sync::atomic::{AtomicI64, Ordering};

use kmip::types::DateTime;

/// A clock. Dates of objects and everything that happens at a date depend on it.
pub trait Clock: Send + Sync {
    /// The current second.
    fn now(&self) -> DateTime;
}

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime {
        DateTime::now()
    }
}

/// A clock that goes when it is told to, for tests of dates.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `time`.
    pub fn new(time: DateTime) -> Self {
        ManualClock(AtomicI64::new(time.0))
    }

    /// Lets `seconds` pass.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime {
        DateTime(self.0.load(Ordering::SeqCst))
    }
}
