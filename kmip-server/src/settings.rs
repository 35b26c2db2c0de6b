//! What a client has set for its objects to come: defaults for their attributes, and constraints that
//! they must meet (KMIP 2.1, 6.1.52 and 6.1.53). Kept in the store as objects of the server itself, so
//! that they last as long as the objects do.

use std::collections::HashMap;

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeReference, AttributeValue, Constraint, Constraints, CryptographicUsageMask,
    DefaultsInformation, IntoOwned, ManagedObject, ObjectGroups, ObjectType, ProtocolVersion,
    ResultReason, Secret, Tag,
};
use zeroize::Zeroizing;

use crate::attributes::{AttributeSet, has_instances};
use crate::kept;
use crate::object::StoredObject;
use crate::store::{internal_content, internal_identifier};

/// The version in which they are kept.
const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

/// Something that a client has set.
pub(crate) trait Setting: Sized + Clone {
    /// What distinguishes it from others in the store.
    const NAME: &'static str;

    /// Its bytes in the store.
    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Failure>;

    /// What it is from these bytes.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Failure>;
}

impl Setting for DefaultsInformation<'static> {
    const NAME: &'static str = "defaults";

    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        kept::to_bytes(self, Tag::DEFAULTS_INFORMATION, VERSION)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        kept::from_bytes::<DefaultsInformation<'_>>(bytes, Tag::DEFAULTS_INFORMATION, VERSION)
    }
}

impl Setting for Constraints<'static> {
    const NAME: &'static str = "constraints";

    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        kept::to_bytes(self, Tag::CONSTRAINTS, VERSION)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        kept::from_bytes::<Constraints<'_>>(bytes, Tag::CONSTRAINTS, VERSION)
    }
}

/// The identifier under which a client's setting is kept.
pub(crate) fn identifier_of<S: Setting>(owner: &str) -> String {
    internal_identifier(S::NAME, owner.as_bytes())
}

/// A setting as an object of the store.
///
/// # Errors
/// If it cannot be encoded.
pub(crate) fn stored<S: Setting>(
    owner: &str,
    setting: &S,
) -> Result<(StoredObject, ManagedObject<'static>), Failure> {
    let object = StoredObject::internal(&identifier_of::<S>(owner));
    let bytes = Secret::owned(setting.to_bytes()?.to_vec());
    Ok((object, internal_content(bytes)))
}

/// A setting from the content of its object.
///
/// # Errors
/// If it is none.
pub(crate) fn restored<S: Setting>(content: &ManagedObject<'_>) -> Result<S, Failure> {
    match content {
        ManagedObject::OpaqueObject(opaque) => S::from_bytes(opaque.opaque_data_value.expose()),
        _ => Err(Failure::internal()),
    }
}

/// Adds the defaults for objects of a type to what a client gives for a new one.
pub(crate) fn complete(
    given: &mut Vec<Attribute<'static>>,
    object_type: ObjectType,
    defaults: &DefaultsInformation<'static>,
) {
    let own: Vec<AttributeReference<'static>> = given
        .iter()
        .map(|own| own.reference().into_owned())
        .collect();
    for defaults in &defaults.object_defaults {
        let listed = defaults.object_types.as_ref();
        let of_type = defaults.object_type == Some(object_type)
            || listed.is_some_and(|types| types.object_type.contains(&object_type));
        if of_type && is_in(given, defaults.object_groups.as_ref()) {
            for attribute in defaults.attributes.iter() {
                if !own.contains(&attribute.reference()) {
                    given.push(attribute.clone());
                }
            }
        }
    }
}

/// Whether a new object meets the constraints.
///
/// # Errors
/// If it has none of the values that a constraint has for an attribute.
pub(crate) fn check(
    attributes: &AttributeSet,
    object_type: ObjectType,
    constraints: &Constraints<'_>,
) -> Result<(), Failure> {
    let own = by_reference(attributes.iter());
    for Constraint {
        object_types,
        object_groups,
        attributes: wanted,
        ..
    } in &constraints.constraint
    {
        let types = object_types.as_ref();
        let of_type = types.is_none_or(|types| types.object_type.contains(&object_type));
        if !of_type || !is_in(&attributes.list, object_groups.as_ref()) {
            continue;
        }
        let wanted = || wanted.iter().flat_map(|wanted| wanted.iter());
        let mut rules = by_reference(wanted());
        for reference in wanted().map(Attribute::reference) {
            // Only at the first of several values.
            let Some(rules) = rules.remove(&reference) else {
                continue;
            };
            let own = own.get(&reference).map_or(&[][..], Vec::as_slice);
            let is_met = |rule: &AttributeValue<'_>| own.iter().any(|own| allows(rule, own));
            let mut rules = rules.into_iter();
            let met = match has_instances(&reference) {
                // Of several values of the object one is enough.
                true => rules.all(is_met),
                false => rules.any(is_met),
            };
            if !met {
                let message = format!("the attribute {reference} violates a constraint");
                return Err(Failure::new(ResultReason::CONSTRAINT_VIOLATION, message));
            }
        }
    }
    Ok(())
}

/// All values of each attribute.
fn by_reference<'r, 'a: 'r>(
    attributes: impl Iterator<Item = &'r Attribute<'a>>,
) -> HashMap<AttributeReference<'a>, Vec<&'r AttributeValue<'a>>> {
    let mut values: HashMap<_, Vec<_>> = HashMap::new();
    for attribute in attributes {
        let reference = attribute.reference();
        values.entry(reference).or_default().push(&attribute.value);
    }
    values
}

/// Whether a value is what a constraint has: the same, or no more uses than those.
fn allows(rule: &AttributeValue<'_>, own: &AttributeValue<'_>) -> bool {
    match (rule, own) {
        (
            AttributeValue::CryptographicUsageMask(allowed),
            AttributeValue::CryptographicUsageMask(own),
        ) => {
            let allowed: CryptographicUsageMask = *allowed;
            allowed.contains(*own)
        }
        _ => rule == own,
    }
}

/// Whether an object is in one of the groups, if there are any.
fn is_in(attributes: &[Attribute<'_>], groups: Option<&ObjectGroups<'_>>) -> bool {
    groups.is_none_or(|groups| {
        attributes.iter().any(|attribute| match &attribute.value {
            AttributeValue::ObjectGroup(group) => groups.object_group.contains(group),
            _ => false,
        })
    })
}
