//! The ways in which messages are delimited on a stream.

use zeroize::Zeroize;

use super::http::{self, HttpDecoder, HttpTarget};
use super::{FrameDecoder, FrameError};

/// One of the ways, and what has arrived.
#[derive(Debug)]
pub(super) enum Framing {
    /// Messages in TTLV follow each other and carry their own length.
    Ttlv(FrameDecoder),
    /// Messages of any encoding are the bodies of HTTP requests and responses; those that are
    /// sent have a head before them.
    Http { decoder: HttpDecoder, side: Side },
}

/// Which side of HTTP this is.
#[derive(Debug)]
pub(super) enum Side {
    Client(HttpTarget),
    Server,
}

impl Framing {
    /// Writes a message, with what goes around it, through `write`, at once.
    pub(super) fn send<T>(&self, message: &[u8], write: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Framing::Ttlv(_) => write(message),
            Framing::Http { decoder, side } => {
                let head = match side {
                    Side::Client(target) => target.head(message.len()),
                    Side::Server => {
                        let content_type = decoder.content_type().unwrap_or_default();
                        http::response_head(content_type, message.len())
                    }
                };
                let mut request = Vec::with_capacity(head.len() + message.len());
                request.extend_from_slice(head.as_bytes());
                request.extend_from_slice(message);
                let written = write(&request);
                request.zeroize();
                written
            }
        }
    }

    pub(super) fn spare(&mut self) -> &mut [u8] {
        match self {
            Framing::Ttlv(decoder) => decoder.spare(),
            Framing::Http { decoder, .. } => decoder.buffer().spare(),
        }
    }

    pub(super) fn advance(&mut self, count: usize) {
        match self {
            Framing::Ttlv(decoder) => decoder.advance(count),
            Framing::Http { decoder, .. } => decoder.buffer().advance(count),
        }
    }

    pub(super) fn is_complete(&mut self) -> Result<bool, FrameError> {
        match self {
            Framing::Ttlv(decoder) => Ok(decoder.poll()?.is_some()),
            Framing::Http { decoder, .. } => decoder.poll(),
        }
    }

    pub(super) fn message(&self) -> &[u8] {
        match self {
            Framing::Ttlv(decoder) => decoder.message(),
            Framing::Http { decoder, .. } => decoder.message(),
        }
    }

    pub(super) fn release(&mut self) {
        match self {
            Framing::Ttlv(decoder) => decoder.release(),
            Framing::Http { decoder, .. } => decoder.release(),
        }
    }

    pub(super) fn received(&self) -> usize {
        match self {
            Framing::Ttlv(decoder) => decoder.received(),
            Framing::Http { decoder, .. } => decoder.received(),
        }
    }

    /// Length of the message, once it is known.
    pub(super) fn expected(&self) -> Option<usize> {
        match self {
            Framing::Ttlv(decoder) => decoder.expected().ok().flatten(),
            Framing::Http { decoder, .. } => decoder.expected(),
        }
    }

    /// The stream has ended. Whether this completes a message; an error if what is left can never
    /// have been the beginning of one.
    pub(super) fn end(&mut self) -> Result<bool, FrameError> {
        match self {
            Framing::Ttlv(decoder) if decoder.may_be_a_message() => Ok(false),
            Framing::Ttlv(decoder) => Err(decoder.not_a_message()),
            Framing::Http { decoder, .. } => {
                decoder.close();
                decoder.poll()
            }
        }
    }

    /// Of the message that a server received last over HTTP.
    pub(super) fn content_type(&self) -> Option<&'static str> {
        match self {
            Framing::Ttlv(_) => None,
            Framing::Http { decoder, .. } => decoder.content_type(),
        }
    }

    /// What to send, as it is, to a client whose message could not be understood.
    pub(super) fn refusal(&self, error: &FrameError) -> Option<String> {
        match self {
            Framing::Http {
                side: Side::Server, ..
            } => http::refusal(error),
            _ => None,
        }
    }

    /// Whether another message can follow on this stream.
    pub(super) fn keeps_alive(&self) -> bool {
        match self {
            Framing::Ttlv(_) => true,
            Framing::Http { decoder, .. } => decoder.keeps_alive(),
        }
    }
}
