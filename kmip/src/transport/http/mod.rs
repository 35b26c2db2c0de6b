//! KMIP messages in the bodies of HTTP/1.1 requests and responses (HTTPS Client and HTTPS Server
//! in the Profiles of KMIP).

mod decoder;

use super::FrameError;
use super::address::{AddressError, ServerAddress};

pub(super) use decoder::HttpDecoder;

/// The path that KMIP servers listen on, by the profiles of the specification.
pub const DEFAULT_PATH: &str = "/kmip";

/// Where requests are posted to, and what they contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTarget {
    host: String,
    path: String,
    content_type: &'static str,
    accept: &'static str,
}

impl HttpTarget {
    /// The path `path` (with its slash) on `server`, for messages of `content_type`.
    ///
    /// # Errors
    /// If the path has characters that cannot be in a request line.
    pub fn new(
        server: &ServerAddress,
        path: &str,
        content_type: &'static str,
    ) -> Result<Self, AddressError> {
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError::Path(path.to_owned()));
        }
        Ok(HttpTarget {
            host: server.to_string(),
            path: path.to_owned(),
            content_type,
            accept: content_type,
        })
    }

    /// Says that this is in the messages, rather than what is accepted in return.
    #[must_use]
    pub fn sending(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    /// The head of a request whose body has `length` bytes.
    pub(super) fn head(&self, length: usize) -> String {
        let HttpTarget {
            host,
            path,
            content_type,
            accept,
        } = self;
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\n\
             Accept: {accept}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-cache\r\n\r\n"
        )
    }
}

/// What a server offers: one path, and the content types that it understands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpService {
    path: String,
    content_types: Vec<&'static str>,
}

impl HttpService {
    /// The path `path` with its slash.
    pub fn new(path: &str, content_types: impl IntoIterator<Item = &'static str>) -> Self {
        HttpService {
            path: path.to_owned(),
            content_types: content_types.into_iter().collect(),
        }
    }

    /// The content type of a request, which must be a POST to the path. Parameters, such as a
    /// character set, are not looked at.
    fn accept(&self, request: &httparse::Request<'_, '_>) -> Result<&'static str, FrameError> {
        let path = request.path.unwrap_or_default();
        if path.split('?').next() != Some(self.path.as_str()) {
            return Err(FrameError::HttpRefused(404, "Not Found"));
        }
        if request.method != Some("POST") {
            return Err(FrameError::HttpRefused(405, "Method Not Allowed"));
        }
        let is_type =
            |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-type");
        let given = request.headers.iter().find(is_type);
        let given = given.and_then(|header| std::str::from_utf8(header.value).ok());
        let given = given
            .and_then(|value| value.split(';').next())
            .unwrap_or_default();
        let same = |known: &&&'static str| given.trim().eq_ignore_ascii_case(known);
        match self.content_types.iter().find(same) {
            Some(content_type) => Ok(content_type),
            None => Err(FrameError::HttpRefused(415, "Unsupported Media Type")),
        }
    }
}

/// The head of a response to a request that was understood.
pub(super) fn response_head(content_type: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-cache\r\n\r\n"
    )
}

/// The whole response to a request that was not.
pub(super) fn refusal(error: &FrameError) -> Option<String> {
    let (status, reason) = match error {
        FrameError::HttpRefused(status, reason) => (*status, *reason),
        FrameError::Http(_) => (400, "Bad Request"),
        FrameError::TooLong { .. } => (413, "Content Too Large"),
        _ => return None,
    };
    Some(format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}
