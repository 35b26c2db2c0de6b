//! Names of attributes.

use std::borrow::Cow;
use std::fmt;

use super::ItemType;
use super::attribute::{join_custom_name, split_custom_name};
use super::generated::TAG_ENUMERATION;
use super::owned::IntoOwned;
use super::tag::Tag;
use crate::codec::{Decoder, Encoder, Error, ErrorKind, Item, Result};

/// Which attribute is meant: Attribute Name in KMIP 1.x, Attribute Reference in 2.x.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum AttributeReference<'a> {
    /// An attribute of the specification, by its tag.
    Standard(Tag),
    /// Any other attribute.
    Custom {
        /// Vendor Identification; `x` and `y` for the custom attributes of clients and servers.
        /// Empty for a name of KMIP 1.x that is neither.
        vendor: Cow<'a, str>,
        /// Name without the vendor.
        name: Cow<'a, str>,
    },
}

impl<'a> AttributeReference<'a> {
    /// A custom attribute.
    pub fn custom(vendor: impl Into<Cow<'a, str>>, name: impl Into<Cow<'a, str>>) -> Self {
        AttributeReference::Custom {
            vendor: vendor.into(),
            name: name.into(),
        }
    }

    /// The attribute with this Attribute Name of KMIP 1.x.
    pub fn from_name(name: Cow<'a, str>) -> Self {
        match super::generated::attribute_by_name(&name) {
            Some(tag) => AttributeReference::Standard(tag),
            None => {
                let (vendor, name) = split_custom_name(name);
                AttributeReference::Custom { vendor, name }
            }
        }
    }

    /// Attribute Name in KMIP 1.x. `None` for a tag that is no attribute's.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            AttributeReference::Standard(tag) => Some(Cow::Borrowed(tag.attribute()?.name)),
            AttributeReference::Custom { vendor, name } => Some(join_custom_name(vendor, name)),
        }
    }
}

impl Default for AttributeReference<'_> {
    fn default() -> Self {
        AttributeReference::Standard(Tag::default())
    }
}

impl From<Tag> for AttributeReference<'_> {
    fn from(tag: Tag) -> Self {
        AttributeReference::Standard(tag)
    }
}

impl fmt::Display for AttributeReference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(&name),
            None => match self {
                AttributeReference::Standard(tag) => write!(f, "{tag}"),
                AttributeReference::Custom { .. } => Ok(()),
            },
        }
    }
}

impl fmt::Debug for AttributeReference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl IntoOwned for AttributeReference<'_> {
    type Owned = AttributeReference<'static>;

    fn into_owned(self) -> AttributeReference<'static> {
        match self {
            AttributeReference::Standard(tag) => AttributeReference::Standard(tag),
            AttributeReference::Custom { vendor, name } => AttributeReference::Custom {
                vendor: IntoOwned::into_owned(vendor),
                name: IntoOwned::into_owned(name),
            },
        }
    }
}

impl<'a> Item<'a> for AttributeReference<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        if !d.edition().is_2x() {
            *self = AttributeReference::from_name(d.text()?);
            return Ok(());
        }
        if d.item_type()? == ItemType::ENUMERATION {
            *self = AttributeReference::Standard(Tag(d.enumeration(Some(&TAG_ENUMERATION))?));
            return Ok(());
        }
        let frame = d.enter()?;
        let (mut vendor, mut name) = (None, None);
        while let Some(tag) = d.tag() {
            let field = match tag {
                Tag::VENDOR_IDENTIFICATION if vendor.is_none() => &mut vendor,
                Tag::ATTRIBUTE_NAME if name.is_none() => &mut name,
                _ => return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset())),
            };
            *field = Some(d.text().map_err(|error| error.within(tag))?);
        }
        let missing = |tag| Error::at(ErrorKind::MissingField(tag), d.offset());
        *self = AttributeReference::Custom {
            vendor: vendor.ok_or_else(|| missing(Tag::VENDOR_IDENTIFICATION))?,
            name: name.ok_or_else(|| missing(Tag::ATTRIBUTE_NAME))?,
        };
        d.leave(frame)
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        if !e.edition().is_2x() {
            let name = self.name();
            return match name {
                Some(name) => e.text(tag, &name),
                None => Err(e.not_expressible("a reference to a tag that is no attribute")),
            };
        }
        match self {
            AttributeReference::Standard(attribute) => {
                e.enumeration(tag, attribute.0, Some(&TAG_ENUMERATION))
            }
            AttributeReference::Custom { vendor, name } => {
                let open = e.begin(tag)?;
                e.text(Tag::VENDOR_IDENTIFICATION, vendor)?;
                e.text(Tag::ATTRIBUTE_NAME, name)?;
                e.end(open)
            }
        }
    }
}
