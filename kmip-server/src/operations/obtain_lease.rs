//! Obtain Lease (KMIP 1.4, 4.17; 2.1, 6.1.27).

use kmip::server::Failure;
use kmip::types::{ObtainLeaseRequest, ObtainLeaseResponse, Operation, ResultReason, State};

use crate::context::Context;

pub(super) fn obtain(
    context: &Context<'_>,
    request: &ObtainLeaseRequest<'_>,
) -> Result<ObtainLeaseResponse<'static>, Failure> {
    let Some(lease_time) = context.configuration.lease_time else {
        return Err(Failure::operation_not_supported(Operation::OBTAIN_LEASE));
    };
    let object = context
        .begin()?
        .get_online(request.unique_identifier.as_ref())?;
    match object.state() {
        Some(State::PRE_ACTIVE | State::ACTIVE) | None => Ok(ObtainLeaseResponse {
            unique_identifier: object.unique_identifier(),
            lease_time,
            last_change_date: object
                .attributes
                .last_change_date()
                .copied()
                .unwrap_or(context.now),
            ..ObtainLeaseResponse::default()
        }),
        Some(state) => {
            let message = format!("no lease is given for an object in the state {state:?}");
            Err(Failure::new(ResultReason::PERMISSION_DENIED, message))
        }
    }
}
