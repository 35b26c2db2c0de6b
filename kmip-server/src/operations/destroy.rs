//! Destroy: the content goes, what is known of the object stays (KMIP 1.4, 4.21; 2.1, 6.1.14).

use kmip::server::Failure;
use kmip::types::{DestroyRequest, DestroyResponse, ObjectType};

use crate::context::Context;

pub(super) fn destroy(
    context: &Context<'_>,
    request: &DestroyRequest<'_>,
) -> Result<DestroyResponse<'static>, Failure> {
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    if object.object_type == ObjectType::TEMPLATE {
        // A template has no state in which it could be kept.
        objects.remove(&object.identifier)?;
    } else {
        object.destroy(context.version(), context.now)?;
        objects.save(&object)?;
        objects.erase(&object)?;
    }
    objects.commit()?;
    Ok(DestroyResponse {
        unique_identifier: object.unique_identifier(),
        ..DestroyResponse::default()
    })
}
