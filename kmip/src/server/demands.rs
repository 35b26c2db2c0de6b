//! What clients demand with a message and its items.

use std::collections::HashSet;

use crate::types::{
    AsynchronousIndicator, MessageExtension, ProtocolVersion, RequestBatchItem, RequestHeader,
    ResultReason,
};

use super::failure::Failure;

/// Whether a client wants an operation deferred. In 1.x it cannot tell that it only may be.
pub(super) fn is_asynchronous(header: &RequestHeader<'_>) -> bool {
    match header.asynchronous_indicator {
        Some(AsynchronousIndicator::MANDATORY) => true,
        Some(AsynchronousIndicator::OPTIONAL) => header.protocol_version < ProtocolVersion::V2_0,
        _ => false,
    }
}

/// Whether two items have the same Unique Batch Item ID.
pub(super) fn has_repeated_id(items: &[RequestBatchItem<'_>]) -> bool {
    let mut ids = HashSet::with_capacity(items.len());
    let mut given = items
        .iter()
        .filter_map(|item| item.unique_batch_item_id.as_ref());
    !given.all(|id| ids.insert(id))
}

/// An extension that must be understood is not (KMIP 1.4, 6.16).
pub(super) fn refuse_extension(item: &RequestBatchItem<'_>) -> Result<(), Failure> {
    let critical =
        |extension: &&MessageExtension<'_>| extension.criticality_indicator == Some(true);
    match item.message_extension.iter().find(critical) {
        None => Ok(()),
        Some(extension) => {
            let vendor = extension
                .vendor_identification
                .as_deref()
                .unwrap_or_default();
            let message = format!("the message extension of '{vendor}' is not supported");
            Err(Failure::new(ResultReason::FEATURE_NOT_SUPPORTED, message))
        }
    }
}
