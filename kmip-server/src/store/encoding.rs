//! Objects as bytes: TTLV in the form of KMIP 2.1, or of 1.4 for what only 1.x has.

use kmip::codec::{Error, Options};
use kmip::ttlv;
use kmip::types::{Attribute, AttributeValue, IntoOwned, ManagedObject, ProtocolVersion, Tag};
use zeroize::Zeroizing;

use super::StoreError;
use crate::attributes::AttributeSet;
use crate::object::content_tag;

/// Something encoded, and the minor and major version whose rules it follows.
pub(super) struct Encoded {
    pub(super) form: Form,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// The rules that a stored item follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// KMIP 2.1.
    Current,
    /// KMIP 1.4.
    Legacy,
}

impl Form {
    pub(super) fn number(self) -> i64 {
        match self {
            Form::Current => 21,
            Form::Legacy => 14,
        }
    }

    pub(super) fn from_number(number: i64) -> Form {
        match number {
            14 => Form::Legacy,
            _ => Form::Current,
        }
    }

    fn version(self) -> ProtocolVersion {
        match self {
            Form::Current => ProtocolVersion::V2_1,
            Form::Legacy => ProtocolVersion::V1_4,
        }
    }

    fn attribute_tag(self) -> Tag {
        match self {
            Form::Current => Tag::NEW_ATTRIBUTE,
            Form::Legacy => Tag::ATTRIBUTE,
        }
    }
}

fn encode(write: impl Fn(Form, &mut Vec<u8>) -> Result<(), Error>) -> Result<Encoded, Error> {
    let encode_as = |form| {
        let mut bytes = Zeroizing::new(Vec::with_capacity(512));
        write(form, &mut bytes).map(|()| Encoded { form, bytes })
    };
    // What is wrong with both is told for the form that is the rule.
    encode_as(Form::Current).or_else(|error| encode_as(Form::Legacy).map_err(|_| error))
}

/// The value of an attribute, without its index.
pub(super) fn encode_attribute(value: &AttributeValue<'static>) -> Result<Encoded, Error> {
    let attribute = Attribute::from(value.clone());
    encode(|form, bytes| ttlv::encode_item(&attribute, form.attribute_tag(), form.version(), bytes))
}

/// What stands before each attribute in [`encode_attributes`]: its form, and its index or -1.
const ATTRIBUTE_HEAD: usize = 5;

/// All attributes of an object, in their order.
pub(super) fn encode_attributes(attributes: &AttributeSet) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(1024);
    for attribute in attributes.iter() {
        let start = bytes.len();
        let bare = Attribute::from(attribute.value.clone());
        let mut write = |form: Form| {
            bytes.truncate(start);
            bytes.push(form.number() as u8);
            bytes.extend_from_slice(&attribute.index.unwrap_or(-1).to_be_bytes());
            ttlv::encode_item(&bare, form.attribute_tag(), form.version(), &mut bytes)
        };
        write(Form::Current).or_else(|error| write(Form::Legacy).map_err(|_| error))?;
    }
    Ok(bytes)
}

/// What [`encode_attributes`] has written of an object.
///
/// # Errors
/// If it is damaged.
pub(super) fn attributes_of(identifier: &str, bytes: &[u8]) -> Result<AttributeSet, StoreError> {
    decode_attributes(bytes).map_err(|source| StoreError::Unreadable {
        identifier: identifier.to_owned(),
        source,
    })
}

fn decode_attributes(mut bytes: &[u8]) -> Result<AttributeSet, Error> {
    let mut list = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<ATTRIBUTE_HEAD>() {
        let [form, index @ ..] = *head;
        let index = i32::from_be_bytes(index);
        let item = ttlv::Reader::new(rest)?.item_bytes();
        list.push(Attribute {
            index: (index >= 0).then_some(index),
            value: decode_attribute(Form::from_number(form.into()), item)?,
        });
        bytes = &rest[item.len()..];
    }
    match bytes.is_empty() {
        true => Ok(AttributeSet::from_stored(list)),
        // The begin of one more: the decoder says what is missing.
        false => decode_attribute(Form::Current, &[]).map(|_| AttributeSet::default()),
    }
}

pub(super) fn decode_attribute(form: Form, bytes: &[u8]) -> Result<AttributeValue<'static>, Error> {
    let (tag, version) = (form.attribute_tag(), form.version());
    let attribute: Attribute<'_> = ttlv::decode_item(bytes, tag, version, &Options::default())?;
    Ok(attribute.value.into_owned())
}

pub(super) fn encode_content(content: &ManagedObject<'_>) -> Result<Encoded, Error> {
    let tag = content_tag(content);
    encode(|form, bytes| ttlv::encode_item(content, tag, form.version(), bytes))
}

/// Content that [`encode_content`] has written. Its tag says what it is, which need not be what the
/// object is: sealed content is an opaque object whatever it holds.
pub(super) fn decode_content(form: Form, bytes: &[u8]) -> Result<ManagedObject<'static>, Error> {
    let tag = ttlv::Reader::new(bytes)?.tag().unwrap_or_default();
    let content: ManagedObject<'_> =
        ttlv::decode_item(bytes, tag, form.version(), &Options::default())?;
    Ok(content.into_owned())
}
