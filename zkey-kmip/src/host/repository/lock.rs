//! The lock of a repository, `flock(2)` on its file `.lock`, as zkey takes it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;

use crate::host::terminal::Terminal;

/// The lock; given up when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Locks the repository; tells the user when another process has it, and waits.
    ///
    /// # Errors
    /// The file cannot be made, opened or locked.
    pub fn acquire(directory: &Path, terminal: &Terminal) -> io::Result<Lock> {
        let path = directory.join(".lock");
        // zkey opens for reading only: whoever may read a shared repository may lock it.
        // A link in a shared repository must not lead to a file elsewhere.
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(directory, &path)?,
            other => other?,
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                terminal.warn("waiting for another process that uses the repository");
                retry(|| rustix::fs::flock(&file, FlockOperation::LockExclusive))?;
            }
            other => other?,
        }
        Ok(Lock { _file: file })
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

fn retry(mut call: impl FnMut() -> rustix::io::Result<()>) -> io::Result<()> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}
