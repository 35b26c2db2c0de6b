//! What objects are found by: keys for an index, and the comparison that decides.

use kmip::ttlv;
use kmip::types::{Attribute, AttributeValue, ProtocolVersion, Tag};
use openssl::sha::Sha256;

use super::encoding::encode_attribute;
use super::{Search, StoreError};
use crate::attributes::same_name;
use crate::object::StoredObject;

/// A value of an index. Different things may have the same key, so whatever is found by one is
/// compared with what is wanted.
pub(super) type Key = i64;

/// The keys of an object: its client, and those of its attributes that tell objects apart. What
/// nearly all objects have in common, such as their algorithm, would only make writing slow.
pub(super) fn keys(object: &StoredObject) -> Result<Vec<Key>, StoreError> {
    let mut keys = vec![owner_key(&object.owner)];
    for attribute in object.attributes.iter() {
        keys.extend(attribute_key(&object.owner, &attribute.value)?);
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// The shortest way to all objects that a search may find.
pub(super) enum Way<'s> {
    /// At most the object with this identifier.
    Identifier(&'s str),
    /// Those with this key.
    Key(Key),
}

/// The shortest way to what a search finds.
pub(super) fn way(search: &Search) -> Result<Way<'_>, StoreError> {
    let mut best = None;
    for attribute in &search.exact {
        if let AttributeValue::UniqueIdentifier(identifier) = &attribute.value {
            if let Some(identifier) = identifier.as_text() {
                return Ok(Way::Identifier(identifier));
            }
        }
        let key = attribute_key(&search.owner, &attribute.value)?;
        // Few objects share a name, many a group.
        let is_name = attribute.value.tag() == Some(Tag::NAME);
        if best.is_none() || is_name {
            best = key.or(best);
        }
    }
    Ok(Way::Key(best.unwrap_or_else(|| owner_key(&search.owner))))
}

/// The keys of the names in a search, which no two transactions may take at the same time.
#[cfg(feature = "postgres")]
pub(super) fn names(search: &Search) -> Result<Vec<Key>, StoreError> {
    let names = search.exact.iter().map(|attribute| &attribute.value);
    let names = names.filter(|value| value.tag() == Some(Tag::NAME));
    let keys = names.map(|name| attribute_key(&search.owner, name));
    let mut keys: Vec<Key> = keys
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    keys.sort_unstable();
    Ok(keys)
}

/// Whether a search finds an object.
pub(super) fn fits(object: &StoredObject, search: &Search) -> bool {
    let has = |wanted: &Attribute<'_>| {
        let reference = wanted.reference();
        object.attributes.iter().any(|own| {
            own.value == wanted.value || same_name(own, &reference) && same_custom(own, wanted)
        })
    };
    object.owner == search.owner && search.exact.iter().all(has)
}

/// Custom attributes whose names differ only in where the vendor ends.
fn same_custom(own: &Attribute<'_>, wanted: &Attribute<'_>) -> bool {
    match (&own.value, &wanted.value) {
        (AttributeValue::Custom(own), AttributeValue::Custom(wanted)) => own.value == wanted.value,
        _ => false,
    }
}

fn owner_key(owner: &str) -> Key {
    key(&[b"owner", owner.as_bytes()])
}

fn attribute_key(owner: &str, value: &AttributeValue<'static>) -> Result<Option<Key>, StoreError> {
    let owner = owner.as_bytes();
    Ok(match value {
        AttributeValue::Name(_) | AttributeValue::ObjectGroup(_) => {
            Some(key(&[b"value", owner, &encode_attribute(value)?.bytes]))
        }
        // Without its name, of which 1.x does not say where the vendor ends.
        AttributeValue::Custom(custom) => {
            let (tag, version) = (Tag::ATTRIBUTE_VALUE, ProtocolVersion::V1_4);
            let mut bytes = Vec::new();
            ttlv::encode_item(&custom.value, tag, version, &mut bytes)?;
            Some(key(&[b"custom", owner, &bytes]))
        }
        _ => None,
    })
}

/// The same on every machine and in every version, since it is stored.
fn key(parts: &[&[u8]]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps the end of one part from passing for the begin of the next.
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finish();
    let (key, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
    Key::from_be_bytes(*key)
}
