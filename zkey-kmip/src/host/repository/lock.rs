//! The lock of a repository, `flock(2)` on its file `.lock`, as zkey takes it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;

use crate::flock::{Attempt, attempt};
use crate::host::terminal::Terminal;

/// The lock; given up when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Locks the repository; tells the user when another process has it, and waits. NFS, which has such
    /// locks for all machines, has them for files that are open for writing only. File systems that have
    /// none are used without.
    ///
    /// # Errors
    /// The file cannot be made, opened or locked.
    pub fn acquire(directory: &Path, terminal: &Terminal) -> io::Result<Lock> {
        let path = directory.join(".lock");
        // zkey opens for reading only: whoever may read a shared repository may lock it.
        let file = match open(&path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(directory, &path)?,
            other => other?,
        };
        if wait(&file, terminal)? {
            return Ok(Lock { _file: file });
        }
        let file = match open(&path, true) {
            // Has no changes to wait for.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => file,
            opened => {
                let file = opened?;
                wait(&file, terminal)?;
                file
            }
        };
        Ok(Lock { _file: file })
    }
}

fn open(path: &Path, for_writing: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(for_writing)
        // A link in a shared repository must not lead to a file elsewhere.
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Waits for the lock; `false` if the file system has none for a file that is open in this way.
fn wait(file: &File, terminal: &Terminal) -> io::Result<bool> {
    let mut operation = FlockOperation::NonBlockingLockExclusive;
    loop {
        match attempt(file, operation)? {
            Attempt::Locked => return Ok(true),
            Attempt::NoLocks => return Ok(false),
            // Only the first one does not wait; afterwards this was a signal.
            Attempt::Busy if operation == FlockOperation::LockExclusive => {}
            Attempt::Busy => {
                terminal.warn("waiting for another process that uses the repository");
                operation = FlockOperation::LockExclusive;
            }
        }
    }
}

fn create(directory: &Path, path: &Path) -> io::Result<File> {
    let directory = directory.metadata()?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(directory.mode() & 0o664)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    if file.metadata()?.gid() != directory.gid() {
        std::os::unix::fs::fchown(&file, None, Some(directory.gid()))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::flock::tests::{Locks, with_locks};

    /// zkey's way is tried first, and then that of NFS.
    #[test]
    fn the_repository_is_locked_on_nfs_too() {
        for locks in [Locks::All, Locks::OnlyWritable] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(".lock");
            // When the file is made, and when it is there.
            for _ in 0..2 {
                with_locks(locks, || {
                    let lock = Lock::acquire(directory.path(), &Terminal::new(false)).unwrap();
                    let other = open(&path, true).unwrap();
                    let operation = FlockOperation::NonBlockingLockExclusive;
                    let refused = rustix::fs::flock(&other, operation);
                    assert_eq!(refused, Err(Errno::WOULDBLOCK), "{locks:?}");
                    drop(lock);
                    rustix::fs::flock(&other, operation).unwrap();
                });
            }
        }
    }

    #[test]
    fn a_file_system_without_locks_is_used_without() {
        let directory = tempfile::tempdir().unwrap();
        with_locks(Locks::None, || {
            let both = [0, 1].map(|_| Lock::acquire(directory.path(), &Terminal::new(false)));
            assert!(both.iter().all(Result::is_ok));
        });
    }
}
