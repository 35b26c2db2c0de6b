//! TLS through the system's OpenSSL.
//!
//! TLS 1.2 is the oldest version that is spoken unless asked for otherwise. The server's
//! certificate chain and its host name are checked by default; the checks are part of
//! [`TlsConnector::connect`] and so hold for every connection and reconnection.
//! Sessions are not resumed, since a resumed handshake would check nothing anew.
//! Nothing process-wide is changed.

mod ahead;
mod alert;
#[cfg(feature = "tokio")]
mod asynchronous;
mod buffers;
mod certificate;
mod client;
mod error;
mod files;
mod identity;
mod inspect;
mod last_handshake;
mod options;
pub(crate) mod probe;
mod renewal;
mod server;
mod stream;
mod trust;
mod verify;

pub use alert::Alert;
#[cfg(feature = "tokio")]
pub use asynchronous::AsyncTlsStream;
pub use certificate::{Fingerprint, describe_certificate, valid_for};
pub use client::TlsConnector;
pub use error::{Error, FileError, FileRole, HandshakeError, VerificationError};
pub use identity::Identity;
pub use inspect::{ServerCertificate, inspect_server};
pub use last_handshake::{Agreed, LastHandshake};
pub use openssl::ssl::SslVersion as TlsVersion;
pub use options::{ClientTls, Protocol};
pub use server::{ClientAuthentication, ServerTls, TlsAcceptor};
pub use stream::TlsStream;
