//! Changing encoded responses item by item, in any encoding.

use kmip::codec::{Error, Options, RawItem, RawValue};
use kmip::types::{ProtocolVersion, Tag};
use kmip::{Encoding, json, ttlv, xml};
use zeroize::Zeroize;

/// Changes a response. What cannot be read stays as it is.
pub(super) fn edit(
    encoding: Encoding,
    response: &mut Vec<u8>,
    change: impl FnOnce(&mut RawValue<'_>),
) {
    let mut changed = Vec::new();
    if rewrite(encoding, response, change, &mut changed).is_ok() {
        response.zeroize();
        *response = changed;
    }
}

fn rewrite(
    encoding: Encoding,
    response: &[u8],
    change: impl FnOnce(&mut RawValue<'_>),
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    const TAG: Tag = Tag::RESPONSE_MESSAGE;
    let (version, options) = (ProtocolVersion::LATEST, Options::default());
    let mut message: RawValue<'_> = match encoding {
        Encoding::Json => json::decode_item(response, TAG, version, &options)?,
        Encoding::Xml => xml::decode_item(response, TAG, version, &options)?,
        _ => ttlv::decode_item(response, TAG, version, &options)?,
    };
    change(&mut message);
    match encoding {
        Encoding::Json => json::encode_item(&message, TAG, version, out),
        Encoding::Xml => xml::encode_item(&message, TAG, version, out),
        _ => ttlv::encode_item(&message, TAG, version, out),
    }
}

/// The items of a structure; none of another value.
pub(super) fn items<'v, 'a>(value: &'v mut RawValue<'a>) -> &'v mut [RawItem<'a>] {
    match value {
        RawValue::Structure(items) => items,
        _ => &mut [],
    }
}

/// The list of the items of a structure, to add some or take some away.
pub(super) fn list<'v, 'a>(value: &'v mut RawValue<'a>) -> Option<&'v mut Vec<RawItem<'a>>> {
    match value {
        RawValue::Structure(items) => Some(items),
        _ => None,
    }
}

/// The items with a tag in a structure.
pub(super) fn all<'v, 'a: 'v>(
    value: &'v mut RawValue<'a>,
    tag: Tag,
) -> impl Iterator<Item = &'v mut RawValue<'a>> {
    let items = items(value).iter_mut();
    items
        .filter(move |item| item.tag == tag)
        .map(|item| &mut item.value)
}

/// The number of an enumeration in a structure.
pub(super) fn number(value: &mut RawValue<'_>, tag: Tag) -> Option<u32> {
    match all(value, tag).next() {
        Some(RawValue::Enumeration(number)) => Some(*number),
        _ => None,
    }
}
