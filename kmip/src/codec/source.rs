//! The seam between typed messages and their encodings.

use std::borrow::Cow;

use super::error::Result;
use crate::types::{EnumerationTable, ItemType, Names, Tag};

/// Where a decoder reads items from: an encoding other than TTLV.
///
/// A source stands before an item or at the end of a structure. The functions that read a value
/// check the item's type and go to the next item of the same structure.
///
/// # Errors
/// All functions fail for input that breaks the rules of the encoding; those that read a value
/// also when the item has another type, or there is none.
pub trait Source<'a> {
    /// Tag of the item, `None` at the end of the structure.
    fn peek(&mut self) -> Result<Option<Tag>>;

    /// Type of the item.
    fn item_type(&mut self) -> Result<ItemType>;

    /// Where the item stands in the input, in bytes.
    fn offset(&self) -> usize;

    /// How many items with the tag of this one follow each other, this one included. A guess that
    /// is too low costs time.
    fn run_length(&self) -> usize {
        1
    }

    /// How many items there are from this one to the end of the structure, as a guess.
    fn items_ahead(&self) -> usize {
        1
    }

    /// Bytes from the begin of the item to the end of the input, as a guess: how much memory may
    /// be reserved for the items that are said to follow.
    fn remaining(&self) -> usize {
        0
    }

    /// Goes to the first item of the structure.
    fn enter(&mut self) -> Result<()>;

    /// Goes behind the structure that was entered, whatever is left in it.
    fn leave(&mut self) -> Result<()>;

    /// An Integer.
    fn integer(&mut self) -> Result<i32>;

    /// An Integer that is a mask; its bits may be given by name.
    fn mask(&mut self, names: &'static EnumerationTable) -> Result<u32>;

    /// A Long Integer.
    fn long_integer(&mut self) -> Result<i64>;

    /// A Big Integer: two's complement, big-endian, a multiple of eight bytes.
    fn big_integer(&mut self) -> Result<Cow<'a, [u8]>>;

    /// An Enumeration; the value may be given by name.
    fn enumeration(&mut self, names: Option<&'static EnumerationTable>) -> Result<u32>;

    /// A Boolean.
    fn boolean(&mut self) -> Result<bool>;

    /// A Text String.
    fn text(&mut self) -> Result<Cow<'a, str>>;

    /// A Byte String.
    fn bytes(&mut self) -> Result<Cow<'a, [u8]>>;

    /// A Date-Time in seconds since 1970-01-01 UTC.
    fn date_time(&mut self) -> Result<i64>;

    /// An Interval in seconds.
    fn interval(&mut self) -> Result<u32>;

    /// A Date-Time Extended in microseconds since 1970-01-01 UTC.
    fn date_time_extended(&mut self) -> Result<i64>;
}

/// Where an encoder writes items to: an encoding other than TTLV, or anything that wants to see
/// the items of a message, such as a printer.
///
/// # Errors
/// All functions fail for what the encoding cannot express.
pub trait Sink {
    /// Begins a structure.
    fn begin(&mut self, tag: Tag) -> Result<()>;

    /// Ends the structure that was begun last.
    fn end(&mut self) -> Result<()>;

    /// An Integer.
    fn integer(&mut self, tag: Tag, value: i32) -> Result<()>;

    /// An Integer that is a mask.
    fn mask(&mut self, tag: Tag, value: u32, names: Names) -> Result<()>;

    /// A Long Integer.
    fn long_integer(&mut self, tag: Tag, value: i64) -> Result<()>;

    /// A Big Integer: two's complement, big-endian.
    fn big_integer(&mut self, tag: Tag, value: &[u8]) -> Result<()>;

    /// An Enumeration.
    fn enumeration(&mut self, tag: Tag, value: u32, names: Option<Names>) -> Result<()>;

    /// A Boolean.
    fn boolean(&mut self, tag: Tag, value: bool) -> Result<()>;

    /// A Text String.
    fn text(&mut self, tag: Tag, value: &str) -> Result<()>;

    /// A Byte String.
    fn bytes(&mut self, tag: Tag, value: &[u8]) -> Result<()>;

    /// A Date-Time in seconds since 1970-01-01 UTC.
    fn date_time(&mut self, tag: Tag, seconds: i64) -> Result<()>;

    /// An Interval in seconds.
    fn interval(&mut self, tag: Tag, seconds: u32) -> Result<()>;

    /// A Date-Time Extended in microseconds since 1970-01-01 UTC.
    fn date_time_extended(&mut self, tag: Tag, microseconds: i64) -> Result<()>;
}
