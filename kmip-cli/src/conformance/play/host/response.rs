//! Responses to clients: those of the documents, and refusals.

use kmip::codec::Options;
use kmip::conformance::Message;
use kmip::types::{
    DateTime, DiscoverVersionsResponse, IntoOwned, Operation, RequestMessage, ResponseBatchItem,
    ResponseHeader, ResponseMessage, ResponsePayload, ResultReason, ResultStatus,
};
use kmip::{ProtocolVersion, xml};

use super::super::bindings::Bindings;

/// The response in a document to the items of a batch from `first` on that are in `request`.
pub(super) fn of_document(
    document: &Message<'_>,
    request: &RequestMessage<'_>,
    first: usize,
    bindings: &mut Bindings,
    now: DateTime,
) -> Result<ResponseMessage<'static>, String> {
    let filled = document.filled_with(|place| bindings.make_up(place, now));
    let filled = filled.map_err(|error| error.to_string())?;
    let text = bindings.replace_samples(&filled.text);
    let message = xml::decode::<ResponseMessage<'_>>(text.as_bytes(), &Options::default());
    let mut message = message.map_err(|error| error.to_string())?.into_owned();
    message.response_header.time_stamp = now;
    let items = message.batch_item.into_iter().skip(first);
    message.batch_item = items.take(request.batch_item.len()).collect();
    message.response_header.batch_count = count(message.batch_item.len());
    for (item, asked) in message.batch_item.iter_mut().zip(&request.batch_item) {
        item.unique_batch_item_id = asked.unique_batch_item_id.clone().into_owned();
    }
    Ok(message)
}

/// Every item is refused.
pub(super) fn refusal(
    request: Option<&RequestMessage<'_>>,
    version: ProtocolVersion,
    why: &str,
) -> ResponseMessage<'static> {
    let failed = |operation, id| ResponseBatchItem {
        operation,
        unique_batch_item_id: id,
        result_status: ResultStatus::OPERATION_FAILED,
        result_reason: Some(ResultReason::INVALID_MESSAGE),
        result_message: Some(why.to_owned().into()),
        ..ResponseBatchItem::default()
    };
    let items = match request {
        None => vec![failed(None, None)],
        Some(request) => {
            let asked = request.batch_item.iter();
            let refused = asked.map(|item| {
                let id = item.unique_batch_item_id.clone().into_owned();
                failed(Some(item.operation), id)
            });
            refused.collect()
        }
    };
    message(version, items)
}

/// The version of the case is the one that is spoken.
pub(super) fn versions(
    request: &RequestMessage<'_>,
    version: ProtocolVersion,
) -> ResponseMessage<'static> {
    let asked = request.batch_item.first();
    let payload = DiscoverVersionsResponse {
        protocol_version: vec![version],
        ..DiscoverVersionsResponse::default()
    };
    let item = ResponseBatchItem {
        operation: Some(Operation::DISCOVER_VERSIONS),
        unique_batch_item_id: asked.and_then(|item| item.unique_batch_item_id.clone().into_owned()),
        result_status: ResultStatus::SUCCESS,
        response_payload: Some(ResponsePayload::DiscoverVersions(payload)),
        ..ResponseBatchItem::default()
    };
    // In the version that the client can read.
    message(request.request_header.protocol_version, vec![item])
}

fn message(
    version: ProtocolVersion,
    items: Vec<ResponseBatchItem<'static>>,
) -> ResponseMessage<'static> {
    ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: version,
            time_stamp: DateTime::now(),
            batch_count: count(items.len()),
            ..ResponseHeader::default()
        },
        batch_item: items,
        ..ResponseMessage::default()
    }
}

fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}
