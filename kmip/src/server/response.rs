//! Making and encoding responses, also to messages that are refused as a whole.

use std::borrow::Cow;

use zeroize::Zeroize;

use crate::Encoding;
use crate::ttlv::{self, Reader};
use crate::types::{
    DateTime, Operation, ProtocolVersion, ResponseBatchItem, ResponseHeader, ResponseMessage,
    ResultReason, ResultStatus, Tag,
};

use super::failure::Failure;

/// A response with `items`.
pub(super) fn message<'a>(
    version: ProtocolVersion,
    items: Vec<ResponseBatchItem<'a>>,
) -> ResponseMessage<'a> {
    ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: version,
            time_stamp: DateTime::now(),
            batch_count: i32::try_from(items.len()).unwrap_or(i32::MAX),
            ..ResponseHeader::default()
        },
        batch_item: items,
        ..ResponseMessage::default()
    }
}

/// The item of a failed operation.
pub(super) fn failed<'a>(
    version: ProtocolVersion,
    operation: Option<Operation>,
    id: Option<Cow<'a, [u8]>>,
    failure: &Failure,
) -> ResponseBatchItem<'a> {
    ResponseBatchItem {
        operation,
        unique_batch_item_id: id,
        result_status: ResultStatus::OPERATION_FAILED,
        result_reason: Some(failure.reason_in(version)),
        result_message: Some(Cow::Owned(failure.message().to_owned())),
        ..ResponseBatchItem::default()
    }
}

/// Appends a response to `out`, or if that cannot be encoded or is longer than `maximum` (if that is
/// positive), one that says so. The maximum is about the length in TTLV (KMIP 1.4, 6.3; 2.1, 9.9).
pub(super) fn write(
    encoding: Encoding,
    mut response: ResponseMessage<'_>,
    maximum: Option<i32>,
    out: &mut Vec<u8>,
) {
    let begin = out.len();
    let version = response.response_header.protocol_version;
    if encoding.encode(&response, out).is_err() {
        // The handler has put something into an answer that this version does not have.
        replace(&mut response, &Failure::internal(), |item| {
            let alone = message(version, vec![item.clone()]);
            encoding.encode(&alone, &mut Vec::new()).is_err()
        });
        let written = encoding.encode(&response, out);
        debug_assert!(written.is_ok(), "{written:?}");
    }
    let maximum = maximum.and_then(|maximum| usize::try_from(maximum).ok());
    let Some(maximum) = maximum.filter(|maximum| *maximum > 0) else {
        return;
    };
    let length = match encoding {
        Encoding::Ttlv => out.len() - begin,
        _ => ttlv_length(&response),
    };
    if length > maximum {
        let text = format!("the response has {length} bytes");
        out[begin..].zeroize();
        out.truncate(begin);
        let failure = Failure::new(ResultReason::RESPONSE_TOO_LARGE, text);
        replace(&mut response, &failure, |_| true);
        let written = encoding.encode(&response, out);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}

fn ttlv_length(response: &ResponseMessage<'_>) -> usize {
    let mut bytes = Vec::new();
    let written = ttlv::encode(response, &mut bytes);
    debug_assert!(written.is_ok(), "{written:?}");
    let length = bytes.len();
    bytes.zeroize();
    length
}

fn replace<'a>(
    response: &mut ResponseMessage<'a>,
    failure: &Failure,
    affected: impl Fn(&ResponseBatchItem<'a>) -> bool,
) {
    let version = response.response_header.protocol_version;
    for item in &mut response.batch_item {
        if affected(item) {
            let id = item.unique_batch_item_id.take();
            *item = failed(version, item.operation, id, failure);
        }
    }
}

/// The version in the header of a request that may be malformed further on.
pub(super) fn version_of(request: &[u8]) -> Option<ProtocolVersion> {
    let mut reader = Reader::new(request).ok()?;
    for tag in [
        Tag::REQUEST_MESSAGE,
        Tag::REQUEST_HEADER,
        Tag::PROTOCOL_VERSION,
    ] {
        if reader.tag() != Some(tag) {
            return None;
        }
        let _ = reader.enter().ok()?;
    }
    let major = (reader.tag()? == Tag::PROTOCOL_VERSION_MAJOR).then(|| reader.integer().ok())??;
    let minor = (reader.tag()? == Tag::PROTOCOL_VERSION_MINOR).then(|| reader.integer().ok())??;
    Some(ProtocolVersion::new(major, minor))
}

/// The version in which to answer a request of `asked`: itself if the server has it, else the
/// newest one before it, else the oldest.
pub(super) fn version_for(
    asked: Option<ProtocolVersion>,
    supported: &[ProtocolVersion],
) -> ProtocolVersion {
    let asked = asked.unwrap_or(ProtocolVersion::V1_0);
    let before = supported.iter().filter(|version| **version <= asked).max();
    let oldest = || supported.iter().min();
    before
        .or_else(oldest)
        .copied()
        .unwrap_or(ProtocolVersion::V1_0)
}
