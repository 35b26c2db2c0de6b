//! Serving one connection.

use zeroize::Zeroize;

use crate::transport::{
    Cause, Connection, Deadline, Error, FrameError, MessageDirection, Stream, Timeouts,
};
use crate::types::ResultReason;

use super::engine::Engine;
use super::failure::Failure;
use super::handler::Handler;
use super::options::ServeOptions;
use super::peer::Peer;

/// Answers the requests on one stream until the client closes it. For streams that do not come
/// from a [`Server`].
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
    let direction = MessageDirection::Requests;
    let maximum = options.maximum_message_size;
    let mut connection = Connection::new(stream, name, direction, maximum, timeouts);
    let mut response = Vec::new();
    loop {
        let fault = match connection.receive_or_end(Deadline::after(options.idle)) {
            Ok(None) => return Ok(()),
            Ok(Some(request)) => {
                engine.respond(peer, request, &mut response);
                None
            }
            Err(error) => {
                let Some(failure) = answerable(&error) else {
                    return Err(error);
                };
                engine.refuse(None, &failure, &mut response);
                Some(error)
            }
        };
        connection.release();
        let sent = connection.send(&response, Deadline::after(options.request));
        response.zeroize();
        match fault {
            Some(error) => return Err(error),
            None => sent?,
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
