//! Addresses of KMIP servers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The port that IANA has assigned to KMIP over TLS.
pub const DEFAULT_PORT: u16 = 5696;

/// Host and port of a KMIP server.
///
/// Parses `host`, `host:port`, `[v6]`, `[v6]:port` and a bare IPv6 address; without a port,
/// [`DEFAULT_PORT`] is meant. An IPv6 address may carry a zone (`fe80::1%eth0`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerAddress {
    host: String,
    port: u16,
}

impl ServerAddress {
    /// An address from its parts. `host` is a name or an IP address without brackets.
    ///
    /// # Errors
    /// If `host` is neither a possible host name nor an IP address, or `port` is 0.
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        check_host(host)?;
        if port == 0 {
            return Err(AddressError::Port("0".to_owned()));
        }
        Ok(ServerAddress {
            host: host.to_owned(),
            port,
        })
    }

    /// The host: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The IP address, if the host is given as one (a zone is left out).
    pub fn ip(&self) -> Option<IpAddr> {
        parse_ip(&self.host)
    }
}

/// Why a text is not a [`ServerAddress`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no host.
    #[error("the server address has no host name; expected HOST or HOST:PORT")]
    NoHost,
    /// It is a URL.
    #[error("'{0}' is a URL; expected HOST or HOST:PORT without a scheme or path")]
    Url(String),
    /// It is no URL, or one with another scheme.
    #[error("'{0}' does not begin with https://")]
    NotHttps(String),
    /// The host has characters that neither names nor IP addresses have.
    #[error("'{0}' is neither a host name nor an IP address")]
    Host(String),
    /// What is in brackets is no IPv6 address, or the bracket is not closed.
    #[error("'{0}' is not an IPv6 address in brackets, such as [2001:db8::1]:5696")]
    Brackets(String),
    /// A path on an HTTP server does not begin with a slash or has characters that no URL has.
    #[error("'{0}' is not the path of a URL, such as /kmip")]
    Path(String),
    /// The port is not a number between 1 and 65535.
    #[error("'{0}' is not a port number between 1 and 65535")]
    Port(String),
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains("://") || text.contains('/') {
            return Err(AddressError::Url(text.to_owned()));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let wrong = || AddressError::Brackets(text.to_owned());
            let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
            if !is_ipv6(host) {
                return Err(wrong());
            }
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if rest.is_empty() => DEFAULT_PORT,
                None => return Err(wrong()),
            };
            return ServerAddress::new(host, port);
        }
        if is_ipv6(text) {
            return ServerAddress::new(text, DEFAULT_PORT);
        }
        match text.split_once(':') {
            Some((host, port)) => ServerAddress::new(host, parse_port(port)?),
            None => ServerAddress::new(text, DEFAULT_PORT),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    // `u16::from_str` accepts a sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err(AddressError::Port(text.to_owned())),
    }
}

fn check_host(host: &str) -> Result<(), AddressError> {
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    if is_ipv6(host) {
        return Ok(());
    }
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if host.len() <= 254 && name.split('.').all(label) {
        Ok(())
    } else {
        Err(AddressError::Host(host.to_owned()))
    }
}

fn is_ipv6(host: &str) -> bool {
    matches!(parse_ip(host), Some(IpAddr::V6(_)))
}

fn parse_ip(host: &str) -> Option<IpAddr> {
    if let Ok(v4) = host.parse::<Ipv4Addr>() {
        return Some(v4.into());
    }
    let address = match host.split_once('%') {
        Some((_, "")) => return None,
        Some((address, zone)) if zone.bytes().all(|byte| byte.is_ascii_graphic()) => address,
        Some(_) => return None,
        None => host,
    };
    address.parse::<Ipv6Addr>().ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u16) {
        let address: ServerAddress = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        (address.host().to_owned(), address.port())
    }

    #[test]
    fn accepts_every_notation() {
        for (text, host, port) in [
            ("keys.example.com", "keys.example.com", 5696),
            ("keys.example.com:1234", "keys.example.com", 1234),
            ("keys.example.com.", "keys.example.com.", 5696),
            ("key_server-1", "key_server-1", 5696),
            ("192.0.2.7:9", "192.0.2.7", 9),
            ("[2001:db8::1]", "2001:db8::1", 5696),
            ("[2001:db8::1]:65535", "2001:db8::1", 65535),
            ("2001:db8::1", "2001:db8::1", 5696),
            ("::1", "::1", 5696),
            ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1", 5696),
        ] {
            assert_eq!(parsed(text), (host.to_owned(), port), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            ":5696",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "host:1:2",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[host]:1",
            "[]:1",
            "https://host",
            "host/kmip",
            "ho st",
            "host\n",
            "a..b",
            "::1%",
            "[::1%a b]",
            "h\u{f6}st",
            "[1.2.3.4]:5",
        ] {
            assert!(text.parse::<ServerAddress>().is_err(), "{text:?} accepted");
        }
    }

    #[test]
    fn displays_what_it_parses() {
        for text in ["host:5696", "[::1]:5696", "192.0.2.1:1"] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().to_string(), text);
        }
    }
}
