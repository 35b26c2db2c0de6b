//! Item types, tags and enumerations.

use super::Ranged;
use crate::version::{Version, VersionRange};

/// The type of an item, the fourth byte of its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the specification's names")]
pub enum ItemKind {
    Structure,
    Integer,
    LongInteger,
    BigInteger,
    Enumeration,
    Boolean,
    TextString,
    ByteString,
    DateTime,
    Interval,
    DateTimeExtended,
}

impl ItemKind {
    /// Every kind, by code.
    pub const ALL: [ItemKind; 11] = [
        ItemKind::Structure,
        ItemKind::Integer,
        ItemKind::LongInteger,
        ItemKind::BigInteger,
        ItemKind::Enumeration,
        ItemKind::Boolean,
        ItemKind::TextString,
        ItemKind::ByteString,
        ItemKind::DateTime,
        ItemKind::Interval,
        ItemKind::DateTimeExtended,
    ];

    /// The code on the wire, 1 to 11.
    pub fn code(self) -> u8 {
        self as u8 + 1
    }

    /// The specification's name, as the tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            ItemKind::Structure => "Structure",
            ItemKind::Integer => "Integer",
            ItemKind::LongInteger => "Long Integer",
            ItemKind::BigInteger => "Big Integer",
            ItemKind::Enumeration => "Enumeration",
            ItemKind::Boolean => "Boolean",
            ItemKind::TextString => "Text String",
            ItemKind::ByteString => "Byte String",
            ItemKind::DateTime => "Date-Time",
            ItemKind::Interval => "Interval",
            ItemKind::DateTimeExtended => "Date-Time Extended",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<ItemKind> {
        ItemKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An item type as the tables list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRow {
    /// The type.
    pub kind: ItemKind,
    /// The code that the tables give.
    pub value: u32,
    /// The versions that have the type.
    pub range: VersionRange,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The specification's name, unique among the tags.
    pub name: String,
    /// The three bytes on the wire, 0x420001 or above.
    pub value: u32,
    /// The versions that define the tag.
    pub range: VersionRange,
    /// The types that an item with this tag has in some version or place; empty: any type.
    pub kinds: Vec<ItemKind>,
    /// The versions in which the tag is deprecated.
    pub deprecated: Option<VersionRange>,
    /// Whether a value below the tag may be key material, a password or other secret data, which logs
    /// must not show.
    pub secret: bool,
    /// Other spellings that are accepted on input.
    pub aliases: Vec<String>,
    /// The sections of the specifications that describe the item.
    pub sections: Vec<Ranged>,
}

/// A tag value that a version reserves: it must not be sent there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedTag {
    /// The three bytes.
    pub value: u32,
    /// The versions that reserve it.
    pub range: VersionRange,
}

/// An enumeration or a bit mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enumeration {
    /// The specification's name, unique among enumerations and masks.
    pub name: String,
    /// Enumeration or mask.
    pub kind: EnumerationKind,
    /// The tag whose items carry the values, if one gave the enumeration its name.
    pub tag: Option<String>,
    /// Further tags whose items carry the values.
    pub used_by: Vec<String>,
    /// The versions that define the enumeration.
    pub range: VersionRange,
    /// The values that vendors may define, in the specification's notation (`8XXXXXXX`).
    pub extensions: Option<String>,
    /// Where the values come from.
    pub source: ValueSource,
    /// The values of the table, by value; empty for [`ValueSource::Tags`].
    pub values: Vec<EnumValue>,
}

/// Whether values stand alone or are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnumerationKind {
    /// One value of an Enumeration item.
    Enum,
    /// Bits of an Integer item.
    Mask,
}

/// Where the values of an enumeration come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSource {
    /// The tables list them.
    Table,
    /// They are the tags.
    Tags,
    /// Another standard defines them (PKCS#11); the tables list those of its version 3.0.
    External,
}

/// A value of an enumeration, or a bit of a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumValue {
    /// The name to use, unique in the enumeration.
    pub name: String,
    /// The value, or the bit as a number.
    pub value: u32,
    /// The versions that define the value.
    pub range: VersionRange,
    /// The versions in which it is deprecated.
    pub deprecated: Option<VersionRange>,
    /// The spelling of each version, if it is not the same in all.
    pub spellings: Vec<Ranged>,
    /// Other spellings that are accepted on input.
    pub aliases: Vec<String>,
}

impl EnumValue {
    /// The name as `version` spells it.
    pub fn spelling(&self, version: Version) -> &str {
        self.spellings
            .iter()
            .find(|(range, _)| range.contains(version))
            .map_or(&self.name, |(_, spelling)| spelling)
    }
}
