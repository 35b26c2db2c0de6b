//! Items whose form their row does not tell: the version decides, or the value is well known.

use super::Enumeration;
use super::generated::{AsynchronousIndicator, ItemType};
use super::owned::owned;
use super::tag::Tag;
use crate::codec::{Decoder, Encoder, Error, ErrorKind, Item, Result};
use crate::version::ProtocolVersion;

/// Extension Type: the item type of an extension. An Integer until 1.4, an Enumeration from 2.0
/// on (2.1.9 in 1.x, 7.7 in 2.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ExtensionType(pub ItemType);

owned!(ExtensionType);

impl<'a> Item<'a> for ExtensionType {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = if d.edition().is_2x() {
            ItemType(d.enumeration(Some(ItemType::TABLE))?)
        } else {
            ItemType(d.integer()? as u32)
        };
        Ok(())
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        if e.edition().is_2x() {
            e.enumeration(tag, self.0.0, Some(ItemType::TABLE))
        } else {
            e.integer(tag, self.0.0 as i32)
        }
    }
}

/// Asynchronous Indicator is a Boolean until 1.4, which says whether the client can poll.
impl<'a> Item<'a> for AsynchronousIndicator {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = if d.edition().is_2x() {
            AsynchronousIndicator(d.enumeration(Some(AsynchronousIndicator::TABLE))?)
        } else if d.boolean()? {
            AsynchronousIndicator::OPTIONAL
        } else {
            AsynchronousIndicator::PROHIBITED
        };
        Ok(())
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        if e.edition().is_2x() {
            return e.enumeration(tag, self.0, Some(AsynchronousIndicator::TABLE));
        }
        match *self {
            AsynchronousIndicator::OPTIONAL => e.boolean(tag, true),
            AsynchronousIndicator::PROHIBITED => e.boolean(tag, false),
            _ => {
                Err(e
                    .not_expressible("an Asynchronous Indicator other than Optional or Prohibited"))
            }
        }
    }
}

/// Protocol Version: both numbers, and nothing else.
impl<'a> Item<'a> for ProtocolVersion {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let frame = d.enter()?;
        for (tag, number) in [
            (Tag::PROTOCOL_VERSION_MAJOR, &mut self.major),
            (Tag::PROTOCOL_VERSION_MINOR, &mut self.minor),
        ] {
            if d.tag() != Some(tag) {
                return Err(Error::at(ErrorKind::MissingField(tag), d.offset()));
            }
            *number = d.integer().map_err(|error| error.within(tag))?;
        }
        if let Some(tag) = d.tag() {
            return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset()).within(tag));
        }
        d.leave(frame)
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        let open = e.begin(tag)?;
        e.integer(Tag::PROTOCOL_VERSION_MAJOR, self.major)?;
        e.integer(Tag::PROTOCOL_VERSION_MINOR, self.minor)?;
        e.end(open)
    }
}
