//! Adjust Attribute: counting up and down, and negating (KMIP 2.1, 6.1.3).

use kmip::codec::{Options, RawValue};
use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{
    AdjustAttributeRequest, AdjustAttributeResponse, AdjustmentType, Attribute, IntoOwned,
    ProtocolVersion, ResultReason, Tag,
};

use super::modify_attribute::change;
use crate::attributes::check_changed;
use crate::context::Context;
use crate::refusal;

pub(super) fn adjust(
    context: &Context<'_>,
    request: &AdjustAttributeRequest<'_>,
) -> Result<AdjustAttributeResponse<'static>, Failure> {
    let version = context.version();
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    let reference = request.attribute_reference.clone();
    let position = match &object.attributes.positions(&reference, version)[..] {
        [] => return Err(refusal::attribute_not_found(&reference)),
        [only] => *only,
        _ => {
            let message = format!("there are several {reference}");
            return Err(Failure::new(ResultReason::MULTI_VALUED_ATTRIBUTE, message));
        }
    };
    let old = object.attributes.at(position);
    let by = request.adjustment_value.as_ref();
    let new = adjusted(old, request.adjustment_type, by)?;
    check_changed(&new, version, object.state())?;
    change(&mut object, position, new.value, version)?;
    object.attributes.touch(context.now);
    object.refresh(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(AdjustAttributeResponse {
        unique_identifier: object.unique_identifier(),
        ..AdjustAttributeResponse::default()
    })
}

/// The attribute with another value of the same type.
fn adjusted(
    attribute: &Attribute<'static>,
    adjustment: AdjustmentType,
    by: Option<&RawValue<'_>>,
) -> Result<Attribute<'static>, Failure> {
    let cannot = || {
        let message = format!("{} cannot be adjusted so", attribute.reference());
        Failure::new(ResultReason::INVALID_ATTRIBUTE_VALUE, message)
    };
    // As an item, all attributes are alike.
    let (tag, version) = (Tag::NEW_ATTRIBUTE, ProtocolVersion::V2_1);
    let bare = Attribute {
        index: None,
        ..attribute.clone()
    };
    let mut bytes = Vec::new();
    ttlv::encode_item(&bare, tag, version, &mut bytes).map_err(|_| cannot())?;
    let options = Options::strict();
    let item: RawValue<'_> =
        ttlv::decode_item(&bytes, tag, version, &options).map_err(|_| cannot())?;
    let RawValue::Structure(mut items) = item else {
        return Err(cannot());
    };
    let [.., last] = &mut items[..] else {
        return Err(cannot());
    };
    // Of a custom attribute, the value is the last item of the structure within.
    let value = match &mut last.value {
        RawValue::Structure(inner) if attribute.value.tag().is_none() => {
            &mut inner.last_mut().ok_or_else(cannot)?.value
        }
        value => value,
    };
    *value = calculated(value, adjustment, by).ok_or_else(cannot)?;
    let mut bytes = Vec::new();
    let items = RawValue::Structure(items);
    ttlv::encode_item(&items, tag, version, &mut bytes).map_err(|_| cannot())?;
    let changed: Attribute<'_> =
        ttlv::decode_item(&bytes, tag, version, &options).map_err(|_| cannot())?;
    Ok(changed.into_owned())
}

/// `None` if the value has no room for the result, or is no number or boolean.
fn calculated(
    value: &RawValue<'_>,
    adjustment: AdjustmentType,
    by: Option<&RawValue<'_>>,
) -> Option<RawValue<'static>> {
    let number = |value: &RawValue<'_>| match value {
        RawValue::Integer(number) => Some(i64::from(*number)),
        RawValue::LongInteger(number) => Some(*number),
        RawValue::Interval(number) => Some(i64::from(number.0)),
        RawValue::DateTime(time) => Some(time.0),
        _ => None,
    };
    if let (RawValue::Boolean(value), AdjustmentType::NEGATE) = (value, adjustment) {
        return Some(RawValue::Boolean(!value));
    }
    let by = by.map_or(Some(1), number)?;
    let old = number(value)?;
    let new = match adjustment {
        AdjustmentType::INCREMENT => old.checked_add(by)?,
        AdjustmentType::DECREMENT => old.checked_sub(by)?,
        AdjustmentType::NEGATE => old.checked_neg()?,
        _ => return None,
    };
    Some(match value {
        RawValue::Integer(_) => RawValue::Integer(new.try_into().ok()?),
        RawValue::LongInteger(_) => RawValue::LongInteger(new),
        RawValue::Interval(_) => RawValue::Interval(kmip::types::Interval(new.try_into().ok()?)),
        RawValue::DateTime(_) => RawValue::DateTime(kmip::types::DateTime(new)),
        _ => return None,
    })
}
