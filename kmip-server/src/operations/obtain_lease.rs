//! Obtain Lease (KMIP 1.4, 4.17; 2.1, 6.1.27).

use kmip::server::Failure;
use kmip::types::{ObtainLeaseRequest, ObtainLeaseResponse, Operation, ResultReason, State};

use super::certify::replaced;
use crate::context::{Context, Objects};
use crate::object::StoredObject;

pub(super) fn obtain(
    context: &Context<'_>,
    request: &ObtainLeaseRequest<'_>,
) -> Result<ObtainLeaseResponse<'static>, Failure> {
    let Some(lease_time) = context.configuration.lease_time else {
        return Err(Failure::operation_not_supported(Operation::OBTAIN_LEASE));
    };
    let objects = context.view()?;
    let object = objects.get_online(request.unique_identifier.as_ref())?;
    let shorter = context.configuration.lease_time_after_compromise;
    let lease_time = match shorter.filter(|_| replaces_compromised(&objects, &object)) {
        Some(shorter) => shorter,
        None => lease_time,
    };
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

/// Whether an object is the replacement of a compromised one.
fn replaces_compromised(objects: &Objects<'_>, object: &StoredObject) -> bool {
    let replaced = replaced(object).and_then(|identifier| objects.by_identifier(&identifier).ok());
    let state = replaced.and_then(|replaced| replaced.state());
    matches!(
        state,
        Some(State::COMPROMISED | State::DESTROYED_COMPROMISED)
    )
}
