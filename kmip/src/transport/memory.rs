//! Two connected streams inside one process: for tests, and for a server without a network.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Deadline, IoLimits, Liveness, Stream};

/// Two streams: what is written to one is read from the other.
pub fn pair() -> (MemoryStream, MemoryStream) {
    let (there, back) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
    let end = |incoming: &Arc<Pipe>, outgoing: &Arc<Pipe>| MemoryStream {
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        limits: IoLimits::NONE,
        nonblocking: false,
    };
    (end(&back, &there), end(&there, &back))
}

/// One end of a [`pair`]. Dropping it closes both ways.
#[derive(Debug)]
pub struct MemoryStream {
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
    limits: IoLimits,
    nonblocking: bool,
}

/// One way of a [`pair`].
#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<PipeState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct PipeState {
    bytes: VecDeque<u8>,
    closed: bool,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, PipeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

impl Read for MemoryStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = Deadline::after(self.limits.next_read());
        let mut state = self.incoming.lock();
        while state.bytes.is_empty() && !state.closed && !buffer.is_empty() {
            if self.nonblocking {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state = match limit.remaining() {
                None => self.incoming.changed.wait(state),
                Some(time) if time.is_zero() => {
                    return Err(match self.limits.resumable {
                        true => io::ErrorKind::WouldBlock.into(),
                        false => io::ErrorKind::TimedOut.into(),
                    });
                }
                Some(time) => {
                    let waited = self.incoming.changed.wait_timeout(state, time);
                    Ok(waited.unwrap_or_else(PoisonError::into_inner).0)
                }
            }
            .unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes.read(buffer)
    }
}

impl Write for MemoryStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.outgoing.lock();
        if state.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.bytes.extend(bytes);
        self.outgoing.changed.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for MemoryStream {
    fn set_limits(&mut self, limits: IoLimits) {
        self.limits = limits;
    }

    fn liveness(&mut self) -> Liveness {
        let state = self.incoming.lock();
        match (state.bytes.is_empty(), state.closed) {
            (false, _) => Liveness::Unsolicited,
            (true, true) => Liveness::Closed,
            (true, false) => Liveness::Open,
        }
    }

    fn close(&mut self) {
        self.outgoing.close();
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.nonblocking = nonblocking;
        Ok(())
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        self.incoming.close();
        self.outgoing.close();
    }
}
