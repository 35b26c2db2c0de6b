//! What an item of a message is to the codecs.

use std::borrow::Cow;

use super::decoder::Decoder;
use super::encoder::Encoder;
use super::error::Result;
use crate::types::Tag;
use crate::version::ProtocolVersion;

/// A typed value of an item.
pub trait Item<'a>: Default {
    /// Reads the value of the item before which the decoder stands, and goes to the next one.
    ///
    /// # Errors
    /// The item has another type, or something in it is wrong.
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()>;

    /// Writes the value as an item with this tag.
    ///
    /// # Errors
    /// The version or the encoding cannot express it.
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()>;
}

/// A whole message: a structure whose header tells the version.
pub trait Message<'a>: Item<'a> {
    /// Tag of the message.
    const TAG: Tag;

    /// Version in the header.
    fn version(&self) -> ProtocolVersion;
}

/// The fields of a structure.
pub(crate) trait Structure<'a>: Default {
    /// First and last edition that have the structure.
    const SINCE: u8;
    const UNTIL: u8;

    fn fill(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()>;
    fn encode(&self, e: &mut Encoder<'_>) -> Result<()>;
}

/// A field that is one of several structures, told apart by their tags.
pub(crate) trait Choice<'a>: Item<'a> {
    fn accepts(tag: Tag) -> bool;
    fn tag(&self) -> Tag;
}

impl<'a, T: Item<'a>> Item<'a> for Box<T> {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        T::read(self, d)
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        T::write(self, tag, e)
    }
}

impl<'a> Item<'a> for i32 {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = d.integer()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.integer(tag, *self)
    }
}

impl<'a> Item<'a> for i64 {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = d.long_integer()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.long_integer(tag, *self)
    }
}

impl<'a> Item<'a> for bool {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = d.boolean()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.boolean(tag, *self)
    }
}

impl<'a> Item<'a> for Cow<'a, str> {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = d.text()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.text(tag, self)
    }
}

impl<'a> Item<'a> for Cow<'a, [u8]> {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = d.bytes()?;
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.bytes(tag, self)
    }
}
