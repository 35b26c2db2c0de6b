//! The blocking client.

use std::fmt;

use crate::transport::{ServerAddress, Timeouts};
use crate::types::ProtocolVersion;

use super::builder::ClientBuilder;
use super::connect::Connect;
use super::core::Core;
use super::driver::{Blocking, finish};
use super::error::Error;

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

    /// The version that is spoken.
    pub fn version(&self) -> ProtocolVersion {
        self.core.version()
    }

    /// Speaks another version from now on, of which it is known that the server has it.
    pub fn set_version(&mut self, version: ProtocolVersion) {
        self.core.session.set_version(version);
    }

    /// Whether requests over HTTPS name their character set: as it was set, or the other way round
    /// where the server refused that.
    pub fn sends_charset(&self) -> bool {
        self.core.sends_charset
    }

    /// The server that was connected to last, as shown to people.
    pub fn server(&self) -> &str {
        self.core.session.server()
    }

    /// Changes how long to wait for what.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.core.set_timeouts(timeouts);
    }

    /// Changes the name of the following requests (Client Correlation Value, since KMIP 1.4; left
    /// out before), by which the server's log can be searched.
    pub fn set_client_correlation_value(&mut self, value: impl Into<Option<String>>) {
        self.core.session.set_client_correlation_value(value.into());
    }

    /// Closes the connection. The next operation makes a new one.
    pub fn disconnect(&mut self) {
        self.core.disconnect();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.describe("Client", f)
    }
}
