//! The blocking client: connects, sends, waits, and reconnects where that is safe.

use std::fmt;

use zeroize::Zeroize;

use crate::Encoding;
use crate::transport::{
    Cause, Connection, Deadline, FrameError, HttpTarget, Liveness, MessageDirection, Phase,
    ServerAddress, Stream, Timeouts,
};
use crate::types::{
    DiscoverVersionsRequest, OperationRequest, ProtocolVersion, QueryFunction, QueryRequest,
    ResponsePayload,
};

use super::batch::{Batch, BatchRequests, ItemResult, typed};
use super::builder::{ClientBuilder, Connect, Message, Observe};
use super::error::{Error, Problem};
use super::negotiation::{Negotiation, Step};
use super::repeat::is_repeatable;
use super::session::{Expected, Session};

/// A client of one KMIP server (or of several that are equal).
///
/// One operation at a time; the connection is kept open between them. When the server has closed
/// an idle connection, a new one is made, with all its checks. A request is sent again only if the
/// server cannot have processed it, or if that [changes nothing](super::is_repeatable).
pub struct Client {
    servers: Vec<ServerAddress>,
    connect: Box<dyn Connect>,
    connection: Option<Connection>,
    /// Path and encoding on HTTP servers.
    http: Option<(String, Encoding)>,
    /// Whether requests to them name their character set.
    sends_charset: bool,
    /// Whether the connection has carried a response.
    proven: bool,
    session: Session,
    timeouts: Timeouts,
    maximum_message_size: usize,
    observe: Option<Observe>,
    /// Reused for every request, wiped after each.
    buffer: Vec<u8>,
}

impl Client {
    /// A client of `server`, to be set up further.
    pub fn builder(server: ServerAddress) -> ClientBuilder {
        ClientBuilder::new(server)
    }

    pub(super) fn start(settings: ClientBuilder, connect: Box<dyn Connect>) -> Result<Self, Error> {
        let server = settings.servers[0].to_string();
        let mut session = Session::new(server, settings.newest);
        session.set_authentication(settings.authentication);
        session.set_maximum_response_size(settings.maximum_response_size);
        if let Some((_, encoding)) = settings.http {
            session.set_encoding(encoding);
        }
        let mut client = Client {
            servers: settings.servers,
            connect,
            connection: None,
            http: settings.http,
            sends_charset: settings.sends_charset,
            proven: false,
            session,
            timeouts: settings.timeouts,
            maximum_message_size: settings.maximum_message_size,
            observe: settings.observe,
            buffer: Vec::with_capacity(16 << 10),
        };
        let deadline = client.deadline();
        client.connected(deadline)?;
        if settings.negotiate {
            client.negotiate(Negotiation::new(settings.oldest, settings.newest), deadline)?;
        }
        Ok(client)
    }

    /// The version that is spoken.
    pub fn version(&self) -> ProtocolVersion {
        self.session.version()
    }

    /// Speaks another version from now on, of which it is known that the server has it.
    pub fn set_version(&mut self, version: ProtocolVersion) {
        self.session.set_version(version);
    }

    /// Whether requests over HTTPS name their character set: as it was set, or the other way round
    /// where the server refused that.
    pub fn sends_charset(&self) -> bool {
        self.sends_charset
    }

    /// The server that was connected to last, as shown to people.
    pub fn server(&self) -> &str {
        self.session.server()
    }

    /// Changes how long to wait for what.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
        if let Some(connection) = &mut self.connection {
            connection.set_timeouts(timeouts);
        }
    }

    /// Performs one operation.
    ///
    /// # Errors
    /// If it cannot be sent, or the server refuses it.
    pub fn call<'a, R: OperationRequest<'a>>(
        &mut self,
        request: R,
    ) -> Result<R::Response<'static>, Error> {
        self.single(request, self.deadline())
    }

    /// Performs several operations in one message, and returns a result for each.
    ///
    /// ```no_run
    /// # use kmip::types::{ActivateRequest, CreateRequest};
    /// # fn example(client: &mut kmip::client::Client, create: CreateRequest<'_>)
    /// # -> Result<(), kmip::client::Error> {
    /// let (created, activated) = client.call_batch((create, ActivateRequest::default()))?;
    /// let key = created?.unique_identifier;
    /// activated?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the message cannot be sent or the response does not belong to it. Failures of items are
    /// in their results.
    pub fn call_batch<'a, B: BatchRequests<'a>>(
        &mut self,
        requests: B,
    ) -> Result<B::Results, Error> {
        let results = self.send_batch(requests.into_batch())?;
        B::results(results, self.session.server())
    }

    /// Performs a list of operations in one message, and returns a result for each.
    ///
    /// # Errors
    /// As for [`call_batch`](Self::call_batch).
    pub fn send_batch(
        &mut self,
        batch: Batch<'_>,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        self.batch(batch, self.deadline())
    }

    /// Closes the connection. The next operation makes a new one.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    fn single<'a, R: OperationRequest<'a>>(
        &mut self,
        request: R,
        deadline: Deadline,
    ) -> Result<R::Response<'static>, Error> {
        let results = self.batch(Batch::new().with(request), deadline)?;
        typed::<R>(results.into_iter().next(), self.session.server())?
    }

    fn batch(
        &mut self,
        batch: Batch<'_>,
        deadline: Deadline,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let expected = self.session.encode(batch, &mut self.buffer)?;
        let results = self.exchange(&expected, deadline);
        self.buffer.zeroize();
        results
    }

    /// Sends what is in the buffer and waits for the response.
    fn exchange(
        &mut self,
        expected: &Expected,
        deadline: Deadline,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        self.drop_dead_connection();
        let reused = self.connection.is_some() && self.proven;
        match self.try_exchange(expected, deadline) {
            Err(error) if reused && may_repeat(&error, expected) => {
                self.try_exchange(expected, deadline)
            }
            Err(error) if refuses_content_type(&error) => {
                // Not processed, so it can be sent again as it may be wanted.
                self.sends_charset = !self.sends_charset;
                let outcome = self.try_exchange(expected, deadline);
                if outcome.is_err() {
                    self.sends_charset = !self.sends_charset;
                }
                outcome.map_err(|_| error)
            }
            outcome => outcome,
        }
    }

    fn try_exchange(
        &mut self,
        expected: &Expected,
        deadline: Deadline,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let operation = expected.operation();
        self.connected(deadline)
            .map_err(|error| error.during(operation))?;
        let Client {
            connection,
            session,
            buffer,
            observe,
            ..
        } = self;
        let mut tell = |is_request, bytes: &[u8]| {
            if let Some(observe) = observe {
                let server = session.server();
                observe(Message {
                    server,
                    is_request,
                    bytes,
                });
            }
        };
        let Some(connection) = connection else {
            return Err(session.error(operation, Problem::NoServer(Vec::new())));
        };
        tell(true, buffer);
        let response = connection
            .send(buffer, deadline)
            .and_then(|()| connection.receive(deadline));
        let results = match response {
            Ok(response) => {
                tell(false, response);
                session.decode(response, expected)
            }
            Err(error) => Err(session.error(operation, Problem::Transport(error))),
        };
        connection.release();
        self.proven = results.is_ok();
        if results.is_err() {
            // What belongs to what is unclear now.
            self.connection = None;
        }
        results
    }

    fn drop_dead_connection(&mut self) {
        if let Some(connection) = &mut self.connection {
            if matches!(
                connection.liveness(),
                Liveness::Closed | Liveness::Unsolicited
            ) {
                self.connection = None;
            }
        }
    }

    /// Makes sure of a connection, to the first server that can be reached.
    fn connected(&mut self, operation: Deadline) -> Result<(), Error> {
        if self.connection.is_some() {
            return Ok(());
        }
        let mut errors = Vec::new();
        for server in &self.servers {
            let deadline = Deadline::after(self.timeouts.connect).or_earlier(operation);
            match self.connect.connect(server, deadline) {
                Ok(stream) => {
                    self.session.set_server(server.to_string());
                    self.connection = Some(self.carrying(stream, server)?);
                    self.proven = false;
                    return Ok(());
                }
                Err(error) => {
                    let problem = Problem::Transport(error);
                    errors.push(Error::new(server.to_string(), None, problem));
                }
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

    /// A connection over a stream to `server`.
    fn carrying(
        &self,
        stream: Box<dyn Stream>,
        server: &ServerAddress,
    ) -> Result<Connection, Error> {
        let (name, maximum) = (server.to_string(), self.maximum_message_size);
        let Some((path, encoding)) = &self.http else {
            let direction = MessageDirection::Responses;
            return Ok(Connection::new(
                stream,
                name,
                direction,
                maximum,
                self.timeouts,
            ));
        };
        match HttpTarget::new(server, path, encoding.content_type()) {
            Ok(target) => {
                let target = match self.sends_charset {
                    true => target.sending(encoding.content_type_with_charset()),
                    false => target,
                };
                let timeouts = self.timeouts;
                Ok(Connection::http(stream, name, target, maximum, timeouts))
            }
            Err(error) => Err(Error::new(name, None, Problem::Address(error))),
        }
    }

    fn negotiate(&mut self, mut negotiation: Negotiation, deadline: Deadline) -> Result<(), Error> {
        self.session.set_version(negotiation.first());
        loop {
            let step = match self.discover(&negotiation, deadline) {
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
                        self.connection = None;
                    }
                }
                Step::Fail(error) => return Err(error),
            }
        }
    }

    fn discover(
        &mut self,
        negotiation: &Negotiation,
        deadline: Deadline,
    ) -> Result<Vec<ProtocolVersion>, Error> {
        if self.session.version() == ProtocolVersion::V1_0 {
            let request = QueryRequest {
                query_function: vec![QueryFunction::QUERY_OPERATIONS],
                ..QueryRequest::default()
            };
            self.single(request, deadline)?;
            return Ok(vec![ProtocolVersion::V1_0]);
        }
        let request = DiscoverVersionsRequest {
            protocol_version: negotiation.acceptable().to_vec(),
            ..DiscoverVersionsRequest::default()
        };
        Ok(self.single(request, deadline)?.protocol_version)
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.timeouts.operation)
    }
}

/// Whether an HTTP server does not like what the messages are called, as far as it says.
fn refuses_content_type(error: &Error) -> bool {
    let Problem::Transport(error) = error.problem() else {
        return false;
    };
    let status = match error.cause() {
        Cause::Frame(FrameError::HttpStatus { status, .. }) => *status,
        _ => return false,
    };
    matches!(status, 406 | 415 | 422)
}

/// Whether a request that failed on a connection that had worked before can be sent again.
fn may_repeat(error: &Error, expected: &Expected) -> bool {
    let Problem::Transport(error) = error.problem() else {
        return false;
    };
    match (error.phase(), error.cause()) {
        // An incomplete message cannot have been processed.
        (Phase::Send, Cause::Closed { .. }) => true,
        (Phase::Receive, Cause::Closed { received: 0, .. }) => expected
            .operations()
            .iter()
            .all(|&operation| is_repeatable(operation)),
        _ => false,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("servers", &self.servers)
            .field("version", &self.session.version())
            .field("connected", &self.connection.is_some())
            .finish_non_exhaustive()
    }
}
