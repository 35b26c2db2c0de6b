//! An established TLS connection.

use std::fmt;
use std::io::{self, Read, Write};

use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, ShutdownState, SslRef, SslStream};
use openssl::x509::X509;

use super::ahead::ReadAhead;
use super::{Alert, Error, buffers};
use crate::transport::{IoLimits, Liveness, Stream};

/// A TLS connection over any [`Stream`].
///
/// A peer that closes without the closing alert of TLS is taken to have closed: KMIP messages
/// carry their length, so truncation is noticed anyhow, and many servers end this way.
pub struct TlsStream<S> {
    inner: SslStream<ReadAhead<S>>,
    /// What may help if the peer refuses our certificate later.
    advice: Option<String>,
}

impl<S: Stream> TlsStream<S> {
    pub(super) fn new(inner: SslStream<ReadAhead<S>>, advice: Option<String>) -> Self {
        TlsStream { inner, advice }
    }

    /// The peer's certificate, if it has shown one.
    pub fn peer_certificate(&self) -> Option<X509> {
        self.inner.ssl().peer_certificate()
    }

    /// The protocol version, such as `TLSv1.3`.
    pub fn version(&self) -> &'static str {
        self.inner.ssl().version_str()
    }

    /// The cipher suite.
    pub fn cipher(&self) -> &'static str {
        self.inner.ssl().current_cipher().map_or("", |c| c.name())
    }

    /// OpenSSL's view of the connection.
    pub fn ssl(&self) -> &SslRef {
        self.inner.ssl()
    }

    fn fail(&self, error: openssl::ssl::Error) -> io::Error {
        explain(error, &self.advice)
    }
}

/// The error of an established connection. With `advice` for a peer that refuses our certificate.
pub(super) fn explain(error: openssl::ssl::Error, advice: &Option<String>) -> io::Error {
    match classify(error) {
        Failure::Closed => io::ErrorKind::UnexpectedEof.into(),
        Failure::Io(error) => error,
        Failure::Alert(alert, _) => io::Error::other(Error::Alert {
            alert,
            advice: advice.clone().filter(|_| alert.is_about_certificate()),
        }),
        Failure::Protocol(source) => io::Error::other(Error::OpenSsl {
            doing: "go on with the TLS connection",
            source,
        }),
    }
}

impl<S: Stream> Read for TlsStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.inner.ssl_read(buffer) {
                Ok(count) => return Ok(count),
                Err(error) if is_retry(&error) => {}
                Err(error) => {
                    return match self.fail(error) {
                        error if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                        error => Err(error),
                    };
                }
            }
        }
    }
}

impl<S: Stream> Write for TlsStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            match self.inner.ssl_write(bytes) {
                Ok(count) => return Ok(count),
                Err(error) if is_retry(&error) => {}
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.get_mut().flush()
    }
}

impl<S: Stream> Stream for TlsStream<S> {
    fn set_limits(&mut self, limits: IoLimits) {
        self.inner.get_mut().set_limits(limits);
    }

    fn liveness(&mut self) -> Liveness {
        // Mostly nothing has arrived, which a look at the socket and at what was read ahead tells:
        // OpenSSL itself reads no further than the record that it needs.
        let below = self.inner.get_mut().liveness();
        if below == Liveness::Open && self.inner.ssl().pending() == 0 {
            return Liveness::Open;
        }
        if self.inner.get_mut().set_nonblocking(true).is_err() {
            return Liveness::Unknown;
        }
        // Takes up session tickets and the closing alert, which a look at the socket cannot
        // tell from data.
        let peeked = self.inner.ssl_peek(&mut [0]);
        let restored = self.inner.get_mut().set_nonblocking(false);
        match peeked {
            _ if restored.is_err() => Liveness::Closed,
            Ok(_) => Liveness::Unsolicited,
            Err(error) if error.code() == ErrorCode::WANT_READ => Liveness::Open,
            Err(_) => Liveness::Closed,
        }
    }

    fn close(&mut self) {
        let closed = self.inner.get_shutdown().contains(ShutdownState::SENT);
        if !closed {
            let _ = self.inner.shutdown();
        }
        self.inner.get_mut().close();
    }

    fn rest(&mut self) {
        let _is_given_back = buffers::release(&mut self.inner);
        self.inner.get_mut().rest();
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.inner.get_mut().set_nonblocking(nonblocking)
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("stream", self.inner.get_ref())
            .finish_non_exhaustive()
    }
}

/// What is behind an error of OpenSSL.
pub(super) enum Failure {
    /// The peer is gone.
    Closed,
    /// The stream below failed.
    Io(io::Error),
    /// The peer sent an alert.
    Alert(Alert, ErrorStack),
    /// The peers do not understand each other.
    Protocol(ErrorStack),
}

pub(super) fn classify(error: openssl::ssl::Error) -> Failure {
    let code = error.code();
    let stack = error.ssl_error().cloned();
    match (code, stack, error.into_io_error()) {
        (ErrorCode::ZERO_RETURN, ..) => Failure::Closed,
        (_, _, Ok(io)) if is_gone(io.kind()) => Failure::Closed,
        (_, _, Ok(io)) => Failure::Io(io),
        (_, Some(stack), _) => {
            let alert = reasons(&stack).find_map(alert);
            let truncated = reasons(&stack).any(|reason| reason == UNEXPECTED_EOF);
            match alert {
                Some(alert) => Failure::Alert(alert, stack),
                None if truncated => Failure::Closed,
                None => Failure::Protocol(stack),
            }
        }
        (_, None, _) => Failure::Closed,
    }
}

/// What may help when the peers do not understand each other.
pub(super) fn advice(stack: &ErrorStack) -> Option<String> {
    let advice = reasons(stack).find_map(|reason| {
        Some(match reason {
            WRONG_VERSION | PACKET_TOO_LONG | RECORD_FAILURE => {
                "the peer does not speak TLS on this port"
            }
            HTTP_REQUEST | HTTPS_PROXY => "the peer speaks HTTP without TLS on this port",
            UNSUPPORTED_PROTOCOL | NO_PROTOCOLS => "the peer speaks only other TLS versions",
            NO_SHARED_CIPHER => "the peers have no cipher suite in common",
            NO_PEER_CERTIFICATE => "the peer shows no certificate, which is required",
            DH_KEY_TOO_SMALL | EE_KEY_TOO_SMALL => {
                "keys are too short for the security level; a cipher list with @SECLEVEL=1 would \
                 allow them"
            }
            LEGACY_RENEGOTIATION => "the peer does not know secure renegotiation (RFC 5746)",
            _ => return None,
        })
    });
    advice.map(str::to_owned)
}

// Numbers of `openssl/sslerr.h`.
const NO_SHARED_CIPHER: i32 = 193;
const NO_PEER_CERTIFICATE: i32 = 199;
const NO_PROTOCOLS: i32 = 191;
const HTTPS_PROXY: i32 = 155;
const HTTP_REQUEST: i32 = 156;
const PACKET_TOO_LONG: i32 = 198;
const UNSUPPORTED_PROTOCOL: i32 = 258;
const WRONG_VERSION: i32 = 267;
const UNEXPECTED_EOF: i32 = 294;
const RECORD_FAILURE: i32 = 313;
const LEGACY_RENEGOTIATION: i32 = 338;
const DH_KEY_TOO_SMALL: i32 = 394;
const EE_KEY_TOO_SMALL: i32 = 399;
/// Alerts of the peer are reported as this plus their number.
const ALERT_OFFSET: i32 = 1000;
/// The library whose reasons these are (`ERR_LIB_SSL`).
const LIBRARY_SSL: i32 = 20;

fn reasons(stack: &ErrorStack) -> impl Iterator<Item = i32> + '_ {
    let ours = stack.errors().iter();
    ours.filter(|error| error.library_code() == LIBRARY_SSL)
        .map(|error| error.reason_code())
}

fn alert(reason: i32) -> Option<Alert> {
    u8::try_from(reason - ALERT_OFFSET).ok().map(Alert)
}

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
    )
}

/// Whether OpenSSL only wants to be called again, after a record without data.
fn is_retry(error: &openssl::ssl::Error) -> bool {
    error.code() == ErrorCode::WANT_READ && error.io_error().is_none()
}
