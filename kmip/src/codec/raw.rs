//! Items that have no typed field: unknown, repeated or too new ones, and vendor extensions.

use std::borrow::Cow;
use std::fmt;

use super::decoder::Decoder;
use super::encoder::Encoder;
use super::error::{Error, ErrorKind, Result};
use super::item::Item;
use crate::types::{BigInteger, DateTime, DateTimeExtended, Interval, IntoOwned, ItemType, Tag};

/// An item as it stood in the message: a tag and a value.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RawItem<'a> {
    /// Tag of the item.
    pub tag: Tag,
    /// Its value.
    pub value: RawValue<'a>,
}

/// A value of any item type.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawValue<'a> {
    /// Structure.
    Structure(Vec<RawItem<'a>>),
    /// Integer.
    Integer(i32),
    /// Long Integer.
    LongInteger(i64),
    /// Big Integer.
    BigInteger(BigInteger<'a>),
    /// Enumeration.
    Enumeration(u32),
    /// Boolean.
    Boolean(bool),
    /// Text String.
    TextString(Cow<'a, str>),
    /// Byte String.
    ByteString(Cow<'a, [u8]>),
    /// Date-Time.
    DateTime(DateTime),
    /// Interval.
    Interval(Interval),
    /// Date-Time Extended.
    DateTimeExtended(DateTimeExtended),
}

impl RawValue<'_> {
    /// Type of the value.
    pub fn item_type(&self) -> ItemType {
        match self {
            RawValue::Structure(_) => ItemType::STRUCTURE,
            RawValue::Integer(_) => ItemType::INTEGER,
            RawValue::LongInteger(_) => ItemType::LONG_INTEGER,
            RawValue::BigInteger(_) => ItemType::BIG_INTEGER,
            RawValue::Enumeration(_) => ItemType::ENUMERATION,
            RawValue::Boolean(_) => ItemType::BOOLEAN,
            RawValue::TextString(_) => ItemType::TEXT_STRING,
            RawValue::ByteString(_) => ItemType::BYTE_STRING,
            RawValue::DateTime(_) => ItemType::DATE_TIME,
            RawValue::Interval(_) => ItemType::INTERVAL,
            RawValue::DateTimeExtended(_) => ItemType::DATE_TIME_EXTENDED,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            RawValue::TextString(text) => Some(text),
            _ => None,
        }
    }
}

impl Default for RawValue<'_> {
    /// An empty structure.
    fn default() -> Self {
        RawValue::Structure(Vec::new())
    }
}

impl<'a> From<&'a str> for RawValue<'a> {
    fn from(text: &'a str) -> Self {
        RawValue::TextString(Cow::Borrowed(text))
    }
}

impl From<String> for RawValue<'_> {
    fn from(text: String) -> Self {
        RawValue::TextString(Cow::Owned(text))
    }
}

impl<'a> RawValue<'a> {
    /// Reads the value by the names of the enumeration or mask that items with this tag have.
    pub(crate) fn read_as(&mut self, tag: Tag, d: &mut Decoder<'_, 'a>) -> Result<()> {
        d.count_items(1)?;
        *self = match d.item_type()? {
            ItemType::STRUCTURE => {
                let mut items = Vec::new();
                let frame = d.enter()?;
                while let Some(tag) = d.tag() {
                    let mut item = RawItem {
                        tag,
                        value: RawValue::default(),
                    };
                    item.value.read(d).map_err(|error| error.within(tag))?;
                    items.push(item);
                }
                d.leave(frame)?;
                RawValue::Structure(items)
            }
            ItemType::INTEGER => RawValue::Integer(d.raw_integer(tag)?),
            ItemType::LONG_INTEGER => RawValue::LongInteger(d.long_integer()?),
            ItemType::BIG_INTEGER => RawValue::BigInteger(BigInteger(d.big_integer()?)),
            ItemType::ENUMERATION => RawValue::Enumeration(d.enumeration(tag.enumeration())?),
            ItemType::BOOLEAN => RawValue::Boolean(d.boolean()?),
            ItemType::TEXT_STRING => RawValue::TextString(d.text()?),
            ItemType::BYTE_STRING => RawValue::ByteString(d.bytes()?),
            ItemType::DATE_TIME => RawValue::DateTime(DateTime(d.date_time()?)),
            ItemType::INTERVAL => RawValue::Interval(Interval(d.interval()?)),
            ItemType::DATE_TIME_EXTENDED => {
                RawValue::DateTimeExtended(DateTimeExtended(d.date_time_extended()?))
            }
            other => {
                let kind = ErrorKind::InvalidType(other.0 as u8);
                return Err(Error::at(kind, d.offset()));
            }
        };
        Ok(())
    }
}

impl RawValue<'_> {
    /// Writes the value by the names of the enumeration or mask that items with the tag `names`
    /// have.
    pub(crate) fn write_as(&self, tag: Tag, names: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            RawValue::Structure(items) => {
                let frame = e.begin(tag)?;
                for item in items {
                    item.value
                        .write(item.tag, e)
                        .map_err(|error| error.within(item.tag))?;
                }
                e.end(frame)
            }
            RawValue::Integer(value) => e.raw_integer(tag, names, *value),
            RawValue::LongInteger(value) => e.long_integer(tag, *value),
            RawValue::BigInteger(value) => e.big_integer(tag, &value.0),
            RawValue::Enumeration(value) => e.enumeration(tag, *value, names.enumeration()),
            RawValue::Boolean(value) => e.boolean(tag, *value),
            RawValue::TextString(text) => e.text(tag, text),
            RawValue::ByteString(bytes) => e.bytes(tag, bytes),
            RawValue::DateTime(time) => e.date_time(tag, time.0),
            RawValue::Interval(interval) => e.interval(tag, interval.0),
            RawValue::DateTimeExtended(time) => e.date_time_extended(tag, time.0),
        }
    }
}

impl<'a> Item<'a> for RawValue<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let tag = d.tag().unwrap_or_default();
        self.read_as(tag, d)
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        self.write_as(tag, tag, e)
    }
}

impl IntoOwned for RawItem<'_> {
    type Owned = RawItem<'static>;

    fn into_owned(self) -> RawItem<'static> {
        RawItem {
            tag: self.tag,
            value: self.value.into_owned(),
        }
    }
}

impl IntoOwned for RawValue<'_> {
    type Owned = RawValue<'static>;

    fn into_owned(self) -> RawValue<'static> {
        match self {
            RawValue::Structure(items) => RawValue::Structure(items.into_owned()),
            RawValue::Integer(value) => RawValue::Integer(value),
            RawValue::LongInteger(value) => RawValue::LongInteger(value),
            RawValue::BigInteger(value) => RawValue::BigInteger(value.into_owned()),
            RawValue::Enumeration(value) => RawValue::Enumeration(value),
            RawValue::Boolean(value) => RawValue::Boolean(value),
            RawValue::TextString(text) => RawValue::TextString(text.into_owned().into()),
            RawValue::ByteString(bytes) => RawValue::ByteString(bytes.into_owned().into()),
            RawValue::DateTime(time) => RawValue::DateTime(time),
            RawValue::Interval(interval) => RawValue::Interval(interval),
            RawValue::DateTimeExtended(time) => RawValue::DateTimeExtended(time),
        }
    }
}

impl fmt::Debug for RawItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            RawValue::Structure(_) => write!(f, "{}: {:?}", self.tag, self.value),
            _ if self.tag.is_secret() => write!(f, "{}: [redacted]", self.tag),
            _ => write!(f, "{}: {:?}", self.tag, self.value),
        }
    }
}

impl fmt::Debug for RawValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RawValue::Structure(items) => f.debug_set().entries(items).finish(),
            RawValue::Integer(value) => value.fmt(f),
            RawValue::LongInteger(value) => value.fmt(f),
            RawValue::BigInteger(value) => value.fmt(f),
            RawValue::Enumeration(value) => write!(f, "0x{value:08X}"),
            RawValue::Boolean(value) => value.fmt(f),
            RawValue::TextString(text) => text.fmt(f),
            // What an unknown byte string holds is unknown: it may be a key.
            RawValue::ByteString(bytes) => write!(f, "[{} bytes]", bytes.len()),
            RawValue::DateTime(time) => time.fmt(f),
            RawValue::Interval(interval) => interval.fmt(f),
            RawValue::DateTimeExtended(time) => time.fmt(f),
        }
    }
}

/// The items of a structure that have no typed field, each with its place.
///
/// They are encoded again where they stood, so that a message that passes through loses nothing.
#[derive(Clone, PartialEq, Eq, Default)]
#[allow(
    clippy::box_collection,
    reason = "nearly always empty, and in every structure"
)]
pub struct Extra<'a>(Option<Box<Vec<Placed<'a>>>>);

#[derive(Clone, PartialEq, Eq)]
struct Placed<'a> {
    /// How many typed items stand before it.
    after: u32,
    item: RawItem<'a>,
}

impl<'a> Extra<'a> {
    /// No items.
    pub const fn new() -> Self {
        Extra(None)
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The items in the order of the message.
    pub fn iter(&self) -> impl Iterator<Item = &RawItem<'a>> {
        self.0
            .iter()
            .flat_map(|placed| placed.iter())
            .map(|placed| &placed.item)
    }

    /// Adds an item behind all fields.
    pub fn push(&mut self, item: RawItem<'a>) {
        self.push_after(u32::MAX, item);
    }

    pub(crate) fn push_after(&mut self, after: u32, item: RawItem<'a>) {
        self.0.get_or_insert_default().push(Placed { after, item });
    }

    /// Says that no typed item follows after the first `items`: what stands there is behind all
    /// fields, as if it had been pushed.
    #[cold]
    pub(crate) fn settle(&mut self, items: u32) {
        for placed in self.0.iter_mut().flat_map(|placed| placed.iter_mut()) {
            if placed.after >= items {
                placed.after = u32::MAX;
            }
        }
    }

    /// The item at `index`, if it stands before more than `items` typed items have passed.
    pub(crate) fn due(&self, index: usize, items: u32) -> Option<&RawItem<'a>> {
        let placed = self.0.as_ref()?.get(index)?;
        (placed.after <= items).then_some(&placed.item)
    }
}

impl IntoOwned for Extra<'_> {
    type Owned = Extra<'static>;

    fn into_owned(self) -> Extra<'static> {
        Extra(self.0.map(|items| {
            let owned = items.into_iter().map(|placed| Placed {
                after: placed.after,
                item: placed.item.into_owned(),
            });
            Box::new(owned.collect())
        }))
    }
}

impl fmt::Debug for Extra<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
