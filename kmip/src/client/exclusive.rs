//! Values that are only reached through an exclusive reference.

use std::sync::{Mutex, PoisonError};

/// Makes a client `Sync` although what it holds, such as a caller's stream, need not be: without
/// `&mut` nobody gets at it. The lock is never taken.
pub(super) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(super) fn new(value: T) -> Self {
        Exclusive(Mutex::new(value))
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
