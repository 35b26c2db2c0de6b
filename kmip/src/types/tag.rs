//! Tags of items.

use std::fmt;

use super::enumeration::EnumerationTable;
use super::generated::{TAG_ENUMERATION, TAGS};
use crate::version::{Edition, ProtocolVersion};

/// Tag of an item: what it means (9.1.3.1 in KMIP 1.x, 11 in 2.x).
///
/// Standard tags are 0x420001 to 0x42FFFF, vendors use 0x540000 to 0x54FFFF. Unknown ones are
/// kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tag(pub u32);

/// What the specification says of a tag.
#[derive(Debug)]
pub struct TagInfo {
    /// The tag.
    pub tag: Tag,
    /// Name by the specification.
    pub name: &'static str,
    /// Name in XML and JSON.
    pub spelling: &'static str,
    /// The item may hold a key, a password or another secret.
    pub secret: bool,
    pub(crate) enumeration: Option<&'static EnumerationTable>,
    pub(crate) mask: Option<&'static EnumerationTable>,
    pub(crate) attribute: Option<&'static AttributeInfo>,
    /// A bit for each edition that has the attribute.
    pub(crate) attribute_editions: u8,
    pub(crate) since: u8,
    pub(crate) until: u8,
}

impl TagInfo {
    /// Whether the specification of this version has the tag.
    pub fn is_defined_in(&self, version: ProtocolVersion) -> bool {
        (self.since..=self.until).contains(&version.edition().0)
    }
}

/// The lowest standard tag; the table of tags begins with it.
const FIRST: u32 = 0x42_0001;

impl Tag {
    /// What the specification says of the tag. `None` for vendors' and unknown tags.
    pub fn info(self) -> Option<&'static TagInfo> {
        TAGS.get(self.0.wrapping_sub(FIRST) as usize)?.as_ref()
    }

    /// Name by the specification, such as `Batch Count`.
    pub fn name(self) -> Option<&'static str> {
        Some(self.info()?.name)
    }

    /// Name in XML and JSON, such as `BatchCount`.
    pub fn spelling(self) -> Option<&'static str> {
        Some(self.info()?.spelling)
    }

    /// The tag with this name in XML and JSON.
    pub fn by_spelling(name: &str) -> Option<Tag> {
        Some(Tag(TAG_ENUMERATION.by_name(name)?.value))
    }

    /// Whether an item with this tag may hold a secret.
    pub fn is_secret(self) -> bool {
        self.info().is_some_and(|info| info.secret)
    }

    /// The enumeration of the item, if it is one.
    pub fn enumeration(self) -> Option<&'static EnumerationTable> {
        self.info()?.enumeration
    }

    /// The mask of the item, if it is one.
    pub fn mask(self) -> Option<&'static EnumerationTable> {
        self.info()?.mask
    }

    /// The attribute that has this tag.
    pub fn attribute(self) -> Option<&'static AttributeInfo> {
        self.info()?.attribute
    }

    /// Whether the specification of this edition has an attribute with this tag.
    #[inline]
    pub(crate) fn is_attribute_in(self, edition: Edition) -> bool {
        self.info()
            .is_some_and(|info| info.attribute_editions >> edition.0 & 1 != 0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spelling() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:06X}", self.0),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the specification says of an attribute.
#[derive(Debug)]
pub struct AttributeInfo {
    /// Tag of the attribute in KMIP 2.x, and name of it everywhere in this library.
    pub tag: Tag,
    /// Attribute Name in KMIP 1.x.
    pub name: &'static str,
    pub(crate) rules: &'static [AttributeRules],
}

/// The rules of an attribute in a range of versions.
#[derive(Debug)]
pub struct AttributeRules {
    pub(crate) since: u8,
    pub(crate) until: u8,
    /// Every object it applies to has it.
    pub always_has_value: bool,
    /// A client may give it to a new object.
    pub settable_by_client: bool,
    /// A client may change it.
    pub modifiable_by_client: bool,
    /// A client may remove it.
    pub deletable_by_client: bool,
    /// An object may have several.
    pub multiple_instances: bool,
}

impl AttributeInfo {
    /// The rules in this version; `None` where it does not have the attribute.
    pub fn rules(&self, version: ProtocolVersion) -> Option<&'static AttributeRules> {
        self.rules_in(version.edition())
    }

    pub(crate) fn rules_in(&self, edition: Edition) -> Option<&'static AttributeRules> {
        let mut rules = self.rules.iter();
        rules.find(|rules| (rules.since..=rules.until).contains(&edition.0))
    }
}
