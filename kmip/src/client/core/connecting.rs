//! Coming to a connection: which server, which version.

use crate::transport::{Cause, Deadline, FrameError, Framing, HttpTarget};
use crate::types::{
    DiscoverVersionsRequest, ProtocolVersion, QueryFunction, QueryRequest, RequestPayload,
    ResponsePayload,
};

use super::super::batch::{Batch, ItemResult};
use super::super::driver::Driver;
use super::super::error::{Error, Problem};
use super::super::methods::{only, question};
use super::super::negotiation::{Negotiation, Step};
use super::{Agreement, Core};

impl<D: Driver> Core<D> {
    /// Makes sure of a connection, to the first server that can be used.
    pub(super) async fn connected(&mut self, operation: Deadline) -> Result<(), Error> {
        if self.is_connected() {
            return Ok(());
        }
        let mut errors = Vec::new();
        for index in self.servers.order() {
            match self.connect_to(index, operation).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() => {
                    self.disconnect();
                    self.servers.failed(index);
                    errors.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        match (errors.pop(), errors.is_empty()) {
            (Some(only), true) => Err(only),
            (last, _) => {
                errors.extend(last);
                Err(self.session.error(None, Problem::NoServer(errors)))
            }
        }
    }

    /// Connects to a server and settles how to speak with it.
    async fn connect_to(&mut self, index: usize, operation: Deadline) -> Result<(), Error> {
        match self.settle(index, operation).await {
            Err(error) if refuses_content_type(&error) => {
                self.sends_charset = !self.sends_charset;
                let outcome = self.settle(index, operation).await;
                if outcome.is_err() {
                    self.sends_charset = !self.sends_charset;
                }
                outcome.map_err(|_| error)
            }
            outcome => outcome,
        }
    }

    /// Connects to a server and settles the version to speak with it.
    async fn settle(&mut self, index: usize, operation: Deadline) -> Result<(), Error> {
        self.open_link(index, operation).await?;
        let Some((oldest, newest)) = self.negotiable else {
            return Ok(());
        };
        let server = self.session.server().to_owned();
        match &self.agreement {
            Agreement::Negotiated(with) | Agreement::Remembered(with) if *with == server => {
                return Ok(());
            }
            _ => {}
        }
        let known = self.versions.get(&server);
        if let Some(version) = known.filter(|version| (oldest..=newest).contains(version)) {
            self.session.set_version(version);
            self.agreement = Agreement::Remembered(server);
            return Ok(());
        }
        self.negotiate(index, Negotiation::new(oldest, newest), operation)
            .await?;
        self.versions.set(&server, self.session.version());
        self.agreement = Agreement::Negotiated(server);
        Ok(())
    }

    /// A new connection to a server.
    async fn open_link(&mut self, index: usize, operation: Deadline) -> Result<(), Error> {
        self.disconnect();
        let server = self.servers.address(index);
        let name = server.to_string();
        let framing = match &self.http {
            None => Ok(None),
            Some((path, encoding)) => {
                let target = HttpTarget::new(server, path, encoding.content_type());
                target.map(|target| match self.sends_charset {
                    true => Some(target.sending(encoding.content_type_with_charset())),
                    false => Some(target),
                })
            }
        };
        let framing = framing
            .map(|target| Framing::of_client(target, self.maximum_message_size))
            .map_err(|error| Error::new(name.as_str(), None, Problem::Address(error)))?;
        let deadline = Deadline::after(self.timeouts.connect).or_earlier(operation);
        let driver = self.driver.get_mut();
        let link = driver
            .connect(server, framing, self.timeouts, deadline)
            .await
            .map_err(|error| Error::new(name.as_str(), None, Problem::Transport(error)))?;
        self.session.set_server(name);
        self.servers.chosen(index);
        *self.link.get_mut() = Some(Box::new(link));
        Ok(())
    }

    async fn negotiate(
        &mut self,
        index: usize,
        mut negotiation: Negotiation,
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.session.set_version(negotiation.first());
        loop {
            if !self.is_connected() {
                self.open_link(index, deadline).await?;
            }
            let step = match self.discover(&negotiation, deadline).await {
                Ok(versions) => negotiation.answered(self.session.server(), &versions),
                Err(error) => negotiation.failed(error),
            };
            match step {
                Step::Speak(version) => {
                    self.session.set_version(version);
                    return Ok(());
                }
                Step::Try { version, reconnect } => {
                    self.session.set_version(version);
                    if reconnect {
                        self.disconnect();
                    }
                }
                Step::Fail(error) => return Err(error),
            }
        }
    }

    async fn discover(
        &mut self,
        negotiation: &Negotiation,
        deadline: Deadline,
    ) -> Result<Vec<ProtocolVersion>, Error> {
        if self.session.version() == ProtocolVersion::V1_0 {
            let request = QueryRequest {
                query_function: vec![QueryFunction::QUERY_OPERATIONS],
                ..QueryRequest::default()
            };
            self.single(request.into(), deadline).await?;
            return Ok(vec![ProtocolVersion::V1_0]);
        }
        let (request, reply) = question(DiscoverVersionsRequest {
            protocol_version: negotiation.acceptable().to_vec(),
            ..DiscoverVersionsRequest::default()
        });
        let answer = self.single(request, deadline).await;
        Ok(reply.of(answer, &self.session)?.protocol_version)
    }

    /// One operation over the connection that is there.
    async fn single(
        &mut self,
        request: RequestPayload<'_>,
        deadline: Deadline,
    ) -> ItemResult<ResponsePayload<'static>> {
        let operation = request.operation();
        let mut request = self.session.prepare(Batch::of(request));
        let response = self.round_trip(&mut request, deadline).await?;
        only(response.results, operation, &self.session)
    }
}

/// Whether an HTTP server does not like what the messages are called, as far as it says.
pub(super) fn refuses_content_type(error: &Error) -> bool {
    let Problem::Transport(error) = error.problem() else {
        return false;
    };
    let status = match error.cause() {
        Cause::Frame(FrameError::HttpStatus { status, .. }) => *status,
        _ => return false,
    };
    matches!(status, 406 | 415 | 422)
}
