//! The ways in which messages are delimited on a stream.

use std::ops::Deref;

use zeroize::Zeroizing;

use super::http::{self, HttpDecoder, HttpTarget};
use super::{FrameDecoder, FrameError, MessageDirection};

/// One of the ways, and what has arrived.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Messages in TTLV follow each other and carry their own length.
    Ttlv(FrameDecoder),
    /// Messages of any encoding are the bodies of HTTP requests and responses; those that are
    /// sent have a head before them.
    Http { decoder: HttpDecoder, side: Side },
}

/// Which side of HTTP this is.
#[derive(Debug)]
pub(crate) enum Side {
    Client(HttpTarget),
    Server,
}

impl Framing {
    /// Of a client: messages in TTLV as they are, or in the bodies of requests to `target`.
    pub(crate) fn of_client(target: Option<HttpTarget>, maximum_message_size: usize) -> Self {
        match target {
            None => {
                let direction = MessageDirection::Responses;
                Framing::Ttlv(FrameDecoder::new(direction, maximum_message_size))
            }
            Some(target) => Framing::Http {
                decoder: HttpDecoder::of_responses(maximum_message_size),
                side: Side::Client(target),
            },
        }
    }

    /// A message with what goes before it, to be sent at once.
    pub(super) fn wrap<'m>(&self, message: &'m [u8]) -> Wrapped<'m> {
        let head = match self {
            Framing::Ttlv(_) => return Wrapped::Bare(message),
            Framing::Http { decoder, side } => match side {
                Side::Client(target) => target.head(message.len()),
                Side::Server => {
                    let content_type = decoder.content_type().unwrap_or_default();
                    http::response_head(content_type, message.len())
                }
            },
        };
        let mut whole = Zeroizing::new(Vec::with_capacity(head.len() + message.len()));
        whole.extend_from_slice(head.as_bytes());
        whole.extend_from_slice(message);
        Wrapped::WithHead(whole)
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

    /// Gives back memory that is not needed while nothing arrives.
    pub(super) fn rest(&mut self) {
        match self {
            Framing::Ttlv(decoder) => decoder.buffer().rest(),
            Framing::Http { decoder, .. } => decoder.buffer().rest(),
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

/// A message as it is sent. A copy that had to be made is wiped.
pub(super) enum Wrapped<'m> {
    Bare(&'m [u8]),
    WithHead(Zeroizing<Vec<u8>>),
}

impl Deref for Wrapped<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Wrapped::Bare(message) => message,
            Wrapped::WithHead(whole) => whole,
        }
    }
}
