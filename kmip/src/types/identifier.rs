//! Identifiers of objects.

use std::borrow::Cow;
use std::fmt;

use super::generated::UniqueIdentifierEnumeration;
use super::owned::IntoOwned;
use super::tag::Tag;
use super::{Enumeration, ItemType};
use crate::codec::{Decoder, Encoder, Error, ErrorKind, Item, Result};

/// Unique Identifier and its like: a text, or from KMIP 2.0 on also a reference to an object of
/// the same batch (4.51 in 2.0, 4.58 in 2.1).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum UniqueIdentifier<'a> {
    /// The identifier that the server gave.
    Text(Cow<'a, str>),
    /// The object of an earlier batch item, named by its operation or the ID Placeholder.
    Enumeration(UniqueIdentifierEnumeration),
    /// The object of the batch item with this number, from zero; negative numbers count back from the item
    /// with the reference.
    Integer(i32),
}

impl UniqueIdentifier<'_> {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            UniqueIdentifier::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Default for UniqueIdentifier<'_> {
    fn default() -> Self {
        UniqueIdentifier::Text(Cow::Borrowed(""))
    }
}

impl<'a> From<&'a str> for UniqueIdentifier<'a> {
    fn from(text: &'a str) -> Self {
        UniqueIdentifier::Text(Cow::Borrowed(text))
    }
}

/// Borrows the text.
impl<'a> From<&'a UniqueIdentifier<'_>> for UniqueIdentifier<'a> {
    fn from(identifier: &'a UniqueIdentifier<'_>) -> Self {
        match identifier {
            UniqueIdentifier::Text(text) => UniqueIdentifier::Text(Cow::Borrowed(text)),
            UniqueIdentifier::Enumeration(value) => UniqueIdentifier::Enumeration(*value),
            UniqueIdentifier::Integer(number) => UniqueIdentifier::Integer(*number),
        }
    }
}

impl From<String> for UniqueIdentifier<'_> {
    fn from(text: String) -> Self {
        UniqueIdentifier::Text(Cow::Owned(text))
    }
}

impl fmt::Display for UniqueIdentifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UniqueIdentifier::Text(text) => f.write_str(text),
            UniqueIdentifier::Enumeration(value) => write!(f, "{value:?}"),
            UniqueIdentifier::Integer(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Debug for UniqueIdentifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UniqueIdentifier::Text(text) => text.fmt(f),
            other => fmt::Display::fmt(other, f),
        }
    }
}

impl IntoOwned for UniqueIdentifier<'_> {
    type Owned = UniqueIdentifier<'static>;

    fn into_owned(self) -> UniqueIdentifier<'static> {
        match self {
            UniqueIdentifier::Text(text) => UniqueIdentifier::Text(IntoOwned::into_owned(text)),
            UniqueIdentifier::Enumeration(value) => UniqueIdentifier::Enumeration(value),
            UniqueIdentifier::Integer(number) => UniqueIdentifier::Integer(number),
        }
    }
}

impl<'a> Item<'a> for UniqueIdentifier<'a> {
    // Lists of identifiers are long.
    #[inline(always)]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let item_type = d.item_type()?;
        *self = if item_type == ItemType::TEXT_STRING {
            UniqueIdentifier::Text(d.text()?)
        } else {
            read_reference(d, item_type)?
        };
        Ok(())
    }

    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            UniqueIdentifier::Text(text) => e.text(tag, text),
            _ if !e.edition().is_2x() => {
                Err(e.not_expressible("a Unique Identifier that is not a text"))
            }
            UniqueIdentifier::Enumeration(value) => {
                e.enumeration(tag, value.0, Some(UniqueIdentifierEnumeration::TABLE))
            }
            UniqueIdentifier::Integer(number) => e.integer(tag, *number),
        }
    }
}

#[cold]
fn read_reference<'a>(d: &mut Decoder<'_, 'a>, found: ItemType) -> Result<UniqueIdentifier<'a>> {
    match found {
        ItemType::ENUMERATION if d.edition().is_2x() => {
            let value = d.enumeration(Some(UniqueIdentifierEnumeration::TABLE))?;
            Ok(UniqueIdentifier::Enumeration(UniqueIdentifierEnumeration(
                value,
            )))
        }
        ItemType::INTEGER if d.edition().is_2x() => Ok(UniqueIdentifier::Integer(d.integer()?)),
        _ => {
            let expected = ItemType::TEXT_STRING;
            let kind = ErrorKind::UnexpectedType { expected, found };
            Err(Error::at(kind, d.offset()))
        }
    }
}
