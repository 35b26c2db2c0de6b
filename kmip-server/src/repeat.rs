//! Doing again what other servers with the same store were in the way of.

use std::thread;
use std::time::Duration;

/// How often something is repeated at most.
const REPETITIONS: u32 = 6;
/// Pause before the first repetition; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Does some work; again, as long as it fails since others were in the way, for a while.
///
/// # Errors
/// That of the last time.
pub(crate) fn repeat<T, E>(
    work: impl Fn() -> Result<T, E>,
    was_in_the_way: impl Fn(&E) -> bool,
) -> Result<T, E> {
    for attempt in 0..REPETITIONS {
        match work() {
            Err(error) if was_in_the_way(&error) => thread::sleep(FIRST_PAUSE * (1 << attempt)),
            outcome => return outcome,
        }
    }
    work()
}
