//! Messages and what belongs to them.

use super::generated::{
    Operation, RequestBatchItem, RequestHeader, RequestMessage, RequestPayload, ResponseBatchItem,
    ResponseMessage, ResponsePayload,
};
use super::tag::Tag;
use crate::codec::Message;
use crate::version::ProtocolVersion;

/// A request payload: ties an operation to the payload of its response.
pub trait OperationRequest<'a>: Into<RequestPayload<'a>> {
    /// The operation.
    const OPERATION: Operation;

    /// Payload of the response.
    type Response<'r>: TryFrom<ResponsePayload<'r>, Error = UnexpectedPayload>;
}

/// A payload of another operation than expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a payload of {expected:?}, found one of {found:?}")]
pub struct UnexpectedPayload {
    /// The expected operation.
    pub expected: Operation,
    /// The operation of the payload.
    pub found: Operation,
}

impl<'a> RequestMessage<'a> {
    /// A request with one batch item and no more than the required header fields.
    pub fn single(version: ProtocolVersion, payload: impl Into<RequestPayload<'a>>) -> Self {
        RequestMessage {
            request_header: RequestHeader {
                protocol_version: version,
                batch_count: 1,
                ..RequestHeader::default()
            },
            batch_item: vec![RequestBatchItem::new(payload)],
            ..RequestMessage::default()
        }
    }
}

impl<'a> RequestBatchItem<'a> {
    /// A batch item without an identifier.
    #[inline]
    pub fn new(payload: impl Into<RequestPayload<'a>>) -> Self {
        let request_payload = payload.into();
        RequestBatchItem {
            operation: request_payload.operation(),
            request_payload,
            ..RequestBatchItem::default()
        }
    }
}

impl<'a> Message<'a> for RequestMessage<'a> {
    const TAG: Tag = Tag::REQUEST_MESSAGE;

    fn version(&self) -> ProtocolVersion {
        self.request_header.protocol_version
    }
}

impl<'a> Message<'a> for ResponseMessage<'a> {
    const TAG: Tag = Tag::RESPONSE_MESSAGE;

    fn version(&self) -> ProtocolVersion {
        self.response_header.protocol_version
    }
}

impl<'a> ResponseBatchItem<'a> {
    /// The item of a successful operation.
    pub fn success(payload: impl Into<ResponsePayload<'a>>) -> Self {
        let payload = payload.into();
        ResponseBatchItem {
            operation: Some(payload.operation()),
            result_status: super::generated::ResultStatus::SUCCESS,
            response_payload: Some(payload),
            ..ResponseBatchItem::default()
        }
    }
}
