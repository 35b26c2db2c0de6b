//! A blocking connection that carries whole messages.

use std::fmt;
use std::io;
use std::time::Duration;

use super::error::{Cause, Error, Phase, Timeout};
use super::framing::{Framing, Side};
use super::http::{HttpDecoder, HttpService, HttpTarget};
use super::{Deadline, FrameDecoder, IoLimits, Liveness, MessageDirection, Stream, Timeouts, tls};

/// A stream on which whole KMIP messages are sent and received.
///
/// After an error the connection is of no use any more, since the peers no longer agree on
/// where a message begins; [`is_broken`](Self::is_broken) tells.
pub struct Connection {
    stream: Box<dyn Stream>,
    peer: String,
    timeouts: Timeouts,
    frames: Framing,
    broken: bool,
}

impl Connection {
    /// A connection over `stream`. `peer` names it in errors; `direction` is what it receives.
    pub fn new(
        stream: impl Stream + 'static,
        peer: impl Into<String>,
        direction: MessageDirection,
        maximum_message_size: usize,
        timeouts: Timeouts,
    ) -> Self {
        let frames = Framing::Ttlv(FrameDecoder::new(direction, maximum_message_size));
        Self::with_framing(Box::new(stream), peer.into(), frames, timeouts)
    }

    /// A client's connection that posts its messages to `target`.
    pub fn http(
        stream: impl Stream + 'static,
        peer: impl Into<String>,
        target: HttpTarget,
        maximum_message_size: usize,
        timeouts: Timeouts,
    ) -> Self {
        let decoder = HttpDecoder::of_responses(maximum_message_size);
        let side = Side::Client(target);
        let frames = Framing::Http { decoder, side };
        Self::with_framing(Box::new(stream), peer.into(), frames, timeouts)
    }

    /// A server's connection that offers `service`.
    pub fn http_server(
        stream: impl Stream + 'static,
        peer: impl Into<String>,
        service: HttpService,
        maximum_message_size: usize,
        timeouts: Timeouts,
    ) -> Self {
        let decoder = HttpDecoder::of_requests(service, maximum_message_size);
        let side = Side::Server;
        let frames = Framing::Http { decoder, side };
        Self::with_framing(Box::new(stream), peer.into(), frames, timeouts)
    }

    /// Of the message that a server received last over HTTP: its content type, as the
    /// [`HttpService`] names it.
    pub fn content_type(&self) -> Option<&'static str> {
        self.frames.content_type()
    }

    fn with_framing(
        stream: Box<dyn Stream>,
        peer: String,
        frames: Framing,
        timeouts: Timeouts,
    ) -> Self {
        Connection {
            stream,
            peer,
            timeouts,
            frames,
            broken: false,
        }
    }

    /// The name of the peer in errors.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Whether an error has made the connection unusable.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether the peer still keeps the idle connection open.
    pub fn liveness(&mut self) -> Liveness {
        if self.broken {
            return Liveness::Closed;
        }
        self.frames.release();
        if !self.frames.keeps_alive() {
            return Liveness::Closed;
        }
        if self.frames.received() > 0 {
            return Liveness::Unsolicited;
        }
        self.stream.liveness()
    }

    /// Sends one message with a single write.
    ///
    /// # Errors
    /// If the peer does not take it in time or has closed the connection. Parts of it may have
    /// been sent.
    pub fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.limit(deadline);
        let stream = &mut self.stream;
        let sent = self.frames.send(message, |bytes| {
            stream.write_all(bytes)?;
            stream.flush()
        });
        sent.map_err(|error| {
            let error = self.reason_of_refusal(error);
            self.fail(Phase::Send, error, deadline)
        })
    }

    /// Receives the next message. It stays valid until the next call and is wiped then.
    ///
    /// # Errors
    /// If it does not arrive completely in time, is too long, or is no KMIP message.
    pub fn receive(&mut self, deadline: Deadline) -> Result<&[u8], Error> {
        match self.fill(deadline, None)? {
            true => Ok(self.frames.message()),
            false => {
                let closed = Cause::Closed {
                    received: 0,
                    expected: None,
                };
                Err(self.broken_by(Phase::Receive, closed))
            }
        }
    }

    /// Receives the next message, or `None` if the peer closed the connection after a message.
    ///
    /// The message has to begin until `idle`; from then on it has the time that
    /// [`Timeouts::operation`] allows.
    ///
    /// # Errors
    /// As for [`receive`](Self::receive).
    pub fn receive_or_end(&mut self, idle: Deadline) -> Result<Option<&[u8]>, Error> {
        let complete = self.fill(idle, self.timeouts.operation)?;
        Ok(complete.then(|| self.frames.message()))
    }

    /// The message that was received last, until it is released.
    pub fn message(&self) -> &[u8] {
        self.frames.message()
    }

    /// Whether another message can follow on this connection.
    pub fn keeps_alive(&self) -> bool {
        !self.broken && self.frames.keeps_alive()
    }

    /// Wipes the message that was received last.
    pub fn release(&mut self) {
        self.frames.release();
    }

    /// Changes the limits for single reads and writes.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// Reads until a message is complete. `false` if the stream ends before its first byte.
    /// With `rest`, the deadline is for the first bytes, and this is the time for the others.
    fn fill(&mut self, mut deadline: Deadline, rest: Option<Duration>) -> Result<bool, Error> {
        self.frames.release();
        self.limit(deadline);
        let mut rest = rest;
        loop {
            if self.frames.received() > 0 {
                if let Some(rest) = rest.take() {
                    deadline = Deadline::after(rest);
                    self.limit(deadline);
                }
            }
            match self.frames.is_complete() {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => {
                    if let Some(refusal) = self.frames.refusal(&error) {
                        // Whether it arrives does not matter: the connection ends anyhow.
                        let _ = self.stream.write_all(refusal.as_bytes());
                    }
                    return Err(self.broken_by(Phase::Receive, error.into()));
                }
            }
            match self.stream.read(self.frames.spare()) {
                Ok(0) => return self.ended(),
                Ok(count) => self.frames.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fail(Phase::Receive, error, deadline)),
            }
        }
    }

    fn ended(&mut self) -> Result<bool, Error> {
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

    fn limit(&mut self, deadline: Deadline) {
        self.stream.set_limits(IoLimits {
            read: self.timeouts.read,
            write: self.timeouts.write,
            deadline,
        });
    }

    /// A peer that refuses us may say why before it closes; sending then fails first.
    fn reason_of_refusal(&mut self, error: io::Error) -> io::Error {
        if !is_closed(&error) {
            return error;
        }
        match self.stream.read(&mut [0]) {
            Err(reason) if tls::Error::in_io(&reason).is_some() => reason,
            _ => error,
        }
    }

    fn fail(&mut self, phase: Phase, error: io::Error, deadline: Deadline) -> Error {
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

fn is_closed(error: &io::Error) -> bool {
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

impl Drop for Connection {
    fn drop(&mut self) {
        self.limit(Deadline::after(Duration::from_secs(1)));
        self.stream.close();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}
