//! The key inside a Key Block.

use super::ItemType;
use super::generated::{KeyMaterial, PlainKeyValue};
use super::owned::IntoOwned;
use super::secret::Secret;
use super::tag::Tag;
use crate::codec::{Decoder, Encoder, Item, Result};

/// Key Value (2.1.4 in KMIP 1.x, 3.4 in 2.0): a structure, or the bytes of a wrapped one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "decoding must not allocate")]
pub enum KeyValue<'a> {
    /// Key material and attributes. The material may be wrapped nevertheless.
    Plain(PlainKeyValue<'a>),
    /// The wrapped key, or the wrapped encoding of the structure, as the encoding option of the
    /// Key Wrapping Data says.
    Wrapped(Secret<'a>),
}

impl<'a> KeyValue<'a> {
    /// Key material without attributes.
    pub fn new(key_material: impl Into<KeyMaterial<'a>>) -> Self {
        KeyValue::Plain(PlainKeyValue {
            key_material: key_material.into(),
            ..PlainKeyValue::default()
        })
    }

    /// The bytes of the key, if it is given as bytes; they may be wrapped.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            KeyValue::Wrapped(bytes) => Some(bytes.expose()),
            KeyValue::Plain(plain) => match &plain.key_material {
                KeyMaterial::Bytes(bytes) => Some(bytes.expose()),
                _ => None,
            },
        }
    }
}

impl Default for KeyValue<'_> {
    fn default() -> Self {
        KeyValue::Plain(PlainKeyValue::default())
    }
}

impl<'a> From<Secret<'a>> for KeyMaterial<'a> {
    fn from(bytes: Secret<'a>) -> Self {
        KeyMaterial::Bytes(bytes)
    }
}

impl IntoOwned for KeyValue<'_> {
    type Owned = KeyValue<'static>;

    fn into_owned(self) -> KeyValue<'static> {
        match self {
            KeyValue::Plain(plain) => KeyValue::Plain(plain.into_owned()),
            KeyValue::Wrapped(bytes) => KeyValue::Wrapped(bytes.into_owned()),
        }
    }
}

impl<'a> Item<'a> for KeyValue<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        if d.item_type()? == ItemType::BYTE_STRING {
            let mut bytes = Secret::default();
            bytes.read(d)?;
            *self = KeyValue::Wrapped(bytes);
            return Ok(());
        }
        *self = KeyValue::default();
        match self {
            KeyValue::Plain(plain) => plain.read(d),
            KeyValue::Wrapped(_) => Ok(()),
        }
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            KeyValue::Plain(plain) => plain.write(tag, e),
            KeyValue::Wrapped(bytes) => bytes.write(tag, e),
        }
    }
}
