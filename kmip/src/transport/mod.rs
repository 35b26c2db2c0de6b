//! How KMIP messages travel: addresses, framing, blocking connections with deadlines, and TLS.
//!
//! [`FrameDecoder`] knows how a message is delimited on a byte stream and does no I/O. A
//! [`Connection`] drives it over any [`Stream`]: [`TcpStream`], [`tls::TlsStream`], one end of a
//! [`memory::pair`], or what the caller brings ([`Unbounded`]).
//!
//! Every operation can be given a [`Deadline`]. It is a limit for the whole, so a peer that sends
//! one byte now and then cannot hold the caller longer than that.

mod address;
#[cfg(feature = "tokio")]
mod asynchronous;
mod buffer;
mod carrier;
mod connection;
mod deadline;
mod error;
mod frame;
mod framing;
mod garbage;
mod http;
pub mod memory;
mod outgoing;
mod stream;
mod tcp;
pub mod tls;
mod url;

pub use address::{AddressError, DEFAULT_PORT, ServerAddress};
#[cfg(feature = "tokio")]
pub(crate) use asynchronous::AsyncConnection;
#[cfg(feature = "tokio")]
pub use asynchronous::{AsyncStream, connect_tcp};
pub use connection::Connection;
pub(crate) use connection::Received;
pub use deadline::{Deadline, IoLimits, Timeouts};
pub use error::{Attempt, Cause, Error, Phase, Timeout};
pub use frame::{DEFAULT_MAXIMUM_MESSAGE_SIZE, FrameDecoder, FrameError, MessageDirection};
pub(crate) use framing::Framing;
pub use garbage::Garbage;
pub use http::{DEFAULT_PATH, HttpService, HttpTarget};
pub(crate) use outgoing::OutgoingBuffer;
pub use stream::{Liveness, Stream, Unbounded};
pub use tcp::TcpStream;
pub use url::HttpsUrl;
