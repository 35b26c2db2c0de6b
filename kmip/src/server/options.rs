//! Limits of a server.

use std::fmt;
use std::time::Duration;

use crate::transport::{DEFAULT_MAXIMUM_MESSAGE_SIZE, Error};

use super::exchange::{Delivery, Exchange, Observer};

/// Limits of a [`Server`](super::Server).
pub struct ServeOptions {
    pub(super) maximum_connections: usize,
    pub(super) maximum_message_size: usize,
    pub(super) handshake: Duration,
    pub(super) idle: Option<Duration>,
    pub(super) request: Duration,
    pub(super) https: Option<String>,
    pub(super) on_error: Box<dyn Fn(&Error) + Send + Sync>,
    pub(super) on_exchange: Option<Box<Observer>>,
}

/// 4096 connections, messages of [`DEFAULT_MAXIMUM_MESSAGE_SIZE`], 10 seconds for a handshake, 10
/// minutes between requests, 30 seconds for a request to arrive.
impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions {
            maximum_connections: 4096,
            maximum_message_size: DEFAULT_MAXIMUM_MESSAGE_SIZE,
            handshake: Duration::from_secs(10),
            idle: Some(Duration::from_secs(600)),
            request: Duration::from_secs(30),
            https: None,
            on_error: Box::new(|_| {}),
            on_exchange: None,
        }
    }
}

impl ServeOptions {
    /// How many connections there may be, at most half of them in their handshake. For one more, that
    /// is closed which has waited for a request longest; if none waits, it waits itself until one has
    /// ended. Where too many are in their handshake, the oldest of the network with the most of them gives
    /// way, once a fifth of its time is over: silence keeps nobody out. A connection has a thread while
    /// requests come, and for a second after each.
    #[must_use]
    pub fn maximum_connections(mut self, connections: usize) -> Self {
        self.maximum_connections = connections.max(1);
        self
    }

    /// The longest request that is accepted, in bytes.
    #[must_use]
    pub fn maximum_message_size(mut self, bytes: usize) -> Self {
        self.maximum_message_size = bytes;
        self
    }

    /// The time for a TLS handshake.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake = timeout;
        self
    }

    /// After which time without a request a connection is closed.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle = timeout.into();
        self
    }

    /// The time for a request to arrive once it has begun, and for the response to be taken.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request = timeout;
        self
    }

    /// Offers KMIP over HTTPS at `path`, in all encodings, instead of TTLV over TLS.
    #[must_use]
    pub fn https(mut self, path: impl Into<String>) -> Self {
        self.https = Some(path.into());
        self
    }

    /// Called when a connection fails, for logs.
    #[must_use]
    pub fn on_error(mut self, report: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.on_error = Box::new(report);
        self
    }

    /// Called with every request and its response, which it can change, before that is sent as it
    /// says: for logs of messages, and for servers that misbehave so that clients can be tested.
    /// Both may hold secrets; [`Redacted`](crate::client::Redacted) shows them without.
    #[must_use]
    pub fn on_exchange(
        mut self,
        observer: impl Fn(Exchange<'_>) -> Delivery + Send + Sync + 'static,
    ) -> Self {
        self.on_exchange = Some(Box::new(observer));
        self
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("maximum_connections", &self.maximum_connections)
            .finish_non_exhaustive()
    }
}
