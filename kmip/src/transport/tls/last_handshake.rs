//! What peers agreed upon.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use openssl::ssl::SslRef;

/// Protocol version and cipher suite of a connection. Displayed with a blank between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// The version, such as `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite, as OpenSSL names it.
    pub cipher: &'static str,
}

impl Agreed {
    pub(super) fn on(ssl: &SslRef) -> Agreed {
        Agreed {
            version: ssl.version_str(),
            cipher: ssl.current_cipher().map_or("", |cipher| cipher.name()),
        }
    }
}

impl fmt::Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.cipher)
    }
}

/// Tells what the last handshake with the options that it was given to
/// ([`ClientTls::last_handshake`](super::ClientTls::last_handshake)) came to. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LastHandshake(Arc<Mutex<Option<Agreed>>>);

impl LastHandshake {
    /// `None` before the first one.
    pub fn agreed(&self) -> Option<Agreed> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, agreed: Agreed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreed);
    }
}
