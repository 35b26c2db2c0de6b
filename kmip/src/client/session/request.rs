//! A request that was prepared, and what its response has to answer.

use crate::types::{
    AsynchronousIndicator, BatchErrorContinuationOption, Credential, Operation, RequestMessage,
};

use super::super::repeat::is_repeatable;

/// What the response to a request has to answer.
#[derive(Debug, Clone)]
pub struct Expected {
    pub(super) operations: Vec<Operation>,
    pub(super) first_id: u64,
}

/// A request that can be encoded again, such as for another server in another version.
pub(in crate::client) struct Request<'a> {
    pub(super) message: RequestMessage<'a>,
    pub(super) expected: Expected,
    pub(super) on_error: BatchErrorContinuationOption,
}

impl<'a> Request<'a> {
    pub(in crate::client) fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Adds a credential to this request alone.
    pub(in crate::client) fn add_credential(&mut self, credential: Credential<'static>) {
        let header = &mut self.message.request_header;
        let authentication = header.authentication.get_or_insert_default();
        authentication.credential.push(credential);
    }

    /// Sends this request with this credential instead of all others.
    pub(in crate::client) fn set_credential(&mut self, credential: Credential<'static>) {
        self.message.request_header.authentication = Some(credential.into());
    }

    pub(in crate::client) fn set_asynchronous(&mut self, indicator: AsynchronousIndicator) {
        self.message.request_header.asynchronous_indicator = Some(indicator);
    }
}

impl Expected {
    /// Whether nothing happens twice if the request is sent twice.
    pub(in crate::client) fn is_repeatable(&self) -> bool {
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
