//! What both clients have in common: connecting, negotiating, sending, and deciding what is done
//! again. Written once over [`Driver`].

mod connecting;

use std::fmt;
use std::time::Instant;

use zeroize::{Zeroize, Zeroizing};

use crate::Encoding;
use crate::transport::{Deadline, Error as TransportError, Liveness, Timeouts};
use crate::types::{
    CredentialType, CredentialValue, Operation, ProtocolVersion, RequestPayload, ResponsePayload,
    ResultReason,
};

use super::attestation::Attest;
use super::batch::{Batch, ItemResult};
use super::builder::ClientBuilder;
use super::credentials::credential;
use super::driver::{Driver, Link};
use super::error::{Error, Problem, ResponseFault, is_incomplete};
use super::exclusive::Exclusive;
use super::observe::spans::RequestSpan;
use super::observe::{Hook, RequestEvent, Watch};
use super::servers::Servers;
use super::session::{Challenge, Request, Response, Session};
use super::versions::VersionCache;

use connecting::refuses_content_type;

/// A client without its public face.
pub(super) struct Core<D: Driver> {
    servers: Servers,
    driver: Exclusive<D>,
    /// Out of its place while a request is under way.
    link: Exclusive<Option<D::Link>>,
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
    hooks: Exclusive<Vec<Box<dyn Hook>>>,
    attest: Exclusive<Option<Box<dyn Attest>>>,
    /// Reused for every request, wiped after each.
    buffer: Zeroizing<Vec<u8>>,
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
            hooks: Exclusive::new(settings.hooks),
            attest: Exclusive::new(settings.attest),
            buffer: Zeroizing::new(Vec::with_capacity(16 << 10)),
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

    /// Performs one operation; see [`ask!`](super::methods::ask).
    pub(super) async fn one(
        &mut self,
        request: RequestPayload<'_>,
    ) -> ItemResult<ResponsePayload<'static>> {
        let operation = request.operation();
        let results = self.batch(Batch::new().with(request)).await?;
        self.only(results, operation)
    }

    fn only(
        &self,
        results: Vec<ItemResult<ResponsePayload<'static>>>,
        operation: Operation,
    ) -> ItemResult<ResponsePayload<'static>> {
        results.into_iter().next().unwrap_or_else(|| {
            let fault = ResponseFault::MissingItem(0);
            Err(self.session.error(operation, Problem::Response(fault)))
        })
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
        self.exchange(&mut request).await
    }

    /// Sends a request, again where that does no harm, and returns the results of its items.
    pub(super) async fn exchange(
        &mut self,
        request: &mut Request<'_>,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let deadline = self.deadline();
        self.drop_dead_connection().await;
        let mut others = self.servers.len() - 1;
        let mut stale = true;
        let mut attested = false;
        let mut forgotten = false;
        let mut refused = None;
        loop {
            let reused = self.is_connected() && self.proven;
            match self.try_exchange(request, deadline).await {
                Ok(response) => {
                    if let (Some(challenge), false) = (&response.challenge, attested) {
                        if self.attest(challenge, request)? {
                            attested = true;
                            continue;
                        }
                    }
                    if !forgotten && self.is_of_another_version(&response) {
                        forgotten = true;
                        self.forget_version();
                        continue;
                    }
                    return Ok(response.results);
                }
                // Not processed, so it can be sent again as it may be wanted.
                Err(error) if refused.is_none() && refuses_content_type(&error) => {
                    self.sends_charset = !self.sends_charset;
                    refused = Some(error);
                }
                Err(error) if refused.is_some() => {
                    self.sends_charset = !self.sends_charset;
                    return Err(refused.unwrap_or(error));
                }
                Err(error) if reused && stale && may_repeat(&error, request) => stale = false,
                Err(error) if others > 0 && may_fail_over(&error, request, deadline) => {
                    others -= 1;
                    self.servers.current_failed();
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("servers", &self.servers.addresses().collect::<Vec<_>>())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }

    async fn try_exchange(
        &mut self,
        request: &mut Request<'_>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let operation = request.expected().operation();
        self.connected(deadline)
            .await
            .map_err(|error| error.during(operation))?;
        self.round_trip(request, deadline).await
    }

    /// Sends a request over the connection that is there and waits for the response.
    async fn round_trip(
        &mut self,
        request: &mut Request<'_>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        self.buffer.zeroize();
        self.session.write(request, &mut self.buffer)?;
        let expected = request.expected();
        let fail = |session: &Session, problem| {
            let error = session.error(expected.operation(), problem);
            error.of_request(expected.is_repeatable())
        };
        // Taken out, so that it goes with this future if that is dropped.
        let Some(mut link) = self.link.get_mut().take() else {
            return Err(fail(&self.session, Problem::NoServer(Vec::new())));
        };
        let Core {
            session,
            buffer,
            hooks,
            ..
        } = self;
        let event = RequestEvent {
            server: session.server(),
            version: session.version(),
            operations: expected.operations(),
            client_correlation_value: session.client_correlation_value(),
            encoding: session.encoding(),
            bytes: buffer,
        };
        let span = RequestSpan::new(&event);
        let mut watch = Watch {
            hooks: hooks.get_mut(),
            span: &span,
            request: event,
        };
        watch.sending();
        let begun = Instant::now();
        let received = span.around(transfer(&mut link, buffer, deadline)).await;
        let outcome = match received {
            Ok(bytes) => {
                let duration = begun.elapsed();
                let outcome = session.read(bytes, expected);
                watch.received(bytes, duration, &outcome);
                outcome
            }
            Err(error) => {
                let error = fail(session, Problem::Transport(error));
                watch.failed(None, begun.elapsed(), &error);
                Err(error)
            }
        };
        link.release();
        self.buffer.zeroize();
        self.proven = outcome.as_ref().is_ok_and(Response::is_sound);
        // After an answer to something else, what belongs to what is unclear.
        if self.proven {
            *self.link.get_mut() = Some(link);
            self.servers.worked();
        }
        outcome
    }

    async fn drop_dead_connection(&mut self) {
        if self.servers.may_recover() {
            self.disconnect();
        }
        // Taken out for the case that this future is dropped.
        let Some(mut link) = self.link.get_mut().take() else {
            return;
        };
        let liveness = link.liveness().await;
        if !matches!(liveness, Liveness::Closed | Liveness::Unsolicited) {
            *self.link.get_mut() = Some(link);
        }
    }

    /// Adds an attestation to the request; `false` if this client makes none.
    fn attest(&mut self, challenge: &Challenge, request: &mut Request<'_>) -> Result<bool, Error> {
        let Some(attest) = self.attest.get_mut() else {
            return Ok(false);
        };
        match attest.attest(challenge) {
            Ok(attestation) => {
                let value = CredentialValue::Attestation(attestation);
                request.add_credential(credential(CredentialType::ATTESTATION, value));
                Ok(true)
            }
            Err(error) => {
                let operation = request.expected().operation();
                Err(self.session.error(operation, Problem::Attestation(error)))
            }
        }
    }

    /// Whether the server refuses the version that was once negotiated with it.
    fn is_of_another_version(&self, response: &Response) -> bool {
        let refused = |result: &ItemResult<ResponsePayload<'static>>| match result {
            Ok(_) => false,
            Err(error) => match error.result_reason() {
                Some(ResultReason::UNSUPPORTED_PROTOCOL_VERSION) => true,
                Some(ResultReason::INVALID_MESSAGE) => response.version != self.version(),
                _ => false,
            },
        };
        matches!(self.agreement, Agreement::Remembered(_)) && response.results.iter().all(refused)
    }

    fn forget_version(&mut self) {
        self.versions.forget(self.session.server());
        self.agreement = Agreement::None;
        self.disconnect();
    }
}

async fn transfer<'l, L: Link>(
    link: &'l mut L,
    message: &[u8],
    deadline: Deadline,
) -> Result<&'l [u8], TransportError> {
    link.send(message, deadline).await?;
    link.receive(deadline).await
}

/// Whether a request that failed on a connection that had worked before can be sent again: the
/// server cannot have processed it, or nothing happens twice.
fn may_repeat(error: &Error, request: &Request<'_>) -> bool {
    let Problem::Transport(error) = error.problem() else {
        return false;
    };
    let unanswered = error.is_closed() && error.phase() == crate::transport::Phase::Receive;
    is_incomplete(error) || (unanswered && request.expected().is_repeatable())
}

/// Whether a request can be sent to the next server instead.
fn may_fail_over(error: &Error, request: &Request<'_>, deadline: Deadline) -> bool {
    let silent = error.is_timeout() && request.expected().is_repeatable();
    (silent || may_repeat(error, request)) && !deadline.has_passed()
}
