//! Requests into bytes, bytes into results. No I/O.

use std::borrow::Cow;

use crate::Encoding;
use crate::codec::Options;
use crate::types::{
    Authentication, BatchErrorContinuationOption, IntoOwned, LogResponse, LogoutResponse,
    Operation, PingResponse, ProtocolVersion, RequestBatchItem, RequestHeader, RequestMessage,
    ResponseBatchItem, ResponseMessage, ResponsePayload, ResultStatus,
};

use super::batch::{Batch, ItemResult};
use super::error::{Error, OperationFailure, Problem, ResponseFault};

/// What requests to one server have in common, and what their responses must be like.
///
/// The header holds no more than is needed, since some servers refuse optional fields. Items of a
/// batch have a Unique Batch Item ID; a single item has none.
#[derive(Debug)]
pub struct Session {
    server: String,
    version: ProtocolVersion,
    authentication: Option<Authentication<'static>>,
    maximum_response_size: Option<i32>,
    options: Options,
    encoding: Encoding,
}

/// What the response to a request has to answer.
#[derive(Debug, Clone)]
pub struct Expected {
    operations: Vec<Operation>,
}

impl Expected {
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
            options: Options::default(),
            encoding: Encoding::default(),
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

    /// How messages are encoded.
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
        let Batch { items, on_error } = batch;
        let operations: Vec<Operation> = items.iter().map(|item| item.operation()).collect();
        let expected = Expected { operations };
        let several = items.len() > 1;
        let identified = |(index, payload)| RequestBatchItem {
            unique_batch_item_id: several.then(|| Cow::Owned(item_id(index).to_vec())),
            ..RequestBatchItem::new(payload)
        };
        let count = i32::try_from(items.len()).unwrap_or(i32::MAX);
        let stop = BatchErrorContinuationOption::STOP;
        let message = RequestMessage {
            request_header: RequestHeader {
                protocol_version: self.version,
                maximum_response_size: self.maximum_response_size,
                authentication: self.authentication.clone(),
                batch_error_continuation_option: (several && on_error != stop).then_some(on_error),
                // Items may build on each other. In order is the default from 2.0 on.
                batch_order_option: (several && self.version < ProtocolVersion::V2_0)
                    .then_some(true),
                batch_count: count,
                ..RequestHeader::default()
            },
            batch_item: items.into_iter().enumerate().map(identified).collect(),
            ..RequestMessage::default()
        };
        match self.encoding.encode(&message, out) {
            Ok(()) => Ok(expected),
            Err(error) => Err(self.error(expected.operation(), Problem::Encode(error))),
        }
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
        let failed = |problem| self.error(expected.operation(), problem);
        let message = self.encoding.decode(response, &self.options);
        let message: ResponseMessage<'_> =
            message.map_err(|error| failed(Problem::Decode(error)))?;
        let correlation = message.response_header.server_correlation_value.as_deref();
        let mut answers: Vec<Option<ItemResult<ResponsePayload<'static>>>> = Vec::new();
        answers.resize_with(expected.operations.len(), || None);
        let items = message.batch_item;
        if let Some(failure) = failure_of_message(&items, answers.len()) {
            // The server could not even tell the items apart.
            let failure = operation_failure(failure, correlation);
            let each = expected.operations.iter();
            return Ok(each
                .map(|operation| Err(self.error(*operation, Problem::Failed(failure.clone()))))
                .collect());
        }
        for item in items {
            let index = place(&item, &answers).map_err(|fault| failed(Problem::Response(fault)))?;
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
        match item.operation {
            Some(found) if found != expected => {
                failed(Problem::Response(ResponseFault::Operation {
                    expected,
                    found,
                }))
            }
            _ => match item.response_payload {
                Some(payload) if payload.operation() == expected => Ok(payload.into_owned()),
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

/// The payload of a successful answer that has no fields, which some servers leave out.
fn empty_payload(operation: Operation) -> Option<ResponsePayload<'static>> {
    Some(match operation {
        Operation::PING => PingResponse::default().into(),
        Operation::LOG => LogResponse::default().into(),
        Operation::LOGOUT => LogoutResponse::default().into(),
        _ => return None,
    })
}

/// Unique within its message, which is all that is asked for (KMIP 1.4, 6.4).
fn item_id(index: usize) -> [u8; 8] {
    (index as u64 + 1).to_be_bytes()
}

/// Which item of the request is answered.
fn place(
    item: &ResponseBatchItem<'_>,
    answers: &[Option<ItemResult<ResponsePayload<'static>>>],
) -> Result<usize, ResponseFault> {
    let open = |index: &usize| answers[*index].is_none();
    match &item.unique_batch_item_id {
        Some(id) if answers.len() > 1 => (0..answers.len())
            .find(|index| id[..] == item_id(*index))
            .filter(open)
            .ok_or(ResponseFault::ItemId),
        _ => (0..answers.len())
            .find(open)
            .ok_or(ResponseFault::ExtraItem),
    }
}

/// The one failed item without identification with which a server refuses a whole message.
fn failure_of_message<'i, 'r>(
    items: &'i [ResponseBatchItem<'r>],
    expected: usize,
) -> Option<&'i ResponseBatchItem<'r>> {
    match items {
        [item]
            if expected > 1
                && item.result_status != ResultStatus::SUCCESS
                && item.unique_batch_item_id.is_none()
                && item.operation.is_none() =>
        {
            Some(item)
        }
        _ => None,
    }
}

fn operation_failure(item: &ResponseBatchItem<'_>, correlation: Option<&str>) -> OperationFailure {
    OperationFailure {
        status: item.result_status,
        reason: item.result_reason,
        message: item.result_message.as_deref().map(str::to_owned),
        asynchronous_correlation_value: item
            .asynchronous_correlation_value
            .as_deref()
            .map(<[u8]>::to_vec),
        server_correlation_value: correlation.map(str::to_owned),
    }
}
