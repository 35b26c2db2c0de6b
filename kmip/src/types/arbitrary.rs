//! Random values for property tests and fuzzing (feature `arbitrary`).

use std::borrow::Cow;

use arbitrary::{Arbitrary, Result, Unstructured};

use super::generated::{
    ATTRIBUTES, AsynchronousIndicator, AttributeValue, Credential, CredentialType, KeyBlock,
    KeyFormatType, KeyMaterial, Operation, RequestBatchItem, RequestMessage, ResponseBatchItem,
    ResponseMessage, TAG_ENUMERATION,
};
use super::{
    Attribute, AttributeReference, Attributes, BigInteger, CustomAttribute, Data, DateTime,
    DateTimeExtended, EnumerationTable, ExtensionType, Interval, ItemType, KeyValue,
    ProtocolVersion, RawItem, RawValue, Secret, SecretText, Tag, UniqueIdentifier,
};
use crate::codec::Row;
use crate::version::Edition;

/// Random values that can be encoded in an edition.
pub(crate) trait ArbitraryIn<'a>: Sized {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self>;
}

impl<'a, T: ArbitraryIn<'a>> ArbitraryIn<'a> for Box<T> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        T::arbitrary_in(u, edition).map(Box::new)
    }
}

/// A field that decides the type of a later one must fit it.
pub(crate) trait Reconcile {
    fn reconcile(&mut self);
}

fn row(rows: &[Row], edition: Edition) -> Option<Row> {
    rows.iter().copied().find(|row| row.contains(edition))
}

/// A field that the structure always has.
pub(crate) fn plain<'a, T: ArbitraryIn<'a> + Default>(
    rows: &[Row],
    u: &mut Unstructured<'a>,
    edition: Edition,
) -> Result<T> {
    match row(rows, edition) {
        Some(_) => T::arbitrary_in(u, edition),
        None => Ok(T::default()),
    }
}

/// Attributes, of which there must be one where they are required but have no structure.
pub(crate) fn plain_attributes<'a>(
    rows: &[Row],
    u: &mut Unstructured<'a>,
    edition: Edition,
) -> Result<Attributes<'a>> {
    let Some(row) = row(rows, edition) else {
        return Ok(Attributes::default());
    };
    let mut attributes = Attributes::arbitrary_in(u, edition)?;
    if row.required && attributes.list.is_empty() {
        attributes.list.push(any_attribute(u, edition)?);
    }
    Ok(attributes)
}

/// As [`plain_attributes`], for attributes that may be absent.
pub(crate) fn optional_attributes<'a>(
    rows: &[Row],
    u: &mut Unstructured<'a>,
    edition: Edition,
) -> Result<Option<Attributes<'a>>> {
    match row(rows, edition) {
        // Without a structure around them, absent and empty are the same.
        Some(row) if row.tag == Tag::ATTRIBUTE.0 || row.required || u.ratio(1, 3)? => {
            let mut attributes = plain_attributes(rows, u, edition)?;
            if row.tag == Tag::ATTRIBUTE.0 && attributes.list.is_empty() {
                attributes.list.push(any_attribute(u, edition)?);
            }
            Ok(Some(attributes))
        }
        _ => Ok(None),
    }
}

pub(crate) fn optional<'a, T: ArbitraryIn<'a>>(
    rows: &[Row],
    u: &mut Unstructured<'a>,
    edition: Edition,
) -> Result<Option<T>> {
    match row(rows, edition) {
        Some(row) if row.required || u.ratio(1, 3)? => T::arbitrary_in(u, edition).map(Some),
        _ => Ok(None),
    }
}

pub(crate) fn repeated<'a, T: ArbitraryIn<'a>>(
    rows: &[Row],
    u: &mut Unstructured<'a>,
    edition: Edition,
) -> Result<Vec<T>> {
    let Some(row) = row(rows, edition) else {
        return Ok(Vec::new());
    };
    let most = if row.repeat { 3 } else { 1 };
    let count = u.int_in_range(u32::from(row.required)..=most)?;
    (0..count).map(|_| T::arbitrary_in(u, edition)).collect()
}

/// The index of a variant that the edition has; the number of variants if it has none.
pub(crate) fn variant(
    editions: &[(u8, u8)],
    u: &mut Unstructured<'_>,
    edition: Edition,
) -> Result<usize> {
    let indices: Vec<usize> = (0..editions.len())
        .filter(|index| (editions[*index].0..=editions[*index].1).contains(&edition.0))
        .collect();
    if indices.is_empty() {
        return Ok(editions.len());
    }
    u.choose(&indices).copied()
}

/// A value of an enumeration: mostly one that has a name.
pub(crate) fn enumeration(table: &EnumerationTable, u: &mut Unstructured<'_>) -> Result<u32> {
    if table.values.is_empty() || u.ratio(1, 8)? {
        return u.arbitrary();
    }
    Ok(u.choose(table.values)?.value)
}

/// A text that every encoding can express: XML has no control characters.
fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let text: &str = u.arbitrary()?;
    let expressible = |c: &char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
    Ok(text.chars().filter(expressible).take(40).collect())
}

macro_rules! values {
    ($($type:ty: |$u:ident, $edition:ident| $value:expr;)*) => {
        $(impl<'a> ArbitraryIn<'a> for $type {
            fn arbitrary_in($u: &mut Unstructured<'a>, $edition: Edition) -> Result<Self> {
                let _ = (&$u, $edition);
                Ok($value)
            }
        })*
    };
}

values! {
    i32: |u, edition| u.arbitrary()?;
    i64: |u, edition| u.arbitrary()?;
    bool: |u, edition| u.arbitrary()?;
    DateTime: |u, edition| DateTime(u.arbitrary()?);
    DateTimeExtended: |u, edition| DateTimeExtended(u.arbitrary()?);
    Interval: |u, edition| Interval(u.arbitrary()?);
    Cow<'a, str>: |u, edition| Cow::Owned(text(u)?);
    Cow<'a, [u8]>: |u, edition| Cow::Borrowed(u.arbitrary()?);
    Secret<'a>: |u, edition| Secret::borrowed(u.arbitrary()?);
    SecretText<'a>: |u, edition| SecretText::owned(text(u)?);
    ProtocolVersion: |u, edition| edition.version();
    ExtensionType: |u, edition| ExtensionType(*u.choose(&[ItemType::INTEGER, ItemType::TEXT_STRING])?);
}

impl<'a> ArbitraryIn<'a> for BigInteger<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, _: Edition) -> Result<Self> {
        let words: Vec<u64> = (0..u.int_in_range(1..=4)?)
            .map(|_| u.arbitrary())
            .collect::<Result<_>>()?;
        let bytes = words.iter().flat_map(|word| word.to_be_bytes());
        Ok(BigInteger(Cow::Owned(bytes.collect())))
    }
}

impl<'a> ArbitraryIn<'a> for UniqueIdentifier<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        Ok(match u.int_in_range(0..=3)? {
            0 if edition.is_2x() => UniqueIdentifier::Integer(u.arbitrary()?),
            1 if edition.is_2x() => {
                UniqueIdentifier::Enumeration(ArbitraryIn::arbitrary_in(u, edition)?)
            }
            _ => UniqueIdentifier::Text(Cow::Owned(text(u)?)),
        })
    }
}

impl<'a> ArbitraryIn<'a> for Data<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        Ok(match u.int_in_range(0..=3)? {
            0 if edition.is_2x() => Data::Integer(u.arbitrary()?),
            1 if edition.is_2x() => Data::Enumeration(ArbitraryIn::arbitrary_in(u, edition)?),
            _ => Data::Bytes(ArbitraryIn::arbitrary_in(u, edition)?),
        })
    }
}

impl<'a> ArbitraryIn<'a> for KeyValue<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        Ok(if u.arbitrary()? {
            KeyValue::Plain(ArbitraryIn::arbitrary_in(u, edition)?)
        } else {
            KeyValue::Wrapped(ArbitraryIn::arbitrary_in(u, edition)?)
        })
    }
}

impl<'a> ArbitraryIn<'a> for AsynchronousIndicator {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        let legacy = [
            AsynchronousIndicator::OPTIONAL,
            AsynchronousIndicator::PROHIBITED,
        ];
        if edition.is_2x() {
            return Ok(AsynchronousIndicator(u.int_in_range(1..=3)?));
        }
        u.choose(&legacy).copied()
    }
}

/// A raw value without tags of the specification, which have types of their own.
impl<'a> ArbitraryIn<'a> for RawValue<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        raw_value(u, edition, 0)
    }
}

fn raw_value<'a>(u: &mut Unstructured<'a>, edition: Edition, depth: u32) -> Result<RawValue<'a>> {
    Ok(match u.int_in_range(0..=9)? {
        0 if depth < 3 => {
            let count = u.int_in_range(0..=2)?;
            let items = (0..count).map(|_| {
                let tag = Tag(0x54_0000 | u32::from(u.arbitrary::<u16>()?));
                let value = raw_value(u, edition, depth + 1)?;
                Ok(RawItem { tag, value })
            });
            RawValue::Structure(items.collect::<Result<_>>()?)
        }
        1 => RawValue::Integer(u.arbitrary()?),
        2 => RawValue::LongInteger(u.arbitrary()?),
        3 => RawValue::BigInteger(ArbitraryIn::arbitrary_in(u, edition)?),
        4 => RawValue::Enumeration(u.arbitrary()?),
        5 => RawValue::Boolean(u.arbitrary()?),
        6 => RawValue::ByteString(ArbitraryIn::arbitrary_in(u, edition)?),
        7 => RawValue::DateTime(DateTime(u.arbitrary()?)),
        8 => RawValue::Interval(Interval(u.arbitrary()?)),
        _ => RawValue::TextString(Cow::Owned(text(u)?)),
    })
}

impl<'a> ArbitraryIn<'a> for AttributeReference<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        if u.ratio(1, 4)? {
            return Ok(AttributeReference::custom("x", text(u)?));
        }
        if edition.is_2x() {
            let value = u.choose(TAG_ENUMERATION.values)?;
            return Ok(AttributeReference::Standard(Tag(value.value)));
        }
        Ok(AttributeReference::Standard(u.choose(&ATTRIBUTES)?.tag))
    }
}

impl<'a> ArbitraryIn<'a> for Attribute<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        any_attribute(u, edition)
    }
}

fn any_attribute<'a>(u: &mut Unstructured<'a>, edition: Edition) -> Result<Attribute<'a>> {
    let value = if u.ratio(1, 6)? {
        AttributeValue::Custom(CustomAttribute {
            vendor: Cow::Borrowed(if u.arbitrary()? { "x" } else { "y" }),
            name: Cow::Owned(text(u)?),
            value: RawValue::arbitrary_in(u, edition)?,
        })
    } else {
        let known = ATTRIBUTES
            .iter()
            .filter(|info| info.tag.is_attribute_in(edition));
        let tags: Vec<Tag> = known.map(|info| info.tag).collect();
        AttributeValue::arbitrary_as(*u.choose(&tags)?, u, edition)?
    };
    let index = (!edition.is_2x() && u.ratio(1, 4)?)
        .then(|| u.arbitrary())
        .transpose()?;
    Ok(Attribute { index, value })
}

impl<'a> ArbitraryIn<'a> for Attributes<'a> {
    fn arbitrary_in(u: &mut Unstructured<'a>, edition: Edition) -> Result<Self> {
        let count = u.int_in_range(0..=4)?;
        (0..count).map(|_| any_attribute(u, edition)).collect()
    }
}

impl Reconcile for KeyBlock<'_> {
    fn reconcile(&mut self) {
        if let Some(KeyValue::Plain(plain)) = &self.key_value {
            match plain.key_material.selector() {
                Some(selector) => self.key_format_type = selector,
                // Bytes go with any format.
                None => self.key_format_type = KeyFormatType::RAW,
            }
        }
    }
}

impl Reconcile for Credential<'_> {
    fn reconcile(&mut self) {
        let selector = self.credential_value.selector();
        self.credential_type = selector.unwrap_or(CredentialType(0x8000_0001));
    }
}

impl Reconcile for RequestBatchItem<'_> {
    fn reconcile(&mut self) {
        self.operation = self.request_payload.operation();
    }
}

impl Reconcile for ResponseBatchItem<'_> {
    fn reconcile(&mut self) {
        if let Some(payload) = &self.response_payload {
            self.operation = Some(payload.operation());
        }
    }
}

/// For the fallback of a payload without an operation of the version.
pub(crate) const NO_OPERATION: Operation = Operation(0x8000_0001);

/// For the fallback of key material.
pub(crate) fn bytes<'a>(u: &mut Unstructured<'a>) -> Result<KeyMaterial<'a>> {
    Ok(KeyMaterial::Bytes(Secret::borrowed(u.arbitrary()?)))
}

/// A message of any version that this library knows.
macro_rules! messages {
    ($($message:ident, $header:ident;)*) => {
        $(
            /// A valid message of any known version.
            impl<'a> Arbitrary<'a> for $message<'a> {
                fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                    let version = *u.choose(&ProtocolVersion::ALL)?;
                    Self::arbitrary_in(u, version.edition())
                }
            }

            impl<'a> $message<'a> {
                /// A valid message of a version.
                ///
                /// # Errors
                /// `u` has no data left.
                pub fn arbitrary_of(
                    u: &mut Unstructured<'a>,
                    version: ProtocolVersion,
                ) -> Result<Self> {
                    let mut message = Self::arbitrary_in(u, version.edition())?;
                    message.$header.protocol_version = version;
                    Ok(message)
                }
            }
        )*
    };
}

messages! {
    RequestMessage, request_header;
    ResponseMessage, response_header;
}
