//! One process at a time changes a configuration.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The lock of a directory, `flock(2)` on itself; given up when dropped, and by the kernel when the
/// process dies. File systems without such locks are used without.
#[derive(Debug)]
pub(super) struct Lock {
    directory: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A process that is being started has a copy of the descriptor for a moment.
        let _ = flock(&self.directory, FlockOperation::Unlock);
    }
}

impl Lock {
    /// `None` if another one has it.
    pub(super) fn try_acquire(directory: &Path) -> io::Result<Option<Lock>> {
        Self::acquire(directory, FlockOperation::NonBlockingLockExclusive)
    }

    /// Waits for it.
    pub(super) fn wait(directory: &Path) -> io::Result<Lock> {
        loop {
            if let Some(lock) = Self::acquire(directory, FlockOperation::LockExclusive)? {
                return Ok(lock);
            }
        }
    }

    fn acquire(directory: &Path, operation: FlockOperation) -> io::Result<Option<Lock>> {
        let directory = File::open(directory)?;
        match flock(&directory, operation) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
            // NFS wants the file to be open for writing, which a directory cannot be.
            Ok(()) | Err(Errno::BADF | Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => {
                Ok(Some(Lock { directory }))
            }
            Err(error) => Err(error.into()),
        }
    }
}
