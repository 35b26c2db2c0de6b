//! The plain structs that the tables are read into.
//!
//! Names are the specification's (`Cryptographic Algorithm`), and things refer to each other by name;
//! [`check`](crate::check()) verifies that every reference resolves. Errata of the published tables are
//! corrected where the wire shows what is right; the tables' `note` columns say what was published.

mod attributes;
mod layouts;
mod values;

pub use attributes::{Answer, Attribute, AttributeRule, Party, Rule};
pub use layouts::{Choice, Exchange, FieldRow, Operation, Payload, Required, Structure, layout};
pub use values::{
    EnumValue, Enumeration, EnumerationKind, ItemKind, ReservedTag, Tag, TypeRow, ValueSource,
};

use crate::version::VersionRange;

/// A text and the versions for which it holds: a section number, or a spelling.
pub type Ranged = (VersionRange, String);

/// All tables of KMIP 1.0 to 2.1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    /// Item types, by code.
    pub types: Vec<TypeRow>,
    /// Tags, by value.
    pub tags: Vec<Tag>,
    /// Tag values that some version reserves.
    pub reserved_tags: Vec<ReservedTag>,
    /// Enumerations and bit masks.
    pub enumerations: Vec<Enumeration>,
    /// Structures, without the payloads of operations.
    pub structures: Vec<Structure>,
    /// Operations with their payloads, by value.
    pub operations: Vec<Operation>,
    /// Attributes of managed objects with their rules.
    pub attributes: Vec<Attribute>,
}

impl Spec {
    /// The tag of that name.
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    /// The enumeration or mask of that name.
    pub fn enumeration(&self, name: &str) -> Option<&Enumeration> {
        self.enumerations
            .iter()
            .find(|enumeration| enumeration.name == name)
    }

    /// The enumeration or mask that gives the values of an item its meaning, by the item's tag.
    pub fn enumeration_of_tag(&self, tag: &str) -> Option<&Enumeration> {
        self.enumerations.iter().find(|enumeration| {
            enumeration.tag.as_deref() == Some(tag) || enumeration.used_by.iter().any(|t| t == tag)
        })
    }

    /// The structure of that name, with the variant in parentheses if it has one.
    pub fn structure(&self, name: &str) -> Option<&Structure> {
        self.structures
            .iter()
            .find(|structure| structure.name == name)
    }

    /// The operation of that name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.name == name)
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }
}
