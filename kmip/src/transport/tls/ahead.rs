//! Reading ahead below TLS.

use std::io::{self, Read, Write};

use crate::transport::{IoLimits, Liveness, Stream};

/// What is read ahead at most. A longer record is read in two pieces.
pub(super) const READ_AHEAD: usize = 8 << 10;

/// Reads what has arrived at once, since OpenSSL asks for the header of each record first.
///
/// OpenSSL can do so on its own, but does not tell then whether it holds anything that it has not
/// looked at yet.
#[derive(Debug)]
pub(super) struct ReadAhead<S> {
    inner: S,
    /// Empty until something is to be read. What lies in it is still encrypted.
    memory: Vec<u8>,
    /// What was read and not yet asked for.
    from: usize,
    to: usize,
}

impl<S: Stream> ReadAhead<S> {
    pub(super) fn new(inner: S) -> Self {
        ReadAhead {
            inner,
            memory: Vec::new(),
            from: 0,
            to: 0,
        }
    }
}

impl<S: Stream> Read for ReadAhead<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.from == self.to {
            if buffer.len() >= READ_AHEAD {
                return self.inner.read(buffer);
            }
            self.memory.resize(READ_AHEAD, 0);
            self.from = 0;
            self.to = 0;
            self.to = self.inner.read(&mut self.memory)?;
        }
        let count = buffer.len().min(self.to - self.from);
        buffer[..count].copy_from_slice(&self.memory[self.from..][..count]);
        self.from += count;
        Ok(count)
    }
}

impl<S: Stream> Write for ReadAhead<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<S: Stream> Stream for ReadAhead<S> {
    fn set_limits(&mut self, limits: IoLimits) {
        self.inner.set_limits(limits);
    }

    fn liveness(&mut self) -> Liveness {
        match self.from == self.to {
            true => self.inner.liveness(),
            false => Liveness::Unsolicited,
        }
    }

    fn close(&mut self) {
        self.inner.close();
    }

    fn rest(&mut self) {
        if self.from == self.to {
            self.memory = Vec::new();
        }
        self.inner.rest();
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.inner.set_nonblocking(nonblocking)
    }
}
