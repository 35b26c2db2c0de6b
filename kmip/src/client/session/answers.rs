//! Which answer belongs to which item of a request, and what it says.

use crate::types::{
    LogResponse, LogoutResponse, Operation, PingResponse, ResponseBatchItem, ResponsePayload,
    ResultReason, ResultStatus,
};

use super::super::error::{OperationFailure, ResponseFault};

/// The payload of a successful answer that has no fields, which some servers leave out.
pub(super) fn empty_payload(operation: Operation) -> Option<ResponsePayload<'static>> {
    Some(match operation {
        Operation::PING => PingResponse::default().into(),
        Operation::LOG => LogResponse::default().into(),
        Operation::LOGOUT => LogoutResponse::default().into(),
        _ => return None,
    })
}

/// The Unique Batch Item ID of an item of a request.
pub(super) fn item_id(first: u64, index: usize) -> [u8; 8] {
    first.wrapping_add(index as u64).to_be_bytes()
}

/// Which item of the request is answered. `answers` says for each where its answer is, if it is there.
pub(super) fn place(
    item: &ResponseBatchItem<'_>,
    answers: &[Option<usize>],
    first_id: u64,
) -> Result<usize, ResponseFault> {
    let open = |index: &usize| answers[*index].is_none();
    match &item.unique_batch_item_id {
        Some(id) => (0..answers.len())
            .find(|index| id[..] == item_id(first_id, *index))
            .filter(open)
            .ok_or(ResponseFault::ItemId),
        // Some servers do not return it.
        None => (0..answers.len())
            .find(open)
            .ok_or(ResponseFault::ExtraItem),
    }
}

pub(super) fn demands_attestation(items: &[ResponseBatchItem<'_>]) -> bool {
    let demands = |item: &ResponseBatchItem<'_>| {
        item.result_reason == Some(ResultReason::ATTESTATION_REQUIRED)
    };
    items.iter().any(demands)
}

/// The one failed item without identification with which a server refuses a whole message.
pub(super) fn failure_of_message<'i, 'r>(
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

pub(super) fn operation_failure(
    item: &ResponseBatchItem<'_>,
    correlation: Option<&str>,
) -> OperationFailure {
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
