//! Ways to servers.

use crate::transport::tls::{TlsConnector, probe};
use crate::transport::{self, Deadline, ServerAddress, Stream, TcpStream};

/// Makes streams to servers. What [`ClientBuilder::tls`](super::ClientBuilder::tls)
/// and [`ClientBuilder::without_tls`](super::ClientBuilder::without_tls) do
/// not cover can be done by an implementation of one's own, or a closure.
///
/// ```
/// use std::sync::Arc;
///
/// use kmip::client::Client;
/// use kmip::server::{Engine, Handler, Peer, ServeOptions, serve_connection};
/// use kmip::transport::{Deadline, ServerAddress, Stream, memory};
///
/// /// A server in the same process that can do nothing but tell its versions.
/// struct Empty;
/// impl Handler for Empty {}
///
/// let engine = Arc::new(Engine::new(Empty));
/// let settings = Client::builder("in.process".parse()?);
/// let mut client = settings
///     .connect_with(move |_: &ServerAddress, _: Deadline| {
///         let (near, far) = memory::pair();
///         let engine = engine.clone();
///         std::thread::spawn(move || {
///             serve_connection(&engine, far, &Peer::local(), &ServeOptions::default())
///         });
///         Ok(Box::new(near) as Box<dyn Stream>)
///     })
///     .connect()?;
/// assert_eq!(client.discover_versions()?.len(), 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Connect: Send {
    /// A new stream to `server`, authenticated as far as need be.
    ///
    /// # Errors
    /// If the server cannot be reached in time or is not trusted.
    fn connect(
        &mut self,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<Box<dyn Stream>, transport::Error>;
}

impl<F> Connect for F
where
    F: FnMut(&ServerAddress, Deadline) -> Result<Box<dyn Stream>, transport::Error> + Send,
{
    fn connect(
        &mut self,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<Box<dyn Stream>, transport::Error> {
        self(server, deadline)
    }
}

/// By TCP and TLS.
pub(super) struct TlsConnect(pub(super) TlsConnector);

impl Connect for TlsConnect {
    fn connect(
        &mut self,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<Box<dyn Stream>, transport::Error> {
        let stream = TcpStream::connect(server, deadline)?;
        match self.0.connect(stream, server, deadline) {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if probe::is_about_offer(&error) => {
                Err(probe::with_offer(error, self.0.probe(server, deadline)))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(feature = "tokio")]
pub(super) mod asynchronous {
    //! Reaching servers without blocking.

    use tokio::task::spawn_blocking;

    use super::{Deadline, ServerAddress, TlsConnector, probe, transport};
    use crate::transport::{AsyncStream, connect_tcp};

    /// The future of [`AsyncConnect::connect`].
    pub type Connecting<'c> = std::pin::Pin<
        Box<dyn Future<Output = Result<Box<dyn AsyncStream>, transport::Error>> + Send + 'c>,
    >;

    /// Makes asynchronous streams to servers, as [`Connect`](super::Connect) makes blocking ones.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use kmip::client::{AsyncConnect, Client, Connecting};
    /// use kmip::server::{Engine, Handler, Peer};
    /// use kmip::transport::{AsyncStream, Deadline, FrameDecoder, MessageDirection, ServerAddress};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    ///
    /// /// A server in the same process that can do nothing but tell its versions.
    /// struct Empty;
    /// impl Handler for Empty {}
    ///
    /// async fn serve(mut stream: DuplexStream, engine: Arc<Engine<Empty>>) -> std::io::Result<()> {
    ///     let mut frames = FrameDecoder::new(MessageDirection::Requests, 1 << 20);
    ///     loop {
    ///         while !matches!(frames.poll(), Ok(Some(_))) {
    ///             match stream.read(frames.spare()).await? {
    ///                 0 => return Ok(()),
    ///                 count => frames.advance(count),
    ///             }
    ///         }
    ///         let mut response = Vec::new();
    ///         engine.respond(&Peer::local(), frames.message(), &mut response);
    ///         frames.release();
    ///         stream.write_all(&response).await?;
    ///     }
    /// }
    ///
    /// struct InProcess(Arc<Engine<Empty>>);
    ///
    /// impl AsyncConnect for InProcess {
    ///     fn connect<'c>(&'c mut self, _: &'c ServerAddress, _: Deadline) -> Connecting<'c> {
    ///         let (near, far) = tokio::io::duplex(1 << 16);
    ///         tokio::spawn(serve(far, self.0.clone()));
    ///         Box::pin(async { Ok(Box::new(near) as Box<dyn AsyncStream>) })
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let connect = InProcess(Arc::new(Engine::new(Empty)));
    /// let settings = Client::builder("in.process".parse()?).connect_async_with(connect);
    /// let mut client = settings.connect_async().await?;
    /// assert_eq!(client.version(), kmip::ProtocolVersion::LATEST);
    /// assert_eq!(client.discover_versions().await?.len(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub trait AsyncConnect: Send {
        /// A new stream to `server`, authenticated as far as need be.
        ///
        /// # Errors
        /// If the server cannot be reached in time or is not trusted.
        fn connect<'c>(
            &'c mut self,
            server: &'c ServerAddress,
            deadline: Deadline,
        ) -> Connecting<'c>;
    }

    pub(in crate::client) struct Tls(pub(in crate::client) TlsConnector);

    impl AsyncConnect for Tls {
        fn connect<'c>(
            &'c mut self,
            server: &'c ServerAddress,
            deadline: Deadline,
        ) -> Connecting<'c> {
            Box::pin(async move {
                let stream = connect_tcp(server, deadline).await?;
                let error = match self.0.connect_async(stream, server, deadline).await {
                    Ok(stream) => return Ok(Box::new(stream) as Box<dyn AsyncStream>),
                    Err(error) => error,
                };
                if !probe::is_about_offer(&error) {
                    return Err(error);
                }
                let (connector, server) = (self.0.clone(), server.clone());
                let probed = spawn_blocking(move || connector.probe(&server, deadline));
                let offer = probed.await.unwrap_or_default();
                Err(probe::with_offer(error, offer))
            })
        }
    }

    pub(in crate::client) struct Clear;

    impl AsyncConnect for Clear {
        fn connect<'c>(
            &'c mut self,
            server: &'c ServerAddress,
            deadline: Deadline,
        ) -> Connecting<'c> {
            Box::pin(async move {
                let stream = connect_tcp(server, deadline).await?;
                Ok(Box::new(stream) as Box<dyn AsyncStream>)
            })
        }
    }
}
