//! Whether the version of a request has the values of enumerations and masks in it, and the attributes
//! that are named.
//!
//! Fields, attributes with values, and operations are checked wherever a message is encoded. The rest is
//! not, since a server or a relay has to be able to pass on what it was given; but what a client asks
//! for, the version has to be able to say.

use crate::codec::{Encoder, Error, ErrorKind, Item, Message, Result, Sink};
use crate::types::{AttributeReference, Names, ProtocolVersion, RequestMessage, Tag};

/// Fails for a value or an attribute that the specification has, but not in the version of the
/// message. Vendors' values and unknown ones pass.
pub(super) fn check(message: &RequestMessage<'_>) -> Result<()> {
    let (tag, version) = (RequestMessage::TAG, message.version());
    let mut values = Values(version);
    let written = message.write(tag, &mut Encoder::new(&mut values, version));
    written.map_err(|error| error.within(tag))
}

/// Looks at values of a version and writes nothing.
struct Values(ProtocolVersion);

impl Sink for Values {
    fn begin(&mut self, _: Tag) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    fn integer(&mut self, _: Tag, _: i32) -> Result<()> {
        Ok(())
    }

    fn mask(&mut self, _: Tag, value: u32, names: Names) -> Result<()> {
        names.check_bits(value)
    }

    fn long_integer(&mut self, _: Tag, _: i64) -> Result<()> {
        Ok(())
    }

    fn big_integer(&mut self, _: Tag, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn enumeration(&mut self, _: Tag, value: u32, names: Option<Names>) -> Result<()> {
        names.map_or(Ok(()), |names| names.check_value(value))
    }

    fn boolean(&mut self, _: Tag, _: bool) -> Result<()> {
        Ok(())
    }

    fn text(&mut self, tag: Tag, text: &str) -> Result<()> {
        // In 2.x only vendors' attributes have names.
        if tag != Tag::ATTRIBUTE_NAME || self.0 >= ProtocolVersion::V2_0 {
            return Ok(());
        }
        match AttributeReference::from_name(text.into()) {
            AttributeReference::Standard(tag) if !tag.is_attribute_in(self.0.edition()) => {
                Err(Error::new(ErrorKind::NotInVersion(tag, self.0)))
            }
            _ => Ok(()),
        }
    }

    fn bytes(&mut self, _: Tag, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn date_time(&mut self, _: Tag, _: i64) -> Result<()> {
        Ok(())
    }

    fn interval(&mut self, _: Tag, _: u32) -> Result<()> {
        Ok(())
    }

    fn date_time_extended(&mut self, _: Tag, _: i64) -> Result<()> {
        Ok(())
    }
}
