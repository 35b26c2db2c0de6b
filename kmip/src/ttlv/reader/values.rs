//! The values of items.

use super::Reader;
use crate::codec::Result;
use crate::ttlv::code;

/// The bits of a header that hold type and length.
const TYPE_AND_LENGTH: u64 = 0xFF_FFFF_FFFF;

impl<'a> Reader<'a> {
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
        if self.length() % 8 != 0 {
            return Err(self.unexpected(code::BIG_INTEGER));
        }
        let value = self.bytes_of_value(code::BIG_INTEGER)?;
        // Some write nothing for zero.
        Ok(if value.is_empty() { &[0; 8] } else { value })
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
        let value = self.eight_bytes(code::BOOLEAN, 8)?;
        if value > 1 {
            return Err(self.invalid_boolean(value));
        }
        self.skip()?;
        Ok(value == 1)
    }

    /// A Text String.
    ///
    /// # Errors
    /// See [`Reader::integer`]; and the text must be UTF-8.
    #[inline(always)]
    pub fn text_string(&mut self) -> Result<&'a str> {
        let (bytes, behind) = self.padded_value(code::TEXT_STRING)?;
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(self.invalid_utf8());
        };
        self.read_header(behind)?;
        Ok(text)
    }

    /// A Byte String.
    ///
    /// # Errors
    /// See [`Reader::integer`].
    #[inline]
    pub fn byte_string(&mut self) -> Result<&'a [u8]> {
        self.bytes_of_value(code::BYTE_STRING)
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
        let value = self.eight_bytes(item_type, 4)?;
        if self.strict && value as u32 != 0 {
            return Err(self.non_zero_padding());
        }
        self.skip()?;
        Ok((value >> 32) as u32)
    }

    #[inline(always)]
    fn double_word(&mut self, item_type: u8) -> Result<u64> {
        let value = self.eight_bytes(item_type, 8)?;
        self.skip()?;
        Ok(value)
    }

    /// The value of an item of this type and length, with its padding.
    #[inline(always)]
    fn eight_bytes(&self, item_type: u8, length: u64) -> Result<u64> {
        let expected = u64::from(item_type) << 32 | length;
        match self.rest.first_chunk() {
            Some(value) if self.header & TYPE_AND_LENGTH == expected => {
                Ok(u64::from_be_bytes(*value))
            }
            _ => Err(self.unexpected(item_type)),
        }
    }

    #[inline(always)]
    fn bytes_of_value(&mut self, item_type: u8) -> Result<&'a [u8]> {
        let (bytes, behind) = self.padded_value(item_type)?;
        self.read_header(behind)?;
        Ok(bytes)
    }

    /// The value of an item of this type, and what follows its padding.
    #[inline(always)]
    fn padded_value(&self, item_type: u8) -> Result<(&'a [u8], &'a [u8])> {
        if self.raw_type() != item_type {
            return Err(self.unexpected(item_type));
        }
        let (value, behind) = self.split();
        let (value, padding) = value.split_at(self.length().min(value.len()));
        if self.strict && padding.iter().any(|byte| *byte != 0) {
            return Err(self.non_zero_padding());
        }
        Ok((value, behind))
    }
}
