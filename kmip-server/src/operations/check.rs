//! Check: whether an object may be used so (KMIP 1.4, 4.10; 2.1, 6.1.7).

use kmip::server::Failure;
use kmip::types::{CheckRequest, CheckResponse, Interval, ProtocolVersion, ResultReason};

use crate::context::Context;
use crate::refusal;
use crate::usage_limits;

pub(super) fn check(
    context: &Context<'_>,
    request: &CheckRequest<'_>,
) -> Result<CheckResponse<'static>, Failure> {
    let version = context.version();
    let object = context
        .view()?
        .get_online(request.unique_identifier.as_ref())?;
    if object.is_destroyed() {
        return Err(refusal::destroyed(&object.identifier));
    }
    let attributes = &object.attributes;
    if let Some(wanted) = request.cryptographic_usage_mask {
        if !object.allows(wanted, version) {
            let message = "the Cryptographic Usage Mask does not allow this use".to_owned();
            return Err(refusal::wrong_usage(version, message));
        }
    }
    if let (Some(wanted), Some(limits)) = (request.usage_limits_count, attributes.usage_limits()) {
        let left = usage_limits::left(limits);
        if wanted > left {
            let reason = match version >= ProtocolVersion::V2_0 {
                true => ResultReason::USAGE_LIMIT_EXCEEDED,
                false => ResultReason::PERMISSION_DENIED,
            };
            let message = "the Usage Limits do not allow this use";
            return Err(Failure::new(reason, message));
        }
    }
    let longest = context.configuration.lease_time.unwrap_or(Interval(0));
    if request.lease_time.is_some_and(|wanted| wanted > longest) {
        let reason = ResultReason::PERMISSION_DENIED;
        return Err(Failure::new(reason, "leases are not given for so long"));
    }
    Ok(CheckResponse {
        unique_identifier: Some(object.unique_identifier()),
        ..CheckResponse::default()
    })
}
