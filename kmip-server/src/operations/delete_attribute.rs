//! Delete Attribute (KMIP 1.4, 4.16; 2.1, 6.1.12).

use kmip::server::Failure;
use kmip::types::{
    AttributeReference, DeleteAttributeRequest, DeleteAttributeResponse, ProtocolVersion,
    ResultReason, Tag,
};

use crate::attributes::{AttributeSet, answered, check_deleted};
use crate::context::Context;
use crate::object::is_used;
use crate::refusal;

pub(super) fn delete(
    context: &Context<'_>,
    request: &DeleteAttributeRequest<'_>,
) -> Result<DeleteAttributeResponse<'static>, Failure> {
    let version = context.version();
    let reference = match (&request.current_attribute, &request.attribute_reference) {
        (Some(current), _) => current.reference(),
        (None, Some(reference)) => reference.clone(),
        (None, None) => {
            let message = "the request does not say which attribute to delete";
            return Err(Failure::new(ResultReason::INVALID_MESSAGE, message));
        }
    };
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    check_deleted(&reference, version)?;
    let limits = object.attributes.usage_limits();
    let about_limits = matches!(reference, AttributeReference::Standard(Tag::USAGE_LIMITS));
    if about_limits && limits.is_some_and(is_used) {
        return Err(refusal::read_only(&reference));
    }
    let positions = instances(&object.attributes, &reference, request, version)?;
    let mut deleted = None;
    for position in positions.into_iter().rev() {
        deleted = Some(object.attributes.remove(position));
    }
    object.attributes.touch(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(DeleteAttributeResponse {
        unique_identifier: object.unique_identifier(),
        attribute: answered(deleted, version),
        ..DeleteAttributeResponse::default()
    })
}

/// Where the values stand that are to be deleted, in ascending order: in 1.x the one with the
/// index, in 2.x the one that is Current Attribute, or all that the reference means.
fn instances(
    attributes: &AttributeSet,
    reference: &AttributeReference<'_>,
    request: &DeleteAttributeRequest<'_>,
    version: ProtocolVersion,
) -> Result<Vec<usize>, Failure> {
    let positions = attributes.positions(reference, version);
    if positions.is_empty() {
        return Err(refusal::attribute_not_found(reference));
    }
    let chosen: Vec<usize> = match &request.current_attribute {
        Some(current) => positions
            .into_iter()
            .filter(|at| attributes.at(*at).value == current.value)
            .take(1)
            .collect(),
        None if version >= ProtocolVersion::V2_0 => positions,
        // Without an index the first is meant, wherever earlier deletions have left it.
        None => match request.attribute_index {
            None => positions.into_iter().take(1).collect(),
            Some(index) => positions
                .into_iter()
                .filter(|at| attributes.at(*at).index.unwrap_or(0) == index)
                .collect(),
        },
    };
    match chosen.is_empty() {
        true => Err(refusal::instance_not_found(reference, version)),
        false => Ok(chosen),
    }
}
