//! Data of cryptographic operations.

use super::generated::DataEnumeration;
use super::owned::IntoOwned;
use super::secret::Secret;
use super::tag::Tag;
use super::{Enumeration, ItemType};
use crate::codec::{Decoder, Encoder, Error, ErrorKind, Item, Result};

/// Data to encrypt, sign, hash and so on: bytes, or from KMIP 2.0 on also a reference to the
/// data of an earlier item of the batch (10.6 in 2.0, 10.7 in 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// The data itself.
    Bytes(Secret<'a>),
    /// The data of an earlier batch item, named by its operation.
    Enumeration(DataEnumeration),
    /// The data of the batch item with this number, from zero; negative numbers count back from the item
    /// with the reference.
    Integer(i32),
}

impl Data<'_> {
    /// The bytes, if it is not a reference.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Data::Bytes(bytes) => Some(bytes.expose()),
            _ => None,
        }
    }
}

impl Default for Data<'_> {
    fn default() -> Self {
        Data::Bytes(Secret::default())
    }
}

impl<'a> From<&'a [u8]> for Data<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Data::Bytes(Secret::borrowed(bytes))
    }
}

impl From<Vec<u8>> for Data<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Data::Bytes(Secret::owned(bytes))
    }
}

impl IntoOwned for Data<'_> {
    type Owned = Data<'static>;

    fn into_owned(self) -> Data<'static> {
        match self {
            Data::Bytes(bytes) => Data::Bytes(bytes.into_owned()),
            Data::Enumeration(value) => Data::Enumeration(value),
            Data::Integer(number) => Data::Integer(number),
        }
    }
}

impl<'a> Item<'a> for Data<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = match d.item_type()? {
            ItemType::BYTE_STRING => {
                let mut bytes = Secret::default();
                bytes.read(d)?;
                Data::Bytes(bytes)
            }
            ItemType::ENUMERATION if d.edition().is_2x() => Data::Enumeration(DataEnumeration(
                d.enumeration(Some(DataEnumeration::TABLE))?,
            )),
            ItemType::INTEGER if d.edition().is_2x() => Data::Integer(d.integer()?),
            found => {
                let expected = ItemType::BYTE_STRING;
                let kind = ErrorKind::UnexpectedType { expected, found };
                return Err(Error::at(kind, d.offset()));
            }
        };
        Ok(())
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            Data::Bytes(bytes) => bytes.write(tag, e),
            _ if !e.edition().is_2x() => Err(e.not_expressible("Data that is not a byte string")),
            Data::Enumeration(value) => e.enumeration(tag, value.0, Some(DataEnumeration::TABLE)),
            Data::Integer(number) => e.integer(tag, *number),
        }
    }
}
