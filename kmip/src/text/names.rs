//! The names of item types, and tags without one.

use super::digits::has_prefix;
use crate::types::{ItemType, Tag};

/// The item type with this name.
pub(crate) fn item_type(name: &str) -> Option<u8> {
    let position = TYPE_NAMES.iter().position(|known| *known == name)?;
    Some(position as u8 + 1)
}

/// Name of an item type.
pub(crate) fn type_name(code: u8) -> &'static str {
    TYPE_NAMES[usize::from(code) - 1]
}

/// The names of the item types, by their codes.
const TYPE_NAMES: [&str; 11] = [
    "Structure",
    "Integer",
    "LongInteger",
    "BigInteger",
    "Enumeration",
    "Boolean",
    "TextString",
    "ByteString",
    "DateTime",
    "Interval",
    "DateTimeExtended",
];

/// A tag that is written as `0x` and six digits.
pub(crate) fn tag_by_digits(text: &str) -> Option<Tag> {
    let digits = text.get(2..).filter(|_| has_prefix(text))?;
    let hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = u32::from_str_radix(digits, 16).ok()?;
    (hex && value != 0).then_some(Tag(value))
}

// `ItemType` numbers its values as `TYPE_NAMES` does.
const _: () = assert!(ItemType::DATE_TIME_EXTENDED.0 == 11 && ItemType::STRUCTURE.0 == 1);
