//! What TLS peers tell each other before they give up.

use std::fmt;

/// A TLS alert (RFC 8446, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// No common protocol version, cipher suite or parameter.
    pub const HANDSHAKE_FAILURE: Alert = Alert(40);
    /// The certificate was damaged or its signature wrong.
    pub const BAD_CERTIFICATE: Alert = Alert(42);
    /// The certificate is of a type that the peer does not handle.
    pub const UNSUPPORTED_CERTIFICATE: Alert = Alert(43);
    /// The certificate was revoked by its issuer.
    pub const CERTIFICATE_REVOKED: Alert = Alert(44);
    /// The certificate has expired.
    pub const CERTIFICATE_EXPIRED: Alert = Alert(45);
    /// Something else about the certificate is not acceptable.
    pub const CERTIFICATE_UNKNOWN: Alert = Alert(46);
    /// The issuer of the certificate is not known to the peer.
    pub const UNKNOWN_CA: Alert = Alert(48);
    /// The certificate is good, but its holder has no access.
    pub const ACCESS_DENIED: Alert = Alert(49);
    /// The peer speaks none of the protocol versions.
    pub const PROTOCOL_VERSION: Alert = Alert(70);
    /// The cipher suites or keys are too weak for the peer.
    pub const INSUFFICIENT_SECURITY: Alert = Alert(71);
    /// Something went wrong that has nothing to do with the other side.
    pub const INTERNAL_ERROR: Alert = Alert(80);
    /// The server has no certificate for the name.
    pub const UNRECOGNIZED_NAME: Alert = Alert(112);
    /// The server demands a client certificate.
    pub const CERTIFICATE_REQUIRED: Alert = Alert(116);

    /// Whether it is about the certificate of the receiver.
    pub fn is_about_certificate(self) -> bool {
        matches!(self.0, 42..=46 | 48 | 49 | 116)
    }

    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close notify",
            10 => "unexpected message",
            20 => "bad record MAC",
            22 => "record overflow",
            40 => "handshake failure",
            42 => "bad certificate",
            43 => "unsupported certificate",
            44 => "certificate revoked",
            45 => "certificate expired",
            46 => "certificate unknown",
            47 => "illegal parameter",
            48 => "unknown CA",
            49 => "access denied",
            50 => "decode error",
            51 => "decrypt error",
            70 => "protocol version",
            71 => "insufficient security",
            80 => "internal error",
            86 => "inappropriate fallback",
            90 => "user canceled",
            109 => "missing extension",
            110 => "unsupported extension",
            112 => "unrecognized name",
            113 => "bad certificate status response",
            115 => "unknown PSK identity",
            116 => "certificate required",
            120 => "no application protocol",
            _ => return None,
        })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}
