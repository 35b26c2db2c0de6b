//! Set Attribute: gives an attribute with one value that value (KMIP 2.1, 6.1.50).

use kmip::server::Failure;
use kmip::types::{IntoOwned, ResultReason, SetAttributeRequest, SetAttributeResponse, Tag};

use super::modify_attribute::change;
use crate::attributes::{check_added, check_changed};
use crate::context::Context;
use crate::object::start_usage;
use crate::refusal;

pub(super) fn set(
    context: &Context<'_>,
    request: SetAttributeRequest<'_>,
) -> Result<SetAttributeResponse<'static>, Failure> {
    let version = context.version();
    let new = context.resolved(request.new_attribute.into_owned())?;
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    match &object.attributes.positions(&new.reference(), version)[..] {
        [] => {
            check_added(&new, false, version)?;
            objects.check_name(&new)?;
            let limits = new.value.tag() == Some(Tag::USAGE_LIMITS);
            object.attributes.add(new.value);
            if limits {
                start_usage(&mut object.attributes);
            }
        }
        [position] => {
            check_changed(&new, version, object.state()).map_err(refusal::of_adding)?;
            if object.attributes.at(*position).value != new.value {
                objects.check_name(&new)?;
            }
            change(&mut object, *position, new.value, version).map_err(refusal::of_adding)?;
        }
        _ => {
            let message = format!("there are several {}", new.reference());
            return Err(Failure::new(ResultReason::MULTI_VALUED_ATTRIBUTE, message));
        }
    }
    object.attributes.touch(context.now);
    object.refresh(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(SetAttributeResponse {
        unique_identifier: object.unique_identifier(),
        ..SetAttributeResponse::default()
    })
}
