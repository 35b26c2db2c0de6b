//! What is wrong with an answer, by the server's own account or by ours.

use std::fmt;

use crate::types::{Operation, ResultReason, ResultStatus};

/// What a server reports about a failed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationFailure {
    /// Result Status.
    pub status: ResultStatus,
    /// Result Reason, if the server gives one.
    pub reason: Option<ResultReason>,
    /// Result Message, if the server gives one.
    pub message: Option<String>,
    /// Asynchronous Correlation Value of an operation that is pending.
    pub asynchronous_correlation_value: Option<Vec<u8>>,
    /// Server Correlation Value of the response: the server's log can be searched for it.
    pub server_correlation_value: Option<String>,
}

impl fmt::Display for OperationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            ResultStatus::OPERATION_FAILED => f.write_str("the server refuses")?,
            status => write!(f, "the server answers {status:?}")?,
        }
        if let Some(reason) = self.reason {
            write!(f, ": {reason:?}")?;
        }
        if let Some(message) = &self.message {
            // A server's text must not forge lines of a log.
            let printable: String = message.chars().filter(|c| !c.is_control()).collect();
            write!(f, " ({printable})")?;
        }
        if let Some(correlation) = &self.server_correlation_value {
            write!(f, " [server correlation value {correlation:?}]")?;
        }
        Ok(())
    }
}

/// How a response does not fit its request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseFault {
    /// An item is missing though nothing failed before it.
    #[error("there is no answer to batch item {0}")]
    MissingItem(usize),
    /// Its header announces another number of items than there are.
    #[error("it announces {announced} items and has {found}")]
    BatchCount {
        /// The Batch Count of the header.
        announced: i32,
        /// How many items there are.
        found: usize,
    },
    /// There are more items than were asked for.
    #[error("it has an answer more than the request has items")]
    ExtraItem,
    /// An item has a Unique Batch Item ID that the request does not have, or for the second time.
    #[error("it has an unknown or repeated Unique Batch Item ID")]
    ItemId,
    /// An item is about another operation.
    #[error("it answers {found:?} instead of {expected:?}")]
    Operation {
        /// What was asked for.
        expected: Operation,
        /// What is answered.
        found: Operation,
    },
    /// A successful item has no payload, or one of another operation.
    #[error("a successful answer lacks its payload")]
    Payload,
    /// A signature does not belong to the data and the public key.
    #[error("its signature is wrong")]
    Signature,
    /// A field that this operation cannot do without is missing.
    #[error("the answer lacks its {0}")]
    Field(&'static str),
}
