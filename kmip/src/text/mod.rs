//! What the two encodings in text, JSON and XML, have in common.
//!
//! A message is read in two steps: a parser fills an [`Index`], a flat list of the items with
//! their values still as text, and a [`Cursor`] over it is the source of a decoder. So the parser
//! decides what a well-formed message is, and values are understood in one place.

mod cursor;
mod digits;
mod encoding;
mod fragments;
mod index;
mod lines;
mod names;
mod plain;
pub(crate) mod steps;
mod time;
mod value;

use crate::codec::{Error, ErrorKind, Limits, Result};
use crate::types::Names;

pub(crate) use cursor::Cursor;
pub(crate) use digits::{push_decimal, push_hex, push_hex_word};
pub(crate) use encoding::{TextWriter, decode_item, encode_item, encoding};
pub use fragments::Fragment;
pub(crate) use fragments::fragments;
pub(crate) use index::{Index, Value};
pub(crate) use lines::Lines;
pub(crate) use names::{item_type, tag_by_digits, type_name};
pub(crate) use plain::plain_length;
pub(crate) use time::{push_date_time, push_date_time_extended};
pub(crate) use value::{LARGEST_EXACT, Rules, shortened};

/// The name of an item whose tag has none.
pub(crate) const GENERIC: &str = "TTLV";

/// How a writer places the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// No white space.
    Compact,
    /// An item a line, two blanks for each level.
    Indented,
    /// No white space, and no names of values: enumerations and masks are numbers.
    Numbers,
}

/// The message as text, without the byte order mark that some programs put in front, and where it
/// begins.
pub(crate) fn checked_text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str> {
    let (length, limit) = (bytes.len(), limits.message_bytes.min(u32::MAX as usize));
    if length > limit {
        return Err(Error::new(ErrorKind::TooLong { length, limit }));
    }
    steps::count(length);
    std::str::from_utf8(bytes)
        .map_err(|error| Error::at(ErrorKind::InvalidUtf8, error.valid_up_to()))
}

/// Where the message begins: behind the byte order mark that some programs write.
pub(crate) fn skip_mark(text: &str) -> usize {
    if text.starts_with('\u{FEFF}') {
        '\u{FEFF}'.len_utf8()
    } else {
        0
    }
}

/// Appends the bits of a mask by name, and those without one as a hexadecimal word.
pub(crate) fn push_mask(buffer: &mut Vec<u8>, names: Names, mask: u32, separator: u8) {
    let start = buffer.len();
    let (named, rest) = names.bits(mask);
    for name in named {
        if buffer.len() > start {
            buffer.push(separator);
        }
        buffer.extend_from_slice(name.as_bytes());
    }
    if rest != 0 || mask == 0 {
        if buffer.len() > start {
            buffer.push(separator);
        }
        push_hex_word(buffer, rest);
    }
}
