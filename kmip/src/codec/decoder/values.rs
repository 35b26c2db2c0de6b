//! Reading the values of items.

use std::borrow::Cow;

use super::Decoder;
use crate::codec::error::{Error, ErrorKind, Result};
use crate::types::{EnumerationTable, Tag};

/// Reads a value from TTLV, or from the source.
macro_rules! value {
    ($self:ident, $ttlv:expr, $source:ident => $read:expr) => {
        match &$self.source {
            None => $ttlv,
            Some(_) => $self.read_source(|$source| $read),
        }
    };
}

/// The values. All fail if the item has another type or is broken.
#[allow(clippy::missing_errors_doc)]
impl<'a> Decoder<'_, 'a> {
    /// An Integer.
    #[inline]
    pub fn integer(&mut self) -> Result<i32> {
        value!(self, self.reader.integer(), source => source.integer())
    }

    /// An Integer that is a mask.
    #[inline]
    pub fn mask(&mut self, names: &'static EnumerationTable) -> Result<u32> {
        value!(self, self.reader.integer().map(|v| v as u32), source => source.mask(names))
    }

    /// An Integer of a raw item, which is a mask if that is what the tag says.
    pub(crate) fn raw_integer(&mut self, tag: Tag) -> Result<i32> {
        match tag.mask() {
            Some(names) => Ok(self.mask(names)? as i32),
            None => self.integer(),
        }
    }

    /// A Long Integer.
    #[inline]
    pub fn long_integer(&mut self) -> Result<i64> {
        value!(self, self.reader.long_integer(), source => source.long_integer())
    }

    /// A Big Integer: two's complement, big-endian.
    #[inline]
    pub fn big_integer(&mut self) -> Result<Cow<'a, [u8]>> {
        value!(self, self.reader.big_integer().map(Cow::Borrowed), source => source.big_integer())
    }

    /// An Enumeration.
    #[inline]
    pub fn enumeration(&mut self, names: Option<&'static EnumerationTable>) -> Result<u32> {
        value!(self, self.reader.enumeration(), source => source.enumeration(names))
    }

    /// A Boolean.
    #[inline]
    pub fn boolean(&mut self) -> Result<bool> {
        value!(self, self.reader.boolean(), source => source.boolean())
    }

    /// A Text String.
    #[inline(always)]
    pub fn text(&mut self) -> Result<Cow<'a, str>> {
        if self.source.is_some() {
            return self.source_text();
        }
        if self.reader.length() > self.options.limits.text_bytes {
            return Err(self.long_text());
        }
        Ok(Cow::Borrowed(self.reader.text_string()?))
    }

    /// What is wrong with an item that would be too long for a text.
    #[cold]
    fn long_text(&mut self) -> Error {
        let offset = self.reader.offset();
        let checked = match self.reader.text_string() {
            Ok(text) => self.check_length(text, offset),
            Err(error) => Err(error),
        };
        checked.err().unwrap_or_else(|| self.too_many(0))
    }

    #[inline(never)]
    fn source_text(&mut self) -> Result<Cow<'a, str>> {
        let offset = self.offset();
        let text = self.read_source(|source| source.text())?;
        self.check_length(&text, offset)?;
        Ok(text)
    }

    fn check_length(&self, text: &str, offset: usize) -> Result<()> {
        let (length, limit) = (text.len(), self.options.limits.text_bytes);
        if length > limit {
            return Err(Error::at(ErrorKind::TooLong { length, limit }, offset));
        }
        Ok(())
    }

    /// A Byte String.
    #[inline]
    pub fn bytes(&mut self) -> Result<Cow<'a, [u8]>> {
        value!(self, self.reader.byte_string().map(Cow::Borrowed), source => source.bytes())
    }

    /// A Date-Time in seconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time(&mut self) -> Result<i64> {
        value!(self, self.reader.date_time(), source => source.date_time())
    }

    /// An Interval in seconds.
    #[inline]
    pub fn interval(&mut self) -> Result<u32> {
        value!(self, self.reader.interval(), source => source.interval())
    }

    /// A Date-Time Extended in microseconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time_extended(&mut self) -> Result<i64> {
        value!(self, self.reader.date_time_extended(), source => source.date_time_extended())
    }
}
