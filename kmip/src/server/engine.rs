//! From the bytes of a request to the bytes of its response.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Encoding;
use crate::codec::Options;
use crate::types::{
    AsynchronousIndicator, BatchErrorContinuationOption, DiscoverVersionsResponse, Operation,
    ProtocolVersion, RequestBatchItem, RequestHeader, RequestMessage, RequestPayload,
    ResponseBatchItem, ResponsePayload, ResultReason, ResultStatus, Secret,
};

use super::demands::{has_repeated_id, is_asynchronous, refuse_extension};
use super::failure::{Challenge, Failure};
use super::handler::{Call, Handler, Polled};
use super::identifiers::Identifiers;
use super::outputs::Outputs;
use super::peer::Peer;
use super::response;

/// Answers requests with the help of a [`Handler`]. Does no I/O.
///
/// Whatever comes in, a response goes out: a message that cannot be understood is answered with
/// Invalid Message.
#[derive(Debug)]
pub struct Engine<H> {
    handler: H,
    options: Options,
}

impl<H: Handler> Engine<H> {
    /// An engine with the default limits.
    pub fn new(handler: H) -> Self {
        Engine {
            handler,
            options: Options::default(),
        }
    }

    /// How requests are decoded, and their limits.
    #[must_use]
    pub fn decoding(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The handler.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// Appends the response to `request` of `peer` to `out`, both in TTLV.
    pub fn respond(&self, peer: &Peer, request: &[u8], out: &mut Vec<u8>) {
        self.respond_in(Encoding::Ttlv, peer, request, out);
    }

    /// Appends the response to `request` of `peer` to `out`, both in `encoding`.
    pub fn respond_in(&self, encoding: Encoding, peer: &Peer, request: &[u8], out: &mut Vec<u8>) {
        let message: RequestMessage<'_> = match encoding.decode(request, &self.options) {
            Ok(message) => message,
            Err(error) => {
                let failure = Failure::new(ResultReason::INVALID_MESSAGE, error.to_string());
                let version = response::version_of(request);
                return self.refuse(encoding, version, &failure, out);
            }
        };
        let version = message.request_header.protocol_version;
        match self.process(peer, &message.request_header, message.batch_item) {
            Ok((items, challenge)) => {
                // The Client Correlation Value is for logs of the server: responses to clients do not
                // repeat it (KMIP 1.4, 6.18; the test cases).
                let mut response = response::message(version, items);
                let credentials = message.request_header.authentication.as_ref();
                let refused = response.batch_item.iter().any(is_refusal);
                if let Some(credentials) = credentials.filter(|_| !refused) {
                    let hashed = self.handler.server_hashed_password(credentials);
                    response.response_header.server_hashed_password = hashed.map(Secret::owned);
                }
                if let Some(challenge) = challenge {
                    response.response_header.nonce = Some(challenge.nonce);
                    response.response_header.attestation_type = challenge.attestation_types;
                }
                let maximum = message.request_header.maximum_response_size;
                response::write(encoding, response, maximum, out);
            }
            Err(failure) => self.refuse(encoding, Some(version), &failure, out),
        }
    }

    /// Appends the response to a message that is refused before it is decoded, such as one that
    /// is too long. `version` is that of the request, if it is known.
    pub fn refuse(
        &self,
        encoding: Encoding,
        version: Option<ProtocolVersion>,
        failure: &Failure,
        out: &mut Vec<u8>,
    ) {
        let version = response::version_for(version, self.handler.versions());
        let item = response::failed(version, None, None, failure);
        response::write(encoding, response::message(version, vec![item]), None, out);
    }

    fn process<'m>(
        &self,
        peer: &Peer,
        header: &RequestHeader<'m>,
        mut items: Vec<RequestBatchItem<'m>>,
    ) -> Result<(Vec<ResponseBatchItem<'m>>, Option<Challenge>), Failure> {
        self.check(header, &items)?;
        self.handler.admit(header, &items)?;
        let credentials = header.authentication.as_ref();
        let user = match self.handler.authenticate(peer, credentials) {
            Ok(user) => user,
            Err(failure) => return Ok((vec![refused(header, items, &failure)], None)),
        };
        let option = header
            .batch_error_continuation_option
            .unwrap_or(BatchErrorContinuationOption::STOP);
        let deferred = is_asynchronous(header) && self.can_defer(&items);
        let mut batch = BatchRun {
            deferred,
            handler: &self.handler,
            peer,
            user: user.as_deref(),
            header,
            identifiers: Identifiers::default(),
            is_alone: items.len() == 1,
            outputs: Outputs::default(),
            answers: Vec::with_capacity(items.len()),
            challenge: None,
        };
        for item in &mut items {
            let failed = !batch.run(item);
            match option {
                BatchErrorContinuationOption::CONTINUE => {}
                BatchErrorContinuationOption::UNDO if failed => {
                    batch.undo();
                    break;
                }
                _ if failed => break,
                _ => {}
            }
        }
        Ok((batch.answers, batch.challenge))
    }

    /// Whether requests can be processed asynchronously: each alone, since the ID Placeholder of a
    /// batch is gone by then.
    fn can_defer(&self, items: &[RequestBatchItem<'_>]) -> bool {
        matches!(items, [item] if self.handler.can_defer(item.operation))
    }

    fn check(
        &self,
        header: &RequestHeader<'_>,
        items: &[RequestBatchItem<'_>],
    ) -> Result<(), Failure> {
        let version = header.protocol_version;
        if !self.handler.versions().contains(&version) {
            let message = format!("this server does not speak KMIP {version}");
            return Err(Failure::new(
                ResultReason::UNSUPPORTED_PROTOCOL_VERSION,
                message,
            ));
        }
        let invalid = |message: String| Err(Failure::new(ResultReason::INVALID_MESSAGE, message));
        if usize::try_from(header.batch_count).ok() != Some(items.len()) {
            let (count, found) = (header.batch_count, items.len());
            return invalid(format!(
                "the Batch Count is {count}, but there are {found} items"
            ));
        }
        if items.is_empty() {
            return invalid("the message has no batch item".to_owned());
        }
        if items.len() > 1 && has_repeated_id(items) {
            return invalid("a Unique Batch Item ID is used twice".to_owned());
        }
        // The whole message is rejected (KMIP 1.4, 6.16; 2.1, 9.13). That of one item names its operation.
        if items.len() > 1 {
            items.iter().try_for_each(refuse_extension)?;
        }
        let unsupported = |message| Err(Failure::new(ResultReason::FEATURE_NOT_SUPPORTED, message));
        let mandatory = Some(AsynchronousIndicator::MANDATORY);
        if header.asynchronous_indicator == mandatory && !self.can_defer(items) {
            return unsupported("this server does not process these requests asynchronously");
        }
        let undo = Some(BatchErrorContinuationOption::UNDO);
        let undoable = |item: &RequestBatchItem<'_>| self.handler.can_undo(item.operation);
        if header.batch_error_continuation_option == undo && !items.iter().all(undoable) {
            return unsupported("this server cannot undo all operations of the batch");
        }
        Ok(())
    }
}

/// A batch that is being processed.
struct BatchRun<'b, 'm, H> {
    handler: &'b H,
    peer: &'b Peer,
    user: Option<&'b str>,
    header: &'b RequestHeader<'m>,
    /// Whether the operations are done later.
    deferred: bool,
    identifiers: Identifiers,
    /// Whether no other item can refer to what an item has made.
    is_alone: bool,
    outputs: Outputs,
    answers: Vec<ResponseBatchItem<'m>>,
    /// That of the first item that failed for lack of an attestation.
    challenge: Option<Challenge>,
}

impl<'m, H: Handler> BatchRun<'_, 'm, H> {
    /// Processes an item and keeps its answer. `false` if it failed.
    fn run(&mut self, item: &mut RequestBatchItem<'m>) -> bool {
        let allowed = refuse_extension(item);
        let request = &mut item.request_payload;
        let resolved = allowed.and_then(|()| self.outputs.resolve(request));
        let mut answer = ResponseBatchItem {
            operation: Some(item.operation),
            unique_batch_item_id: item.unique_batch_item_id.take(),
            ..ResponseBatchItem::default()
        };
        let done = &mut answer.response_payload;
        let processed = resolved.and_then(|()| self.process(request, done));
        let failure = match processed {
            Ok(Outcome::Done) => None,
            Ok(Outcome::Polled(operation, polled)) => {
                answer.operation = Some(operation);
                match polled {
                    Ok(payload) => {
                        answer.response_payload = Some(*payload);
                        None
                    }
                    Err(failure) => Some(failure),
                }
            }
            Ok(Outcome::Pending(correlation)) => {
                answer.result_status = ResultStatus::OPERATION_PENDING;
                answer.asynchronous_correlation_value = Some(correlation.into());
                None
            }
            Err(failure) => Some(failure),
        };
        let ephemeral = item.ephemeral == Some(true) && answer.response_payload.is_some();
        let operation = answer.operation.unwrap_or(item.operation);
        self.note(operation, answer.response_payload.as_mut(), ephemeral);
        if let Some(failure) = &failure {
            if self.challenge.is_none() {
                self.challenge = failure.challenge().cloned();
            }
            let version = self.header.protocol_version;
            let id = answer.unique_batch_item_id.take();
            answer = response::failed(version, answer.operation, id, failure);
        }
        self.answers.push(answer);
        failure.is_none()
    }

    /// Takes note of what later items may refer to.
    fn note(
        &mut self,
        operation: Operation,
        response: Option<&mut ResponsePayload<'m>>,
        ephemeral: bool,
    ) {
        if !self.is_alone {
            self.identifiers.note(operation, response.as_deref());
        }
        if !self.is_alone || ephemeral {
            self.outputs.note(operation, response, ephemeral);
        }
    }

    /// Performs an operation, has it performed later, or looks how far it is.
    ///
    /// Payloads take a kilobyte: the request is taken from where it is, and the response put where it is
    /// needed.
    fn process(
        &self,
        request: &mut RequestPayload<'m>,
        done: &mut Option<ResponsePayload<'m>>,
    ) -> Result<Outcome, Failure> {
        let work = || match request {
            RequestPayload::Poll(poll) => {
                let correlation = &poll.asynchronous_correlation_value;
                match self.handler.poll(&self.call(), correlation)? {
                    Polled::Pending => Ok(Outcome::Pending(correlation.to_vec())),
                    Polled::Done { operation, outcome } => Ok(Outcome::Polled(operation, outcome)),
                }
            }
            request if self.deferred => {
                let correlation = self.handler.defer(&self.call(), mem::take(request))?;
                Ok(Outcome::Pending(correlation))
            }
            RequestPayload::DiscoverVersions(request) => {
                *done = Some(self.discover_versions(&request.protocol_version));
                Ok(Outcome::Done)
            }
            request => {
                *done = Some(self.handler.handle(&self.call(), mem::take(request))?);
                Ok(Outcome::Done)
            }
        };
        // A mistake in the handler must not take the connection, or the server, with it.
        let handled = catch_unwind(AssertUnwindSafe(work));
        handled.unwrap_or_else(|_| Err(Failure::internal()))
    }

    /// Takes back what was done so far; the last answer is the failure.
    fn undo(&mut self) {
        let mut answers = mem::take(&mut self.answers);
        let done = answers.len().saturating_sub(1);
        for answer in answers[..done].iter_mut().rev() {
            let Some(payload) = &answer.response_payload else {
                continue;
            };
            if self.handler.undo(&self.call(), payload).is_ok() {
                answer.result_status = ResultStatus::OPERATION_UNDONE;
                answer.response_payload = None;
            }
        }
        self.answers = answers;
    }

    fn discover_versions(&self, asked: &[ProtocolVersion]) -> ResponsePayload<'static> {
        let mut versions = self.handler.versions().to_vec();
        versions.retain(|version| asked.is_empty() || asked.contains(version));
        versions.sort_unstable();
        versions.reverse();
        DiscoverVersionsResponse {
            protocol_version: versions,
            ..DiscoverVersionsResponse::default()
        }
        .into()
    }

    fn call(&self) -> Call<'_> {
        Call {
            peer: self.peer,
            user: self.user,
            header: self.header,
            identifiers: &self.identifiers,
        }
    }
}

/// The answer to a message whose client is not let in: that to its first operation.
fn refused<'m>(
    header: &RequestHeader<'m>,
    items: Vec<RequestBatchItem<'m>>,
    failure: &Failure,
) -> ResponseBatchItem<'m> {
    let first = items.into_iter().next();
    let (operation, id) = first
        .map(|item| (item.operation, item.unique_batch_item_id))
        .unzip();
    response::failed(header.protocol_version, operation, id.flatten(), failure)
}

/// Whether a client was not let in.
fn is_refusal(answer: &ResponseBatchItem<'_>) -> bool {
    answer.result_reason == Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL)
}

/// What became of an operation.
enum Outcome {
    Done,
    /// It is to be polled with this Asynchronous Correlation Value.
    Pending(Vec<u8>),
    /// The result of an operation that was polled.
    Polled(Operation, Result<Box<ResponsePayload<'static>>, Failure>),
}
