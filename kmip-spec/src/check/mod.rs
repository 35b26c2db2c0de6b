//! Consistency of the tables: what can be read, but makes no sense.

mod layouts;
mod names;
mod values;

use crate::model::{Enumeration, EnumerationKind, ItemKind, Spec};
use crate::version::VersionRange;

/// Everything that is inconsistent in `spec`; nothing for the built-in tables.
///
/// Values and names are unique where they share a version, ranges of one thing are disjoint and in
/// order, every reference resolves in all versions of what refers, and no two names become the same in
/// XML and JSON.
pub fn check(spec: &Spec) -> Vec<Finding> {
    let mut findings = Vec::new();
    names::check(spec, &mut findings);
    values::check(spec, &mut findings);
    layouts::check(spec, &mut findings);
    findings
}

/// An inconsistency of the tables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Finding {
    /// A name stands twice in its scope.
    #[error("{scope}: `{name}` is named twice")]
    DuplicateName { scope: String, name: String },
    /// Two names of a scope become one in XML and JSON.
    #[error("{scope}: `{first}` and `{second}` are both {normalised} in XML and JSON")]
    SameNormalisedName {
        scope: String,
        first: String,
        second: String,
        normalised: String,
    },
    /// Two things of a scope have the same value in the same version.
    #[error("{scope}: `{first}` and `{second}` have the same value 0x{value:X}")]
    DuplicateValue {
        scope: String,
        value: u32,
        first: String,
        second: String,
    },
    /// The rows of a scope are not ordered by value.
    #[error("{scope}: `{second}` has a lower value than `{first}` above it")]
    ValueOrder {
        scope: String,
        first: String,
        second: String,
    },
    /// A value is not of the kind that its table holds.
    #[error("{place}: the value 0x{value:X} should be {expected}")]
    Value {
        place: String,
        value: u32,
        expected: String,
    },
    /// A version both defines and reserves a tag value.
    #[error("tag `{name}` is defined for {defined}, but 0x{value:06X} is reserved for {reserved}")]
    ReservedTag {
        name: String,
        value: u32,
        defined: VersionRange,
        reserved: VersionRange,
    },
    /// The spellings of a value leave out a version or overlap.
    #[error("{place}: the spellings do not give one for each version of {range}")]
    Spellings { place: String, range: VersionRange },
    /// A name refers to nothing.
    #[error("{place}: there is no {kind} `{name}`")]
    UnknownReference {
        place: String,
        kind: &'static str,
        name: String,
    },
    /// A reference is used in versions that do not have what it refers to.
    #[error("{place}: holds for {range}, but {kind} `{name}` exists for {available} only")]
    OutsideRange {
        place: String,
        range: VersionRange,
        kind: &'static str,
        name: String,
        available: VersionRange,
    },
    /// A field row holds for a version in which its structure or payload does not exist.
    #[error("{place}: holds for {range}, in which the table does not exist throughout")]
    NoTable { place: String, range: VersionRange },
    /// The rows of one thing overlap, or a later row has an earlier range.
    #[error("{place}: {second} should come after {first} and not overlap it")]
    RowOrder {
        place: String,
        first: VersionRange,
        second: VersionRange,
    },
    /// The rows of one field do not stand together.
    #[error("{place}: other fields stand between its rows")]
    ScatteredRows { place: String },
    /// An item can have a type that its tag cannot.
    #[error("{place}: tag `{tag}` has no type {}", kind.name())]
    TagKind {
        place: String,
        tag: String,
        kind: ItemKind,
    },
    /// The types of an item and its enumeration do not fit.
    #[error("{place}: the types of the item and the enumeration do not fit: {problem}")]
    EnumerationKind {
        place: String,
        problem: &'static str,
    },
    /// An enumeration is used under a tag that it does not list, or that two list.
    #[error(
        "{place}: tag `{tag}` is to be listed by the enumeration `{enumeration}`, and by no other"
    )]
    EnumerationTag {
        place: String,
        tag: String,
        enumeration: String,
    },
    /// A 1.x attribute rule lacks the Attribute Name, or a 2.x one has it.
    #[error("attribute `{attribute}`, {range}: `name_string` belongs to 1.x, and to 1.x only")]
    NameString {
        attribute: String,
        range: VersionRange,
    },
}

/// How findings name an enumeration or mask.
fn describe(enumeration: &Enumeration) -> String {
    let kind = match enumeration.kind {
        EnumerationKind::Enum => "enumeration",
        EnumerationKind::Mask => "mask",
    };
    format!("{kind} `{}`", enumeration.name)
}

/// Reports each pair of neighbours whose ranges overlap or do not ascend.
fn check_row_order(
    place: &str,
    ranges: impl Iterator<Item = VersionRange>,
    findings: &mut Vec<Finding>,
) {
    let mut previous: Option<VersionRange> = None;
    for second in ranges {
        if let Some(first) = previous.filter(|first| second.since <= first.last()) {
            findings.push(Finding::RowOrder {
                place: place.to_owned(),
                first,
                second,
            });
        }
        previous = Some(second);
    }
}
