//! Revocation lists that are renewed while a server runs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use openssl::ssl::SslContext;

use super::Error;

/// After which time files that could not be taken are tried again as they are: perhaps there were no
/// descriptors left, or somebody was still writing.
const RETRY: Duration = Duration::from_secs(1);

/// Is told that renewed lists hold from now on, or why the previous ones still do.
pub(super) type Report = dyn Fn(Result<(), &Error>) + Send + Sync;

/// The context of a server's handshakes, made anew once a file of its revocation lists is another.
pub(super) struct RenewedContext<F> {
    make: F,
    files: Vec<PathBuf>,
    current: Mutex<SslContext>,
    seen: Mutex<Seen>,
}

/// The files at the last attempt.
struct Seen {
    files: Vec<Option<Fingerprint>>,
    failed: Option<Instant>,
}

impl<F: Fn() -> Result<SslContext, Error>> RenewedContext<F> {
    /// `make` reads `files`.
    pub(super) fn new(files: Vec<PathBuf>, make: F) -> Result<Self, Error> {
        // Looked at before they are read, so that no change in between is missed.
        let seen = fingerprints(&files);
        Ok(RenewedContext {
            current: Mutex::new(make()?),
            make,
            files,
            seen: Mutex::new(Seen {
                files: seen,
                failed: None,
            }),
        })
    }

    /// The context for a handshake that begins now.
    pub(super) fn current(&self, report: Option<&Report>) -> SslContext {
        if !self.files.is_empty() {
            if let (Some(outcome), Some(report)) = (self.renew(), report) {
                report(outcome.as_ref().copied());
            }
        }
        let current = self.current.lock();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What there is to report.
    fn renew(&self) -> Option<Result<(), Error>> {
        // Whoever is at it may wait for a disk. The others go on with the lists that there are.
        let mut seen = match self.seen.try_lock() {
            Ok(seen) => seen,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let files = fingerprints(&self.files);
        let is_new = files != seen.files;
        let is_due = seen.failed.is_some_and(|failed| failed.elapsed() >= RETRY);
        if !is_new && !is_due {
            return None;
        }
        seen.files = files;
        // Until it is done, in case of a panic.
        seen.failed = Some(Instant::now());
        match (self.make)() {
            Ok(context) => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = context;
                seen.failed = None;
                Some(Ok(()))
            }
            Err(error) => {
                seen.failed = Some(Instant::now());
                // That they still cannot be taken is known.
                is_new.then_some(Err(error))
            }
        }
    }
}

/// What tells a file from another, or from itself before it was changed.
#[derive(PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    /// In seconds and nanoseconds.
    modified: (i64, i64),
    /// Also of its name and mode, in seconds and nanoseconds. A file that is put in place of another may
    /// have got its inode, and bring its time of modification with it.
    changed: (i64, i64),
}

impl Fingerprint {
    /// `None` if there is no file.
    fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        Some(Fingerprint {
            device: data.dev(),
            inode: data.ino(),
            size: data.len(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }
}

fn fingerprints(files: &[PathBuf]) -> Vec<Option<Fingerprint>> {
    files.iter().map(|path| Fingerprint::of(path)).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use openssl::error::ErrorStack;
    use openssl::ssl::SslMethod;

    use super::*;

    /// Without this, lists would wait for the next day because descriptors were short for a moment.
    #[test]
    fn what_fails_for_a_while_is_tried_again_and_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("list.pem");
        fs::write(&file, "first").unwrap();
        let (fails, made) = (Cell::new(false), Cell::new(0));
        let make = || {
            made.set(made.get() + 1);
            match fails.get() {
                true => Err(Error::openssl("read")(ErrorStack::get())),
                false => Ok(SslContext::builder(SslMethod::tls_server())
                    .unwrap()
                    .build()),
            }
        };
        let renewed = RenewedContext::new(vec![file.clone()], make).unwrap();
        assert!(renewed.renew().is_none());
        fails.set(true);
        fs::write(&file, "changed").unwrap();
        assert!(matches!(renewed.renew(), Some(Err(_))));
        let let_pass = || {
            let failed = Instant::now().checked_sub(RETRY);
            renewed.seen.lock().unwrap().failed = failed;
        };
        let_pass();
        assert!(renewed.renew().is_none());
        assert_eq!(made.get(), 3);
        fails.set(false);
        let_pass();
        assert!(matches!(renewed.renew(), Some(Ok(()))));
        assert!(renewed.renew().is_none());
        assert_eq!(made.get(), 4);
    }
}
