//! Serving one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Encoding;
use crate::transport::{
    Cause, Connection, Deadline, Error, FrameError, HttpService, Liveness, MessageDirection,
    OutgoingBuffer, Received, Stream, Timeouts,
};
use crate::types::ResultReason;

use super::engine::Engine;
use super::exchange::{Delivery, Exchange, Trickle};
use super::failure::Failure;
use super::handler::Handler;
use super::options::ServeOptions;
use super::peer::Peer;

/// Answers the requests on one stream until the client closes it. For streams that do not come
/// from a [`Server`](super::Server).
///
/// # Errors
/// If the stream fails, the client takes too long, or sends something that is no request.
pub fn serve_connection<H: Handler>(
    engine: &Engine<H>,
    stream: impl Stream + 'static,
    peer: &Peer,
    options: &ServeOptions,
) -> Result<(), Error> {
    let mut session = Session::new(stream, peer.clone(), options);
    session.serve(engine, options, None).map(drop)
}

/// Why a [`Session`] is not served any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// It has ended.
    Ended,
    /// No request has come for a while.
    Idle,
}

/// A connection, and who is at its other end.
pub(super) struct Session {
    connection: Connection,
    peer: Peer,
    /// Whether responses are sent in single bytes.
    trickle: Arc<AtomicBool>,
    /// When the last request was answered, or the connection made.
    since: Instant,
    /// Until when the next request has to begin.
    idle: Deadline,
}

impl Session {
    pub(super) fn new(stream: impl Stream + 'static, peer: Peer, options: &ServeOptions) -> Self {
        let name = match peer.address() {
            Some(address) => address.to_string(),
            None => "local client".to_owned(),
        };
        let timeouts = Timeouts::NONE.with_operation(options.request);
        let maximum = options.maximum_message_size;
        let (stream, trickle) = Trickle::new(stream);
        let connection = match &options.https {
            None => {
                let direction = MessageDirection::Requests;
                Connection::new(stream, name, direction, maximum, timeouts)
            }
            Some(path) => {
                let content_types = Encoding::ALL.map(Encoding::content_type);
                let service = HttpService::new(path, content_types);
                Connection::http_server(stream, name, service, maximum, timeouts)
            }
        };
        Session {
            connection,
            peer,
            trickle,
            since: Instant::now(),
            idle: Deadline::after(options.idle),
        }
    }

    /// Since when it waits for a request. What is none, such as single bytes, changes nothing about that.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Until when the next request has to begin.
    pub(super) fn idle(&self) -> Deadline {
        self.idle
    }

    /// Whether something has arrived, as far as can be told without waiting.
    pub(super) fn has_request(&mut self) -> bool {
        self.connection.liveness() == Liveness::Unsolicited
    }

    /// Answers requests until the client closes the connection or, with `patience`, until none has come
    /// for so long. Then this can be called again.
    pub(super) fn serve<H: Handler>(
        &mut self,
        engine: &Engine<H>,
        options: &ServeOptions,
        patience: Option<Duration>,
    ) -> Result<Pause, Error> {
        let mut response = OutgoingBuffer::new();
        let mut now = Instant::now();
        loop {
            let outcome =
                self.receive(patience.map(|patience| Deadline::after_instant(now, patience)));
            if let Ok(Received::Nothing) = outcome {
                self.connection.rest();
                return Ok(Pause::Idle);
            }
            let outcome = self.answer(outcome, engine, options, response.writer());
            self.connection.release();
            let delivery = *outcome.as_ref().unwrap_or(&Delivery::Whole);
            let outcome = outcome.map(drop);
            if delivery == Delivery::Withheld {
                response.wipe();
            }
            if response.bytes().is_empty() {
                return outcome.map(|()| Pause::Ended);
            }
            self.trickle
                .store(delivery == Delivery::ByteByByte, Ordering::Relaxed);
            let deadline = Deadline::after(options.request);
            let sent = self.connection.send(response.bytes(), deadline);
            response.wipe();
            outcome.and(sent)?;
            if !self.connection.keeps_alive() {
                return Ok(Pause::Ended);
            }
            now = Instant::now();
            self.since = now;
            self.idle = Deadline::after_instant(now, options.idle);
        }
    }

    fn receive(&mut self, patience: Option<Deadline>) -> Result<Received, Error> {
        let connection = &mut self.connection;
        match patience {
            Some(patience) => connection.receive_or_rest(self.idle, patience),
            None => Ok(match connection.receive_or_end(self.idle)? {
                Some(_) => Received::Message,
                None => Received::End,
            }),
        }
    }

    /// Puts the response to what was received into `response`, or nothing if the connection is to end
    /// without one. Says how the response is to be sent.
    fn answer<H: Handler>(
        &self,
        received: Result<Received, Error>,
        engine: &Engine<H>,
        options: &ServeOptions,
        response: &mut Vec<u8>,
    ) -> Result<Delivery, Error> {
        match received {
            Ok(Received::Message) => {
                let content_type = self.connection.content_type();
                let encoding = content_type.and_then(Encoding::from_content_type);
                let encoding = encoding.unwrap_or_default();
                let request = self.connection.message();
                engine.respond_in(encoding, &self.peer, request, response);
                let Some(observer) = &options.on_exchange else {
                    return Ok(Delivery::Whole);
                };
                Ok(observer(Exchange {
                    peer: &self.peer,
                    encoding,
                    request,
                    response,
                }))
            }
            Ok(Received::End | Received::Nothing) => Ok(Delivery::Whole),
            Err(error) => {
                // An HTTP client was told by status.
                if options.https.is_none() {
                    if let Some(failure) = answerable(&error) {
                        engine.refuse(Encoding::Ttlv, None, &failure, response);
                    }
                }
                Err(error)
            }
        }
    }
}

/// What can be answered to something that is a message but is not read.
fn answerable(error: &Error) -> Option<Failure> {
    match error.cause() {
        Cause::Frame(error @ FrameError::TooLong { .. }) => {
            let reason = ResultReason::INVALID_MESSAGE;
            Some(Failure::new(reason, error.to_string()))
        }
        _ => None,
    }
}
