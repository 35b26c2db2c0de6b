//! What differs between the blocking and the asynchronous client: who moves the bytes.
//!
//! Everything else is written once, as asynchronous code over [`Driver`]. The futures of a
//! blocking driver are ready when they are first polled, so [`finish`] drives them without a
//! runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::transport::{Connection, Deadline, Error, Framing, Liveness, ServerAddress, Timeouts};

use super::connect::Connect;

/// Makes connections.
pub(super) trait Driver {
    type Link: Link;

    /// A new connection to `server`, with all the checks that belong to it.
    async fn connect(
        &mut self,
        server: &ServerAddress,
        framing: Framing,
        timeouts: Timeouts,
        deadline: Deadline,
    ) -> Result<Self::Link, Error>;
}

/// A connection that carries whole messages.
pub(super) trait Link {
    async fn liveness(&mut self) -> Liveness;
    async fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Error>;
    async fn receive(&mut self, deadline: Deadline) -> Result<&[u8], Error>;
    /// Wipes what was received last.
    fn release(&mut self);
    fn set_timeouts(&mut self, timeouts: Timeouts);
}

/// Blocks the calling thread.
pub(super) struct Blocking(pub(super) Box<dyn Connect>);

impl Driver for Blocking {
    type Link = Connection;

    async fn connect(
        &mut self,
        server: &ServerAddress,
        framing: Framing,
        timeouts: Timeouts,
        deadline: Deadline,
    ) -> Result<Connection, Error> {
        let stream = self.0.connect(server, deadline)?;
        let name = server.to_string();
        Ok(Connection::with_framing(stream, name, framing, timeouts))
    }
}

impl Link for Connection {
    async fn liveness(&mut self) -> Liveness {
        Connection::liveness(self)
    }

    async fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Error> {
        Connection::send(self, message, deadline)
    }

    async fn receive(&mut self, deadline: Deadline) -> Result<&[u8], Error> {
        Connection::receive(self, deadline)
    }

    fn release(&mut self) {
        Connection::release(self);
    }

    fn set_timeouts(&mut self, timeouts: Timeouts) {
        Connection::set_timeouts(self, timeouts);
    }
}

/// The result of a future over a [`Blocking`] driver.
pub(super) fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // Nothing in it ever waits, other than by blocking the thread.
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
    }
}

#[cfg(feature = "tokio")]
pub(super) mod asynchronous {
    //! The driver on tokio.

    use super::{Deadline, Driver, Error, Framing, Link, Liveness, ServerAddress, Timeouts};
    use crate::client::connect::asynchronous::AsyncConnect;
    use crate::transport::AsyncConnection;

    /// Waits without blocking.
    pub(in crate::client) struct Tokio(pub(in crate::client) Box<dyn AsyncConnect>);

    impl Driver for Tokio {
        type Link = AsyncConnection;

        async fn connect(
            &mut self,
            server: &ServerAddress,
            framing: Framing,
            timeouts: Timeouts,
            deadline: Deadline,
        ) -> Result<AsyncConnection, Error> {
            let stream = self.0.connect(server, deadline).await?;
            let name = server.to_string();
            Ok(AsyncConnection::new(stream, name, framing, timeouts))
        }
    }

    impl Link for AsyncConnection {
        async fn liveness(&mut self) -> Liveness {
            AsyncConnection::liveness(self).await
        }

        async fn send(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Error> {
            AsyncConnection::send(self, message, deadline).await
        }

        async fn receive(&mut self, deadline: Deadline) -> Result<&[u8], Error> {
            AsyncConnection::receive(self, deadline).await
        }

        fn release(&mut self) {
            AsyncConnection::release(self);
        }

        fn set_timeouts(&mut self, timeouts: Timeouts) {
            AsyncConnection::set_timeouts(self, timeouts);
        }
    }
}
