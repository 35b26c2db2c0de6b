//! Attributes and their rules.

use super::{ItemKind, Ranged};
use crate::version::VersionRange;

/// An attribute of managed objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The specification's name.
    pub name: String,
    /// The tag of the attribute's value (in 1.x only used inside other structures).
    pub tag_name: String,
    /// The rules, with ascending disjoint ranges.
    pub rules: Vec<AttributeRule>,
}

/// The rules of an attribute in some range of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeRule {
    /// The versions for which the rules hold.
    pub range: VersionRange,
    /// The Attribute Name of 1.x messages.
    pub name_string: Option<String>,
    /// The types of the value; empty: any type.
    pub kinds: Vec<ItemKind>,
    /// The enumeration or mask of the value.
    pub enumeration: Option<String>,
    /// The structure of the value.
    pub structure: Option<String>,
    /// Whether every object that it applies to has a value.
    pub always_has_value: Rule,
    /// Who sets the first value.
    pub initially_set_by: Vec<Party>,
    /// Whether the server may change the value by itself.
    pub modifiable_by_server: Rule,
    /// Whether a client may change the value.
    pub modifiable_by_client: Rule,
    /// Whether a client may delete the value.
    pub deletable_by_client: Rule,
    /// Whether an object may have several values.
    pub multiple_instances: Rule,
    /// The operations that set it by the way; `event:` starts the name of another occasion.
    pub implicitly_set_by: Vec<String>,
    /// The groups of objects that it applies to, in the specification's words.
    pub applies_to: Vec<String>,
    /// The object types that the cross-reference appendix of 1.x gives.
    pub cross_reference: Vec<String>,
    /// The sections of the specifications.
    pub sections: Vec<Ranged>,
}

/// Client or server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Party {
    Client,
    Server,
}

/// An answer of an attribute's rules table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The answer.
    pub answer: Answer,
    /// When it holds, or its exception.
    pub when: Option<String>,
}

/// The answer of a [`Rule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It depends, as [`Rule::when`] says.
    Conditional,
    /// There is no such table.
    Unspecified,
}
