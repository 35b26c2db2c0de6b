//! Structures, operations and their fields.

use super::{ItemKind, Ranged};
use crate::version::{Version, VersionRange};

/// A structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// The specification's name; structures that share a tag are told apart by a [variant](Self::variant)
    /// in parentheses.
    pub name: String,
    /// The tag.
    pub tag_name: String,
    /// The text in parentheses, such as `Transparent RSA Private Key` for a Key Material.
    pub variant: Option<String>,
    /// The versions that define the structure.
    pub range: VersionRange,
    /// The rows of all versions, in an order that agrees with that of every version.
    pub fields: Vec<FieldRow>,
    /// The tables publish a structure holding one item of the same tag, but the wire has the bare item.
    pub bare_item: bool,
    /// The sections of the specifications that define it.
    pub sections: Vec<Ranged>,
}

/// A field of a structure or payload in some range of versions. A field that changes between versions
/// has several rows, one after the other, with ascending disjoint ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRow {
    /// The specification's name of the field.
    pub name: String,
    /// The name of the tag; `None` for a [choice](Self::choice).
    pub tag: Option<String>,
    /// The types that the item can have; empty: any type.
    pub kinds: Vec<ItemKind>,
    /// The enumeration or mask of the values, if they are enumerated.
    pub enumeration: Option<String>,
    /// The versions for which the row holds.
    pub range: VersionRange,
    /// Whether the field must be there.
    pub required: Required,
    /// Whether it may be there several times.
    pub repeat: bool,
    /// What stands in the place, if it is not one item of a fixed tag.
    pub choice: Option<Choice>,
    /// The versions in which the field is deprecated.
    pub deprecated: Option<VersionRange>,
    /// Messages are accepted that lack the field though it is required: official ones do.
    pub tolerate_missing: bool,
    /// Conditions, and corrections of the published table.
    pub note: Option<String>,
}

/// Whether a field must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// Always.
    Yes,
    /// It may be left out.
    No,
    /// It depends, as the row's note says.
    Conditional,
    /// The table does not say.
    Unspecified,
}

/// What stands in the place of a field that is not one item of a fixed tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Any attribute of the version, under its own tag.
    AnyAttribute,
    /// Items of any tag (vendor data).
    AnyItem,
    /// An item of one of these tags.
    OneOf(Vec<String>),
}

/// The rows that hold for `version`, in order.
pub fn layout(fields: &[FieldRow], version: Version) -> impl Iterator<Item = &FieldRow> {
    fields
        .iter()
        .filter(move |field| field.range.contains(version))
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The specification's name.
    pub name: String,
    /// The value of the enumeration Operation.
    pub value: u32,
    /// The versions that have the operation in some direction.
    pub range: VersionRange,
    /// Asked by the client.
    pub client_to_server: Option<Exchange>,
    /// Asked by the server.
    pub server_to_client: Option<Exchange>,
}

/// The messages of an operation in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The versions that have the operation in this direction.
    pub range: VersionRange,
    /// The request's payload.
    pub request: Option<Payload>,
    /// The response's payload; `None` where no version has a table: Poll is answered by the response
    /// of the polled operation, Notify and Put by an empty payload.
    pub response: Option<Payload>,
    /// The sections of the specifications.
    pub sections: Vec<Ranged>,
}

/// The payload of a request or response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// The versions in which the table exists; it may be empty there.
    pub ranges: Vec<VersionRange>,
    /// The rows of all versions, in an order that agrees with that of every version.
    pub fields: Vec<FieldRow>,
}

impl Payload {
    /// Whether the table exists in `version`.
    pub fn contains(&self, version: Version) -> bool {
        self.ranges.iter().any(|range| range.contains(version))
    }
}
