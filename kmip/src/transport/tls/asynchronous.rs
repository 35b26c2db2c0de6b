//! TLS over asynchronous streams, with the same checks as over blocking ones.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::ahead::READ_AHEAD;
use super::client::failed;
use super::stream::explain;
use super::{Error, TlsConnector};
use crate::transport::error::{Cause, Error as TransportError, Timeout};
use crate::transport::{AsyncStream, Deadline, ServerAddress};

impl TlsConnector {
    /// [`connect`](Self::connect) without blocking.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    pub async fn connect_async<S: AsyncStream>(
        &self,
        stream: S,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<AsyncTlsStream<S>, TransportError> {
        let policy = self.policy();
        let (ssl, open) = self.begin(server, deadline, policy, policy.host_name)?;
        let mut stream = SslStream::new(ssl, BufReader::with_capacity(READ_AHEAD, stream))
            .map_err(Error::openssl("make a connection"))
            .map_err(|error| failed(server, error.into()))?;
        let shaking = Pin::new(&mut stream).connect();
        let shaken = match deadline.remaining() {
            None => shaking.await,
            Some(limit) => timeout(limit, shaking).await.map_err(|_| {
                let exceeded = Cause::Timeout(Timeout::Connect(limit));
                failed(server, exceeded)
            })?,
        };
        let (outcome, found) = self.conclude(shaken, stream.ssl(), open, server);
        self.check(outcome, &found, server)?;
        Ok(AsyncTlsStream {
            inner: stream,
            advice: self.advice_on_refusal(),
        })
    }
}

/// A TLS connection over any [`AsyncStream`]. Takes the end of the stream as
/// [`TlsStream`](super::TlsStream) does.
pub struct AsyncTlsStream<S> {
    /// As with [`ReadAhead`](super::ahead::ReadAhead), what arrives is read at once.
    inner: SslStream<BufReader<S>>,
    /// What may help if the peer refuses our certificate later.
    advice: Option<String>,
}

impl<S> AsyncTlsStream<S> {
    /// OpenSSL's view of the connection.
    pub fn ssl(&self) -> &openssl::ssl::SslRef {
        self.inner.ssl()
    }

    fn fail(&self, error: io::Error) -> io::Error {
        match error.downcast::<openssl::ssl::Error>() {
            Ok(error) => explain(error, &self.advice),
            Err(error) => error,
        }
    }
}

impl<S: AsyncStream> AsyncRead for AsyncTlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        Poll::Ready(match read.map_err(|error| self.fail(error)) {
            // An end without the closing alert; see `TlsStream`.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            outcome => outcome,
        })
    }
}

impl<S: AsyncStream> AsyncWrite for AsyncTlsStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes));
        Poll::Ready(written.map_err(|error| self.fail(error)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.inner).poll_flush(context));
        Poll::Ready(flushed.map_err(|error| self.fail(error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = ready!(Pin::new(&mut self.inner).poll_shutdown(context));
        Poll::Ready(closed.map_err(|error| self.fail(error)))
    }
}

impl<S> fmt::Debug for AsyncTlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTlsStream").finish_non_exhaustive()
    }
}
