//! One attribute of an object.

use std::borrow::Cow;

use super::generated::{AttributeValue, attribute_by_name};
use super::owned::IntoOwned;
use super::reference::AttributeReference;
use super::tag::Tag;
use crate::codec::{Decoder, Encoder, Error, ErrorKind, Item, RawValue, Result};

/// One attribute: Attribute with name, index and value in KMIP 1.x, an item with the attribute's
/// own tag in 2.x.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attribute<'a> {
    /// Attribute Index (1.x): which instance is meant. 0 and `None` mean the same to a server;
    /// 2.x has no index, and setting one there is an error.
    pub index: Option<i32>,
    /// The value.
    pub value: AttributeValue<'a>,
}

/// An attribute that the specification does not define.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomAttribute<'a> {
    /// Vendor Identification. In KMIP 1.x the part of the name before the first dash, if that is
    /// `x` (set by clients) or `y` (set by servers); otherwise empty.
    pub vendor: Cow<'a, str>,
    /// Name without the vendor. Empty for an attribute of KMIP 1.x without Attribute Name.
    pub name: Cow<'a, str>,
    /// The value, of any type.
    pub value: RawValue<'a>,
}

impl<'a> Attribute<'a> {
    /// A custom attribute.
    pub fn custom(
        vendor: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<RawValue<'a>>,
    ) -> Self {
        AttributeValue::Custom(CustomAttribute {
            vendor: vendor.into(),
            name: name.into(),
            value: value.into(),
        })
        .into()
    }

    /// Which attribute it is.
    pub fn reference(&self) -> AttributeReference<'a> {
        match &self.value {
            AttributeValue::Custom(custom) => AttributeReference::Custom {
                vendor: custom.vendor.clone(),
                name: custom.name.clone(),
            },
            AttributeValue::Absent(reference) => reference.clone(),
            value => AttributeReference::Standard(value.tag().unwrap_or_default()),
        }
    }

    /// The item of KMIP 2.x, which has the attribute's own tag.
    pub(crate) fn read_2x(&mut self, d: &mut Decoder<'_, 'a>, tag: Tag) -> Result<()> {
        if tag == Tag::ATTRIBUTE {
            return self.read_vendor(d);
        }
        self.value.read_as(tag, d)
    }

    /// Whether the item of KMIP 2.x with this tag is an attribute.
    pub(crate) fn accepts_2x(d: &Decoder<'_, '_>, tag: Tag) -> bool {
        tag.is_attribute_in(d.edition()) || tag == Tag::ATTRIBUTE
    }

    pub(crate) fn write_2x(&self, e: &mut Encoder<'_>) -> Result<()> {
        if self.index.is_some() {
            return Err(e.not_expressible("an Attribute Index"));
        }
        match &self.value {
            AttributeValue::Custom(custom) => {
                let open = e.begin(Tag::ATTRIBUTE)?;
                e.text(Tag::VENDOR_IDENTIFICATION, &custom.vendor)?;
                e.text(Tag::ATTRIBUTE_NAME, &custom.name)?;
                custom.value.write(Tag::ATTRIBUTE_VALUE, e)?;
                e.end(open)
            }
            AttributeValue::Absent(_) => Err(e.not_expressible("an attribute without a value")),
            value => {
                let tag = value.tag().unwrap_or_default();
                self.check_version(tag, e)?;
                value.write_as(tag, e).map_err(|error| error.within(tag))
            }
        }
    }

    fn check_version(&self, tag: Tag, e: &Encoder<'_>) -> Result<()> {
        if !tag.is_attribute_in(e.edition()) {
            let kind = ErrorKind::NotInVersion(tag, e.version());
            return Err(Error::new(kind).within(tag));
        }
        Ok(())
    }

    /// Attribute of KMIP 1.x: name, index, value.
    fn read_1x(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let frame = d.enter()?;
        let name = self.read_1x_name(d)?;
        if d.tag() == Some(Tag::ATTRIBUTE_INDEX) {
            self.index = Some(
                d.integer()
                    .map_err(|error| error.within(Tag::ATTRIBUTE_INDEX))?,
            );
        }
        match d.tag() {
            Some(Tag::ATTRIBUTE_VALUE) => self
                .read_1x_value(name, d)
                .map_err(|error| error.within(Tag::ATTRIBUTE_VALUE))?,
            _ => self.value = AttributeValue::Absent(AttributeReference::from_name(name)),
        }
        if let Some(tag) = d.tag() {
            return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset()).within(tag));
        }
        d.leave(frame)
    }

    /// Attribute Name; empty if there is none, which the tables tolerate.
    fn read_1x_name(&mut self, d: &mut Decoder<'_, 'a>) -> Result<Cow<'a, str>> {
        if d.tag() == Some(Tag::ATTRIBUTE_VALUE) {
            return Ok(Cow::Borrowed(""));
        }
        let offset = d.offset();
        if d.tag() != Some(Tag::ATTRIBUTE_NAME) {
            let kind = ErrorKind::MissingField(Tag::ATTRIBUTE_NAME);
            return Err(Error::at(kind, offset));
        }
        match d.text() {
            Ok(name) if name.is_empty() => {
                let kind = ErrorKind::InvalidValue("an empty text".to_owned(), "Attribute Name");
                Err(Error::at(kind, offset).within(Tag::ATTRIBUTE_NAME))
            }
            name => name.map_err(|error| error.within(Tag::ATTRIBUTE_NAME)),
        }
    }

    fn read_1x_value(&mut self, name: Cow<'a, str>, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let known = attribute_by_name(&name);
        let (vendor, name) = match known {
            Some(tag) if tag.is_attribute_in(d.edition()) => return self.value.read_as(tag, d),
            // A newer attribute of the specification: its name may begin with anything.
            Some(_) => (Cow::Borrowed(""), name),
            None => split_custom_name(name),
        };
        let mut value = RawValue::default();
        // Names in the value are those of the attribute.
        value.read_as(known.unwrap_or(Tag::ATTRIBUTE_VALUE), d)?;
        self.value = AttributeValue::Custom(CustomAttribute {
            vendor,
            name,
            value,
        });
        Ok(())
    }

    fn write_1x(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        let open = e.begin(tag)?;
        match &self.value {
            AttributeValue::Custom(custom) => {
                let name = join_custom_name(&custom.vendor, &custom.name);
                if !name.is_empty() {
                    e.text(Tag::ATTRIBUTE_NAME, &name)?;
                }
                self.write_index(e)?;
                let names = attribute_by_name(&name).unwrap_or(Tag::ATTRIBUTE_VALUE);
                custom.value.write_as(Tag::ATTRIBUTE_VALUE, names, e)?;
            }
            AttributeValue::Absent(reference) => {
                reference.write(Tag::ATTRIBUTE_NAME, e)?;
                self.write_index(e)?;
            }
            value => {
                let tag = value.tag().unwrap_or_default();
                self.check_version(tag, e)?;
                AttributeReference::Standard(tag).write(Tag::ATTRIBUTE_NAME, e)?;
                self.write_index(e)?;
                let written = value.write_as(Tag::ATTRIBUTE_VALUE, e);
                written.map_err(|error| error.within(Tag::ATTRIBUTE_VALUE))?;
            }
        }
        e.end(open)
    }

    fn write_index(&self, e: &mut Encoder<'_>) -> Result<()> {
        match self.index {
            Some(index) => e.integer(Tag::ATTRIBUTE_INDEX, index),
            None => Ok(()),
        }
    }

    /// Vendor Attribute of KMIP 2.x: vendor, name, value.
    fn read_vendor(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let mut custom = CustomAttribute::default();
        let frame = d.enter()?;
        let (mut vendor, mut name, mut value) = (false, false, false);
        while let Some(tag) = d.tag() {
            let read = match tag {
                Tag::VENDOR_IDENTIFICATION if !vendor => {
                    vendor = true;
                    custom.vendor.read(d)
                }
                Tag::ATTRIBUTE_NAME if !name => {
                    name = true;
                    custom.name.read(d)
                }
                Tag::ATTRIBUTE_VALUE if !value => {
                    value = true;
                    custom.value.read(d)
                }
                _ => Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset())),
            };
            read.map_err(|error| error.within(tag))?;
        }
        if !vendor || !name {
            let tag = if vendor {
                Tag::ATTRIBUTE_NAME
            } else {
                Tag::VENDOR_IDENTIFICATION
            };
            return Err(Error::at(ErrorKind::MissingField(tag), d.offset()));
        }
        self.value = if value {
            AttributeValue::Custom(custom)
        } else {
            AttributeValue::Absent(AttributeReference::custom(custom.vendor, custom.name))
        };
        d.leave(frame)
    }
}

impl<'a> From<AttributeValue<'a>> for Attribute<'a> {
    fn from(value: AttributeValue<'a>) -> Self {
        Attribute { index: None, value }
    }
}

impl IntoOwned for Attribute<'_> {
    type Owned = Attribute<'static>;

    fn into_owned(self) -> Attribute<'static> {
        Attribute {
            index: self.index,
            value: self.value.into_owned(),
        }
    }
}

impl IntoOwned for CustomAttribute<'_> {
    type Owned = CustomAttribute<'static>;

    fn into_owned(self) -> CustomAttribute<'static> {
        CustomAttribute {
            vendor: IntoOwned::into_owned(self.vendor),
            name: IntoOwned::into_owned(self.name),
            value: self.value.into_owned(),
        }
    }
}

/// Attribute in 1.x; in 2.x a structure that holds just one attribute, such as New Attribute.
impl<'a> Item<'a> for Attribute<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        if !d.edition().is_2x() {
            return self.read_1x(d);
        }
        let frame = d.enter()?;
        match d.tag() {
            Some(tag) if Attribute::accepts_2x(d, tag) => {
                self.read_2x(d, tag).map_err(|error| error.within(tag))?;
            }
            Some(tag) => return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset())),
            None => {
                return Err(Error::at(
                    ErrorKind::MissingField(Tag::ATTRIBUTE),
                    d.offset(),
                ));
            }
        }
        if let Some(tag) = d.tag() {
            return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset()).within(tag));
        }
        d.leave(frame)
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        if !e.edition().is_2x() {
            return self.write_1x(tag, e);
        }
        let open = e.begin(tag)?;
        self.write_2x(e)?;
        e.end(open)
    }
}

/// Splits `x-name` and `y-name`; other names have no vendor.
pub(crate) fn split_custom_name(name: Cow<'_, str>) -> (Cow<'_, str>, Cow<'_, str>) {
    if !name.starts_with("x-") && !name.starts_with("y-") {
        return (Cow::Borrowed(""), name);
    }
    match name {
        Cow::Borrowed(name) => (Cow::Borrowed(&name[..1]), Cow::Borrowed(&name[2..])),
        Cow::Owned(mut name) => {
            let rest = name.split_off(2);
            name.truncate(1);
            (Cow::Owned(name), Cow::Owned(rest))
        }
    }
}

/// Attribute Name of a custom attribute in KMIP 1.x. A vendor of 2.x becomes part of the name of
/// a client's attribute.
pub(crate) fn join_custom_name<'n>(vendor: &str, name: &'n str) -> Cow<'n, str> {
    match vendor {
        "" => Cow::Borrowed(name),
        "x" | "y" => Cow::Owned(format!("{vendor}-{name}")),
        vendor => Cow::Owned(format!("x-{vendor}-{name}")),
    }
}
