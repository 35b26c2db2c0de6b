//! Locks on whole files, `flock(2)`, and what file systems make of them.

use std::fs::File;
use std::io;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// What became of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Locked,
    /// Another one has it, or a signal came first.
    Busy,
    /// The file system has no locks, or, as NFS, none for what is open for reading only.
    NoLocks,
}

/// Locks a file.
///
/// # Errors
/// Anything but what [`Attempt`] tells.
pub(crate) fn attempt(file: &File, operation: FlockOperation) -> io::Result<Attempt> {
    #[cfg(test)]
    if tests::cannot_lock(file) {
        return Ok(Attempt::NoLocks);
    }
    match flock(file, operation) {
        Ok(()) => Ok(Attempt::Locked),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(Attempt::Busy),
        Err(Errno::BADF | Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Attempt::NoLocks),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use rustix::fs::{OFlags, fcntl_getfl};

    use super::*;

    /// What file systems lock.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Locks {
        All,
        /// What is open for writing, as NFS does.
        OnlyWritable,
        None,
    }

    thread_local!(static LOCKS: Cell<Locks> = const { Cell::new(Locks::All) });

    /// Runs a test as if on such a file system.
    pub(crate) fn with_locks(locks: Locks, test: impl FnOnce()) {
        LOCKS.set(locks);
        test();
        LOCKS.set(Locks::All);
    }

    pub(super) fn cannot_lock(file: &File) -> bool {
        match LOCKS.get() {
            Locks::All => false,
            Locks::OnlyWritable => {
                let flags = fcntl_getfl(file).unwrap();
                !flags.intersects(OFlags::WRONLY | OFlags::RDWR)
            }
            Locks::None => true,
        }
    }
}
