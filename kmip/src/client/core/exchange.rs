//! Sending a request and deciding what is done again.

use std::time::{Duration, Instant};

use crate::Encoding;
use crate::transport::{Deadline, Error as TransportError, Liveness, Phase};
use crate::types::{CredentialType, CredentialValue, ResponsePayload, ResultReason};

use super::super::batch::ItemResult;
use super::super::credentials::credential;
use super::super::driver::{Driver, Link};
use super::super::error::{Error, Problem, is_incomplete};
use super::super::observe::spans::RequestSpan;
use super::super::observe::{RequestEvent, Watch};
use super::super::session::{Challenge, Request, Response, Session};
use super::connecting::refuses_content_type;
use super::{Agreement, Core};

impl<D: Driver> Core<D> {
    /// Sends a request, again where that does no harm, and returns the results of its items.
    pub(in crate::client) async fn exchange(
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
        let mut named = None;
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
                    if let Some(named) = named {
                        if !understands(&response) {
                            self.session.sends_numbers = false;
                            return Ok(named);
                        }
                    } else if self.sends_names() && !understands(&response) {
                        // Not processed. Perhaps the server spells names in another way.
                        self.session.sends_numbers = true;
                        named = Some(response.results);
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

    /// Whether requests have names of values.
    fn sends_names(&self) -> bool {
        self.session.encoding() != Encoding::Ttlv && !self.session.sends_numbers
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
    pub(super) async fn round_trip(
        &mut self,
        request: &mut Request<'_>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        self.outgoing.wipe();
        self.session.write(request, self.outgoing.writer())?;
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
            outgoing,
            hooks,
            ..
        } = self;
        let event = RequestEvent {
            server: session.server(),
            version: session.version(),
            operations: expected.operations(),
            client_correlation_value: session.client_correlation_value(),
            encoding: session.encoding(),
            bytes: outgoing.bytes(),
        };
        let span = RequestSpan::new(&event);
        let mut watch = Watch {
            hooks: hooks.get_mut(),
            span: &span,
            request: event,
        };
        watch.sending();
        // Reading the clock takes longer than much of what is done here.
        let begun = watch.is_wanted().then(Instant::now);
        let duration = || begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        let received = span
            .around(transfer(&mut *link, outgoing.bytes(), deadline))
            .await;
        let outcome = match received {
            Ok(bytes) => {
                let duration = duration();
                let outcome = session.read(bytes, expected);
                watch.received(bytes, duration, &outcome);
                outcome
            }
            Err(error) => {
                let error = fail(session, Problem::Transport(error));
                watch.failed(None, duration(), &error);
                Err(error)
            }
        };
        link.release();
        self.outgoing.wipe();
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

/// Whether the server could read the request at all, as far as it says.
fn understands(response: &Response) -> bool {
    let unread = |result: &ItemResult<ResponsePayload<'static>>| match result {
        Ok(_) => false,
        Err(error) => error.result_reason() == Some(ResultReason::INVALID_MESSAGE),
    };
    !response.results.iter().all(unread)
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
    let unanswered = error.is_closed() && error.phase() == Phase::Receive;
    is_incomplete(error) || (unanswered && request.expected().is_repeatable())
}

/// Whether a request can be sent to the next server instead.
fn may_fail_over(error: &Error, request: &Request<'_>, deadline: Deadline) -> bool {
    let silent = error.is_timeout() && request.expected().is_repeatable();
    (silent || may_repeat(error, request)) && !deadline.has_passed()
}
