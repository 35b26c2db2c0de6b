//! TCP with limits that hold for each read, each write, and all of them together.

use std::io::{self, Read, Write};
use std::net::{self, Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::error::{Attempt, Cause, Error, Phase, Timeout};
use super::{Deadline, IoLimits, Liveness, ServerAddress, Stream};

/// A TCP connection as a [`Stream`].
#[derive(Debug)]
pub struct TcpStream {
    /// Shared with whoever watches it or cuts it off from another thread.
    inner: Arc<net::TcpStream>,
    limits: IoLimits,
    /// What the system was told last, since telling it takes as long as reading.
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
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
        Arc::new(inner).into()
    }
}

impl From<Arc<net::TcpStream>> for TcpStream {
    fn from(inner: Arc<net::TcpStream>) -> Self {
        TcpStream {
            inner,
            limits: IoLimits::NONE,
            // A new socket has none.
            read_timeout: None,
            write_timeout: None,
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
        let mut socket = &*self.inner;
        if self.nonblocking {
            return socket.read(buffer);
        }
        loop {
            let limit = self.limits.next_read();
            if self.limits.resumable && limit == Some(Duration::ZERO) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let timeout = coarse(limit)?;
            if timeout != self.read_timeout {
                socket.set_read_timeout(timeout)?;
                self.read_timeout = timeout;
            }
            match socket.read(buffer) {
                // By a signal, or since the process was stopped for a while: TLS would give up.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if !self.limits.resumable => return Err(timed_out(error)),
                result => return result,
            }
        }
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let timeout = coarse(self.limits.next_write())?;
            if timeout != self.write_timeout {
                self.inner.set_write_timeout(timeout)?;
                self.write_timeout = timeout;
            }
            match (&*self.inner).write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(timed_out),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.inner).flush()
    }
}

impl Stream for TcpStream {
    fn set_limits(&mut self, limits: IoLimits) {
        self.limits = limits;
    }

    fn liveness(&mut self) -> Liveness {
        // Mostly nothing has come, which asking for events tells sooner than trying to read.
        let mut socket = [PollFd::new(&*self.inner, PollFlags::IN)];
        if poll(&mut socket, Some(&Timespec::default())) == Ok(0) {
            return Liveness::Open;
        }
        // One look, whether the socket blocks or not.
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        match recv(&self.inner, &mut [0_u8], flags) {
            Ok((_, 0)) => Liveness::Closed,
            Ok(_) => Liveness::Unsolicited,
            Err(Errno::AGAIN | Errno::INTR) => Liveness::Open,
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

/// Rounds a limit up by less than a hundredth, so that it is mostly the one that the system knows
/// already. The system takes zero for "no limit".
fn coarse(limit: Option<Duration>) -> io::Result<Option<Duration>> {
    let Some(limit) = limit else {
        return Ok(None);
    };
    if limit.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX / 2);
    // A power of two, so that this takes no division.
    let step = ((micros / 128).max(1).next_power_of_two() / 2).max(1);
    let rounded = micros.saturating_add(step) & !(step - 1);
    Ok(Some(Duration::from_micros(rounded)))
}

/// A socket whose time is over reports that the call would block.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::{self, Command};
    use std::thread;

    use super::*;

    #[test]
    fn a_read_goes_on_after_the_process_was_stopped() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_limits(IoLimits {
            read: Some(Duration::from_secs(60)),
            ..IoLimits::NONE
        });
        let reading = thread::spawn(move || {
            let mut byte = [0];
            stream.read(&mut byte).map(|count| (count, byte))
        });
        let pid = process::id();
        let stop = format!(
            "kill -STOP {pid}; for _ in $(seq 1000); do grep -q '^State:.*stop' /proc/{pid}/status \
             && break; done; kill -CONT {pid}"
        );
        // Often, since nobody tells when the other thread waits.
        for _ in 0..20 {
            assert!(
                Command::new("sh")
                    .args(["-c", &stop])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        peer.write_all(b"x").unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), (1, *b"x"));
    }

    #[test]
    fn limits_are_rounded_up_a_little() {
        for micros in [1, 2, 999, 1000, 300_000, 29_999_999, 30_000_000, 60_000_000] {
            let limit = Duration::from_micros(micros);
            let rounded = coarse(Some(limit)).unwrap().unwrap();
            assert!(rounded > limit, "{limit:?}: {rounded:?}");
            let excess = rounded - limit;
            assert!(
                excess <= Duration::from_micros(1) + limit / 100,
                "{limit:?}: {rounded:?}"
            );
        }
        assert_eq!(coarse(None).unwrap(), None);
        assert!(coarse(Some(Duration::ZERO)).is_err());
        // What is left of a limit a moment later is mostly the same for the system.
        let later = Duration::from_secs(30) - Duration::from_micros(900);
        let before = Duration::from_secs(30) - Duration::from_micros(100);
        assert_eq!(coarse(Some(later)).unwrap(), coarse(Some(before)).unwrap());
    }
}
