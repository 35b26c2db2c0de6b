//! TCP with limits that hold for each read, each write, and all of them together.

use std::io::{self, Read, Write};
use std::net::{self, Shutdown, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use super::error::{Attempt, Cause, Error, Phase, Timeout};
use super::{Deadline, IoLimits, Liveness, ServerAddress, Stream};

/// A TCP connection as a [`Stream`].
#[derive(Debug)]
pub struct TcpStream {
    inner: net::TcpStream,
    limits: IoLimits,
    /// While set, reads return what is there and do not wait.
    nonblocking: bool,
}

impl TcpStream {
    /// Connects to `server`, trying all its addresses in turn.
    ///
    /// Each address gets its share of the time that is left. Looking up a name takes as long as
    /// the resolver of the system takes, which a deadline cannot interrupt.
    ///
    /// # Errors
    /// If the name cannot be resolved or no address can be reached in time.
    pub fn connect(server: &ServerAddress, deadline: Deadline) -> Result<Self, Error> {
        let failed = |phase, cause| Error::new(server.to_string(), phase, cause);
        let limit = deadline.remaining();
        let addresses: Vec<SocketAddr> = (server.host(), server.port())
            .to_socket_addrs()
            .map_err(|error| failed(Phase::Resolve, Cause::Resolve(error)))?
            .collect();
        let mut attempts = Vec::new();
        for (index, &address) in addresses.iter().enumerate() {
            match connect_one(address, deadline, addresses.len() - index) {
                Ok(stream) => {
                    // Requests are written at once; waiting for more only delays them.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream.into());
                }
                Err(error) => attempts.push(Attempt { address, error }),
            }
        }
        let timed_out = |attempt: &Attempt| attempt.error.kind() == io::ErrorKind::TimedOut;
        let cause = match limit {
            Some(limit) if deadline.has_passed() && attempts.iter().all(timed_out) => {
                Cause::Timeout(Timeout::Connect(limit))
            }
            _ => Cause::Unreachable(attempts),
        };
        Err(failed(Phase::Connect, cause))
    }

    /// The operating system's stream.
    pub fn get_ref(&self) -> &net::TcpStream {
        &self.inner
    }
}

impl From<net::TcpStream> for TcpStream {
    fn from(inner: net::TcpStream) -> Self {
        TcpStream {
            inner,
            limits: IoLimits::NONE,
            nonblocking: false,
        }
    }
}

fn connect_one(
    address: SocketAddr,
    deadline: Deadline,
    addresses_left: usize,
) -> io::Result<net::TcpStream> {
    match deadline.remaining() {
        None => net::TcpStream::connect(address),
        Some(Duration::ZERO) => Err(io::ErrorKind::TimedOut.into()),
        Some(remaining) => {
            let share = remaining / u32::try_from(addresses_left).unwrap_or(u32::MAX);
            net::TcpStream::connect_timeout(&address, share.max(Duration::from_millis(1)))
        }
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.nonblocking {
            return self.inner.read(buffer);
        }
        self.inner
            .set_read_timeout(nonzero(self.limits.next_read())?)?;
        self.inner.read(buffer).map_err(timed_out)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner
            .set_write_timeout(nonzero(self.limits.next_write())?)?;
        self.inner.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Stream for TcpStream {
    fn set_limits(&mut self, limits: IoLimits) {
        self.limits = limits;
    }

    fn liveness(&mut self) -> Liveness {
        if self.inner.set_nonblocking(true).is_err() {
            return Liveness::Closed;
        }
        let peeked = self.inner.peek(&mut [0]);
        if self.inner.set_nonblocking(false).is_err() {
            return Liveness::Closed;
        }
        match peeked {
            Ok(0) => Liveness::Closed,
            Ok(_) => Liveness::Unsolicited,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Liveness::Open,
            Err(_) => Liveness::Closed,
        }
    }

    fn close(&mut self) {
        let _ = self.inner.shutdown(Shutdown::Write);
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.inner.set_nonblocking(nonblocking)?;
        self.nonblocking = nonblocking;
        Ok(())
    }
}

/// The system takes zero for "no limit".
fn nonzero(limit: Option<Duration>) -> io::Result<Option<Duration>> {
    match limit {
        Some(Duration::ZERO) => Err(io::ErrorKind::TimedOut.into()),
        limit => Ok(limit),
    }
}

/// A socket whose time is over reports that the call would block.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}
