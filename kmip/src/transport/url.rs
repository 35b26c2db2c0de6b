//! URLs of KMIP servers that are spoken to over HTTPS.

use std::fmt;
use std::str::FromStr;

use super::address::{AddressError, ServerAddress};

/// An `https` URL: the server, with [`DEFAULT_PORT`](super::DEFAULT_PORT) unless the URL names a
/// port, and the path, `/` unless the URL names one. Queries belong to the path.
///
/// ```
/// use kmip::transport::HttpsUrl;
///
/// let url: HttpsUrl = "https://keys.example.com/kmip".parse()?;
/// assert_eq!(url.server().to_string(), "keys.example.com:5696");
/// assert_eq!(url.path(), "/kmip");
/// # Ok::<(), kmip::transport::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl {
    server: ServerAddress,
    path: String,
}

impl HttpsUrl {
    /// The server.
    pub fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// The path, beginning with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for HttpsUrl {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        const SCHEME: &str = "https://";
        let scheme = text.get(..SCHEME.len());
        if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
            return Err(AddressError::NotHttps(text.to_owned()));
        }
        let rest = &text[SCHEME.len()..];
        let (server, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        if !path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            return Err(AddressError::Path(path.to_owned()));
        }
        Ok(HttpsUrl {
            server: server.parse()?,
            path: format!("{slash}{path}"),
        })
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.server, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_and_path_are_taken_apart() {
        for (text, shown) in [
            ("https://host", "https://host:5696/"),
            ("HTTPS://host:443", "https://host:443/"),
            ("https://host/kmip", "https://host:5696/kmip"),
            ("https://[::1]:1/a:b/c?d=e", "https://[::1]:1/a:b/c?d=e"),
            ("https://host?a", "https://host:5696/?a"),
        ] {
            assert_eq!(text.parse::<HttpsUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_https_url_is_refused() {
        for text in [
            "",
            "host",
            "http://host",
            "https://",
            "https:///kmip",
            "https://user@host",
            "https://host:port",
            "https://host/a b",
            "https://host/#a",
            "\u{e9}",
        ] {
            assert!(text.parse::<HttpsUrl>().is_err(), "{text:?} accepted");
        }
    }
}
