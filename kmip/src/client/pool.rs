//! A pool of asynchronous clients (feature `deadpool`).

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};

use super::asynchronous::AsyncClient;
use super::builder::ClientBuilder;
use super::error::Error;
use super::versions::VersionCache;

/// Makes the clients of a [`Pool`] and looks after them.
///
/// A client that comes back and has lost its connection is kept: it makes a new one when it is
/// needed. With a [health check](Self::health_check), a server that does not answer makes the pool
/// give up the client.
///
/// ```no_run
/// use kmip::client::{Client, Manager, Pool};
/// use kmip::transport::tls::ClientTls;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::new(|| {
///     let server = "keys.example.com".parse().expect("an address");
///     Client::builder(server).tls(ClientTls::new().ca_file("ca.pem"))
/// });
/// let pool = Pool::builder(manager).max_size(8).build()?;
/// let mut client = pool.get().await?;
/// let keys = client.locate([], None).await?;
/// # let _ = keys;
/// # Ok(()) }
/// ```
pub struct Manager {
    settings: Box<dyn Fn() -> ClientBuilder + Send + Sync>,
    versions: VersionCache,
    health_check: bool,
}

/// Clients that are lent out one at a time to each task. Cheap to clone.
pub type Pool = managed::Pool<Manager>;

impl Manager {
    /// Clients with these settings; the version is negotiated once for all.
    pub fn new(settings: impl Fn() -> ClientBuilder + Send + Sync + 'static) -> Self {
        Manager {
            settings: Box::new(settings),
            versions: VersionCache::new(),
            health_check: false,
        }
    }

    /// Asks the server before a client is lent out again whether it answers
    /// ([`AsyncClient::ping`]). Costs a round trip each time.
    #[must_use]
    pub fn health_check(mut self, check: bool) -> Self {
        self.health_check = check;
        self
    }
}

impl managed::Manager for Manager {
    type Type = AsyncClient;
    type Error = Error;

    async fn create(&self) -> Result<AsyncClient, Error> {
        let settings = (self.settings)().version_cache(self.versions.clone());
        settings.connect_async().await
    }

    async fn recycle(&self, client: &mut AsyncClient, _: &Metrics) -> RecycleResult<Error> {
        if self.health_check {
            client.ping().await.map_err(RecycleError::Backend)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("health_check", &self.health_check)
            .finish_non_exhaustive()
    }
}
