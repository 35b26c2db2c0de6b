//! Taking the bodies out of HTTP/1.1 requests and responses. No I/O happens here.

use std::fmt;

use super::HttpService;
use crate::transport::FrameError;
use crate::transport::buffer::ReceiveBuffer;

/// The head of a response may be so long.
const MAXIMUM_HEAD: usize = 16 << 10;
const MAXIMUM_HEADERS: usize = 64;
/// So much of a server's explanation is passed on.
const MAXIMUM_TEXT: usize = 200;

/// Takes bodies out of a stream. Used like [`FrameDecoder`](crate::transport::FrameDecoder).
pub(crate) struct HttpDecoder {
    buffer: ReceiveBuffer,
    head: Option<Head>,
    maximum: usize,
    /// Whether the peer keeps the connection open.
    keep_alive: bool,
    /// What a server offers; none on the side of a client.
    service: Option<HttpService>,
    /// Of the last request that a server got: its content type, as the service names it.
    content_type: Option<&'static str>,
}

struct Head {
    /// Where the body begins.
    begin: usize,
    body: Body,
}

enum Body {
    Length(usize),
    UntilClose {
        closed: bool,
    },
    /// `decoded` bytes of the body stand in place; what follows is at `next`.
    Chunked {
        decoded: usize,
        next: usize,
    },
    /// A chunked body that is complete; the response ends at `end`.
    Complete {
        length: usize,
        end: usize,
    },
}

impl HttpDecoder {
    /// A decoder of responses.
    pub(in crate::transport) fn of_responses(maximum: usize) -> Self {
        HttpDecoder {
            buffer: ReceiveBuffer::new(),
            head: None,
            maximum,
            keep_alive: true,
            service: None,
            content_type: None,
        }
    }

    /// A decoder of requests to `service`.
    pub(in crate::transport) fn of_requests(service: HttpService, maximum: usize) -> Self {
        HttpDecoder {
            service: Some(service),
            ..Self::of_responses(maximum)
        }
    }

    pub(in crate::transport) fn content_type(&self) -> Option<&'static str> {
        self.content_type
    }

    pub(in crate::transport) fn buffer(&mut self) -> &mut ReceiveBuffer {
        &mut self.buffer
    }

    pub(in crate::transport) fn received(&self) -> usize {
        self.buffer.len()
    }

    pub(in crate::transport) fn keeps_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether a response is complete.
    pub(in crate::transport) fn poll(&mut self) -> Result<bool, FrameError> {
        if self.head.is_none() {
            self.head = self.read_head()?;
        }
        self.read_chunks()?;
        match self.extent() {
            Some((begin, length, end)) => {
                self.check_length(length)?;
                Ok(begin.saturating_add(length) <= self.buffer.len() && end <= self.buffer.len())
            }
            None => {
                let begun = self.head.as_ref().map_or(0, |head| head.begin);
                self.check_length(self.buffer.len() - begun)?;
                Ok(false)
            }
        }
    }

    /// The body, once [`poll`](Self::poll) says that it is complete.
    pub(in crate::transport) fn message(&self) -> &[u8] {
        match self.extent() {
            Some((begin, length, _)) => self
                .buffer
                .bytes()
                .get(begin..begin.saturating_add(length))
                .unwrap_or_default(),
            None => &[],
        }
    }

    /// Wipes the response, if it is complete.
    pub(in crate::transport) fn release(&mut self) {
        if let Some((begin, length, end)) = self.extent() {
            if begin.saturating_add(length) <= self.buffer.len() && end <= self.buffer.len() {
                self.buffer.consume(end);
                self.head = None;
            }
        }
    }

    /// Length of the body, once it is known.
    pub(in crate::transport) fn expected(&self) -> Option<usize> {
        self.extent().map(|(_, length, _)| length)
    }

    /// The stream has ended: this may complete a response.
    pub(in crate::transport) fn close(&mut self) {
        self.keep_alive = false;
        if let Some(Head {
            body: Body::UntilClose { closed },
            ..
        }) = &mut self.head
        {
            *closed = true;
        }
    }

    /// Begin and length of the body, and end of the response.
    fn extent(&self) -> Option<(usize, usize, usize)> {
        let Head { begin, body } = self.head.as_ref()?;
        let (length, end) = match *body {
            Body::Length(length) => (length, begin.saturating_add(length)),
            Body::UntilClose { closed: true } => (self.buffer.len() - begin, self.buffer.len()),
            Body::Complete { length, end } => (length, end),
            Body::UntilClose { closed: false } | Body::Chunked { .. } => return None,
        };
        Some((*begin, length, end))
    }

    fn check_length(&self, length: usize) -> Result<(), FrameError> {
        let maximum = self.maximum.max(MAXIMUM_HEAD);
        match length > maximum {
            true => Err(FrameError::TooLong {
                length: length as u64,
                maximum,
            }),
            false => Ok(()),
        }
    }

    fn read_head(&mut self) -> Result<Option<Head>, FrameError> {
        match self.service.clone() {
            None => self.read_response_head(),
            Some(service) => self.read_request_head(&service),
        }
    }

    fn read_request_head(&mut self, service: &HttpService) -> Result<Option<Head>, FrameError> {
        let data = self.buffer.bytes();
        let mut headers = [httparse::EMPTY_HEADER; MAXIMUM_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let Some(begin) = complete(request.parse(data), data)? else {
            return Ok(None);
        };
        self.content_type = Some(service.accept(&request)?);
        let (body, keep_alive) = read_headers(request.headers, request.version == Some(1), begin)?;
        self.keep_alive = keep_alive;
        match body {
            Body::UntilClose { .. } => Err(FrameError::HttpRefused(411, "Length Required")),
            body => Ok(Some(Head { begin, body })),
        }
    }

    fn read_response_head(&mut self) -> Result<Option<Head>, FrameError> {
        loop {
            let data = self.buffer.bytes();
            let mut headers = [httparse::EMPTY_HEADER; MAXIMUM_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let Some(begin) = complete(response.parse(data), data)? else {
                return Ok(None);
            };
            let status = response.code.unwrap_or_default();
            if (100..200).contains(&status) {
                // Not yet the answer.
                self.buffer.consume(begin);
                continue;
            }
            if status != 200 {
                return Err(FrameError::HttpStatus {
                    status,
                    reason: printable(response.reason.unwrap_or_default().as_bytes()),
                    text: printable(&data[begin..]),
                });
            }
            let http_1_1 = response.version == Some(1);
            let (body, keep_alive) = read_headers(response.headers, http_1_1, begin)?;
            self.keep_alive = keep_alive;
            return Ok(Some(Head { begin, body }));
        }
    }

    /// Moves chunks together as they arrive.
    fn read_chunks(&mut self) -> Result<(), FrameError> {
        let wrong = FrameError::Http("its chunks are malformed");
        loop {
            let Some(head) = &mut self.head else {
                return Ok(());
            };
            let begin = head.begin;
            let Body::Chunked { decoded, next } = &mut head.body else {
                return Ok(());
            };
            let data = self.buffer.bytes_mut();
            let (at, size) = match httparse::parse_chunk_size(&data[*next..]) {
                Ok(httparse::Status::Complete((length, size))) => (*next + length, size),
                Ok(httparse::Status::Partial) => return Ok(()),
                Err(_) => return Err(wrong),
            };
            let size = usize::try_from(size).map_err(|_| wrong.clone())?;
            let (length, maximum) = (decoded.saturating_add(size), self.maximum);
            if length > maximum {
                let length = length as u64;
                return Err(FrameError::TooLong { length, maximum });
            }
            if size == 0 {
                if let Some(end) = end_of_trailers(&data[at..]) {
                    let (length, end) = (*decoded, at + end);
                    head.body = Body::Complete { length, end };
                }
                return Ok(());
            }
            let after = at.saturating_add(size);
            let Some(rest) = data.get(after..after.saturating_add(2)) else {
                return Ok(());
            };
            if rest != b"\r\n" {
                return Err(wrong);
            }
            data.copy_within(at..after, begin + *decoded);
            *decoded += size;
            *next = after + 2;
        }
    }
}

/// Where the body begins, once the head is complete.
fn complete(parsed: httparse::Result<usize>, data: &[u8]) -> Result<Option<usize>, FrameError> {
    match parsed {
        Ok(httparse::Status::Complete(begin)) => Ok(Some(begin)),
        Ok(httparse::Status::Partial) if data.len() > MAXIMUM_HEAD => {
            Err(FrameError::Http("its head is too long"))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(FrameError::Http("it is not HTTP/1.1")),
    }
}

/// How the body is delimited, and whether the connection is kept open (RFC 9112, sections 6.3
/// and 9.3).
fn read_headers(
    headers: &[httparse::Header<'_>],
    http_1_1: bool,
    begin: usize,
) -> Result<(Body, bool), FrameError> {
    let mut length = None;
    let mut chunked = false;
    let mut keep_alive = http_1_1;
    for header in headers {
        let value = std::str::from_utf8(header.value).unwrap_or_default().trim();
        if header.name.eq_ignore_ascii_case("content-length") {
            let wrong = FrameError::Http("its Content-Length is wrong");
            let this: usize = value.parse().map_err(|_| wrong.clone())?;
            if length.is_some_and(|other| other != this) {
                return Err(wrong);
            }
            length = Some(this);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(FrameError::Http("its Transfer-Encoding is not known"));
            }
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("connection") {
            let mut options = value.split(',').map(str::trim);
            if options.any(|option| option.eq_ignore_ascii_case("close")) {
                keep_alive = false;
            }
        }
    }
    Ok(match (chunked, length) {
        // Both together are how responses are smuggled.
        (true, Some(_)) => return Err(FrameError::Http("it has two lengths")),
        (true, None) => (
            Body::Chunked {
                decoded: 0,
                next: begin,
            },
            keep_alive,
        ),
        (false, Some(length)) => (Body::Length(length), keep_alive),
        (false, None) => (Body::UntilClose { closed: false }, false),
    })
}

/// After the last chunk: lines until an empty one.
fn end_of_trailers(data: &[u8]) -> Option<usize> {
    if data.starts_with(b"\r\n") {
        return Some(2);
    }
    let found = data.windows(4).position(|end| end == b"\r\n\r\n")?;
    Some(found + 4)
}

/// The first words of a text that a server sends.
fn printable(text: &[u8]) -> String {
    let text = &text[..text.len().min(MAXIMUM_TEXT)];
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).collect()
}

impl fmt::Debug for HttpDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDecoder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bodies that come out when `bytes` arrive in pieces of `size`.
    fn bodies(bytes: &[u8], size: usize) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut decoder = HttpDecoder::of_responses(1 << 20);
        let mut bodies = Vec::new();
        for piece in bytes.chunks(size) {
            decoder.buffer().spare()[..piece.len()].copy_from_slice(piece);
            decoder.buffer().advance(piece.len());
            while decoder.poll()? {
                bodies.push(decoder.message().to_vec());
                decoder.release();
            }
        }
        decoder.close();
        if decoder.poll()? {
            bodies.push(decoder.message().to_vec());
        }
        Ok(bodies)
    }

    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst\
        HTTP/1.1 100 Continue\r\n\r\n\
        HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nsec\r\n3;x=y\r\nond\r\n0\r\nTrailer: x\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\
        HTTP/1.1 200 OK\r\n\r\nlast";

    #[test]
    fn the_size_of_the_pieces_does_not_matter() {
        for size in 1..STREAM.len() {
            let found = bodies(STREAM, size).unwrap();
            assert_eq!(found, [&b"first"[..], b"second", b"", b"last"], "{size}");
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let most = usize::MAX;
        for head in [
            format!("Content-Length: {most}\r\n\r\n"),
            format!("Content-Length: {}\r\n\r\n", most - 40),
            format!("Transfer-Encoding: chunked\r\n\r\n{most:x}\r\n"),
        ] {
            let mut decoder = HttpDecoder::of_responses(usize::MAX >> 1);
            let bytes = format!("HTTP/1.1 200 OK\r\n{head}");
            decoder.buffer().spare()[..bytes.len()].copy_from_slice(bytes.as_bytes());
            decoder.buffer().advance(bytes.len());
            let refused = matches!(decoder.poll(), Err(FrameError::TooLong { .. }));
            assert!(refused, "{head}");
            // As a connection does that ends.
            decoder.release();
            assert!(decoder.message().is_empty());
        }
    }

    #[test]
    fn damaged_responses_are_errors_or_other_bodies_but_nothing_worse() {
        for position in 0..STREAM.len() {
            for value in [0, b'\r', b'\n', b'9', b'F', 0xFF] {
                let mut damaged = STREAM.to_vec();
                damaged[position] = value;
                let _ = bodies(&damaged, 16);
            }
        }
    }
}
