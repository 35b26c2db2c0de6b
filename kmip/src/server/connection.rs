//! Serving one connection.

use std::sync::atomic::Ordering;

use crate::Encoding;
use crate::transport::{
    Cause, Connection, Deadline, Error, FrameError, HttpService, MessageDirection, OutgoingBuffer,
    Stream, Timeouts,
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
    let name = match peer.address() {
        Some(address) => address.to_string(),
        None => "local client".to_owned(),
    };
    let timeouts = Timeouts::NONE.with_operation(options.request);
    let maximum = options.maximum_message_size;
    let (stream, trickle) = Trickle::new(stream);
    let mut connection = match &options.https {
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
    let mut response = OutgoingBuffer::new();
    loop {
        let outcome = answer(engine, &mut connection, peer, options, response.writer());
        connection.release();
        let delivery = *outcome.as_ref().unwrap_or(&Delivery::Whole);
        let outcome = outcome.map(drop);
        if delivery == Delivery::Withheld {
            response.wipe();
        }
        if response.bytes().is_empty() {
            return outcome;
        }
        trickle.store(delivery == Delivery::ByteByByte, Ordering::Relaxed);
        let sent = connection.send(response.bytes(), Deadline::after(options.request));
        response.wipe();
        outcome.and(sent)?;
        if !connection.keeps_alive() {
            return Ok(());
        }
    }
}

/// Receives a request and puts the response into `response`, or nothing if the connection is to end
/// without one. Says how the response is to be sent.
fn answer<H: Handler>(
    engine: &Engine<H>,
    connection: &mut Connection,
    peer: &Peer,
    options: &ServeOptions,
    response: &mut Vec<u8>,
) -> Result<Delivery, Error> {
    match connection.receive_or_end(Deadline::after(options.idle)) {
        Ok(None) => Ok(Delivery::Whole),
        Ok(Some(_)) => {
            let content_type = connection.content_type();
            let encoding = content_type.and_then(Encoding::from_content_type);
            let encoding = encoding.unwrap_or_default();
            let request = connection.message();
            engine.respond_in(encoding, peer, request, response);
            let Some(observer) = &options.on_exchange else {
                return Ok(Delivery::Whole);
            };
            Ok(observer(Exchange {
                peer,
                encoding,
                request,
                response,
            }))
        }
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
