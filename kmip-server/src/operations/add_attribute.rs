//! Add Attribute (KMIP 1.4, 4.14; 2.1, 6.1.2).

use kmip::server::Failure;
use kmip::types::{AddAttributeRequest, AddAttributeResponse, IntoOwned, ResultReason, Tag};

use crate::attributes::{answered, check_added};
use crate::context::Context;
use crate::object::start_usage;
use crate::refusal;

pub(super) fn add(
    context: &Context<'_>,
    request: AddAttributeRequest<'_>,
) -> Result<AddAttributeResponse<'static>, Failure> {
    let version = context.version();
    let new = request.new_attribute.into_owned().ok_or_else(|| {
        Failure::new(
            ResultReason::INVALID_MESSAGE,
            "the new attribute is missing",
        )
    })?;
    let new = context.resolved(new)?;
    if new.index.is_some_and(|index| index != 0) {
        return Err(refusal::invalid_field(
            "the server chooses the index of a new attribute",
        ));
    }
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    let reference = new.reference();
    let exists = !object.attributes.positions(&reference, version).is_empty();
    check_added(&new, exists, version)?;
    objects.check_name(&new)?;
    let limits = new.value.tag() == Some(Tag::USAGE_LIMITS);
    object.attributes.add(new.value);
    if limits {
        start_usage(&mut object.attributes);
    }
    let added = object.attributes.iter().last().cloned();
    object.attributes.touch(context.now);
    object.refresh(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(AddAttributeResponse {
        unique_identifier: object.unique_identifier(),
        attribute: answered(added, version),
        ..AddAttributeResponse::default()
    })
}
