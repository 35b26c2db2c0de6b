//! What Locate compares (KMIP 1.4, 4.9; 2.1, 6.1.24).

use kmip::codec::RawValue;
use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, DateTime, IntoOwned, ProtocolVersion, ResultReason, Tag,
    UsageLimits,
};
use kmip::{codec, ttlv};

use super::AttributeSet;
use crate::object::StoredObject;
use crate::usage_limits;

/// The conditions of a Locate request. An object has to meet all.
#[derive(Debug)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
    version: ProtocolVersion,
}

#[derive(Debug)]
enum Condition {
    /// Some value of the attribute is this one.
    Equal(Attribute<'static>, RawValue<'static>),
    /// All bits of the mask are set.
    Bits(Tag, u32),
    /// As much may still be done as these say, and as much was allowed.
    Usage(UsageLimits<'static>),
    /// A date lies between two, both included.
    Between(Tag, DateTime, DateTime),
}

impl Filter {
    /// The conditions in a request.
    ///
    /// # Errors
    /// If there is something that is no condition: an object that does not meet it must not be
    /// found.
    pub(crate) fn new(
        attributes: &Attributes<'_>,
        version: ProtocolVersion,
    ) -> Result<Self, Failure> {
        if !attributes.extra.is_empty() || !attributes.names.is_empty() {
            let message = "the request has a condition that is no attribute of this version";
            return Err(Failure::new(ResultReason::INVALID_FIELD, message));
        }
        let mut conditions: Vec<Condition> = Vec::new();
        for attribute in attributes {
            let date = date(&attribute.value);
            if let Some((tag, date)) = date {
                if conditions.iter_mut().any(|old| old.widen(tag, date)) {
                    continue;
                }
                conditions.push(Condition::Between(tag, date, date));
                continue;
            }
            conditions.push(match &attribute.value {
                AttributeValue::Absent(reference) => {
                    let message = format!("the condition for {reference} has no value");
                    return Err(Failure::new(ResultReason::INVALID_FIELD, message));
                }
                AttributeValue::CryptographicUsageMask(mask) => {
                    Condition::Bits(Tag::CRYPTOGRAPHIC_USAGE_MASK, mask.0)
                }
                AttributeValue::ProtectionStorageMask(mask) => {
                    Condition::Bits(Tag::PROTECTION_STORAGE_MASK, mask.0)
                }
                AttributeValue::UsageLimits(limits) => {
                    Condition::Usage(limits.clone().into_owned())
                }
                _ => {
                    let raw = raw(attribute).ok_or_else(|| {
                        let message = format!("no object is located by {}", attribute.reference());
                        Failure::new(ResultReason::INVALID_FIELD, message)
                    })?;
                    Condition::Equal(attribute.clone().into_owned(), raw)
                }
            });
        }
        Ok(Filter {
            conditions,
            version,
        })
    }

    /// Whether a condition is about this attribute.
    pub(crate) fn is_about(&self, tag: Tag) -> bool {
        self.conditions.iter().any(|condition| match condition {
            Condition::Equal(attribute, _) => attribute.value.tag() == Some(tag),
            Condition::Bits(about, _) | Condition::Between(about, ..) => *about == tag,
            Condition::Usage(_) => tag == Tag::USAGE_LIMITS,
        })
    }

    /// Values that an object must have exactly so: what a store can look up.
    pub(crate) fn exact(&self) -> Vec<Attribute<'static>> {
        let exact = |condition: &Condition| match condition {
            Condition::Equal(attribute, raw)
                // The state depends on the time, and of structures parts may be given.
                if attribute.value.tag() != Some(Tag::STATE)
                    && !matches!(raw, RawValue::Structure(_)) =>
            {
                Some(attribute.clone())
            }
            Condition::Equal(attribute, _) if attribute.value.tag() == Some(Tag::NAME) => {
                Some(attribute.clone())
            }
            _ => None,
        };
        self.conditions.iter().filter_map(exact).collect()
    }

    /// Whether an object meets all conditions.
    pub(crate) fn matches(&self, object: &StoredObject) -> bool {
        let attributes = &object.attributes;
        let mut conditions = self.conditions.iter();
        conditions.all(|condition| condition.is_met(attributes, self.version))
    }
}

impl Condition {
    /// A second date makes a range out of the first.
    fn widen(&mut self, about: Tag, date: DateTime) -> bool {
        match self {
            Condition::Between(tag, from, to) if *tag == about && from == to => {
                (*from, *to) = ((*from).min(date), (*to).max(date));
                true
            }
            _ => false,
        }
    }

    fn is_met(&self, attributes: &AttributeSet, version: ProtocolVersion) -> bool {
        match self {
            Condition::Equal(wanted, raw_wanted) => {
                let positions = attributes.positions(&wanted.reference(), version);
                positions.into_iter().any(|position| {
                    let own = attributes.at(position);
                    // A newer attribute is no custom attribute, even if it has the same name. The
                    // index counts for nothing (KMIP 1.4, 4.9).
                    let same = own.value.tag().is_some() == wanted.value.tag().is_some();
                    // Values that are no structures and are written in one way only are equal or not.
                    let in_parts = matches!(raw_wanted, RawValue::Structure(_))
                        || matches!(wanted.value, AttributeValue::Custom(_));
                    same && (own.value == wanted.value
                        || in_parts
                            && raw(own).is_some_and(|raw_own| contains(&raw_own, raw_wanted)))
                })
            }
            Condition::Bits(tag, wanted) => attributes.values(*tag).any(|value| match value {
                AttributeValue::CryptographicUsageMask(mask) => mask.0 & wanted == *wanted,
                AttributeValue::ProtectionStorageMask(mask) => mask.0 & wanted == *wanted,
                _ => false,
            }),
            Condition::Usage(wanted) => attributes.usage_limits().is_some_and(|own| {
                let left = usage_limits::left(own);
                own.usage_limits_unit == wanted.usage_limits_unit
                    && own.usage_limits_total >= wanted.usage_limits_total
                    && wanted.usage_limits_count.is_none_or(|count| left >= count)
            }),
            // The largest date stands for none (KMIP 1.4, 4.9; 2.1, 6.1.28).
            Condition::Between(tag, from, _) if from.0 == i64::MAX => {
                attributes.values(*tag).next().is_none()
            }
            Condition::Between(tag, from, to) => attributes
                .values(*tag)
                .filter_map(date)
                .any(|(_, date)| *from <= date && date <= *to),
        }
    }
}

/// Whether a value is the wanted one, or a structure that has all fields of the wanted one.
fn contains(own: &RawValue<'_>, wanted: &RawValue<'_>) -> bool {
    match (own, wanted) {
        (RawValue::Structure(own), RawValue::Structure(wanted)) => wanted.iter().all(|wanted| {
            own.iter()
                .any(|own| own.tag == wanted.tag && contains(&own.value, &wanted.value))
        }),
        _ => own == wanted,
    }
}

/// The value as an item, whichever version has it.
fn raw(attribute: &Attribute<'_>) -> Option<RawValue<'static>> {
    if let AttributeValue::Custom(custom) = &attribute.value {
        return Some(custom.value.clone().into_owned());
    }
    for (tag, version) in [
        (Tag::NEW_ATTRIBUTE, ProtocolVersion::V2_1),
        (Tag::ATTRIBUTE, ProtocolVersion::V1_4),
    ] {
        let mut bytes = Vec::new();
        let bare = Attribute {
            index: None,
            ..attribute.clone()
        };
        if ttlv::encode_item(&bare, tag, version, &mut bytes).is_err() {
            continue;
        }
        let options = codec::Options::default();
        let item: RawValue<'_> = ttlv::decode_item(&bytes, tag, version, &options).ok()?;
        let RawValue::Structure(mut items) = item else {
            return None;
        };
        return items.pop().map(|item| item.value.into_owned());
    }
    None
}

fn date(value: &AttributeValue<'_>) -> Option<(Tag, DateTime)> {
    let date = match value {
        AttributeValue::ActivationDate(date)
        | AttributeValue::ArchiveDate(date)
        | AttributeValue::CompromiseDate(date)
        | AttributeValue::CompromiseOccurrenceDate(date)
        | AttributeValue::DeactivationDate(date)
        | AttributeValue::DestroyDate(date)
        | AttributeValue::InitialDate(date)
        | AttributeValue::LastChangeDate(date)
        | AttributeValue::OriginalCreationDate(date)
        | AttributeValue::ProcessStartDate(date)
        | AttributeValue::ProtectStopDate(date)
        | AttributeValue::RotateDate(date) => *date,
        _ => return None,
    };
    Some((value.tag()?, date))
}
