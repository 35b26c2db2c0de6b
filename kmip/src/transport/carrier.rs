//! What carrying messages needs besides moving bytes: framing, limits, and errors that tell who
//! did what. No I/O happens here; blocking and asynchronous connections share it.

use std::io;

use super::error::{Cause, Error, Phase, Timeout};
use super::framing::Framing;
use super::{Deadline, FrameError, IoLimits, Liveness, Timeouts, tls};

/// The state of a connection that does not depend on how its stream is driven.
#[derive(Debug)]
pub(crate) struct Carrier {
    peer: String,
    pub(super) timeouts: Timeouts,
    pub(super) frames: Framing,
    broken: bool,
}

impl Carrier {
    pub(crate) fn new(peer: String, frames: Framing, timeouts: Timeouts) -> Self {
        Carrier {
            peer,
            timeouts,
            frames,
            broken: false,
        }
    }

    pub(super) fn peer(&self) -> &str {
        &self.peer
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Marks the connection as unusable, or as usable again once something that must not be
    /// interrupted is done.
    #[cfg(feature = "tokio")]
    pub(super) fn set_broken(&mut self, broken: bool) {
        self.broken = broken;
    }

    pub(super) fn limits(&self, deadline: Deadline) -> IoLimits {
        IoLimits {
            read: self.timeouts.read,
            write: self.timeouts.write,
            deadline,
            resumable: false,
        }
    }

    /// The state of the idle connection, unless only its stream can tell.
    pub(super) fn idle_state(&mut self) -> Option<Liveness> {
        if self.broken {
            return Some(Liveness::Closed);
        }
        self.frames.release();
        if !self.frames.keeps_alive() {
            return Some(Liveness::Closed);
        }
        (self.frames.received() > 0).then_some(Liveness::Unsolicited)
    }

    /// The stream has ended. Whether this completes a message; `false` also if nothing of one has
    /// arrived.
    pub(super) fn ended(&mut self) -> Result<bool, Error> {
        let received = self.frames.received();
        if received == 0 {
            return Ok(false);
        }
        let cause = match self.frames.end() {
            Ok(true) => return Ok(true),
            Ok(false) => Cause::Closed {
                received,
                expected: self.frames.expected(),
            },
            Err(error) => error.into(),
        };
        Err(self.broken_by(Phase::Receive, cause))
    }

    /// The error of a stream that ended where a message should have come.
    pub(super) fn ended_without_message(&mut self) -> Error {
        let closed = Cause::Closed {
            received: 0,
            expected: None,
        };
        self.broken_by(Phase::Receive, closed)
    }

    /// The error of what arrived and is no message.
    pub(super) fn malformed(&mut self, error: FrameError) -> Error {
        self.broken_by(Phase::Receive, error.into())
    }

    /// The error of a stream that failed.
    pub(super) fn failed(&mut self, phase: Phase, error: io::Error, deadline: Deadline) -> Error {
        let received = self.frames.received();
        let cause = match error.kind() {
            io::ErrorKind::TimedOut => Cause::Timeout(self.exceeded(phase, deadline)),
            _ if is_closed(&error) => Cause::Closed {
                received,
                expected: self.frames.expected(),
            },
            _ => match tls::Error::from_io(error) {
                Ok(error) => Cause::Tls(error),
                Err(error) => Cause::Io(error),
            },
        };
        self.broken_by(phase, cause)
    }

    fn exceeded(&self, phase: Phase, deadline: Deadline) -> Timeout {
        let single = match phase {
            Phase::Send => self.timeouts.write.map(Timeout::Write),
            _ => self.timeouts.read.map(Timeout::Read),
        };
        match single {
            Some(timeout) if !deadline.has_passed() => timeout,
            _ => Timeout::Operation {
                received: self.frames.received(),
            },
        }
    }

    fn broken_by(&mut self, phase: Phase, cause: Cause) -> Error {
        self.broken = true;
        Error::new(self.peer.clone(), phase, cause)
    }
}

/// Whether the peer has gone.
pub(super) fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::WriteZero
    )
}
