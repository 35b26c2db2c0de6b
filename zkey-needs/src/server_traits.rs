//! In what a KMIP server differs from others, as far as requests to it must be different.
//!
//! Traits are learned from refused requests, kept in `kmip.conf` for the server, and shown by
//! `zkey kms info`. A profile can say them instead.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerTrait {
    /// The ID Placeholder is refused: an object is activated by its identifier, in a message after
    /// the one that makes it.
    SeparateActivate,
    /// A wrapped Get must not name a Key Format Type.
    DefaultKeyFormat,
    /// Messages must have one item.
    NoBatches,
    /// Set Attribute works, also for attributes that are not there yet.
    SetAttribute,
    /// Add Attribute does not exist: attributes are made with the object, and modified later.
    NoAddAttribute,
    /// From KMIP 2.0 on, Delete Attribute by a reference reports success and does nothing.
    DeleteByValue,
    /// Locate does not understand custom attributes.
    CoarseLocate,
    /// The Content-Type over HTTPS must name the character set.
    ContentCharset,
    /// JSON and XML must hold numbers instead of names for the values of enumerations and masks.
    NumericValues,
}

impl ServerTrait {
    /// All traits.
    pub const ALL: [ServerTrait; 9] = [
        ServerTrait::SeparateActivate,
        ServerTrait::DefaultKeyFormat,
        ServerTrait::NoBatches,
        ServerTrait::SetAttribute,
        ServerTrait::NoAddAttribute,
        ServerTrait::DeleteByValue,
        ServerTrait::CoarseLocate,
        ServerTrait::ContentCharset,
        ServerTrait::NumericValues,
    ];

    /// The name in profiles and `kmip.conf`.
    pub const fn name(self) -> &'static str {
        match self {
            ServerTrait::SeparateActivate => "separate-activate",
            ServerTrait::DefaultKeyFormat => "default-key-format",
            ServerTrait::NoBatches => "no-batches",
            ServerTrait::SetAttribute => "set-attribute",
            ServerTrait::NoAddAttribute => "no-add-attribute",
            ServerTrait::DeleteByValue => "delete-by-value",
            ServerTrait::CoarseLocate => "coarse-locate",
            ServerTrait::ContentCharset => "content-charset",
            ServerTrait::NumericValues => "numeric-values",
        }
    }
}

/// The traits of a server. Displayed, and parsed, as names with commas, or `none`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTraits(BTreeSet<ServerTrait>);

/// A name is not that of a trait.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a trait of a server: use none, or {names}", names = names())]
pub struct UnknownTrait(String);

const NONE: &str = "none";

impl ServerTraits {
    /// The names that are known out of a list, in which a later version may have written others.
    pub fn known_in(text: &str) -> ServerTraits {
        ServerTraits(
            text.split(',')
                .filter_map(|name| named(name).ok())
                .collect(),
        )
    }

    /// Whether the server has this trait.
    pub fn has(&self, one: ServerTrait) -> bool {
        self.0.contains(&one)
    }

    /// Adds a trait; `false` if it was there.
    pub fn insert(&mut self, one: ServerTrait) -> bool {
        self.0.insert(one)
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|one| one.name()).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ServerTraits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_empty() {
            true => f.write_str(NONE),
            false => f.write_str(&self.names().join(",")),
        }
    }
}

impl FromStr for ServerTraits {
    type Err = UnknownTrait;

    fn from_str(text: &str) -> Result<Self, UnknownTrait> {
        if text.eq_ignore_ascii_case(NONE) {
            return Ok(ServerTraits::default());
        }
        text.split(',')
            .map(named)
            .collect::<Result<_, _>>()
            .map(ServerTraits)
    }
}

fn named(name: &str) -> Result<ServerTrait, UnknownTrait> {
    let name = name.trim();
    let mut all = ServerTrait::ALL.into_iter();
    all.find(|one| one.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| UnknownTrait(name.to_owned()))
}

fn names() -> String {
    ServerTrait::ALL.map(ServerTrait::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_are_stored_as_names() {
        let text = "separate-activate,delete-by-value";
        let traits: ServerTraits = text.parse().unwrap();
        assert_eq!(traits.to_string(), text);
        assert_eq!("NONE".parse(), Ok(ServerTraits::default()));
        assert_eq!(ServerTraits::default().to_string(), "none");
        assert!("separate-activate,other".parse::<ServerTraits>().is_err());
        // A later version may know more.
        assert_eq!(
            ServerTraits::known_in("other,none, separate-activate,delete-by-value"),
            traits
        );
    }
}
