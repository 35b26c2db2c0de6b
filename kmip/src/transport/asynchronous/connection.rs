//! An asynchronous connection that carries whole messages.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::AsyncStream;
use super::tcp::within;
use crate::transport::carrier::{Carrier, is_closed};
use crate::transport::error::{Error, Phase};
use crate::transport::framing::Framing;
use crate::transport::{Deadline, Liveness, Timeouts, tls};

/// A stream on which whole KMIP messages are sent and received.
///
/// When the future of a call is dropped before it is done, the connection counts as broken, so that
/// what still arrives is never taken for the answer to something else.
pub(crate) struct AsyncConnection {
    stream: Box<dyn AsyncStream>,
    carrier: Carrier,
}

impl AsyncConnection {
    pub(crate) fn new(
        stream: Box<dyn AsyncStream>,
        peer: String,
        frames: Framing,
        timeouts: Timeouts,
    ) -> Self {
        let carrier = Carrier::new(peer, frames, timeouts);
        AsyncConnection { stream, carrier }
    }

    /// Whether the peer still keeps the idle connection open.
    pub(crate) async fn liveness(&mut self) -> Liveness {
        if let Some(known) = self.carrier.idle_state() {
            return known;
        }
        // The runtime learns of a closed socket when it next looks at its sockets.
        tokio::task::yield_now().await;
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.stream).poll_read(&mut context, &mut buffer) {
            Poll::Pending => Liveness::Open,
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Liveness::Closed,
            Poll::Ready(Ok(())) => Liveness::Unsolicited,
            Poll::Ready(Err(_)) => Liveness::Closed,
        }
    }

    /// Sends one message.
    pub(crate) async fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.carrier.set_broken(true);
        let wrapped = self.carrier.frames.wrap(message);
        match self.write_all(&wrapped, deadline).await {
            Ok(()) => {
                self.carrier.set_broken(false);
                Ok(())
            }
            Err(error) => {
                let error = self.reason_of_refusal(error, deadline).await;
                Err(self.carrier.failed(Phase::Send, error, deadline))
            }
        }
    }

    /// Receives the next message. It stays valid until it is released.
    pub(crate) async fn receive(&mut self, deadline: Deadline) -> Result<&[u8], Error> {
        self.carrier.frames.release();
        self.carrier.set_broken(true);
        loop {
            match self.carrier.frames.is_complete() {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => return Err(self.carrier.malformed(error)),
            }
            let limit = self.carrier.limits(deadline).next_read();
            let read = self.stream.read(self.carrier.frames.spare());
            match within(limit, read).await {
                Ok(0) => match self.carrier.ended()? {
                    true => break,
                    false => return Err(self.carrier.ended_without_message()),
                },
                Ok(count) => self.carrier.frames.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.carrier.failed(Phase::Receive, error, deadline)),
            }
        }
        self.carrier.set_broken(false);
        Ok(self.carrier.frames.message())
    }

    /// Wipes the message that was received last.
    pub(crate) fn release(&mut self) {
        self.carrier.frames.release();
    }

    pub(crate) fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.carrier.timeouts = timeouts;
    }

    async fn write_all(&mut self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            let limit = self.carrier.limits(deadline).next_write();
            match within(limit, self.stream.write(bytes)).await {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let limit = self.carrier.limits(deadline).next_write();
        within(limit, self.stream.flush()).await
    }

    /// A peer that refuses us may say why before it closes; sending then fails first.
    async fn reason_of_refusal(&mut self, error: io::Error, deadline: Deadline) -> io::Error {
        if !is_closed(&error) {
            return error;
        }
        let limit = self.carrier.limits(deadline).next_read();
        match within(limit, self.stream.read(&mut [0])).await {
            Err(reason) if tls::Error::in_io(&reason).is_some() => reason,
            _ => error,
        }
    }
}

impl Drop for AsyncConnection {
    /// Tells the peer, as far as this goes without waiting.
    fn drop(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.stream).poll_shutdown(&mut context);
    }
}

impl fmt::Debug for AsyncConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncConnection")
            .field("peer", &self.carrier.peer())
            .field("broken", &self.carrier.is_broken())
            .finish_non_exhaustive()
    }
}
