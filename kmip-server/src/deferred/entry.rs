//! A request that is done later, as it is stored.

use kmip::server::Failure;
use kmip::types::{
    DateTime, Enumeration, Operation, ProtocolVersion, ResponseBatchItem, ResultReason,
    ResultStatus, Secret, Tag,
};
use zeroize::Zeroizing;

use super::{Outcome, Place, has_ended};
use crate::kept::{self, KeptError};
use crate::store::{Transaction, internal_content};

/// How far a request is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is to be performed.
    Waiting,
    /// A server has begun to perform it.
    Begun,
    /// It has been performed.
    Done,
}

/// A request, or what came out of it, as it is stored.
pub(super) struct Entry {
    pub(super) stage: Stage,
    pub(super) submitted: DateTime,
    /// When it was begun.
    pub(super) begun: DateTime,
    pub(super) operation: Operation,
    pub(super) correlation: Vec<u8>,
    /// The batch item: of the request or, when it is done, of the response.
    pub(super) item: Zeroizing<Vec<u8>>,
}

/// What stands before the correlation value: stage, both times, operation, and its length.
const HEAD: usize = 1 + 8 + 8 + 4 + 1;

impl Entry {
    pub(super) fn to_bytes(&self) -> Secret<'static> {
        let mut bytes = Vec::with_capacity(HEAD + self.correlation.len() + self.item.len());
        bytes.push(match self.stage {
            Stage::Waiting => 0,
            Stage::Begun => 1,
            Stage::Done => 2,
        });
        bytes.extend_from_slice(&self.submitted.0.to_be_bytes());
        bytes.extend_from_slice(&self.begun.0.to_be_bytes());
        bytes.extend_from_slice(&self.operation.value().to_be_bytes());
        bytes.push(self.correlation.len() as u8);
        bytes.extend_from_slice(&self.correlation);
        bytes.extend_from_slice(&self.item);
        Secret::owned(bytes)
    }

    /// `None` if it is damaged.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let time = |at: usize| {
            head[at..at + 8]
                .try_into()
                .map(i64::from_be_bytes)
                .map(DateTime)
        };
        let operation = head[17..21].try_into().map(u32::from_be_bytes).ok()?;
        let (correlation, item) = rest.split_at_checked(head[21].into())?;
        Some(Entry {
            stage: match head[0] {
                0 => Stage::Waiting,
                1 => Stage::Begun,
                _ => Stage::Done,
            },
            submitted: time(1).ok()?,
            begun: time(9).ok()?,
            operation: Operation::new(operation),
            correlation: correlation.to_vec(),
            item: Zeroizing::new(item.to_vec()),
        })
    }

    /// What it is at its place; to change it, if others are to wait.
    pub(super) fn find(
        transaction: &dyn Transaction,
        place: &Place<'_>,
        to_change: bool,
    ) -> Result<Option<Self>, KeptError> {
        let identifier = place.identifier();
        let found = match to_change {
            true => kept::read_to_change(transaction, &identifier)?,
            false => kept::read(transaction, &identifier)?,
        };
        let entry = found.map(|found| {
            let entry = Entry::from_bytes(found.expose());
            entry.ok_or_else(Failure::internal)
        });
        Ok(entry.transpose()?)
    }

    /// As [`find`](Self::find), unless its time is over.
    pub(super) fn current(
        transaction: &dyn Transaction,
        place: &Place<'_>,
        now: DateTime,
        to_change: bool,
    ) -> Result<Option<Self>, KeptError> {
        let found = Entry::find(transaction, place, to_change)?;
        Ok(found.filter(|entry| !has_ended(entry.submitted, now)))
    }

    pub(super) fn replace(
        &self,
        transaction: &mut dyn Transaction,
        place: &Place<'_>,
    ) -> Result<(), KeptError> {
        let content = internal_content(self.to_bytes());
        Ok(transaction.replace_content(&place.identifier(), &content)?)
    }

    /// What came out of it.
    pub(super) fn outcome(&self, version: ProtocolVersion) -> Result<Outcome, Failure> {
        let item = kept::from_bytes::<ResponseBatchItem<'_>>(&self.item, Tag::BATCH_ITEM, version)?;
        if let (ResultStatus::SUCCESS, Some(payload)) = (item.result_status, item.response_payload)
        {
            return Ok(Ok(Box::new(payload)));
        }
        let reason = item.result_reason.unwrap_or(ResultReason::GENERAL_FAILURE);
        let message = item.result_message.unwrap_or_default();
        Ok(Err(Failure::new(reason, message)))
    }
}
