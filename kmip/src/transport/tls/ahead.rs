//! Reading ahead below TLS.

use std::io::{self, BufReader, Read, Write};

use crate::transport::{IoLimits, Liveness, Stream};

/// What is read ahead at most. A longer record is read in two pieces.
pub(super) const READ_AHEAD: usize = 8 << 10;

/// Reads what has arrived at once, since OpenSSL asks for the header of each record first.
///
/// OpenSSL can do so on its own, but does not tell then whether it holds anything that it has not
/// looked at yet.
#[derive(Debug)]
pub(super) struct ReadAhead<S>(BufReader<S>);

impl<S: Stream> ReadAhead<S> {
    pub(super) fn new(stream: S) -> Self {
        ReadAhead(BufReader::with_capacity(READ_AHEAD, stream))
    }
}

impl<S: Stream> Read for ReadAhead<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Stream> Write for ReadAhead<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}

impl<S: Stream> Stream for ReadAhead<S> {
    fn set_limits(&mut self, limits: IoLimits) {
        self.0.get_mut().set_limits(limits);
    }

    fn liveness(&mut self) -> Liveness {
        match self.0.buffer() {
            [] => self.0.get_mut().liveness(),
            _ => Liveness::Unsolicited,
        }
    }

    fn close(&mut self) {
        self.0.get_mut().close();
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.0.get_mut().set_nonblocking(nonblocking)
    }
}
