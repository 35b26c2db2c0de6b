//! The rows of the tables, as generated code carries them.

use super::raw::Extra;
use crate::version::Edition;

/// One row of a structure's table: a tag, the versions that have it, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) tag: u32,
    since: u8,
    until: u8,
    /// The specification requires it, and no real message is known to leave it out.
    pub(crate) required: bool,
    pub(crate) repeat: bool,
}

impl Row {
    pub(crate) const fn new(tag: u32, since: u8, until: u8, required: bool, repeat: bool) -> Self {
        Row {
            tag,
            since,
            until,
            required,
            repeat,
        }
    }

    #[inline(always)]
    pub(crate) fn contains(self, edition: Edition) -> bool {
        self.since <= edition.0 && edition.0 <= self.until
    }
}

/// What was found of a structure so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// A bit for each row.
    pub(crate) seen: u64,
    /// How many items became typed fields.
    pub(crate) items: u32,
}

/// What the cold paths need to know of a structure.
pub(crate) struct Layout {
    /// The rows; the bit of a row is its index.
    pub(crate) rows: &'static [Row],
    /// For each version, the bits of the rows that are required.
    pub(crate) required: [u64; 7],
    /// Items that the table does not have are part of the structure.
    pub(crate) open: bool,
}

/// Where the encoder is among the raw items of a structure.
pub(crate) struct ExtraCursor<'e, 'a> {
    pub(crate) extra: &'e Extra<'a>,
    pub(crate) next: usize,
    pub(crate) items: u32,
}
