//! Requests with their responses, for logs and for servers that misbehave on purpose.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Encoding;
use crate::transport::{IoLimits, Liveness, Stream};

use super::peer::Peer;

/// A request that was answered, before the answer is sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange<'e> {
    /// Who has asked.
    pub peer: &'e Peer,
    /// Encoding of both messages.
    pub encoding: Encoding,
    /// The request as it was received.
    pub request: &'e [u8],
    /// The response as it is going to be sent; it can be replaced.
    pub response: &'e mut Vec<u8>,
}

/// How a response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Delivery {
    /// At once.
    #[default]
    Whole,
    /// One byte after the other, each in a TLS record of its own.
    ByteByByte,
    /// Not at all; the connection is closed.
    Withheld,
}

/// What sees every [`Exchange`].
pub(super) type Observer = dyn Fn(Exchange<'_>) -> Delivery + Send + Sync;

/// A stream that can be told to write single bytes.
pub(super) struct Trickle<S> {
    inner: S,
    on: Arc<AtomicBool>,
}

impl<S> Trickle<S> {
    /// Wraps `inner`. It writes single bytes while the flag is set.
    pub(super) fn new(inner: S) -> (Self, Arc<AtomicBool>) {
        let on = Arc::new(AtomicBool::new(false));
        let flag = on.clone();
        (Trickle { inner, on }, flag)
    }
}

impl<S: Read> Read for Trickle<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl<S: Write> Write for Trickle<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = match self.on.load(Ordering::Relaxed) {
            true => bytes.len().min(1),
            false => bytes.len(),
        };
        self.inner.write(&bytes[..most])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<S: Stream> Stream for Trickle<S> {
    fn set_limits(&mut self, limits: IoLimits) {
        self.inner.set_limits(limits);
    }

    fn liveness(&mut self) -> Liveness {
        self.inner.liveness()
    }

    fn close(&mut self) {
        self.inner.close();
    }

    fn rest(&mut self) {
        self.inner.rest();
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.inner.set_nonblocking(nonblocking)
    }
}
