//! Modify Attribute (KMIP 1.4, 4.15; 2.1, 6.1.26).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeReference, AttributeValue, IntoOwned, ModifyAttributeRequest,
    ModifyAttributeResponse, ProtocolVersion, ResultReason, Tag,
};

use crate::attributes::{AttributeSet, answered, check_changed};
use crate::context::Context;
use crate::object::{StoredObject, extractable_changed, is_used, sensitive_changed, start_usage};
use crate::refusal;

pub(super) fn modify(
    context: &Context<'_>,
    request: ModifyAttributeRequest<'_>,
) -> Result<ModifyAttributeResponse<'static>, Failure> {
    let version = context.version();
    let new = context.resolved(request.new_attribute.into_owned())?;
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    check_changed(&new, version, object.state())?;
    let current = request.current_attribute.as_ref();
    let position = instance(&object.attributes, &new, current, version)?;
    if object.attributes.at(position).value != new.value {
        objects.check_name(&new)?;
    }
    change(&mut object, position, new.value, version)?;
    let changed = object.attributes.at(position).clone();
    object.attributes.touch(context.now);
    object.refresh(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(ModifyAttributeResponse {
        unique_identifier: object.unique_identifier(),
        attribute: answered(Some(changed), version),
        ..ModifyAttributeResponse::default()
    })
}

/// Which value is to be changed: that with the index (1.x), that which is Current Attribute, or
/// the only one (2.x).
fn instance(
    attributes: &AttributeSet,
    new: &Attribute<'_>,
    current: Option<&Attribute<'_>>,
    version: ProtocolVersion,
) -> Result<usize, Failure> {
    let reference = new.reference();
    let positions = attributes.positions(&reference, version);
    if positions.is_empty() {
        return Err(match version >= ProtocolVersion::V2_0 {
            true => refusal::attribute_not_found(&reference),
            // "It needs to first be added" (KMIP 1.4, 11.16).
            false => refusal::invalid_field(format!("the object has no attribute {reference}")),
        });
    }
    let none = || refusal::instance_not_found(&reference, version);
    if version < ProtocolVersion::V2_0 {
        let wanted = new.index.unwrap_or(0);
        let mut with_index = positions.iter().copied();
        let found = with_index.find(|at| attributes.at(*at).index.unwrap_or(0) == wanted);
        return found.ok_or_else(none);
    }
    match (current, &positions[..]) {
        (Some(current), _) => {
            let mut equal = positions.iter().copied();
            let found = equal.find(|at| attributes.at(*at).value == current.value);
            found.ok_or_else(none)
        }
        (None, [only]) => Ok(*only),
        (None, _) => Err(Failure::new(
            ResultReason::MULTI_VALUED_ATTRIBUTE,
            format!("there are several {reference}: say which by Current Attribute"),
        )),
    }
}

/// Changes a value and what depends on it.
pub(super) fn change(
    object: &mut StoredObject,
    position: usize,
    value: AttributeValue<'static>,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    let attributes = &mut object.attributes;
    let loosens = match (&attributes.at(position).value, &value) {
        (AttributeValue::Sensitive(old), AttributeValue::Sensitive(new)) => *old && !new,
        (AttributeValue::Extractable(old), AttributeValue::Extractable(new)) => !old && *new,
        _ => false,
    };
    if loosens {
        // What could be read in clear afterwards would not have been worth protecting before.
        let reason = match version >= ProtocolVersion::V2_0 {
            true => ResultReason::INVALID_ATTRIBUTE_VALUE,
            false => ResultReason::PERMISSION_DENIED,
        };
        let message = "the protection of a key cannot be taken back";
        return Err(Failure::new(reason, message));
    }
    let limits = match &attributes.at(position).value {
        AttributeValue::UsageLimits(limits) => Some(is_used(limits)),
        _ => None,
    };
    if limits == Some(true) {
        // Nor can a client give itself more once it has begun to use what it had.
        return Err(refusal::read_only(&AttributeReference::Standard(
            Tag::USAGE_LIMITS,
        )));
    }
    attributes.replace(position, value);
    if limits.is_some() {
        start_usage(attributes);
    }
    sensitive_changed(attributes);
    extractable_changed(attributes);
    Ok(())
}
