//! Walking the items of a TTLV message without types and without allocation.

mod errors;
mod values;

use super::code;
use crate::codec::Result;
use crate::types::{ItemType, Tag};

/// Bytes of the header of an item: tag, type and length.
pub const HEADER_BYTES: usize = 8;

/// A pull reader over the items of a TTLV message.
///
/// The reader always stands before an item, or at the end of a structure. It has checked the
/// header of that item: its length is inside the structure. The value is checked when it is
/// asked for.
///
/// ```
/// use kmip::ttlv::Reader;
/// use kmip::types::Tag;
///
/// let message = [0x42, 0, 0x0D, 2, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0];
/// let mut reader = Reader::new(&message)?;
/// assert_eq!(reader.tag(), Some(Tag::BATCH_COUNT));
/// assert_eq!(reader.integer()?, 7);
/// assert_eq!(reader.tag(), None);
/// # Ok::<(), kmip::codec::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    data: &'a [u8],
    /// Where the enclosing structure ends.
    end: usize,
    /// From the value of the item to the end of the enclosing structure.
    rest: &'a [u8],
    /// Header of the item: tag, type and length. 0 at the end of a structure.
    header: u64,
    strict: bool,
}

/// What [`Reader::leave`] needs to return to the enclosing structure.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Frame {
    end: usize,
}

impl<'a> Reader<'a> {
    /// A reader before the first item of `data`.
    ///
    /// # Errors
    /// The header of the first item is broken or its value longer than `data`.
    pub fn new(data: &'a [u8]) -> Result<Self> {
        let mut reader = Reader {
            data,
            end: data.len(),
            rest: &[],
            header: 0,
            strict: false,
        };
        reader.read_header(data)?;
        Ok(reader)
    }

    /// Makes padding that is not zero an error.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Tag of the item; `None` at the end of the structure.
    pub fn tag(&self) -> Option<Tag> {
        (self.header != 0).then_some(Tag(self.raw_tag()))
    }

    /// The tag as a number, 0 at the end of the structure.
    #[inline(always)]
    pub(crate) fn raw_tag(&self) -> u32 {
        (self.header >> 40) as u32
    }

    /// Type of the item. Meaningless at the end of a structure.
    pub fn item_type(&self) -> ItemType {
        ItemType(u32::from(self.raw_type()))
    }

    #[inline(always)]
    fn raw_type(&self) -> u8 {
        (self.header >> 32) as u8
    }

    /// Length of the value in bytes, without padding.
    #[inline(always)]
    pub(crate) fn length(&self) -> usize {
        self.header as u32 as usize
    }

    /// Where the item begins, in bytes; at the end of a structure, where that ends.
    pub fn offset(&self) -> usize {
        if self.header == 0 {
            self.end
        } else {
            self.end - self.rest.len() - HEADER_BYTES
        }
    }

    /// Pretends to stand before an item with this tag, for items that are not in TTLV.
    pub(crate) fn set_tag(&mut self, tag: Option<Tag>) {
        self.header = tag.map_or(0, |tag| u64::from(tag.0) << 40);
    }

    /// Makes the item the last one: what follows it is not looked at.
    pub(crate) fn end_behind_item(&mut self) {
        let (value, behind) = self.split();
        self.rest = value;
        self.end -= behind.len();
    }

    /// Bytes from the begin of the item to the end of the data, or those behind the end of the
    /// structure.
    pub(crate) fn unread(&self) -> usize {
        self.data.len() - self.offset()
    }

    /// Bytes from the begin of the item to the end of the structure.
    pub(crate) fn remaining(&self) -> usize {
        self.end - self.offset()
    }

    /// The item as it stands in the message, with header and padding; empty at the end.
    pub fn item_bytes(&self) -> &'a [u8] {
        if self.header == 0 {
            return &[];
        }
        let (_, behind) = self.split();
        &self.data[self.offset()..self.end - behind.len()]
    }

    /// How many items with the tag of this one follow each other, this one included. Broken
    /// headers end the count. A guess where all items of the structure seem to be alike.
    pub(crate) fn run_length(&self) -> usize {
        let (value, behind) = self.split();
        let size = HEADER_BYTES + value.len();
        if !behind.is_empty() && behind.len() % size == 0 {
            let last = behind[behind.len() - size..].first_chunk();
            if last.is_some_and(|header| u64::from_be_bytes(*header) == self.header) {
                return 1 + behind.len() / size;
            }
        }
        self.count(|tag| tag == self.raw_tag())
    }

    /// How many items there are from this one to the end of the structure. Broken headers end
    /// the count.
    pub(crate) fn items_ahead(&self) -> usize {
        self.count(|_| true)
    }

    #[inline(always)]
    fn count(&self, belongs: impl Fn(u32) -> bool) -> usize {
        if self.header == 0 {
            return 0;
        }
        let mut count = 1;
        let (_, mut rest) = self.split();
        while let Some((header, behind)) = rest.split_first_chunk::<HEADER_BYTES>() {
            let header = u64::from_be_bytes(*header);
            let padded = padded_length(header);
            if padded > behind.len() as u64 || !belongs((header >> 40) as u32) {
                break;
            }
            rest = &behind[padded as usize..];
            count += 1;
        }
        count
    }

    /// Goes to the next item of the structure without looking at the value of this one.
    ///
    /// # Errors
    /// The header of the next item is broken.
    #[inline]
    pub fn skip(&mut self) -> Result<()> {
        let (_, behind) = self.split();
        self.read_header(behind)
    }

    /// Goes to the first item of the structure.
    ///
    /// # Errors
    /// The item is not a structure, or the header of its first item is broken.
    #[inline]
    pub fn enter(&mut self) -> Result<Frame> {
        if self.raw_type() != code::STRUCTURE || self.length() % 8 != 0 {
            return Err(self.unexpected(code::STRUCTURE));
        }
        let (inside, behind) = self.split();
        let frame = Frame { end: self.end };
        self.end -= behind.len();
        self.read_header(inside)?;
        Ok(frame)
    }

    /// Goes behind the structure that was entered, whatever is left in it.
    ///
    /// # Errors
    /// The header of the item behind it is broken.
    #[inline]
    pub fn leave(&mut self, frame: Frame) -> Result<()> {
        let behind = self.data.get(self.end..frame.end).unwrap_or_default();
        self.end = frame.end;
        self.read_header(behind)
    }

    /// The value with its padding, and what follows it. In bounds, since
    /// [`Reader::read_header`] has seen to it.
    #[inline(always)]
    fn split(&self) -> (&'a [u8], &'a [u8]) {
        let padded = padded_length(self.header) as usize;
        self.rest.split_at_checked(padded).unwrap_or_default()
    }

    /// Reads the header at the begin of `rest`, which reaches to the end of the structure.
    #[inline(always)]
    fn read_header(&mut self, rest: &'a [u8]) -> Result<()> {
        let Some((header, rest)) = rest.split_first_chunk::<HEADER_BYTES>() else {
            return self.at_end(rest);
        };
        let header = u64::from_be_bytes(*header);
        let item_type = (header >> 32) as u8;
        if padded_length(header) > rest.len() as u64
            || header >> 40 == 0
            || item_type.wrapping_sub(1) >= code::DATE_TIME_EXTENDED
        {
            return Err(self.bad_header(header, rest.len()));
        }
        self.header = header;
        self.rest = rest;
        Ok(())
    }

    #[inline(always)]
    fn at_end(&mut self, rest: &[u8]) -> Result<()> {
        self.header = 0;
        self.rest = &[];
        if rest.is_empty() {
            return Ok(());
        }
        Err(self.short_header(rest.len()))
    }
}

/// The length in a header, with padding.
#[inline(always)]
fn padded_length(header: u64) -> u64 {
    (u64::from(header as u32) + 7) & !7
}
