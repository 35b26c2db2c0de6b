//! Where a KMIP message begins and ends on a byte stream.
//!
//! A message is one TTLV structure (KMIP 1.4, section 9.1; 2.1, section 9.1), so its header of
//! eight bytes tells its length. No I/O happens here.

use std::fmt;

use super::Garbage;
use super::buffer::ReceiveBuffer;

/// Messages longer than this are refused unless the limit is set otherwise: 8 MiB.
pub const DEFAULT_MAXIMUM_MESSAGE_SIZE: usize = 8 << 20;

/// Tag, item type and length of the outermost structure.
const HEADER: usize = 8;
pub(super) const STRUCTURE: u8 = 0x01;

/// Which messages are expected on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageDirection {
    /// Request Messages: the reader is a server.
    Requests,
    /// Response Messages: the reader is a client.
    Responses,
}

impl MessageDirection {
    /// Tag and item type of its messages.
    fn begin(self) -> [u8; 4] {
        match self {
            MessageDirection::Requests => [0x42, 0x00, 0x78, STRUCTURE],
            MessageDirection::Responses => [0x42, 0x00, 0x7B, STRUCTURE],
        }
    }

    fn name(self) -> &'static str {
        match self {
            MessageDirection::Requests => "request",
            MessageDirection::Responses => "response",
        }
    }
}

/// Cuts a byte stream into KMIP messages.
///
/// Bytes are read into [`spare`](Self::spare) and reported with [`advance`](Self::advance);
/// [`poll`](Self::poll) tells whether a message is complete, [`message`](Self::message) is the
/// message, and [`release`](Self::release) makes room for the next one. The buffer is reused, and
/// wiped wherever a message was, since messages carry key material.
pub struct FrameDecoder {
    buffer: ReceiveBuffer,
    direction: MessageDirection,
    maximum: usize,
}

impl FrameDecoder {
    /// A decoder for messages of at most `maximum` bytes.
    pub fn new(direction: MessageDirection, maximum: usize) -> Self {
        FrameDecoder {
            buffer: ReceiveBuffer::new(),
            direction,
            maximum,
        }
    }

    /// Where the next bytes of the stream go; never empty.
    ///
    /// Memory grows with the bytes that have arrived, not with the length that a header promises.
    pub fn spare(&mut self) -> &mut [u8] {
        self.buffer.spare()
    }

    /// Reports that `count` bytes were put into [`spare`](Self::spare).
    ///
    /// # Panics
    /// If `count` is more than there was room for, a mistake of the caller.
    pub fn advance(&mut self, count: usize) {
        self.buffer.advance(count);
    }

    /// The length of the first message, once it is complete.
    ///
    /// # Errors
    /// As soon as the bytes cannot become a message: they are something else, or too long.
    pub fn poll(&self) -> Result<Option<usize>, FrameError> {
        match self.expected()? {
            Some(length) if self.buffer.len() >= length => Ok(Some(length)),
            _ => Ok(None),
        }
    }

    /// The first message. Empty unless [`poll`](Self::poll) finds one complete.
    pub fn message(&self) -> &[u8] {
        match self.poll() {
            Ok(Some(length)) => &self.buffer.bytes()[..length],
            _ => &[],
        }
    }

    /// Wipes the first message and makes room for the next.
    pub fn release(&mut self) {
        if self.buffer.len() == 0 {
            return;
        }
        if let Ok(Some(length)) = self.poll() {
            self.buffer.consume(length);
        }
    }

    pub(super) fn buffer(&mut self) -> &mut ReceiveBuffer {
        &mut self.buffer
    }

    /// How many bytes are waiting, of a complete message or a part of one.
    pub fn received(&self) -> usize {
        self.buffer.len()
    }

    /// The length of the first message, as soon as its header has arrived.
    ///
    /// # Errors
    /// As for [`poll`](Self::poll).
    pub fn expected(&self) -> Result<Option<usize>, FrameError> {
        let data = self.buffer.bytes();
        let Some(header) = data.first_chunk::<HEADER>() else {
            // Four bytes are enough to recognise what it is instead.
            return match self.may_be_a_message() || data.len() < 4 {
                true => Ok(None),
                false => Err(self.not_a_message()),
            };
        };
        let [a, b, c, kind, length @ ..] = *header;
        if [a, b, c, kind] != self.direction.begin() {
            return Err(self.not_a_message());
        }
        let length = u32::from_be_bytes(length);
        if length % 8 != 0 {
            return Err(FrameError::Length(length));
        }
        match usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_add(HEADER))
        {
            Some(total) if total <= self.maximum => Ok(Some(total)),
            _ => Err(FrameError::TooLong {
                length: u64::from(length) + HEADER as u64,
                maximum: self.maximum,
            }),
        }
    }

    /// Whether the bytes so far, also if they are few, can be the beginning of a message.
    pub fn may_be_a_message(&self) -> bool {
        let begin = self.direction.begin();
        let known = self.buffer.len().min(begin.len());
        self.buffer.bytes()[..known] == begin[..known]
    }

    /// What the bytes are that are no message, also if they are few.
    pub fn not_a_message(&self) -> FrameError {
        let data = self.buffer.bytes();
        FrameError::NotAMessage {
            expected: self.direction,
            found: Garbage::recognise(data),
        }
    }
}

impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDecoder")
            .field("direction", &self.direction)
            .field("received", &self.received())
            .field("maximum", &self.maximum)
            .finish_non_exhaustive()
    }
}

/// Why bytes are not a KMIP message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The first bytes belong to something else.
    #[error("expected a KMIP {} message in TTLV but found {found}", expected.name())]
    NotAMessage {
        /// What was expected.
        expected: MessageDirection,
        /// What came.
        found: Garbage,
    },
    /// The length is not a multiple of eight, as that of a structure is.
    #[error("the message header announces {0} bytes, which is not a multiple of 8")]
    Length(u32),
    /// The HTTP request or response is malformed.
    #[error("what arrived as HTTP is malformed: {0}")]
    Http(&'static str),
    /// The HTTP request is for something that the server does not offer.
    #[error("the HTTP request is refused with {0} {1}")]
    HttpRefused(u16, &'static str),
    /// The HTTP server does not answer with a KMIP message.
    #[error("the HTTP server answers {status} {reason}{}", detail(text))]
    HttpStatus {
        /// The status, such as 404.
        status: u16,
        /// Its name by the server.
        reason: String,
        /// The first words of its explanation.
        text: String,
    },
    /// The message is longer than the reader accepts.
    #[error("the message has {length} bytes; the limit is {maximum}")]
    TooLong {
        /// Length with the header.
        length: u64,
        /// The limit, see [`FrameDecoder::new`].
        maximum: usize,
    },
}

fn detail(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(" ({text})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: usize) -> Vec<u8> {
        let mut bytes = vec![0x42, 0x00, 0x7B, 0x01];
        bytes.extend(u32::try_from(body).unwrap().to_be_bytes());
        bytes.extend((0..body).map(|i| i as u8));
        bytes
    }

    fn feed(decoder: &mut FrameDecoder, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = decoder.spare();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            decoder.advance(count);
            bytes = &bytes[count..];
        }
    }

    fn decoder(maximum: usize) -> FrameDecoder {
        FrameDecoder::new(MessageDirection::Responses, maximum)
    }

    #[test]
    fn a_message_is_complete_with_its_last_byte() {
        let bytes = message(40_000);
        let mut decoder = decoder(1 << 20);
        for byte in &bytes[..bytes.len() - 1] {
            feed(&mut decoder, &[*byte]);
            assert_eq!(decoder.poll(), Ok(None));
        }
        feed(&mut decoder, &bytes[bytes.len() - 1..]);
        assert_eq!(decoder.message(), bytes);
    }

    #[test]
    fn several_messages_at_once_come_one_by_one() {
        let (first, second) = (message(16), message(800 << 10));
        let mut decoder = decoder(1 << 20);
        feed(
            &mut decoder,
            &[first.clone(), second.clone(), first.clone()].concat(),
        );
        for expected in [&first, &second, &first] {
            assert_eq!(decoder.message(), &expected[..]);
            decoder.release();
        }
        assert_eq!(decoder.received(), 0);
    }

    #[test]
    fn a_promised_length_allocates_nothing() {
        let mut decoder = decoder(usize::MAX);
        feed(
            &mut decoder,
            &[0x42, 0x00, 0x7B, 0x01, 0xFF, 0xFF, 0xFF, 0xF8],
        );
        assert!(decoder.spare().len() <= crate::transport::buffer::INITIAL_CAPACITY);
    }

    #[test]
    fn what_is_no_message_is_recognised() {
        for (bytes, found) in [
            (&b"HTTP/1.1 400 Bad Request"[..], Garbage::HttpResponse),
            (b"POST /kmip", Garbage::HttpRequest),
            (b"\x15\x03\x03\x00\x02\x02\x28", Garbage::TlsAlert),
            (b"\x16\x03\x01\x02", Garbage::TlsHandshake),
            (b"SSH-2.0-OpenSSH", Garbage::Ssh),
            (b"<html>", Garbage::Xml),
            (b"{\"tag", Garbage::Json),
            (b"\x42\x00\x78\x01", Garbage::OtherDirection),
            (b"\x42\x00\x7B\x02", Garbage::Unknown([0x42, 0, 0x7B, 2])),
            (b"\0\0\0\0", Garbage::Unknown([0; 4])),
        ] {
            let mut decoder = decoder(1 << 20);
            feed(&mut decoder, bytes);
            let expected = MessageDirection::Responses;
            let error = FrameError::NotAMessage { expected, found };
            assert_eq!(decoder.poll(), Err(error));
        }
    }

    #[test]
    fn lengths_are_checked() {
        let mut short = decoder(100);
        feed(&mut short, &message(96)[..8]);
        let (length, maximum) = (104, 100);
        assert_eq!(short.poll(), Err(FrameError::TooLong { length, maximum }));
        let mut odd = decoder(100);
        feed(&mut odd, &message(7)[..8]);
        assert_eq!(odd.poll(), Err(FrameError::Length(7)));
    }
}
