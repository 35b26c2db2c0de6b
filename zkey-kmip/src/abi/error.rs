//! How a plugin reports failure: an errno for the return code, a text for the last error
//! (behaviour reference 1.5 and 11.1).

use std::error::Error;
use std::fmt;
use std::io;

/// An error number of the operating system, always positive.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

impl Errno {
    /// Operation not permitted; also: a configuration file with a wrong syntax or hash.
    pub const EPERM: Errno = Errno(libc::EPERM);
    /// No such file, key or directory.
    pub const ENOENT: Errno = Errno(libc::ENOENT);
    /// Input/output error; also: a defect in the plugin.
    pub const EIO: Errno = Errno(libc::EIO);
    /// Configuration accepted, but more of it is needed.
    pub const EAGAIN: Errno = Errno(libc::EAGAIN);
    /// Permission denied.
    pub const EACCES: Errno = Errno(libc::EACCES);
    /// Another process is at it.
    pub const EBUSY: Errno = Errno(libc::EBUSY);
    /// Something exists already.
    pub const EEXIST: Errno = Errno(libc::EEXIST);
    /// No usable adapter or APQN.
    pub const ENODEV: Errno = Errno(libc::ENODEV);
    /// Wrong usage or an argument out of place.
    pub const EINVAL: Errno = Errno(libc::EINVAL);
    /// A result does not fit.
    pub const ERANGE: Errno = Errno(libc::ERANGE);
    /// The key management system answered with an error or with nonsense.
    pub const EBADMSG: Errno = Errno(libc::EBADMSG);
    /// The plugin cannot do this; during an import it ends the whole run.
    pub const ENOTSUP: Errno = Errno(libc::ENOTSUP);
    /// A time limit passed.
    pub const ETIMEDOUT: Errno = Errno(libc::ETIMEDOUT);
    /// The user said no.
    pub const ECANCELED: Errno = Errno(libc::ECANCELED);
    /// A library could not be loaded.
    pub const ELIBACC: Errno = Errno(libc::ELIBACC);

    /// The error number `raw`; a number that is none becomes [`Errno::EIO`].
    pub const fn from_raw(raw: i32) -> Errno {
        if raw > 0 && raw < 4096 {
            Errno(raw)
        } else {
            Errno::EIO
        }
    }

    /// The number.
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The value that a C function returns for it.
    pub const fn return_code(self) -> i32 {
        -self.0
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

/// The text of `strerror(3)`.
impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = io::Error::from_raw_os_error(self.0).to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}

impl From<&io::Error> for Errno {
    fn from(error: &io::Error) -> Errno {
        if let Some(raw) = error.raw_os_error() {
            return Errno::from_raw(raw);
        }
        match error.kind() {
            io::ErrorKind::NotFound => Errno::ENOENT,
            io::ErrorKind::PermissionDenied => Errno::EACCES,
            io::ErrorKind::AlreadyExists => Errno::EEXIST,
            io::ErrorKind::TimedOut => Errno::ETIMEDOUT,
            io::ErrorKind::InvalidInput => Errno::EINVAL,
            _ => Errno::EIO,
        }
    }
}

/// Why a function of the plugin failed: the errno decides what the host does, the message tells
/// the user who is at fault and what to do.
#[derive(Debug)]
pub struct PluginError {
    errno: Errno,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PluginError {
    /// An error with a message of its own.
    pub fn new(errno: Errno, message: impl Into<String>) -> Self {
        PluginError {
            errno,
            message: message.into(),
            source: None,
        }
    }

    /// Wrong usage: [`Errno::EINVAL`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Errno::EINVAL, message)
    }

    /// The function is not available: [`Errno::ENOTSUP`].
    pub fn not_supported(message: impl Into<String>) -> Self {
        Self::new(Errno::ENOTSUP, message)
    }

    /// The user answered no: [`Errno::ECANCELED`].
    pub fn canceled(message: impl Into<String>) -> Self {
        Self::new(Errno::ECANCELED, message)
    }

    /// An operation on the system failed; the errno is that of the cause.
    pub fn io(message: impl Into<String>, cause: io::Error) -> Self {
        Self::new(Errno::from(&cause), message).caused_by(cause)
    }

    /// Adds the cause, whose text follows the message.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// The errno.
    pub fn errno(&self) -> Errno {
        self.errno
    }

    /// The message without its causes.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The message and its causes, separated by colons. A cause whose text the level above already
/// contains is left out: many libraries print their cause themselves.
impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut shown = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !shown.contains(&text) {
                write!(f, ": {text}")?;
                shown = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for PluginError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_each_cause_once() {
        let inner = io::Error::other("disk gone");
        let error = PluginError::new(Errno::EIO, "cannot write kmip.conf").caused_by(inner);
        assert_eq!(error.to_string(), "cannot write kmip.conf: disk gone");
        let outer = PluginError::invalid("configure").caused_by(error);
        assert_eq!(
            outer.to_string(),
            "configure: cannot write kmip.conf: disk gone"
        );
    }

    #[test]
    fn errno_of_io_errors() {
        let missing = io::Error::from_raw_os_error(libc::ENOENT);
        assert_eq!(Errno::from(&missing), Errno::ENOENT);
        assert_eq!(Errno::from(&io::Error::other("x")), Errno::EIO);
        assert_eq!(Errno::from_raw(-5), Errno::EIO);
        assert_eq!(Errno::EINVAL.to_string(), "Invalid argument");
    }
}
