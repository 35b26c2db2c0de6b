//! The blocking client.

use std::fmt;

use crate::transport::{ServerAddress, Timeouts};
use crate::types::ProtocolVersion;

use super::builder::ClientBuilder;
use super::connect::Connect;
use super::core::Core;
use super::driver::{Blocking, finish};
use super::error::Error;
use super::methods::client_settings;

/// A client of one KMIP server (or of several that are equal).
///
/// One operation at a time; the connection is kept open between them. When the server has closed
/// an idle connection, a new one is made, with all its checks. A request is sent again only if the
/// server cannot have processed it, or if that [changes nothing](super::is_repeatable).
///
/// Of several servers, the first that works is used. One that fails is passed over for a while; a
/// request moves on to the next server under the same conditions as it is sent again.
pub struct Client {
    pub(super) core: Core<Blocking>,
}

impl Client {
    /// A client of `server`, to be set up further.
    pub fn builder(server: ServerAddress) -> ClientBuilder {
        ClientBuilder::new(server)
    }

    pub(super) fn start(settings: ClientBuilder, connect: Box<dyn Connect>) -> Result<Self, Error> {
        let mut core = Core::new(settings, Blocking(connect));
        finish(core.start())?;
        Ok(Client { core })
    }

    client_settings!();
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.describe("Client", f)
    }
}
