//! Requests into bytes, bytes into results. No I/O.

mod answers;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Encoding;
use crate::codec::Options;
use crate::types::{
    AsynchronousIndicator, AttestationType, Authentication, BatchErrorContinuationOption,
    Credential, IntoOwned, Nonce, Operation, ProtocolVersion, RequestBatchItem, RequestHeader,
    RequestMessage, ResponseBatchItem, ResponseMessage, ResponsePayload, ResultStatus, Ticket,
};

use super::batch::{Batch, ItemResult};
use super::error::{Error, Problem, ResponseFault};
use super::repeat::is_repeatable;
use answers::{
    demands_attestation, empty_payload, failure_of_message, item_id, operation_failure, place,
};

/// What requests to one server have in common, and what their responses must be like.
///
/// The header holds no more than is needed, since some servers refuse optional fields. Every item
/// has a Unique Batch Item ID that no other item of the session has, so that an answer to something
/// else is noticed.
#[derive(Debug)]
pub struct Session {
    server: String,
    version: ProtocolVersion,
    authentication: Option<Authentication<'static>>,
    maximum_response_size: Option<i32>,
    correlation: Option<String>,
    attestation_capable: bool,
    /// Of a login; sent instead of the credentials.
    ticket: Option<Ticket<'static>>,
    options: Options,
    encoding: Encoding,
    next_id: AtomicU64,
}

/// What the response to a request has to answer.
#[derive(Debug, Clone)]
pub struct Expected {
    operations: Vec<Operation>,
    first_id: u64,
}

/// A request that can be encoded again, such as for another server in another version.
pub(super) struct Request<'a> {
    message: RequestMessage<'a>,
    expected: Expected,
    on_error: BatchErrorContinuationOption,
}

/// What a response tells.
pub(super) struct Response {
    pub(super) version: ProtocolVersion,
    /// For each item of the request.
    pub(super) results: Vec<ItemResult<ResponsePayload<'static>>>,
    pub(super) server_correlation_value: Option<String>,
    /// What the server wants to be attested before it performs anything.
    pub(super) challenge: Option<Challenge>,
}

impl Response {
    /// Whether every item answers what was asked for, be it with a failure.
    pub(super) fn is_sound(&self) -> bool {
        let unsound = |error: &Error| matches!(error.problem(), Problem::Response(_));
        let mut failures = self
            .results
            .iter()
            .filter_map(|result| result.as_ref().err());
        !failures.any(unsound)
    }
}

/// A server demands an attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// What has to be in the attestation, so that it is fresh.
    pub nonce: Nonce<'static>,
    /// The kinds of attestation that the server accepts; none if it does not say.
    pub attestation_types: Vec<AttestationType>,
}

impl<'a> Request<'a> {
    pub(super) fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Adds a credential to this request alone.
    pub(super) fn add_credential(&mut self, credential: Credential<'static>) {
        let header = &mut self.message.request_header;
        let authentication = header.authentication.get_or_insert_default();
        authentication.credential.push(credential);
    }

    pub(super) fn set_asynchronous(&mut self, indicator: AsynchronousIndicator) {
        self.message.request_header.asynchronous_indicator = Some(indicator);
    }
}

impl Expected {
    /// Whether nothing happens twice if the request is sent twice.
    pub(super) fn is_repeatable(&self) -> bool {
        self.operations.iter().all(|&one| is_repeatable(one))
    }

    /// The operations of the request, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation that stands for the request in errors: the only one, or the first.
    pub fn operation(&self) -> Option<Operation> {
        self.operations.first().copied()
    }
}

impl Session {
    /// A session with `server` (as shown to people) in `version`.
    pub fn new(server: impl Into<String>, version: ProtocolVersion) -> Self {
        Session {
            server: server.into(),
            version,
            authentication: None,
            maximum_response_size: None,
            correlation: None,
            attestation_capable: false,
            ticket: None,
            options: Options::default(),
            encoding: Encoding::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// The version of requests.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Changes the version of requests.
    pub fn set_version(&mut self, version: ProtocolVersion) {
        self.version = version;
    }

    /// The server in errors.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Changes the server in errors.
    pub fn set_server(&mut self, server: impl Into<String>) {
        self.server = server.into();
    }

    /// Sends credentials with each request.
    pub fn set_authentication(&mut self, authentication: Option<Authentication<'static>>) {
        self.authentication = authentication;
    }

    /// Tells the server with each request how long the response may be.
    pub fn set_maximum_response_size(&mut self, bytes: Option<i32>) {
        self.maximum_response_size = bytes;
    }

    /// Names each request to the server (Client Correlation Value, since KMIP 1.4; left out before).
    pub fn set_client_correlation_value(&mut self, value: Option<String>) {
        self.correlation = value;
    }

    /// The name of requests.
    pub fn client_correlation_value(&self) -> Option<&str> {
        self.correlation.as_deref()
    }

    /// Tells the server that an attestation can be given (since KMIP 1.2; left out before).
    pub(super) fn set_attestation_capable(&mut self) {
        self.attestation_capable = true;
    }

    /// The credentials that are sent with each request.
    pub fn authentication(&self) -> Option<&Authentication<'static>> {
        self.authentication.as_ref()
    }

    /// Sends a ticket instead of the credentials.
    pub(super) fn begin_login(&mut self, ticket: Ticket<'static>) {
        self.ticket = Some(ticket);
    }

    /// Sends the credentials again.
    pub(super) fn end_login(&mut self) {
        self.ticket = None;
    }

    pub(super) fn login_ticket(&self) -> Option<Ticket<'static>> {
        self.ticket.clone()
    }

    /// How messages are encoded.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Changes how messages are encoded.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// How responses are decoded.
    pub fn set_decoding(&mut self, options: Options) {
        self.options = options;
    }

    /// Appends the request message to `out`.
    ///
    /// # Errors
    /// If the version of the session does not have what the requests contain.
    pub fn encode(&self, batch: Batch<'_>, out: &mut Vec<u8>) -> Result<Expected, Error> {
        let mut request = self.prepare(batch);
        self.write(&mut request, out)?;
        Ok(request.expected)
    }

    /// A request that [`write`](Self::write) will encode.
    pub(super) fn prepare<'a>(&self, batch: Batch<'a>) -> Request<'a> {
        let Batch { items, on_error } = batch;
        let operations: Vec<Operation> = items.iter().map(|item| item.operation()).collect();
        let count = items.len();
        let first_id = self.next_id.fetch_add(count as u64, Ordering::Relaxed);
        let identified = |(index, payload)| RequestBatchItem {
            unique_batch_item_id: Some(Cow::Owned(item_id(first_id, index).to_vec())),
            ..RequestBatchItem::new(payload)
        };
        let message = RequestMessage {
            request_header: RequestHeader {
                maximum_response_size: self.maximum_response_size,
                authentication: match &self.ticket {
                    Some(ticket) => Some(Authentication {
                        credential: vec![Credential::ticket(ticket.clone())],
                        ..Authentication::default()
                    }),
                    None => self.authentication.clone(),
                },
                batch_count: i32::try_from(count).unwrap_or(i32::MAX),
                ..RequestHeader::default()
            },
            batch_item: items.into_iter().enumerate().map(identified).collect(),
            ..RequestMessage::default()
        };
        Request {
            message,
            expected: Expected {
                operations,
                first_id,
            },
            on_error,
        }
    }

    /// Appends the request to `out` in the version of the session.
    pub(super) fn write(&self, request: &mut Request<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let several = request.message.batch_item.len() > 1;
        let on_error = request.on_error;
        let header = &mut request.message.request_header;
        header.protocol_version = self.version;
        header.batch_error_continuation_option =
            (several && on_error != BatchErrorContinuationOption::STOP).then_some(on_error);
        // Items may build on each other. In order is the default from 2.0 on.
        header.batch_order_option =
            (several && self.version < ProtocolVersion::V2_0).then_some(true);
        header.client_correlation_value = match &self.correlation {
            Some(value) if self.version >= ProtocolVersion::V1_4 => Some(value.clone().into()),
            _ => None,
        };
        header.attestation_capable_indicator =
            (self.attestation_capable && self.version >= ProtocolVersion::V1_2).then_some(true);
        let encoded = self.encoding.encode(&request.message, out);
        encoded.map_err(|error| {
            let operation = request.expected.operation();
            self.error(operation, Problem::Encode(error))
        })
    }

    /// The results of the items of a request, in its order.
    ///
    /// # Errors
    /// If the response is malformed or does not answer the request.
    pub fn decode(
        &self,
        response: &[u8],
        expected: &Expected,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        Ok(self.read(response, expected)?.results)
    }

    /// What the response to a request tells.
    pub(super) fn read(&self, response: &[u8], expected: &Expected) -> Result<Response, Error> {
        let failed = |problem| self.error(expected.operation(), problem);
        let message = self.encoding.decode(response, &self.options);
        let message: ResponseMessage<'_> =
            message.map_err(|error| failed(Problem::Decode(error)))?;
        let header = message.response_header;
        let items = message.batch_item;
        let correlation = header.server_correlation_value.as_deref();
        let challenge = header.nonce.filter(|_| demands_attestation(&items));
        let challenge = challenge.map(|nonce| Challenge {
            nonce: nonce.into_owned(),
            attestation_types: header.attestation_type,
        });
        let (announced, found) = (header.batch_count, items.len());
        let results = self.results(items, expected, correlation)?;
        if usize::try_from(announced).ok() != Some(found) {
            let fault = ResponseFault::BatchCount { announced, found };
            return Err(failed(Problem::Response(fault)));
        }
        Ok(Response {
            version: header.protocol_version,
            results,
            server_correlation_value: correlation.map(str::to_owned),
            challenge,
        })
    }

    fn results(
        &self,
        items: Vec<ResponseBatchItem<'_>>,
        expected: &Expected,
        correlation: Option<&str>,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let failed = |problem| self.error(expected.operation(), problem);
        let mut answers: Vec<Option<ItemResult<ResponsePayload<'static>>>> = Vec::new();
        answers.resize_with(expected.operations.len(), || None);
        if let Some(failure) = failure_of_message(&items, answers.len()) {
            // The server could not even tell the items apart.
            let failure = operation_failure(failure, correlation);
            let each = expected.operations.iter();
            return Ok(each
                .map(|operation| Err(self.error(*operation, Problem::Failed(failure.clone()))))
                .collect());
        }
        for item in items {
            let index = place(&item, &answers, expected.first_id)
                .map_err(|fault| failed(Problem::Response(fault)))?;
            let operation = expected.operations[index];
            answers[index] = Some(self.result(item, operation, correlation));
        }
        self.complete(answers, expected)
    }

    fn result(
        &self,
        item: ResponseBatchItem<'_>,
        expected: Operation,
        correlation: Option<&str>,
    ) -> ItemResult<ResponsePayload<'static>> {
        let failed = |problem| Err(self.error(expected, problem));
        if item.result_status != ResultStatus::SUCCESS {
            let failure = operation_failure(&item, correlation);
            return failed(Problem::Failed(failure));
        }
        // The answer to Poll is that of the operation that was waited for.
        let polled = expected == Operation::POLL;
        match item.operation {
            Some(found) if found != expected && !polled => {
                failed(Problem::Response(ResponseFault::Operation {
                    expected,
                    found,
                }))
            }
            _ => match item.response_payload {
                Some(payload) if payload.operation() == expected || polled => {
                    Ok(payload.into_owned())
                }
                // Some servers leave out a payload that would be empty.
                None => match empty_payload(expected) {
                    Some(payload) => Ok(payload),
                    None => failed(Problem::Response(ResponseFault::Payload)),
                },
                Some(_) => failed(Problem::Response(ResponseFault::Payload)),
            },
        }
    }

    /// Servers leave out the items after a failed one.
    fn complete(
        &self,
        answers: Vec<Option<ItemResult<ResponsePayload<'static>>>>,
        expected: &Expected,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let any_failed = answers.iter().flatten().any(Result::is_err);
        let mut complete = Vec::with_capacity(answers.len());
        for (index, answer) in answers.into_iter().enumerate() {
            let operation = expected.operations[index];
            complete.push(match answer {
                Some(answer) => answer,
                None if any_failed => Err(self.error(operation, Problem::NotProcessed)),
                None => {
                    let fault = ResponseFault::MissingItem(index);
                    return Err(self.error(operation, Problem::Response(fault)));
                }
            });
        }
        Ok(complete)
    }

    pub(super) fn error(&self, operation: impl Into<Option<Operation>>, problem: Problem) -> Error {
        Error::new(self.server.clone(), operation, problem)
    }
}
