//! Appending items to a buffer.

use zeroize::Zeroize;

use super::{HEADER_BYTES, code};
use crate::codec::{Error, ErrorKind, Result};
use crate::types::{ItemType, Tag};

/// Room that an empty buffer is given. Many items are shorter.
const ROOM: usize = 256;
/// Length of a structure that is not finished: no reader takes it for one.
const UNFINISHED: u32 = u32::MAX;

/// Appends TTLV items to a buffer.
///
/// The length of a structure is written when it ends; until then the buffer holds no message that
/// could be read.
///
/// When the buffer has to grow, what it has grown out of is wiped, since it may hold a key.
///
/// ```
/// use kmip::ttlv::Writer;
/// use kmip::types::Tag;
///
/// let mut buffer = Vec::new();
/// let mut writer = Writer::new(&mut buffer);
/// let name = writer.begin(Tag::NAME);
/// writer.text_string(Tag::NAME_VALUE, "a key")?;
/// writer.end(name)?;
/// assert_eq!(buffer.len(), 24);
/// # Ok::<(), kmip::codec::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut Vec<u8>,
}

impl<'b> Writer<'b> {
    /// A writer that appends to `buffer`.
    pub fn new(buffer: &'b mut Vec<u8>) -> Self {
        Writer { buffer }
    }

    /// Begins a structure. What is returned is for [`Writer::end`].
    #[inline]
    #[must_use]
    pub fn begin(&mut self, tag: Tag) -> usize {
        self.append(&header(tag, code::STRUCTURE, UNFINISHED));
        self.buffer.len()
    }

    /// Ends the structure whose begin returned `start`.
    ///
    /// # Errors
    /// It is longer than a length field can tell.
    #[inline]
    pub fn end(&mut self, start: usize) -> Result<()> {
        let length = self.buffer.len() - start;
        let length = checked_length(length, ItemType::STRUCTURE)?;
        self.buffer[start - 4..start].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// An Integer.
    #[inline]
    pub fn integer(&mut self, tag: Tag, value: i32) {
        self.word(tag, code::INTEGER, value as u32);
    }

    /// A Long Integer.
    #[inline]
    pub fn long_integer(&mut self, tag: Tag, value: i64) {
        self.double_word(tag, code::LONG_INTEGER, value as u64);
    }

    /// A Big Integer: two's complement, big-endian. It is extended to a multiple of eight bytes,
    /// and to eight bytes at least.
    ///
    /// # Errors
    /// It is longer than a length field can tell.
    pub fn big_integer(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        let extension = sign_extension(value);
        let length = extension.len() + value.len();
        let length = checked_length(length, ItemType::BIG_INTEGER)?;
        self.append(&header(tag, code::BIG_INTEGER, length));
        self.append(extension);
        self.append(value);
        Ok(())
    }

    /// An Enumeration.
    #[inline]
    pub fn enumeration(&mut self, tag: Tag, value: u32) {
        self.word(tag, code::ENUMERATION, value);
    }

    /// A Boolean.
    #[inline]
    pub fn boolean(&mut self, tag: Tag, value: bool) {
        self.double_word(tag, code::BOOLEAN, u64::from(value));
    }

    /// A Text String.
    ///
    /// # Errors
    /// It is longer than a length field can tell.
    #[inline]
    pub fn text_string(&mut self, tag: Tag, value: &str) -> Result<()> {
        self.padded(tag, code::TEXT_STRING, value.as_bytes())
    }

    /// A Byte String.
    ///
    /// # Errors
    /// It is longer than a length field can tell.
    #[inline]
    pub fn byte_string(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        self.padded(tag, code::BYTE_STRING, value)
    }

    /// A Date-Time: seconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time(&mut self, tag: Tag, seconds: i64) {
        self.double_word(tag, code::DATE_TIME, seconds as u64);
    }

    /// An Interval in seconds.
    #[inline]
    pub fn interval(&mut self, tag: Tag, seconds: u32) {
        self.word(tag, code::INTERVAL, seconds);
    }

    /// A Date-Time Extended: microseconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time_extended(&mut self, tag: Tag, microseconds: i64) {
        self.double_word(tag, code::DATE_TIME_EXTENDED, microseconds as u64);
    }

    #[inline(always)]
    fn word(&mut self, tag: Tag, item_type: u8, value: u32) {
        let mut item = [0; 16];
        item[..8].copy_from_slice(&header(tag, item_type, 4));
        item[8..12].copy_from_slice(&value.to_be_bytes());
        self.append(&item);
    }

    #[inline(always)]
    fn double_word(&mut self, tag: Tag, item_type: u8, value: u64) {
        let mut item = [0; 16];
        item[..8].copy_from_slice(&header(tag, item_type, 8));
        item[8..].copy_from_slice(&value.to_be_bytes());
        self.append(&item);
    }

    #[inline(always)]
    fn padded(&mut self, tag: Tag, item_type: u8, value: &[u8]) -> Result<()> {
        let length = checked_length(value.len(), ItemType(u32::from(item_type)))?;
        let end = self.buffer.len() + HEADER_BYTES + value.len().next_multiple_of(8);
        self.reserve(HEADER_BYTES + value.len() + 8);
        self.buffer
            .extend_from_slice(&header(tag, item_type, length));
        self.buffer.extend_from_slice(value);
        // A fixed length is copied faster than the right one.
        self.buffer.extend_from_slice(&[0; 8]);
        self.buffer.truncate(end);
        Ok(())
    }

    #[inline(always)]
    fn append(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.buffer.extend_from_slice(bytes);
    }

    /// Makes room, as [`Vec::reserve`] does, but wipes what was moved.
    #[inline(always)]
    fn reserve(&mut self, additional: usize) {
        if additional > self.buffer.capacity() - self.buffer.len() {
            self.grow(additional);
        }
    }

    #[cold]
    fn grow(&mut self, additional: usize) {
        let needed = self.buffer.len() + additional;
        let capacity = needed.max(2 * self.buffer.capacity()).max(ROOM);
        let mut grown = Vec::with_capacity(capacity);
        grown.extend_from_slice(self.buffer);
        self.buffer.zeroize();
        *self.buffer = grown;
    }
}

/// What makes a Big Integer a multiple of eight bytes long, and eight bytes at least.
pub(crate) fn sign_extension(value: &[u8]) -> &'static [u8] {
    let missing = value.len().next_multiple_of(8).max(8) - value.len();
    let negative = value.first().is_some_and(|byte| byte & 0x80 != 0);
    let fill: &[u8; 8] = if negative { &[0xFF; 8] } else { &[0; 8] };
    &fill[..missing]
}

#[inline(always)]
fn header(tag: Tag, item_type: u8, length: u32) -> [u8; HEADER_BYTES] {
    let word = u64::from(tag.0) << 40 | u64::from(item_type) << 32 | u64::from(length);
    word.to_be_bytes()
}

/// The length as it stands in a header. Padding must fit as well.
#[inline(always)]
fn checked_length(length: usize, item_type: ItemType) -> Result<u32> {
    match u32::try_from(length) {
        Ok(length) if length <= UNFINISHED - 8 => Ok(length),
        _ => Err(too_long(length, item_type)),
    }
}

#[cold]
fn too_long(length: usize, item_type: ItemType) -> Error {
    Error::new(ErrorKind::InvalidLength { item_type, length })
}
