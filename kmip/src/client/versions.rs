//! What is known about the versions of servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::types::ProtocolVersion;

/// The protocol versions that were negotiated, by server, so that it need not be done again. Its
/// clones share what they know, also between clients and threads.
///
/// ```
/// use kmip::client::{Client, VersionCache};
///
/// let versions = VersionCache::new();
/// let settings = || {
///     let server = "keys.example.com".parse()?;
///     Ok::<_, kmip::transport::AddressError>(
///         Client::builder(server).version_cache(versions.clone()),
///     )
/// };
/// // Only the first client that connects will negotiate.
/// let (_first, _second) = (settings()?, settings()?);
/// # Ok::<(), kmip::transport::AddressError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct VersionCache(Arc<Mutex<HashMap<String, ProtocolVersion>>>);

impl VersionCache {
    /// Nothing is known yet.
    pub fn new() -> Self {
        VersionCache::default()
    }

    /// The version that was negotiated with `server`, as shown to people.
    pub fn get(&self, server: &str) -> Option<ProtocolVersion> {
        self.lock().get(server).copied()
    }

    /// Remembers a version.
    pub fn set(&self, server: &str, version: ProtocolVersion) {
        self.lock().insert(server.to_owned(), version);
    }

    /// Forgets a server, such as one that was updated.
    pub fn forget(&self, server: &str) {
        self.lock().remove(server);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, ProtocolVersion>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
