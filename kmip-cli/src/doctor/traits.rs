//! In what a server differs from others, in the words of the zkey plugin's profiles (`ServerTrait` of the
//! crate zkey-kmip, on which this one depends in tests only).

/// One difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trait {
    /// The ID Placeholder is refused.
    SeparateActivate,
    /// A wrapped Get must not name a Key Format Type.
    DefaultKeyFormat,
    /// Messages must have one item.
    NoBatches,
    /// Set Attribute works, also for attributes that are not there yet.
    SetAttribute,
    /// Add Attribute does not exist.
    NoAddAttribute,
    /// Delete Attribute by a reference reports success and does nothing.
    DeleteByValue,
    /// Locate does not understand custom attributes.
    CoarseLocate,
    /// The Content-Type over HTTPS must name the character set.
    ContentCharset,
    /// JSON and XML must hold numbers instead of names.
    NumericValues,
}

impl Trait {
    fn name(self) -> &'static str {
        match self {
            Trait::SeparateActivate => "separate-activate",
            Trait::DefaultKeyFormat => "default-key-format",
            Trait::NoBatches => "no-batches",
            Trait::SetAttribute => "set-attribute",
            Trait::NoAddAttribute => "no-add-attribute",
            Trait::DeleteByValue => "delete-by-value",
            Trait::CoarseLocate => "coarse-locate",
            Trait::ContentCharset => "content-charset",
            Trait::NumericValues => "numeric-values",
        }
    }
}

/// The differences of a server.
#[derive(Debug, Clone, Default)]
pub(super) struct Traits(Vec<Trait>);

impl Traits {
    pub(super) fn note(&mut self, one: Trait) {
        if !self.0.contains(&one) {
            self.0.push(one);
        }
    }

    pub(super) fn has(&self, one: Trait) -> bool {
        self.0.contains(&one)
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|one| one.name()).collect()
    }
}
