//! What objects are found by: keys for an index, and the comparison that decides.

use std::borrow::Cow;
use std::ops::ControlFlow;

use kmip::ttlv;
use kmip::types::{Attribute, AttributeValue, ProtocolVersion, Tag};
use openssl::sha::Sha256;

use super::encoding::encode_attribute;
use super::{Found, INTERNAL_OWNER, Search, StoreError};
use crate::attributes::same_name;
use crate::object::StoredObject;

/// A value of an index. Different things may have the same key, so whatever is found by one is
/// compared with what is wanted.
pub(super) type Key = i64;

/// What takes the objects that may be meant, until it breaks.
pub(super) type Take<'t> = dyn FnMut(Cow<'_, StoredObject>) -> ControlFlow<()> + 't;

/// Where objects are looked for.
pub(super) trait Candidates {
    /// The object with an identifier.
    fn get(&mut self, identifier: &str) -> Result<Option<StoredObject>, StoreError>;

    /// Hands over the objects with a key, newest first.
    fn with_key(&mut self, key: Key, take: &mut Take<'_>) -> Result<(), StoreError>;

    /// Hands over all objects, newest first.
    fn all(&mut self, take: &mut Take<'_>) -> Result<(), StoreError>;
}

/// Hands over what a search finds, newest first, until `found` breaks.
pub(super) fn find(
    candidates: &mut impl Candidates,
    search: &Search,
    found: &mut Found<'_>,
) -> Result<(), StoreError> {
    let take = &mut |object: Cow<'_, StoredObject>| match fits(&object, search) {
        true => found(object.into_owned()),
        false => ControlFlow::Continue(()),
    };
    match way(search)? {
        Way::Identifier(identifier) => {
            let object = candidates.get(identifier)?;
            let _ = object.map(|object| take(Cow::Owned(object)));
            Ok(())
        }
        Way::Key(key) => candidates.with_key(key, take),
        Way::All => candidates.all(take),
    }
}

/// The keys of an object: its client, and those of its attributes that tell objects apart, among
/// those of the client and among all. What nearly all objects have in common, such as their algorithm,
/// would only make writing slow.
pub(super) fn keys(object: &StoredObject) -> Result<Vec<Key>, StoreError> {
    let mut keys = vec![owner_key(&object.owner)];
    for attribute in object.attributes.iter() {
        for owner in [Some(object.owner.as_str()), None] {
            keys.extend(attribute_key(owner, &attribute.value)?);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// The shortest way to all objects that a search may find.
enum Way<'s> {
    /// At most the object with this identifier.
    Identifier(&'s str),
    /// Those with this key.
    Key(Key),
    /// All that there are.
    All,
}

/// The shortest way to what a search finds.
fn way(search: &Search) -> Result<Way<'_>, StoreError> {
    let mut best = None;
    for attribute in &search.exact {
        if let AttributeValue::UniqueIdentifier(identifier) = &attribute.value {
            if let Some(identifier) = identifier.as_text() {
                return Ok(Way::Identifier(identifier));
            }
        }
        let key = attribute_key(search.owner.as_deref(), &attribute.value)?;
        // Few objects share a name, many a group.
        let is_name = attribute.value.tag() == Some(Tag::NAME);
        if best.is_none() || is_name {
            best = key.or(best);
        }
    }
    let owner = search.owner.as_deref();
    let key = best.or_else(|| owner.map(owner_key));
    Ok(key.map_or(Way::All, Way::Key))
}

/// The keys of the names in a search, which no two transactions may take at the same time.
#[cfg(feature = "postgres")]
pub(super) fn names(search: &Search) -> Result<Vec<Key>, StoreError> {
    let names = search.exact.iter().map(|attribute| &attribute.value);
    let names = names.filter(|value| value.tag() == Some(Tag::NAME));
    let keys = names.map(|name| attribute_key(search.owner.as_deref(), name));
    let mut keys: Vec<Key> = keys
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    keys.sort_unstable();
    Ok(keys)
}

/// Whether a search finds an object.
fn fits(object: &StoredObject, search: &Search) -> bool {
    let has = |wanted: &Attribute<'_>| {
        let reference = wanted.reference();
        object.attributes.iter().any(|own| {
            own.value == wanted.value || same_name(own, &reference) && same_custom(own, wanted)
        })
    };
    let is_owner = match &search.owner {
        Some(owner) => object.owner == *owner,
        // What the server keeps for itself is there for nobody else.
        None => object.owner != INTERNAL_OWNER,
    };
    is_owner && search.exact.iter().all(has)
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

/// The key of an attribute, if it tells objects apart: those of a client, or those of all.
fn attribute_key(
    owner: Option<&str>,
    value: &AttributeValue<'static>,
) -> Result<Option<Key>, StoreError> {
    // The upper half is that of the value alone, so that both keys of a value are side by side in an index,
    // which so has one page to write instead of two.
    let of = |what: &[u8], value: &[u8]| {
        let shared = key(&[what, value]);
        let own = owner.map(|owner| key(&[what, owner.as_bytes(), value]));
        own.map_or(shared, |own| shared & !0xFFFF_FFFF | own & 0xFFFF_FFFF)
    };
    Ok(match value {
        AttributeValue::Name(_) | AttributeValue::ObjectGroup(_) => {
            Some(of(b"value", &encode_attribute(value)?.bytes))
        }
        // Without its name, of which 1.x does not say where the vendor ends.
        AttributeValue::Custom(custom) => {
            let (tag, version) = (Tag::ATTRIBUTE_VALUE, ProtocolVersion::V1_4);
            let mut bytes = Vec::new();
            ttlv::encode_item(&custom.value, tag, version, &mut bytes)?;
            Some(of(b"custom", &bytes))
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
