//! Connections for asynchronous programs, on tokio.

mod connection;
mod tcp;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use connection::AsyncConnection;
pub use tcp::connect_tcp;

/// What an asynchronous connection needs of the bytes' way: every asynchronous reader and writer of
/// tokio will do.
pub trait AsyncStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> AsyncStream for S {}
