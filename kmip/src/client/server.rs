//! What concerns the server as a whole: what it can do, sessions, requests that take long.

use crate::types::{
    AsynchronousIndicator, CancelRequest, CancellationResult, Credential, DiscoverVersionsRequest,
    Enumeration, Interval, LogRequest, LoginRequest, LogoutRequest, OperationRequest, PingRequest,
    PollRequest, ProtocolVersion, QueryFunction, QueryRequest, QueryResponse, RequestPayload,
    ResponsePayload,
};

use super::batch::{Batch, ItemResult, typed};
use super::blocking::Client;
use super::core::Core;
use super::driver::{Driver, finish};
use super::error::Error;
use super::methods::{ask, client_methods};

/// An operation that the server may perform later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending<T> {
    /// It is done.
    Done(T),
    /// It is not yet; [`Client::poll`](super::Client::poll) for this Asynchronous Correlation Value.
    Later(Vec<u8>),
}

client_methods! {
    /// Asks the server about itself (Query).
    ///
    /// # Errors
    /// If the server refuses it.
    fn query['a](
        &mut self,
        functions: impl IntoIterator<Item = QueryFunction> + Send + 'a,
    ) -> QueryResponse<'static> {
        let request = QueryRequest {
            query_function: functions.into_iter().collect(),
            ..QueryRequest::default()
        };
        ask!(self, request)
    }

    /// Asks the server for all that it tells about itself (Query): every function of the version, or those
    /// of KMIP 1.0 from a server that does not know all of them.
    ///
    /// # Errors
    /// If the server refuses it.
    fn query_all['a](&mut self) -> QueryResponse<'static> {
        let version = self.version();
        let functions = QueryFunction::TABLE.values.iter();
        let functions = functions.filter(|function| function.is_defined_in(version));
        let request = QueryRequest {
            query_function: functions.map(|function| QueryFunction(function.value)).collect(),
            ..QueryRequest::default()
        };
        match ask!(self, request) {
            Err(error) if error.failure().is_some() => {
                let request = QueryRequest {
                    query_function: vec![
                        QueryFunction::QUERY_OPERATIONS,
                        QueryFunction::QUERY_OBJECTS,
                        QueryFunction::QUERY_SERVER_INFORMATION,
                    ],
                    ..QueryRequest::default()
                };
                ask!(self, request)
            }
            outcome => outcome,
        }
    }

    /// All protocol versions of the server, in its order of preference (Discover Versions).
    ///
    /// # Errors
    /// If the server refuses it. KMIP 1.0 does not have the operation.
    fn discover_versions['a](&mut self) -> Vec<ProtocolVersion> {
        let all = DiscoverVersionsRequest::default();
        Ok(ask!(self, all)?.protocol_version)
    }

    /// Whether the server answers: by Ping, which KMIP 2.1 has, or before that by Discover Versions
    /// or Query.
    ///
    /// # Errors
    /// If it does not, or refuses.
    fn ping['a](&mut self) -> () {
        if self.version() >= ProtocolVersion::V2_1 {
            match ask!(self, PingRequest::default()) {
                Err(error) if error.is_operation_not_supported() => {}
                outcome => return outcome.map(|_| ()),
            }
        }
        if self.version() > ProtocolVersion::V1_0 {
            ask!(self, DiscoverVersionsRequest::default())?;
        } else {
            let request = QueryRequest {
                query_function: vec![QueryFunction::QUERY_OPERATIONS],
                ..QueryRequest::default()
            };
            ask!(self, request)?;
        }
        Ok(())
    }

    /// Writes a line to the server's log (Log, since KMIP 2.0).
    ///
    /// # Errors
    /// If the server refuses it.
    fn log['a](&mut self, message: &'a str) -> () {
        let request = LogRequest {
            log_message: message.into(),
            ..LogRequest::default()
        };
        ask!(self, request)?;
        Ok(())
    }

    /// Begins a session (Login, since KMIP 2.0): proves who we are by the credentials that were
    /// given, and sends the server's ticket instead of them from now on. The server may limit it
    /// to a time and a number of requests.
    ///
    /// # Errors
    /// If the server refuses it.
    fn login['a](&mut self, lease: Option<Interval>, requests: Option<i32>) -> () {
        let request = LoginRequest {
            lease_time: lease,
            request_count: requests,
            ..LoginRequest::default()
        };
        let ticket = ask!(self, request)?.ticket;
        self.session.begin_login(ticket);
        Ok(())
    }

    /// As [`login`](Self::login), with this credential alone, which no other request is sent with: one that
    /// is good for once, such as a [one-time password](Credential::one_time_password) or a
    /// [proof of a password](Credential::password_proof). Servers that tell strangers nothing have to be
    /// spoken to in a set [version](super::ClientBuilder::version), since negotiation comes before.
    ///
    /// # Errors
    /// If the server refuses it.
    fn login_with['a](
        &mut self,
        credential: Credential<'static>,
        lease: Option<Interval>,
        requests: Option<i32>,
    ) -> () {
        let request = LoginRequest {
            lease_time: lease,
            request_count: requests,
            ..LoginRequest::default()
        };
        let mut request = self.session.prepare(Batch::of(request.into()));
        request.set_credential(credential);
        let results = self.exchange(&mut request).await?;
        let outcome = typed::<LoginRequest<'_>>(results.into_iter().next(), self.session.server())?;
        self.session.begin_login(outcome?.ticket);
        Ok(())
    }

    /// Ends the session of [`login`](Self::login) (Logout). Sends the credentials again from now on.
    /// Without a session, nothing happens.
    ///
    /// # Errors
    /// If the server refuses it; the credentials are sent nevertheless.
    fn logout['a](&mut self) -> () {
        let Some(ticket) = self.session.login_ticket() else {
            return Ok(());
        };
        let request = LogoutRequest {
            ticket,
            ..LogoutRequest::default()
        };
        let outcome = ask!(self, request);
        self.session.end_login();
        outcome.map(|_| ())
    }

    /// Performs an operation that the server may do later (Asynchronous Indicator).
    ///
    /// ```no_run
    /// # use kmip::client::{Client, Error, NewKeyPair, Pending};
    /// # use kmip::types::{CreateKeyPairRequest, CreateKeyPairResponse};
    /// # fn example(client: &mut Client) -> Result<(), Error> {
    /// let request = CreateKeyPairRequest::from(NewKeyPair::rsa(8192));
    /// let mut pending = client.call_asynchronously(request)?;
    /// let made: CreateKeyPairResponse<'_> = loop {
    ///     match pending {
    ///         Pending::Done(made) => break made,
    ///         Pending::Later(correlation) => {
    ///             std::thread::sleep(std::time::Duration::from_secs(1));
    ///             pending = client.poll::<CreateKeyPairRequest<'_>>(&correlation)?;
    ///         }
    ///     }
    /// };
    /// # let _ = made;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If it cannot be sent, or the server refuses it.
    fn call_asynchronously['a, R: OperationRequest<'a>](
        &mut self,
        request: R,
    ) -> Pending<R::Response<'static>> {
        let indicator = AsynchronousIndicator::OPTIONAL;
        let results = self.later(request.into(), indicator).await?;
        let outcome = typed::<R>(results.into_iter().next(), self.session.server())?;
        pending(outcome)
    }

    /// Has an operation begun that the server has to do later (Asynchronous Indicator *Mandatory*, since
    /// KMIP 2.0; before that, the server chooses as in
    /// [`call_asynchronously`](Self::call_asynchronously)).
    ///
    /// # Errors
    /// If it cannot be sent, or the server refuses it, such as if it does nothing later.
    fn begin_asynchronously['a, R: OperationRequest<'a>](
        &mut self,
        request: R,
    ) -> Pending<R::Response<'static>> {
        let indicator = match self.version() >= ProtocolVersion::V2_0 {
            true => AsynchronousIndicator::MANDATORY,
            false => AsynchronousIndicator::OPTIONAL,
        };
        let results = self.later(request.into(), indicator).await?;
        let outcome = typed::<R>(results.into_iter().next(), self.session.server())?;
        pending(outcome)
    }

    /// Gives up an operation that the server has begun (Cancel).
    ///
    /// # Errors
    /// If the server refuses it, or does not know the operation.
    fn cancel['a](&mut self, asynchronous_correlation_value: &'a [u8]) -> CancellationResult {
        let request = CancelRequest {
            asynchronous_correlation_value: asynchronous_correlation_value.into(),
            ..CancelRequest::default()
        };
        Ok(ask!(self, request)?.cancellation_result)
    }
}

impl<D: Driver> Core<D> {
    /// One operation that may be performed later.
    async fn later(
        &mut self,
        request: RequestPayload<'_>,
        indicator: AsynchronousIndicator,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let mut request = self.session.prepare(Batch::of(request));
        request.set_asynchronous(indicator);
        self.exchange(&mut request).await
    }

    /// See [`Client::poll`].
    async fn poll_for<'a, R: OperationRequest<'a>>(
        &mut self,
        asynchronous_correlation_value: &[u8],
    ) -> Result<Pending<R::Response<'static>>, Error> {
        let request = PollRequest {
            asynchronous_correlation_value: asynchronous_correlation_value.into(),
            ..PollRequest::default()
        };
        let results = self.batch(Batch::of(request.into())).await?;
        let outcome = typed::<R>(results.into_iter().next(), self.session.server())?;
        pending(outcome)
    }
}

// The type of the operation cannot be told from the arguments, so these are not of the macro.

impl Client {
    /// Asks whether an operation is done that the server has begun (Poll); `R` is its request. See
    /// [`call_asynchronously`](Self::call_asynchronously).
    ///
    /// # Errors
    /// If the operation has failed, or the server does not know it.
    pub fn poll<'a, R: OperationRequest<'a>>(
        &mut self,
        asynchronous_correlation_value: &[u8],
    ) -> Result<Pending<R::Response<'static>>, Error> {
        finish(self.core.poll_for::<R>(asynchronous_correlation_value))
    }
}

#[cfg(feature = "tokio")]
impl super::AsyncClient {
    /// Asks whether an operation is done that the server has begun (Poll); `R` is its request. See
    /// [`call_asynchronously`](Self::call_asynchronously).
    ///
    /// # Errors
    /// If the operation has failed, or the server does not know it.
    pub fn poll<'c, 'a: 'c, R: OperationRequest<'a> + 'c>(
        &'c mut self,
        asynchronous_correlation_value: &'c [u8],
    ) -> super::Answer<'c, Pending<R::Response<'static>>> {
        Box::pin(self.core.poll_for::<R>(asynchronous_correlation_value))
    }
}

fn pending<T>(outcome: Result<T, Error>) -> Result<Pending<T>, Error> {
    match outcome {
        Ok(done) => Ok(Pending::Done(done)),
        Err(error) => match error.asynchronous_correlation_value() {
            Some(value) => Ok(Pending::Later(value.to_vec())),
            None => Err(error),
        },
    }
}
