//! Walking the items of a TTLV message without types and without allocation.

use crate::codec::{Error, ErrorKind, Result};
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
    /// Where the value of the item begins.
    value: usize,
    /// Tag of the item; 0 at the end of a structure.
    tag: u32,
    length: u32,
    item_type: u8,
    strict: bool,
}

/// What [`Reader::leave`] needs to return to the enclosing structure.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Frame {
    end: usize,
}

/// Type codes as they stand in a header.
pub(crate) mod code {
    pub(crate) const STRUCTURE: u8 = 1;
    pub(crate) const INTEGER: u8 = 2;
    pub(crate) const LONG_INTEGER: u8 = 3;
    pub(crate) const BIG_INTEGER: u8 = 4;
    pub(crate) const ENUMERATION: u8 = 5;
    pub(crate) const BOOLEAN: u8 = 6;
    pub(crate) const TEXT_STRING: u8 = 7;
    pub(crate) const BYTE_STRING: u8 = 8;
    pub(crate) const DATE_TIME: u8 = 9;
    pub(crate) const INTERVAL: u8 = 10;
    pub(crate) const DATE_TIME_EXTENDED: u8 = 11;
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
            value: 0,
            tag: 0,
            length: 0,
            item_type: 0,
            strict: false,
        };
        reader.header(0)?;
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
        (self.tag != 0).then_some(Tag(self.tag))
    }

    /// The tag as a number, 0 at the end of the structure.
    #[inline(always)]
    pub(crate) fn raw_tag(&self) -> u32 {
        self.tag
    }

    /// Type of the item. Meaningless at the end of a structure.
    pub fn item_type(&self) -> ItemType {
        ItemType(u32::from(self.item_type))
    }

    /// Where the item begins, in bytes; at the end of a structure, where that ends.
    pub fn offset(&self) -> usize {
        if self.tag == 0 {
            self.end
        } else {
            self.value - HEADER_BYTES
        }
    }

    /// Pretends to stand before an item with this tag, for items that are not in TTLV.
    pub(crate) fn set_tag(&mut self, tag: Option<Tag>) {
        self.tag = tag.map_or(0, |tag| tag.0);
    }

    /// Bytes from the begin of the item to the end of the structure.
    pub(crate) fn remaining(&self) -> usize {
        self.end - self.offset()
    }

    /// The item as it stands in the message, with header and padding; empty at the end.
    pub fn item_bytes(&self) -> &'a [u8] {
        if self.tag == 0 {
            return &[];
        }
        &self.data[self.value - HEADER_BYTES..self.next()]
    }

    /// How many items with the tag of this one follow each other, this one included. Broken
    /// headers end the count.
    pub(crate) fn run_length(&self) -> usize {
        self.count(|tag| tag == self.tag)
    }

    /// How many items there are from this one to the end of the structure. Broken headers end
    /// the count.
    pub(crate) fn items_ahead(&self) -> usize {
        self.count(|_| true)
    }

    #[inline(always)]
    fn count(&self, belongs: impl Fn(u32) -> bool) -> usize {
        if self.tag == 0 {
            return 0;
        }
        let mut count = 1;
        let mut position = self.next();
        while let Some(header) = self.data[position..self.end].first_chunk::<HEADER_BYTES>() {
            let word = u64::from_be_bytes(*header);
            let Some(padded) = padded_length(word as u32) else {
                break;
            };
            let fits = padded <= self.end - position - HEADER_BYTES;
            if !fits || !belongs((word >> 40) as u32) {
                break;
            }
            position += HEADER_BYTES + padded;
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
        self.advance()
    }

    /// Goes to the first item of the structure.
    ///
    /// # Errors
    /// The item is not a structure, or the header of its first item is broken.
    #[inline]
    pub fn enter(&mut self) -> Result<Frame> {
        self.expect(code::STRUCTURE)?;
        if self.length % 8 != 0 {
            return Err(self.bad_length());
        }
        let frame = Frame { end: self.end };
        self.end = self.value + self.length as usize;
        self.header(self.value)?;
        Ok(frame)
    }

    /// Goes behind the structure that was entered, whatever is left in it.
    ///
    /// # Errors
    /// The header of the item behind it is broken.
    #[inline]
    pub fn leave(&mut self, frame: Frame) -> Result<()> {
        let position = self.end;
        self.end = frame.end;
        self.header(position)
    }

    /// An Integer; goes to the next item, as do all functions below.
    ///
    /// # Errors
    /// The item has another type or a wrong length, or the next header is broken; so below.
    #[inline]
    pub fn integer(&mut self) -> Result<i32> {
        Ok(self.word(code::INTEGER)? as i32)
    }

    /// A Long Integer.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    #[inline]
    pub fn long_integer(&mut self) -> Result<i64> {
        Ok(self.double_word(code::LONG_INTEGER)? as i64)
    }

    /// A Big Integer: two's complement, big-endian, as many bytes as stand in the message.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    pub fn big_integer(&mut self) -> Result<&'a [u8]> {
        self.expect(code::BIG_INTEGER)?;
        if self.length % 8 != 0 {
            return Err(self.bad_length());
        }
        self.bytes_of_value()
    }

    /// An Enumeration.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    #[inline]
    pub fn enumeration(&mut self) -> Result<u32> {
        self.word(code::ENUMERATION)
    }

    /// A Boolean.
    ///
    /// # Errors
    /// See [`Reader::integer`]; and only 0 and 1 are Booleans.
    #[inline]
    pub fn boolean(&mut self) -> Result<bool> {
        let offset = self.offset();
        match self.double_word(code::BOOLEAN)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Error::at(ErrorKind::InvalidBoolean(other), offset)),
        }
    }

    /// A Text String.
    ///
    /// # Errors
    /// See [`Reader::integer`]; and the text must be UTF-8.
    #[inline]
    pub fn text_string(&mut self) -> Result<&'a str> {
        self.expect(code::TEXT_STRING)?;
        let offset = self.offset();
        let bytes = self.bytes_of_value()?;
        std::str::from_utf8(bytes).map_err(|_| Error::at(ErrorKind::InvalidUtf8, offset))
    }

    /// A Byte String.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    #[inline]
    pub fn byte_string(&mut self) -> Result<&'a [u8]> {
        self.expect(code::BYTE_STRING)?;
        self.bytes_of_value()
    }

    /// A Date-Time: seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    #[inline]
    pub fn date_time(&mut self) -> Result<i64> {
        Ok(self.double_word(code::DATE_TIME)? as i64)
    }

    /// An Interval in seconds.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    #[inline]
    pub fn interval(&mut self) -> Result<u32> {
        self.word(code::INTERVAL)
    }

    /// A Date-Time Extended: microseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    #[inline]
    pub fn date_time_extended(&mut self) -> Result<i64> {
        Ok(self.double_word(code::DATE_TIME_EXTENDED)? as i64)
    }

    #[inline(always)]
    fn word(&mut self, item_type: u8) -> Result<u32> {
        self.expect(item_type)?;
        if self.length != 4 {
            return Err(self.bad_length());
        }
        let mut word = [0; 4];
        word.copy_from_slice(&self.data[self.value..self.value + 4]);
        self.padding(4, 8)?;
        self.advance()?;
        Ok(u32::from_be_bytes(word))
    }

    #[inline(always)]
    fn double_word(&mut self, item_type: u8) -> Result<u64> {
        self.expect(item_type)?;
        if self.length != 8 {
            return Err(self.bad_length());
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.data[self.value..self.value + 8]);
        self.advance()?;
        Ok(u64::from_be_bytes(word))
    }

    #[inline(always)]
    fn bytes_of_value(&mut self) -> Result<&'a [u8]> {
        let length = self.length as usize;
        let bytes = &self.data[self.value..self.value + length];
        self.padding(length, length.next_multiple_of(8))?;
        self.advance()?;
        Ok(bytes)
    }

    #[inline(always)]
    fn padding(&self, from: usize, to: usize) -> Result<()> {
        if self.strict
            && self.data[self.value + from..self.value + to]
                .iter()
                .any(|b| *b != 0)
        {
            return Err(Error::at(ErrorKind::NonZeroPadding, self.offset()));
        }
        Ok(())
    }

    #[inline(always)]
    fn expect(&self, item_type: u8) -> Result<()> {
        if self.item_type == item_type && self.tag != 0 {
            Ok(())
        } else {
            Err(self.unexpected_type(item_type))
        }
    }

    #[inline(always)]
    fn advance(&mut self) -> Result<()> {
        self.header(self.next())
    }

    /// Where the next item begins. In bounds, since [`Reader::header`] has seen to it.
    #[inline(always)]
    fn next(&self) -> usize {
        self.value + (self.length as usize).next_multiple_of(8)
    }

    /// Reads the header at `position`, which is at most `self.end`.
    #[inline(always)]
    fn header(&mut self, position: usize) -> Result<()> {
        let rest = &self.data[position..self.end];
        let Some(header) = rest.first_chunk::<HEADER_BYTES>() else {
            return self.at_end(position);
        };
        let word = u64::from_be_bytes(*header);
        self.tag = (word >> 40) as u32;
        self.item_type = (word >> 32) as u8;
        self.length = word as u32;
        self.value = position + HEADER_BYTES;
        match padded_length(self.length) {
            Some(padded) if padded <= rest.len() - HEADER_BYTES && self.tag != 0 => {}
            _ => return Err(self.bad_header()),
        }
        if self.item_type.wrapping_sub(1) >= code::DATE_TIME_EXTENDED {
            return Err(self.bad_header());
        }
        Ok(())
    }

    #[inline(always)]
    fn at_end(&mut self, position: usize) -> Result<()> {
        self.tag = 0;
        self.item_type = 0;
        if position == self.end {
            return Ok(());
        }
        let available = self.end - position;
        let needed = HEADER_BYTES - available;
        Err(Error::at(
            ErrorKind::Truncated { needed, available },
            position,
        ))
    }

    #[cold]
    fn bad_header(&self) -> Error {
        let available = self.end - self.value;
        let length = self.length as usize;
        let padded = length.next_multiple_of(8);
        let kind = if self.tag == 0 {
            ErrorKind::InvalidTag(self.tag)
        } else if self.item_type.wrapping_sub(1) >= code::DATE_TIME_EXTENDED {
            ErrorKind::InvalidType(self.item_type)
        } else {
            let needed = padded - available;
            ErrorKind::Truncated { needed, available }
        };
        Error::at(kind, self.value - HEADER_BYTES)
    }

    #[cold]
    fn bad_length(&self) -> Error {
        let item_type = self.item_type();
        let length = self.length as usize;
        Error::at(
            ErrorKind::InvalidLength { item_type, length },
            self.offset(),
        )
    }

    #[cold]
    fn unexpected_type(&self, expected: u8) -> Error {
        let expected = ItemType(u32::from(expected));
        if self.tag == 0 {
            let needed = HEADER_BYTES;
            let available = 0;
            return Error::at(ErrorKind::Truncated { needed, available }, self.end);
        }
        let found = self.item_type();
        Error::at(ErrorKind::UnexpectedType { expected, found }, self.offset())
    }
}

/// The length with padding; `None` where that is no length that fits a `u32` and `usize`.
#[inline(always)]
fn padded_length(length: u32) -> Option<usize> {
    length
        .checked_next_multiple_of(8)
        .map(|padded| padded as usize)
}
