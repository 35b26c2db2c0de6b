//! A blocking connection that carries whole messages.

use std::fmt;
use std::io;
use std::time::Duration;

use super::carrier::{Carrier, is_closed};
use super::error::{Error, Phase};
use super::framing::{Framing, Side};
use super::http::{HttpDecoder, HttpService, HttpTarget};
use super::{Deadline, FrameDecoder, IoLimits, Liveness, MessageDirection, Stream, Timeouts, tls};

/// A stream on which whole KMIP messages are sent and received.
///
/// After an error the connection is of no use any more, since the peers no longer agree on
/// where a message begins; [`is_broken`](Self::is_broken) tells.
pub struct Connection {
    stream: Box<dyn Stream>,
    carrier: Carrier,
}

/// What became of waiting for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// It is complete.
    Message,
    /// The peer closed the connection before its first byte.
    End,
    /// Nothing has begun to arrive yet, and the connection is as good as before.
    Nothing,
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
        self.carrier.frames.content_type()
    }

    pub(crate) fn with_framing(
        stream: Box<dyn Stream>,
        peer: String,
        frames: Framing,
        timeouts: Timeouts,
    ) -> Self {
        let carrier = Carrier::new(peer, frames, timeouts);
        Connection { stream, carrier }
    }

    /// The name of the peer in errors.
    pub fn peer(&self) -> &str {
        self.carrier.peer()
    }

    /// Whether an error has made the connection unusable.
    pub fn is_broken(&self) -> bool {
        self.carrier.is_broken()
    }

    /// Whether the peer still keeps the idle connection open.
    pub fn liveness(&mut self) -> Liveness {
        match self.carrier.idle_state() {
            Some(known) => known,
            None => self.stream.liveness(),
        }
    }

    /// Sends one message with a single write.
    ///
    /// # Errors
    /// If the peer does not take it in time or has closed the connection. Parts of it may have
    /// been sent.
    pub fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.limit(deadline);
        let wrapped = self.carrier.frames.wrap(message);
        let sent = self.stream.write_all(&wrapped);
        sent.and_then(|()| self.stream.flush()).map_err(|error| {
            let error = self.reason_of_refusal(error);
            self.carrier.failed(Phase::Send, error, deadline)
        })
    }

    /// Receives the next message. It stays valid until the next call and is wiped then.
    ///
    /// # Errors
    /// If it does not arrive completely in time, is too long, or is no KMIP message.
    pub fn receive(&mut self, deadline: Deadline) -> Result<&[u8], Error> {
        match self.fill(deadline, None, None)? {
            Received::Message => Ok(self.carrier.frames.message()),
            _ => Err(self.carrier.ended_without_message()),
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
        let received = self.fill(idle, self.carrier.timeouts.operation, None)?;
        Ok((received == Received::Message).then(|| self.carrier.frames.message()))
    }

    /// As [`receive_or_end`](Self::receive_or_end), but if nothing arrives until `patience` ends, the
    /// caller can do something else and come back.
    pub(crate) fn receive_or_rest(
        &mut self,
        idle: Deadline,
        patience: Deadline,
    ) -> Result<Received, Error> {
        self.fill(idle, self.carrier.timeouts.operation, Some(patience))
    }

    /// Gives back memory that is not needed while nothing arrives.
    pub(crate) fn rest(&mut self) {
        self.carrier.frames.rest();
        self.stream.rest();
    }

    /// The message that was received last, until it is released.
    pub fn message(&self) -> &[u8] {
        self.carrier.frames.message()
    }

    /// Whether another message can follow on this connection.
    pub fn keeps_alive(&self) -> bool {
        !self.carrier.is_broken() && self.carrier.frames.keeps_alive()
    }

    /// Wipes the message that was received last.
    pub fn release(&mut self) {
        self.carrier.frames.release();
    }

    /// Changes the limits for single reads and writes.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.carrier.timeouts = timeouts;
    }

    /// Reads until a message is complete. With `others`, the deadline is for its first bytes, and this
    /// is the time for the others. With `patience`, its first bytes are waited for only until then.
    fn fill(
        &mut self,
        mut deadline: Deadline,
        others: Option<Duration>,
        patience: Option<Deadline>,
    ) -> Result<Received, Error> {
        self.carrier.frames.release();
        match patience {
            None => self.limit(deadline),
            Some(patience) => {
                self.stream.set_limits(IoLimits {
                    resumable: true,
                    ..self.carrier.limits(deadline.or_earlier(patience))
                });
            }
        }
        let mut begun = others.is_none() && patience.is_none();
        loop {
            match self.carrier.frames.is_complete() {
                Ok(true) => return Ok(Received::Message),
                Ok(false) if !begun && self.carrier.frames.received() > 0 => {
                    begun = true;
                    deadline = others.map_or(deadline, Deadline::after);
                    self.limit(deadline);
                }
                Ok(false) => {}
                Err(error) => {
                    if let Some(refusal) = self.carrier.frames.refusal(&error) {
                        self.limit(others.map_or(deadline, Deadline::after));
                        // Whether it arrives does not matter: the connection ends anyhow.
                        let _ = self.stream.write_all(refusal.as_bytes());
                    }
                    return Err(self.carrier.malformed(error));
                }
            }
            match self.stream.read(self.carrier.frames.spare()) {
                Ok(0) => {
                    return Ok(match self.carrier.ended()? {
                        true => Received::Message,
                        false => Received::End,
                    });
                }
                Ok(count) => self.carrier.frames.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if patience.is_some() && is_pause(&error) && !begun => {
                    if !deadline.has_passed() {
                        return Ok(Received::Nothing);
                    }
                    let error = io::ErrorKind::TimedOut.into();
                    return Err(self.carrier.failed(Phase::Receive, error, deadline));
                }
                Err(error) => return Err(self.carrier.failed(Phase::Receive, error, deadline)),
            }
        }
    }

    fn limit(&mut self, deadline: Deadline) {
        self.stream.set_limits(self.carrier.limits(deadline));
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
}

fn is_pause(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
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
            .field("peer", &self.peer())
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}
