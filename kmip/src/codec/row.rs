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
    /// [`Progress::seen`] when an item last had no place, if one ever had none.
    disturbed: Option<u64>,
    /// How many fields stood behind one that the table has later.
    pub(crate) misplaced: usize,
}

impl Progress {
    /// Whether every item so far had its place in the table.
    #[inline(always)]
    pub(crate) fn is_smooth(&self) -> bool {
        self.disturbed.is_none()
    }

    /// Looks whether the fields that were read since the last call stood in the table's order.
    /// Between two calls they do.
    pub(crate) fn check_order(&mut self) {
        let before = self.disturbed.replace(self.seen).unwrap_or_default();
        let earlier = (self.seen & !before).trailing_zeros();
        if earlier < u64::BITS - before.leading_zeros() {
            self.misplaced += 1;
        }
    }

    /// Lets another run of a repeated field's items come.
    pub(crate) fn reopen(&mut self, bit: usize) {
        self.seen &= !(1 << bit);
        self.disturbed = Some(self.seen);
    }
}

/// What the cold paths need to know of a structure.
pub(crate) struct Layout {
    /// The rows; the bit of a row is its index.
    pub(crate) rows: &'static [Row],
    /// For each version, the bits of the rows that are required.
    pub(crate) required: [u64; 7],
    /// Items that the table does not have are part of the structure.
    pub(crate) open: bool,
    /// Bits of the rows of the field that decides the type of another.
    pub(crate) selector: u64,
    /// Bits of the rows of that other field.
    pub(crate) selected: u64,
}

/// Where the encoder is among the raw items of a structure.
pub(crate) struct ExtraCursor<'e, 'a> {
    pub(crate) extra: &'e Extra<'a>,
    pub(crate) next: usize,
    pub(crate) items: u32,
}
