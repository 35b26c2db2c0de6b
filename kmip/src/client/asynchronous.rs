//! The asynchronous client.

use std::fmt;
use std::pin::Pin;

use crate::transport::{ServerAddress, Timeouts};
use crate::types::ProtocolVersion;

use super::builder::ClientBuilder;
use super::connect::asynchronous::AsyncConnect;
use super::core::Core;
use super::driver::asynchronous::Tokio;
use super::error::Error;
use super::methods::client_settings;

/// The future of an operation of an [`AsyncClient`].
pub type Answer<'c, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>;

/// The asynchronous [`Client`](super::Client): the same operations, rules and errors, on tokio.
///
/// The future of an operation can be dropped at any time. If its request was under way, the
/// connection goes with it and the next operation makes a new one: a late answer is never taken for
/// that of another request. Whether the server has performed the operation then is unknown.
///
/// ```no_run
/// use kmip::client::Client;
/// use kmip::transport::tls::{ClientTls, Identity};
/// # use std::path::Path;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let identity = Identity::from_pem_files(Path::new("me.crt"), Path::new("me.key"), None)?;
/// let tls = ClientTls::new().ca_file("ca.pem").identity(identity);
/// let settings = Client::builder("keys.example.com".parse()?).tls(tls);
/// let mut client = settings.connect_async().await?;
///
/// let keys = client.locate([], None).await?;
/// for key in &keys {
///     println!("{:?}", client.get_attributes(key, []).await?);
/// }
/// # Ok(()) }
/// ```
pub struct AsyncClient {
    pub(super) core: Core<Tokio>,
}

impl AsyncClient {
    /// A client of `server`, to be set up further.
    pub fn builder(server: ServerAddress) -> ClientBuilder {
        ClientBuilder::new(server)
    }

    pub(super) async fn start(
        settings: ClientBuilder,
        connect: Box<dyn AsyncConnect>,
    ) -> Result<Self, Error> {
        let mut core = Core::new(settings, Tokio(connect));
        core.start().await?;
        Ok(AsyncClient { core })
    }

    client_settings!();
}

impl fmt::Debug for AsyncClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.describe("AsyncClient", f)
    }
}
