//! The attributes of an object.

use super::attribute::Attribute;
use super::generated::{AttributeValue, Name};
use super::owned::IntoOwned;
use super::reference::AttributeReference;
use super::tag::Tag;
use crate::codec::{Decoder, Encoder, Error, ErrorKind, Extra, Item, RawItem, RawValue, Result};

/// A list of attributes: Template-Attribute and its like in KMIP 1.x, Attributes and its like in
/// 2.x. In some payloads of 1.x the attributes stand without a structure around them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes<'a> {
    /// Names of templates (1.x, deprecated since 1.3).
    pub names: Vec<Name<'a>>,
    /// The attributes.
    pub list: Vec<Attribute<'a>>,
    /// Items that are no attributes of the version.
    pub extra: Extra<'a>,
}

impl<'a> Attributes<'a> {
    /// No attributes.
    pub const fn new() -> Self {
        Attributes {
            names: Vec::new(),
            list: Vec::new(),
            extra: Extra::new(),
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, attribute: impl Into<Attribute<'a>>) -> Self {
        self.list.push(attribute.into());
        self
    }

    /// Adds an attribute.
    pub fn push(&mut self, attribute: impl Into<Attribute<'a>>) {
        self.list.push(attribute.into());
    }

    /// The attributes.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute<'a>> {
        self.list.iter()
    }

    /// Values of the attribute with this tag, in the order of the list.
    pub fn values(&self, tag: Tag) -> impl Iterator<Item = &AttributeValue<'a>> {
        let values = self.list.iter().map(|attribute| &attribute.value);
        values.filter(move |value| value.tag() == Some(tag))
    }

    /// Value of a custom attribute.
    pub fn custom(&self, vendor: &str, name: &str) -> Option<&RawValue<'a>> {
        self.list
            .iter()
            .find_map(|attribute| match &attribute.value {
                AttributeValue::Custom(custom)
                    if custom.vendor == vendor && custom.name == name =>
                {
                    Some(&custom.value)
                }
                _ => None,
            })
    }

    /// The first attribute that a reference means.
    pub fn find(&self, reference: &AttributeReference<'_>) -> Option<&Attribute<'a>> {
        self.list
            .iter()
            .find(|attribute| attribute.reference() == *reference)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.list.is_empty() && self.extra.is_empty()
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }
}

impl<'a> FromIterator<Attribute<'a>> for Attributes<'a> {
    fn from_iter<I: IntoIterator<Item = Attribute<'a>>>(attributes: I) -> Self {
        Attributes {
            list: attributes.into_iter().collect(),
            ..Attributes::new()
        }
    }
}

impl<'a, const N: usize> From<[Attribute<'a>; N]> for Attributes<'a> {
    fn from(attributes: [Attribute<'a>; N]) -> Self {
        attributes.into_iter().collect()
    }
}

impl<'a> From<Vec<Attribute<'a>>> for Attributes<'a> {
    fn from(list: Vec<Attribute<'a>>) -> Self {
        Attributes {
            list,
            ..Attributes::new()
        }
    }
}

impl<'a> IntoIterator for Attributes<'a> {
    type Item = Attribute<'a>;
    type IntoIter = std::vec::IntoIter<Attribute<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'l, 'a> IntoIterator for &'l Attributes<'a> {
    type Item = &'l Attribute<'a>;
    type IntoIter = std::slice::Iter<'l, Attribute<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl IntoOwned for Attributes<'_> {
    type Owned = Attributes<'static>;

    fn into_owned(self) -> Attributes<'static> {
        Attributes {
            names: self.names.into_owned(),
            list: self.list.into_owned(),
            extra: self.extra.into_owned(),
        }
    }
}

/// Adds a value. Unlike `push`, this builds it where it stays.
fn added<T: Default>(list: &mut Vec<T>) -> &mut T {
    let index = list.len();
    list.resize_with(index + 1, T::default);
    &mut list[index]
}

impl<'a> Item<'a> for Attributes<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let typed = d.edition().is_2x();
        let frame = d.enter()?;
        // Runs differ from attribute to attribute, so the number of items is the best guess.
        let expected = d.items_ahead();
        if expected > 0 {
            d.reserve(&mut self.list, expected);
        }
        while let Some(tag) = d.tag() {
            let offset = d.offset();
            let read = if typed && Attribute::accepts_2x(d, tag) {
                let attribute = added(&mut self.list);
                let read = d.count_items(1).and_then(|()| attribute.read_2x(d, tag));
                read.or_else(|error| self.read_mistyped(d, tag, offset, error))
            } else if !typed && tag == Tag::ATTRIBUTE {
                let attribute = added(&mut self.list);
                d.count_items(1).and_then(|()| attribute.read(d))
            } else if !typed && tag == Tag::NAME {
                let name = added(&mut self.names);
                d.count_items(1).and_then(|()| name.read(d))
            } else {
                self.read_extra(d, tag)
            };
            read.map_err(|error| error.within(tag))?;
        }
        if !self.extra.is_empty() {
            self.extra
                .settle((self.names.len() + self.list.len()) as u32);
        }
        d.leave(frame)
    }

    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        let typed = e.edition().is_2x();
        let open = e.begin(tag)?;
        if typed && !self.names.is_empty() {
            return Err(e.not_expressible("names of templates"));
        }
        let mut written = 0;
        let mut extra = 0;
        let mut flush = |e: &mut Encoder<'_>, written: u32| -> Result<()> {
            while let Some(item) = self.extra.due(extra, written) {
                let write = item.value.write(item.tag, e);
                write.map_err(|error| error.within(item.tag))?;
                extra += 1;
            }
            Ok(())
        };
        for name in &self.names {
            flush(e, written)?;
            name.write(Tag::NAME, e)
                .map_err(|error| error.within(Tag::NAME))?;
            written += 1;
        }
        for attribute in &self.list {
            flush(e, written)?;
            if typed {
                attribute.write_2x(e)?;
            } else {
                let write = attribute.write(Tag::ATTRIBUTE, e);
                write.map_err(|error| error.within(Tag::ATTRIBUTE))?;
            }
            written += 1;
        }
        flush(e, u32::MAX)?;
        e.end(open)
    }
}

impl<'a> Attributes<'a> {
    /// Keeps an attribute to which the peer gives another type, such as Short Unique Identifier as a
    /// text with Cosmian KMS: one attribute should not make all others unreadable.
    #[cold]
    fn read_mistyped(
        &mut self,
        d: &mut Decoder<'_, 'a>,
        tag: Tag,
        offset: usize,
        error: Error,
    ) -> Result<()> {
        let is_type = matches!(
            error.kind(),
            ErrorKind::UnexpectedType { .. } | ErrorKind::InvalidValue(..)
        );
        if d.is_strict() || !is_type || d.offset() != offset || d.tag() != Some(tag) {
            return Err(error);
        }
        self.list.pop();
        self.read_extra(d, tag)
    }

    #[cold]
    fn read_extra(&mut self, d: &mut Decoder<'_, 'a>, tag: Tag) -> Result<()> {
        if d.is_strict() {
            return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset()));
        }
        let mut value = RawValue::default();
        value.read(d)?;
        let before = self.names.len() + self.list.len();
        self.extra.push_after(before as u32, RawItem { tag, value });
        Ok(())
    }
}
