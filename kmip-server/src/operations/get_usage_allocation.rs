//! Get Usage Allocation: reserves a part of what the Usage Limits allow (KMIP 1.4, 4.18; 2.1, 6.1.22).

use kmip::server::Failure;
use kmip::types::{
    AttributeValue, GetUsageAllocationRequest, GetUsageAllocationResponse, Operation,
    ProtocolVersion, ResultReason, Tag,
};

use crate::context::Context;
use crate::refusal;
use crate::usage_limits;

pub(super) fn get_usage_allocation(
    context: &Context<'_>,
    request: &GetUsageAllocationRequest<'_>,
) -> Result<GetUsageAllocationResponse<'static>, Failure> {
    let version = context.version();
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    object.check_protects(version, context.now)?;
    let limits = object.attributes.usage_limits().cloned();
    let mut limits = limits.ok_or_else(|| match version >= ProtocolVersion::V2_0 {
        true => refusal::attribute_not_found(&Tag::USAGE_LIMITS.into()),
        false => refusal::wrong_object(version, Operation::GET_USAGE_ALLOCATION),
    })?;
    let left = usage_limits::left(&limits);
    if !(0..=left).contains(&request.usage_limits_count) {
        let message = format!("{left} of the Usage Limits are left");
        return Err(Failure::new(ResultReason::USAGE_LIMIT_EXCEEDED, message));
    }
    limits.usage_limits_count = Some(left - request.usage_limits_count);
    object.attributes.set(AttributeValue::UsageLimits(limits));
    objects.save(&object)?;
    objects.commit()?;
    Ok(GetUsageAllocationResponse {
        unique_identifier: object.unique_identifier(),
        ..GetUsageAllocationResponse::default()
    })
}
