//! Bytes into results.

use std::mem;

use crate::types::{
    AttestationType, IntoOwned, Nonce, Operation, ProtocolVersion, ResponseBatchItem,
    ResponseMessage, ResponsePayload, ResultStatus,
};

use super::super::batch::ItemResult;
use super::super::error::{Error, Problem, ResponseFault};
use super::answers::{
    demands_attestation, empty_payload, failure_of_message, operation_failure, place,
};
use super::{Expected, Session};

/// What a response tells.
pub(in crate::client) struct Response {
    pub(in crate::client) version: ProtocolVersion,
    /// For each item of the request.
    pub(in crate::client) results: Vec<ItemResult<ResponsePayload<'static>>>,
    pub(in crate::client) server_correlation_value: Option<String>,
    /// What the server wants to be attested before it performs anything.
    pub(in crate::client) challenge: Option<Challenge>,
}

impl Response {
    /// Whether every item answers what was asked for, be it with a failure.
    pub(in crate::client) fn is_sound(&self) -> bool {
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

impl Session {
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
    pub(in crate::client) fn read(
        &self,
        response: &[u8],
        expected: &Expected,
    ) -> Result<Response, Error> {
        let failed = |problem| self.error_of(expected, problem);
        let message: ResponseMessage<'_> = match self.encoding.decode(response, &self.options) {
            Ok(message) => message,
            Err(error) => return Err(failed(Problem::Decode(error))),
        };
        let header = &message.response_header;
        let items = message.batch_item;
        let correlation = header.server_correlation_value.as_deref();
        let challenge = match &header.nonce {
            Some(nonce) if demands_attestation(&items) => Some(Challenge {
                nonce: nonce.clone().into_owned(),
                attestation_types: header.attestation_type.clone(),
            }),
            _ => None,
        };
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
        mut items: Vec<ResponseBatchItem<'_>>,
        expected: &Expected,
        correlation: Option<&str>,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let failed = |problem| self.error_of(expected, problem);
        let count = expected.operations.len();
        if let Some(failure) = failure_of_message(&items, count) {
            // The server could not even tell the items apart.
            let failure = operation_failure(failure, correlation);
            let each = expected.operations.iter();
            return Ok(each
                .map(|operation| Err(self.error(*operation, Problem::Failed(failure.clone()))))
                .collect());
        }
        let mut answers = Vec::with_capacity(count);
        // Of the one item that most requests have, without the heap.
        let (mut place_of_one, mut places_of_many) = ([None], Vec::new());
        let places = match count {
            1 => &mut place_of_one[..],
            _ => {
                places_of_many.resize(count, None);
                &mut places_of_many[..]
            }
        };
        for item in &mut items {
            let index = place(item, places, expected.first_id)
                .map_err(|fault| failed(Problem::Response(fault)))?;
            places[index] = Some(answers.len());
            answers.push(self.result(item, expected.operations[index], correlation));
        }
        // Mostly they are, and then none has to be moved.
        let in_order = (0..count).all(|index| places[index] == Some(index));
        match in_order {
            true => Ok(answers),
            false => self.sort(answers, places, expected),
        }
    }

    fn result(
        &self,
        item: &mut ResponseBatchItem<'_>,
        expected: Operation,
        correlation: Option<&str>,
    ) -> ItemResult<ResponsePayload<'static>> {
        let failed = |problem| Err(self.error(expected, problem));
        if item.result_status != ResultStatus::SUCCESS {
            let failure = operation_failure(item, correlation);
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
            _ => match &mut item.response_payload {
                Some(payload) if payload.operation() == expected || polled => {
                    Ok(mem::take(payload).into_owned())
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

    fn error_of(&self, expected: &Expected, problem: Problem) -> Error {
        let error = self.error(expected.operation(), problem);
        error.of_request(expected.is_repeatable())
    }

    /// The answers in the order of the request. Servers leave out the items after a failed one.
    fn sort(
        &self,
        answers: Vec<ItemResult<ResponsePayload<'static>>>,
        places: &[Option<usize>],
        expected: &Expected,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let any_failed = answers.iter().any(Result::is_err);
        let mut answers: Vec<_> = answers.into_iter().map(Some).collect();
        let sorted = expected.operations.iter().zip(places).enumerate();
        let sorted = sorted.map(|(index, (operation, place))| {
            match place.and_then(|place| answers[place].take()) {
                Some(answer) => Ok(answer),
                None if any_failed => Ok(Err(self.error(*operation, Problem::NotProcessed))),
                None => {
                    let fault = ResponseFault::MissingItem(index);
                    Err(self.error(*operation, Problem::Response(fault)))
                }
            }
        });
        sorted.collect()
    }
}
