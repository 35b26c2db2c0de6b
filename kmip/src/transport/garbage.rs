//! Recognising what is not KMIP, so that the error can say what it is.

use std::fmt;

use super::frame::STRUCTURE;

/// What a peer sends that does not speak KMIP in TTLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Garbage {
    /// An HTTP response.
    HttpResponse,
    /// An HTTP request.
    HttpRequest,
    /// A TLS alert record.
    TlsAlert,
    /// A TLS handshake record.
    TlsHandshake,
    /// The greeting of an SSH server.
    Ssh,
    /// Text that starts like XML.
    Xml,
    /// Text that starts like JSON.
    Json,
    /// A KMIP message of the other direction.
    OtherDirection,
    /// Some other bytes; the first four.
    Unknown([u8; 4]),
}

impl Garbage {
    pub(super) fn recognise(data: &[u8]) -> Garbage {
        const METHODS: [&[u8]; 6] = [b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"CONN"];
        match data {
            [b'H', b'T', b'T', b'P', ..] => Garbage::HttpResponse,
            [0x15, 0x03, ..] => Garbage::TlsAlert,
            [0x16, 0x03, ..] => Garbage::TlsHandshake,
            [b'S', b'S', b'H', b'-', ..] => Garbage::Ssh,
            [b'<', ..] => Garbage::Xml,
            [b'{' | b'[', ..] => Garbage::Json,
            [0x42, 0x00, 0x78 | 0x7B, STRUCTURE, ..] => Garbage::OtherDirection,
            _ if METHODS.iter().any(|method| data.starts_with(method)) => Garbage::HttpRequest,
            _ => {
                let mut first = [0; 4];
                let known = data.len().min(4);
                first[..known].copy_from_slice(&data[..known]);
                Garbage::Unknown(first)
            }
        }
    }
}

impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Garbage::HttpResponse => "an HTTP response; the peer is a web server, not KMIP on TLS",
            Garbage::HttpRequest => "an HTTP request; the peer expects a web server",
            Garbage::TlsAlert => "a TLS alert; the peer expects a TLS connection",
            Garbage::TlsHandshake => "a TLS handshake; the peer expects a TLS connection",
            Garbage::Ssh => "the greeting of an SSH server",
            Garbage::Xml => "text that looks like XML",
            Garbage::Json => "text that looks like JSON",
            Garbage::OtherDirection => "a KMIP message of the other direction",
            Garbage::Unknown([a, b, c, d]) => {
                return write!(f, "bytes {a:02x} {b:02x} {c:02x} {d:02x}");
            }
        })
    }
}
