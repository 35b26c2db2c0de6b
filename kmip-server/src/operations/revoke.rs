//! Revoke (KMIP 1.4, 4.20; 2.1, 6.1.47).

use kmip::server::Failure;
use kmip::types::{Enumeration, IntoOwned, RevocationReasonCode, RevokeRequest, RevokeResponse};

use crate::context::Context;
use crate::object::Revocation;
use crate::refusal;

pub(super) fn revoke(
    context: &Context<'_>,
    request: RevokeRequest<'_>,
) -> Result<RevokeResponse<'static>, Failure> {
    let code = request.revocation_reason.revocation_reason_code;
    if RevocationReasonCode::TABLE.by_value(code.value()).is_none() {
        return Err(refusal::invalid_field(
            "the Revocation Reason is of no table",
        ));
    }
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    let revocation = Revocation {
        reason: request.revocation_reason.into_owned(),
        compromise_occurrence_date: request.compromise_occurrence_date,
    };
    object.revoke(revocation, context.version(), context.now)?;
    objects.save(&object)?;
    objects.commit()?;
    Ok(RevokeResponse {
        unique_identifier: object.unique_identifier(),
        ..RevokeResponse::default()
    })
}
