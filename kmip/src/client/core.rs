//! What both clients have in common: connecting, negotiating, sending, and deciding what is done
//! again. Written once over [`Driver`].

mod connecting;
mod exchange;

use std::fmt;

use crate::Encoding;
use crate::transport::{Deadline, OutgoingBuffer, Timeouts};
use crate::types::{AsynchronousIndicator, Operation, ProtocolVersion, ResponsePayload};

use super::attestation::Attest;
use super::batch::{Batch, ItemResult};
use super::builder::ClientBuilder;
use super::driver::{Driver, Link};
use super::error::Error;
use super::exclusive::Exclusive;
use super::observe::Hook;
use super::servers::Servers;
use super::session::{Request, Session};
use super::versions::VersionCache;

/// A client without its public face.
pub(super) struct Core<D: Driver> {
    servers: Servers,
    driver: Exclusive<D>,
    /// Out of its place while a request is under way; on the heap, so that taking it out copies nothing.
    link: Exclusive<Option<Box<D::Link>>>,
    /// Whether the connection has carried a response.
    proven: bool,
    /// Path and encoding on HTTP servers.
    http: Option<(String, Encoding)>,
    /// Whether requests to them name their character set.
    pub(super) sends_charset: bool,
    pub(super) session: Session,
    /// The oldest and the newest version that are acceptable, unless one is set.
    negotiable: Option<(ProtocolVersion, ProtocolVersion)>,
    versions: VersionCache,
    agreement: Agreement,
    timeouts: Timeouts,
    maximum_message_size: usize,
    pub(super) maximum_batch_items: usize,
    /// What requests say, where they do not say it themselves.
    asynchronous: Option<AsynchronousIndicator>,
    hooks: Exclusive<Vec<Box<dyn Hook>>>,
    attest: Exclusive<Option<Box<dyn Attest>>>,
    outgoing: OutgoingBuffer,
}

/// Where the version of the session comes from.
#[derive(Debug, PartialEq, Eq)]
enum Agreement {
    None,
    /// It was negotiated with this server.
    Negotiated(String),
    /// It was once negotiated with this server.
    Remembered(String),
}

impl<D: Driver> Core<D> {
    pub(super) fn new(settings: ClientBuilder, driver: D) -> Self {
        let servers = Servers::new(settings.servers, settings.recovery);
        let mut session = Session::new(servers.address(0).to_string(), settings.newest);
        session.set_authentication(settings.authentication);
        session.set_maximum_response_size(settings.maximum_response_size);
        session.set_client_correlation_value(settings.client_correlation_value);
        if let Some((_, encoding)) = settings.http {
            session.set_encoding(encoding);
        }
        session.sends_numbers = settings.sends_numbers;
        session.sends_other_values = settings.sends_other_values;
        if settings.attest.is_some() {
            session.set_attestation_capable();
        }
        let range = (settings.oldest, settings.newest);
        Core {
            servers,
            driver: Exclusive::new(driver),
            link: Exclusive::new(None),
            proven: false,
            http: settings.http,
            sends_charset: settings.sends_charset,
            session,
            negotiable: settings.negotiate.then_some(range),
            versions: settings.versions,
            agreement: Agreement::None,
            timeouts: settings.timeouts,
            maximum_message_size: settings.maximum_message_size,
            maximum_batch_items: settings.maximum_batch_items.max(1),
            asynchronous: settings.asynchronous,
            hooks: Exclusive::new(settings.hooks),
            attest: Exclusive::new(settings.attest),
            outgoing: OutgoingBuffer::new(),
        }
    }

    /// Makes sure of a connection and of a version to speak.
    pub(super) async fn start(&mut self) -> Result<(), Error> {
        let deadline = self.deadline();
        self.connected(deadline).await
    }

    pub(super) fn version(&self) -> ProtocolVersion {
        self.session.version()
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.timeouts.operation)
    }

    pub(super) fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
        if let Some(link) = self.link.get_mut() {
            link.set_timeouts(timeouts);
        }
    }

    pub(super) fn is_connected(&mut self) -> bool {
        self.link.get_mut().is_some()
    }

    pub(super) fn disconnect(&mut self) {
        *self.link.get_mut() = None;
        self.proven = false;
    }

    /// Performs several operations in one message.
    pub(super) async fn batch(
        &mut self,
        batch: Batch<'_>,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let mut request = self.session.prepare(batch);
        if let Some(indicator) = self.asynchronous.filter(|_| !is_at_once(&request)) {
            request.set_asynchronous(indicator);
        }
        self.exchange(&mut request).await
    }

    pub(super) fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("servers", &self.servers.addresses().collect::<Vec<_>>())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

/// Operations that are done at once, whatever is wanted of others: those about what is done later, and
/// logins.
const AT_ONCE: [Operation; 7] = [
    Operation::POLL,
    Operation::CANCEL,
    Operation::PROCESS,
    Operation::QUERY_ASYNCHRONOUS_REQUESTS,
    Operation::LOGIN,
    Operation::DELEGATED_LOGIN,
    Operation::LOGOUT,
];

fn is_at_once(request: &Request<'_>) -> bool {
    let operations = request.expected().operations();
    operations.iter().any(|one| AT_ONCE.contains(one))
}
