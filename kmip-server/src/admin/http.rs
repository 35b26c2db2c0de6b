//! As much of HTTP/1.1 as a page to look at needs: GET and HEAD, one request for each connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest head of a request, in bytes.
const LONGEST: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// What keeps pages from doing anything but being looked at.
const HEADERS: &str = "Content-Security-Policy: default-src 'none'; style-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
     X-Content-Type-Options: nosniff\r\n\
     X-Frame-Options: DENY\r\n\
     Referrer-Policy: no-referrer\r\n\
     Cross-Origin-Opener-Policy: same-origin\r\n\
     Cross-Origin-Resource-Policy: same-origin\r\n\
     Cache-Control: no-store\r\n\
     Connection: close\r\n";

/// Number and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(u16, &'static str);

impl Status {
    pub(super) const OK: Status = Status(200, "OK");
    pub(super) const NOT_FOUND: Status = Status(404, "Not Found");
    pub(super) const MISDIRECTED: Status = Status(421, "Misdirected Request");
    pub(super) const FAILED: Status = Status(500, "Internal Server Error");
    const BAD: Status = Status(400, "Bad Request");
    const METHOD: Status = Status(405, "Method Not Allowed");
    const TOO_LONG: Status = Status(431, "Request Header Fields Too Large");
}

pub(super) struct Request<'r> {
    /// Without the part behind the question mark.
    pub(super) path: &'r str,
    query: &'r str,
    pub(super) host: Option<&'r str>,
}

impl Request<'_> {
    /// A parameter behind the question mark, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        decoded(value)
    }
}

pub(super) struct Response {
    status: Status,
    content_type: &'static str,
    body: String,
}

impl Response {
    pub(super) fn html(status: Status, body: String) -> Self {
        Response {
            status,
            content_type: "text/html; charset=utf-8",
            body,
        }
    }

    pub(super) fn style(body: &str) -> Self {
        Response {
            status: Status::OK,
            content_type: "text/css; charset=utf-8",
            body: body.to_owned(),
        }
    }

    pub(super) fn plain(status: Status, body: &str) -> Self {
        Response {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.to_owned(),
        }
    }
}

/// Reads a request and sends what `respond` makes of it.
///
/// # Errors
/// If the browser goes away or takes too long.
pub(super) fn answer(
    mut stream: TcpStream,
    deadline: Instant,
    respond: impl FnOnce(&Request<'_>) -> Response,
) -> io::Result<()> {
    let head = read_head(&mut stream, deadline)?;
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let bad = || Response::plain(Status::BAD, "This is no request.\n");
    let mut with_body = true;
    let response = match parsed.parse(&head) {
        Ok(httparse::Status::Complete(_)) => match (parsed.method, parsed.path) {
            (Some(method @ ("GET" | "HEAD")), Some(target)) => {
                with_body = method == "GET";
                match request(target, parsed.headers) {
                    Some(request) => respond(&request),
                    None => bad(),
                }
            }
            _ => Response::plain(Status::METHOD, "Only GET and HEAD are served.\n"),
        },
        _ if head.len() > LONGEST => Response::plain(Status::TOO_LONG, "Too long.\n"),
        _ => bad(),
    };
    let body = response.body.as_bytes();
    let Status(number, words) = response.status;
    let allow = match response.status {
        Status::METHOD => "Allow: GET, HEAD\r\n",
        _ => "",
    };
    let head = format!(
        "HTTP/1.1 {number} {words}\r\n{HEADERS}{allow}Content-Type: {}\r\n\
         Content-Length: {}\r\n\r\n",
        response.content_type,
        body.len()
    );
    let mut rest = match with_body {
        true => [head.as_bytes(), body].concat(),
        false => head.into_bytes(),
    };
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(deadline)?))?;
        let count = stream.write(&rest)?;
        rest.drain(..count);
    }
    // What is left unread would turn the end of the connection into a reset, and the browser might
    // not see the answer.
    stream.shutdown(Shutdown::Write)?;
    let mut ignored = 0;
    while ignored < LONGEST * 4 {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut [0; 2048])? {
            0 => break,
            count => ignored += count,
        }
    }
    Ok(())
}

/// Everything up to the empty line, or so much of it that is too much.
fn read_head(stream: &mut TcpStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let mut chunk = [0; 2048];
        stream.set_read_timeout(Some(left(deadline)?))?;
        let count = stream.read(&mut chunk)?;
        head.extend_from_slice(&chunk[..count]);
        let ended = head.windows(4).any(|window| window == b"\r\n\r\n");
        if ended || count == 0 || head.len() > LONGEST {
            return Ok(head);
        }
    }
}

/// The time until a deadline, for all reads and writes together.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(ErrorKind::TimedOut.into()),
        false => Ok(left),
    }
}

fn request<'r>(target: &'r str, headers: &[httparse::Header<'r>]) -> Option<Request<'r>> {
    let mut hosts = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("Host"));
    let host = hosts.next();
    if hosts.next().is_some() {
        return None;
    }
    let host = match host {
        Some(header) => Some(std::str::from_utf8(header.value).ok()?),
        None => None,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Request { path, query, host })
}

/// Whether a page is asked for by an address or as localhost, with the port of this server. A name
/// that somebody else has made to point here (DNS rebinding) is another one.
pub(super) fn is_own_host(host: Option<&str>, own: SocketAddr) -> bool {
    let Some(host) = host else {
        return false;
    };
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.port() == own.port();
    }
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let is_name = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
    is_name && port.parse() == Ok(own.port())
}

/// A part of an address without percent signs. `None` if it is malformed.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                bytes.push((digit()? * 16 + digit()?) as u8);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into());
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_addresses_come_back() {
        for text in ["", "a-b_c.d~", "a/b?c=d&e", "50 %", "\u{fc}\u{1F511}"] {
            assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
        }
        for malformed in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decoded(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn foreign_names_are_not_ours() {
        let own: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        for good in [
            "localhost:8080",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
        ] {
            assert!(is_own_host(Some(good), own), "{good}");
        }
        let bad = [
            "",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "localhost",
            "localhost:8081",
            "127.0.0.1",
            "127.0.0.1.evil.example:8080",
        ];
        for bad in bad {
            assert!(!is_own_host(Some(bad), own), "{bad}");
        }
        assert!(!is_own_host(None, own));
    }
}
