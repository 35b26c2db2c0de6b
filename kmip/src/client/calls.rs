//! Any operation, one by one and in batches.

use crate::types::{OperationRequest, RequestPayload, ResponsePayload, ResultReason};

use super::batch::{Batch, BatchRequests, ItemResult};
use super::core::Core;
use super::driver::Driver;
use super::error::Error;
use super::methods::{ask, client_methods, question};
use super::repeat::is_repeatable;

client_methods! {
    /// Performs one operation.
    ///
    /// # Errors
    /// If it cannot be sent, or the server refuses it.
    fn call['a, R: OperationRequest<'a>](&mut self, request: R) -> R::Response<'static> {
        ask!(self, request)
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
    fn call_batch['a, B: BatchRequests<'a>](&mut self, requests: B) -> B::Results {
        let results = self.batch(requests.into_batch()).await?;
        B::results(results, self.session.server())
    }

    /// Performs a list of operations in one message, and returns a result for each.
    ///
    /// # Errors
    /// As for [`call_batch`](Self::call_batch).
    fn send_batch['a](&mut self, batch: Batch<'a>) -> Vec<ItemResult<ResponsePayload<'static>>> {
        self.batch(batch).await
    }

    /// Performs any number of operations of one kind that do not depend on each other, and returns
    /// a result for each.
    ///
    /// They are sent in batches of at most
    /// [`maximum_batch_items`](super::ClientBuilder::maximum_batch_items). When the response to a batch
    /// would be too large or the batch itself is, smaller ones are tried, unless that could do
    /// something twice. A failed item does not keep the server from the others.
    ///
    /// ```no_run
    /// # use kmip::types::{GetRequest, UniqueIdentifier};
    /// # fn example(client: &mut kmip::client::Client, keys: Vec<UniqueIdentifier<'static>>)
    /// # -> Result<(), kmip::client::Error> {
    /// let gets = keys.iter().map(|key| GetRequest {
    ///     unique_identifier: Some(key.into()),
    ///     ..GetRequest::default()
    /// });
    /// for (key, got) in keys.iter().zip(client.call_all(gets)?) {
    ///     println!("{key:?}: {:?}", got?.object_type);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If a message cannot be sent or a response does not belong to it. What was performed before
    /// is not told then; failures of items are in their results.
    fn call_all['a, R: OperationRequest<'a>](
        &mut self,
        requests: impl IntoIterator<Item = R> + Send + 'a
    ) -> Vec<ItemResult<R::Response<'static>>> {
        let (payloads, replies): (Vec<_>, Vec<_>) = requests.into_iter().map(question).unzip();
        let answers = self.all(payloads).await?;
        let read = replies.iter().zip(answers);
        Ok(read.map(|(reply, answer)| reply.of(answer, &self.session)).collect())
    }
}

impl<D: Driver> Core<D> {
    /// See [`Client::call_all`](super::Client::call_all).
    pub(super) async fn all(
        &mut self,
        requests: Vec<RequestPayload<'_>>,
    ) -> Result<Vec<ItemResult<ResponsePayload<'static>>>, Error> {
        let mut results = Vec::with_capacity(requests.len());
        let mut most = self.maximum_batch_items;
        while results.len() < requests.len() {
            let rest = &requests[results.len()..];
            let part = &rest[..most.min(rest.len())];
            let mut batch = Batch::independent();
            part.iter().for_each(|request| batch.push(request.clone()));
            let answers = self.batch(batch).await?;
            if part.len() > 1 && is_too_much(part, &answers) {
                most = part.len().div_ceil(2);
                continue;
            }
            results.extend(answers);
        }
        Ok(results)
    }
}

/// Whether the server refuses a batch as a whole that it would take in parts.
fn is_too_much(
    requests: &[RequestPayload<'_>],
    answers: &[ItemResult<ResponsePayload<'static>>],
) -> bool {
    let all_for = |reason| {
        let for_it = |answer: &ItemResult<ResponsePayload<'static>>| matches!(answer, Err(error) if error.result_reason() == Some(reason));
        answers.iter().all(for_it)
    };
    // A response that was too long is one of operations that may have been performed.
    let harmless = |request: &RequestPayload<'_>| is_repeatable(request.operation());
    all_for(ResultReason::SERVER_LIMIT_EXCEEDED)
        || (all_for(ResultReason::RESPONSE_TOO_LARGE) && requests.iter().all(harmless))
}
