//! One process at a time changes a configuration.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::files;
use crate::flock::{Attempt, attempt};

/// Is locked where a directory cannot be.
const LOCK_FILE: &str = ".lock";

/// The lock of a directory, `flock(2)` on itself; given up when dropped, and by the kernel when the
/// process dies. NFS, which has such locks for all machines, has them for files that are open for
/// writing, which a directory cannot be: there it is that of a file in the directory. File systems
/// that have none are used without.
#[derive(Debug)]
pub(super) struct Lock {
    locked: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A process that is being started has a copy of the descriptor for a moment.
        let _ = flock(&self.locked, FlockOperation::Unlock);
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
        let locked = File::open(directory)?;
        match attempt(&locked, operation)? {
            Attempt::Busy => return Ok(None),
            Attempt::Locked => return Ok(Some(Lock { locked })),
            Attempt::NoLocks => {}
        }
        let file = match files::open_shared(&directory.join(LOCK_FILE)) {
            Ok(file) => file,
            // Has no changes to wait for.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                return Ok(Some(Lock { locked }));
            }
            Err(error) => return Err(error),
        };
        match attempt(&file, operation)? {
            Attempt::Busy => Ok(None),
            Attempt::Locked | Attempt::NoLocks => Ok(Some(Lock { locked: file })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flock::tests::{Locks, with_locks};

    #[test]
    fn one_process_at_a_time_has_the_lock() {
        for locks in [Locks::All, Locks::OnlyWritable] {
            let directory = tempfile::tempdir().unwrap();
            with_locks(locks, || {
                let lock = Lock::try_acquire(directory.path()).unwrap().unwrap();
                assert!(Lock::try_acquire(directory.path()).unwrap().is_none());
                drop(lock);
                Lock::wait(directory.path()).unwrap();
                assert!(Lock::try_acquire(directory.path()).unwrap().is_some());
            });
            let has_file = directory.path().join(LOCK_FILE).exists();
            assert_eq!(has_file, locks == Locks::OnlyWritable);
        }
    }

    #[test]
    fn a_file_system_without_locks_is_used_without() {
        let directory = tempfile::tempdir().unwrap();
        with_locks(Locks::None, || {
            let first = Lock::try_acquire(directory.path()).unwrap();
            let second = Lock::try_acquire(directory.path()).unwrap();
            assert!(first.is_some() && second.is_some());
        });
    }

    /// Without it, two processes would change the configuration at the same time.
    #[test]
    fn a_lock_file_that_cannot_be_used_is_an_error() {
        with_locks(Locks::OnlyWritable, || {
            let directory = tempfile::tempdir().unwrap();
            let (path, target) = (directory.path().join(LOCK_FILE), directory.path().join("a"));
            for target_exists in [false, true] {
                if target_exists {
                    std::fs::write(&target, "a").unwrap();
                }
                std::os::unix::fs::symlink("a", &path).unwrap();
                assert!(Lock::try_acquire(directory.path()).is_err());
                assert_eq!(target.exists(), target_exists);
                std::fs::remove_file(&path).unwrap();
            }
            rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
            assert!(Lock::try_acquire(directory.path()).is_err());
            std::fs::remove_file(&path).unwrap();
            std::fs::create_dir(&path).unwrap();
            assert!(Lock::try_acquire(directory.path()).is_err());
            std::fs::remove_dir(&path).unwrap();
            assert!(Lock::try_acquire(directory.path()).unwrap().is_some());
        });
    }
}
