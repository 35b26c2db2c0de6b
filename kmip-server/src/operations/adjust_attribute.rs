//! Adjust Attribute: counting up and down, and negating (KMIP 2.1, 6.1.3).

use kmip::codec::{Options, RawItem, RawValue};
use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{
    AdjustAttributeRequest, AdjustAttributeResponse, AdjustmentType, Attribute, AttributeReference,
    DateTime, Interval, IntoOwned, ProtocolVersion, ResultReason, Tag,
};

use super::modify_attribute::change;
use crate::attributes::{check_added, check_changed};
use crate::context::Context;
use crate::refusal;

/// As an item with this tag and in this version, all attributes are alike.
const OUTER: Tag = Tag::NEW_ATTRIBUTE;
const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

pub(super) fn adjust(
    context: &Context<'_>,
    request: &AdjustAttributeRequest<'_>,
) -> Result<AdjustAttributeResponse<'static>, Failure> {
    let version = context.version();
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    let reference = request.attribute_reference.clone();
    let (how, by) = (request.adjustment_type, request.adjustment_value.as_ref());
    match &object.attributes.positions(&reference, version)[..] {
        [] => {
            let new = adjusted(&nothing(&reference, by)?, how, by)?;
            check_added(&new, false, version)?;
            object.attributes.add(new.value);
        }
        [only] => {
            let new = adjusted(object.attributes.at(*only), how, by)?;
            check_changed(&new, version, object.state()).map_err(refusal::of_adding)?;
            change(&mut object, *only, new.value, version).map_err(refusal::of_adding)?;
        }
        _ => {
            let message = format!("there are several {reference}");
            return Err(Failure::new(ResultReason::MULTI_VALUED_ATTRIBUTE, message));
        }
    }
    object.attributes.touch(context.now);
    object.refresh(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(AdjustAttributeResponse {
        unique_identifier: object.unique_identifier(),
        ..AdjustAttributeResponse::default()
    })
}

/// The attribute with the value that stands for none: zero, or false.
///
/// # Errors
/// If the attribute is of another type.
fn nothing(
    reference: &AttributeReference<'_>,
    by: Option<&RawValue<'_>>,
) -> Result<Attribute<'static>, Failure> {
    let zeros = || {
        [
            RawValue::Integer(0),
            RawValue::LongInteger(0),
            RawValue::Interval(Interval(0)),
            RawValue::Boolean(false),
        ]
    };
    let found = match reference {
        // Its value is of the type that the client adjusts it by.
        AttributeReference::Custom { vendor, name } => {
            let same =
                |zero: &RawValue<'_>| by.is_some_and(|by| by.item_type() == zero.item_type());
            let zero = zeros().into_iter().find(same);
            let (vendor, name) = (vendor.clone().into_owned(), name.clone().into_owned());
            zero.map(|zero| Attribute::custom(vendor, name, zero))
        }
        AttributeReference::Standard(tag) => zeros().into_iter().find_map(|zero| of(*tag, zero)),
    };
    found.ok_or_else(|| {
        let message = format!("{reference} has no value, and its type none to begin with");
        Failure::new(ResultReason::INVALID_DATA_TYPE, message)
    })
}

/// The attribute with this value, if it is of its type.
fn of(tag: Tag, value: RawValue<'static>) -> Option<Attribute<'static>> {
    read(vec![RawItem { tag, value }])
}

/// The attribute that consists of these items, if there is such a one.
fn read(items: Vec<RawItem<'_>>) -> Option<Attribute<'static>> {
    let mut bytes = Vec::new();
    let item = RawValue::Structure(items);
    ttlv::encode_item(&item, OUTER, VERSION, &mut bytes).ok()?;
    let decoded = ttlv::decode_item(&bytes, OUTER, VERSION, &Options::strict());
    let decoded: Attribute<'_> = decoded.ok()?;
    Some(decoded.into_owned())
}

/// The attribute with another value of the same type.
fn adjusted(
    attribute: &Attribute<'static>,
    adjustment: AdjustmentType,
    by: Option<&RawValue<'_>>,
) -> Result<Attribute<'static>, Failure> {
    let because = |reason| {
        let message = format!("{} cannot be adjusted so", attribute.reference());
        Failure::new(reason, message)
    };
    let cannot = || because(ResultReason::INVALID_DATA_TYPE);
    let bare = Attribute {
        index: None,
        ..attribute.clone()
    };
    let mut bytes = Vec::new();
    ttlv::encode_item(&bare, OUTER, VERSION, &mut bytes).map_err(|_| cannot())?;
    let item = ttlv::decode_item(&bytes, OUTER, VERSION, &Options::strict());
    let item: RawValue<'_> = item.map_err(|_| cannot())?;
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
    *value = calculated(value, adjustment, by).map_err(because)?;
    read(items).ok_or_else(cannot)
}

/// The result, or the reason that there is none: it has no room, or the value is no number or boolean.
fn calculated(
    value: &RawValue<'_>,
    adjustment: AdjustmentType,
    by: Option<&RawValue<'_>>,
) -> Result<RawValue<'static>, ResultReason> {
    let number = |value: &RawValue<'_>| match value {
        RawValue::Integer(number) => Ok(i64::from(*number)),
        RawValue::LongInteger(number) => Ok(*number),
        RawValue::Interval(number) => Ok(i64::from(number.0)),
        RawValue::DateTime(time) => Ok(time.0),
        _ => Err(ResultReason::INVALID_DATA_TYPE),
    };
    if let (RawValue::Boolean(value), AdjustmentType::NEGATE) = (value, adjustment) {
        return Ok(RawValue::Boolean(!value));
    }
    let by = by.map_or(Ok(1), number)?;
    let old = number(value)?;
    let new = match adjustment {
        AdjustmentType::INCREMENT => old.checked_add(by),
        AdjustmentType::DECREMENT => old.checked_sub(by),
        AdjustmentType::NEGATE => old.checked_neg(),
        _ => return Err(ResultReason::INVALID_FIELD),
    };
    let fits = |new: i64| match value {
        RawValue::Integer(_) => Some(RawValue::Integer(new.try_into().ok()?)),
        RawValue::LongInteger(_) => Some(RawValue::LongInteger(new)),
        RawValue::Interval(_) => Some(RawValue::Interval(Interval(new.try_into().ok()?))),
        _ => Some(RawValue::DateTime(DateTime(new))),
    };
    new.and_then(fits).ok_or(ResultReason::NUMERIC_RANGE)
}
