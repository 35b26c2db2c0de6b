//! What a connection needs of the bytes' way.

use std::io::{self, Read, Write};

use super::IoLimits;

/// A byte stream on which reads and writes can be limited in time.
///
/// A read or write that exceeds a limit fails with [`io::ErrorKind::TimedOut`]; the stream is
/// then not used again, unless the limits are [resumable](IoLimits::resumable).
pub trait Stream: Read + Write + Send {
    /// Limits all following reads and writes.
    fn set_limits(&mut self, limits: IoLimits);

    /// Whether the peer still keeps the stream open, as far as can be told without waiting.
    fn liveness(&mut self) -> Liveness;

    /// Tells the peer that nothing more follows, without waiting for it. Errors do not matter.
    fn close(&mut self);

    /// Gives back memory that is not needed while nothing arrives.
    fn rest(&mut self) {}

    /// While set, reads return [`io::ErrorKind::WouldBlock`] instead of waiting. TLS looks this
    /// way whether anything has arrived.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] if the stream cannot do this.
    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        let _ = nonblocking;
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl<S: Stream + ?Sized> Stream for Box<S> {
    fn set_limits(&mut self, limits: IoLimits) {
        (**self).set_limits(limits);
    }

    fn liveness(&mut self) -> Liveness {
        (**self).liveness()
    }

    fn close(&mut self) {
        (**self).close();
    }

    fn rest(&mut self) {
        (**self).rest();
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        (**self).set_nonblocking(nonblocking)
    }
}

/// State of an idle stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// Nothing speaks against its use.
    Open,
    /// The peer has closed it, or it is broken.
    Closed,
    /// The peer has sent something that nobody asked for; request and response would not match.
    Unsolicited,
    /// The stream cannot tell.
    Unknown,
}

/// Makes a [`Stream`] of any reader and writer.
///
/// Limits are the reader's own affair: a deadline is only noticed between two reads or writes.
#[derive(Debug)]
pub struct Unbounded<S> {
    inner: S,
    limits: IoLimits,
}

impl<S> Unbounded<S> {
    /// Wraps `inner`.
    pub fn new(inner: S) -> Self {
        Unbounded {
            inner,
            limits: IoLimits::NONE,
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.limits.deadline.has_passed() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl<S: Read> Read for Unbounded<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.read(buffer)
    }
}

impl<S: Write> Write for Unbounded<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<S: Read + Write + Send> Stream for Unbounded<S> {
    fn set_limits(&mut self, limits: IoLimits) {
        self.limits = limits;
    }

    fn liveness(&mut self) -> Liveness {
        Liveness::Unknown
    }

    fn close(&mut self) {
        let _ = self.inner.flush();
    }
}
