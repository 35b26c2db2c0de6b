//! Activate (KMIP 1.4, 4.19; 2.1, 6.1.1).

use kmip::server::Failure;
use kmip::types::{ActivateRequest, ActivateResponse};

use crate::context::Context;

pub(super) fn activate(
    context: &Context<'_>,
    request: &ActivateRequest<'_>,
) -> Result<ActivateResponse<'static>, Failure> {
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    object.activate(context.version(), context.now)?;
    objects.save(&object)?;
    objects.commit()?;
    Ok(ActivateResponse {
        unique_identifier: object.unique_identifier(),
        ..ActivateResponse::default()
    })
}
