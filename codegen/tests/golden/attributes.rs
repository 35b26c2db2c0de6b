/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeValue<'a> {
    /// Name (KMIP 1.0-1.4: 3.2; 2.0-: 4.33).
    Name(Name<'a>),
    /// An attribute that the specification (of this version) does not define.
    Custom(CustomAttribute<'a>),
    /// The name of an attribute without a value: it was deleted (Notify).
    Absent(AttributeReference<'a>),
}
impl Default for AttributeValue<'_> {
    fn default() -> Self {
        AttributeValue::Absent(AttributeReference::default())
    }
}
impl<'a> AttributeValue<'a> {
    /// Tag of the attribute, if the specification defines it.
    pub fn tag(&self) -> Option<Tag> {
        Some(
            match self {
                AttributeValue::Name(_) => Tag::NAME,
                AttributeValue::Custom(_) | AttributeValue::Absent(_) => return None,
            },
        )
    }
    /// Reads the value of the attribute with this tag.
    pub(super) fn read_as(&mut self, tag: Tag, d: &mut Decoder<'_, 'a>) -> Result<()> {
        match tag {
            Tag::NAME => {
                *self = AttributeValue::Name(Default::default());
                if let AttributeValue::Name(value) = self {
                    return value.read(d);
                }
            }
            _ => return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset())),
        }
        Ok(())
    }
    /// A random value of the attribute with this tag.
    #[cfg(feature = "arbitrary")]
    pub(super) fn arbitrary_as(
        tag: Tag,
        u: &mut ::arbitrary::Unstructured<'a>,
        edition: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        use super::arbitrary::ArbitraryIn;
        Ok(
            match tag {
                Tag::NAME => AttributeValue::Name(ArbitraryIn::arbitrary_in(u, edition)?),
                _ => AttributeValue::default(),
            },
        )
    }
    /// Writes the value as an item with this tag.
    pub(super) fn write_as(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            AttributeValue::Name(value) => value.write(tag, e),
            AttributeValue::Custom(_) | AttributeValue::Absent(_) => Ok(()),
        }
    }
}
impl IntoOwned for AttributeValue<'_> {
    type Owned = AttributeValue<'static>;
    fn into_owned(self) -> AttributeValue<'static> {
        match self {
            AttributeValue::Name(value) => {
                AttributeValue::Name(IntoOwned::into_owned(value))
            }
            AttributeValue::Custom(value) => AttributeValue::Custom(value.into_owned()),
            AttributeValue::Absent(name) => AttributeValue::Absent(name.into_owned()),
        }
    }
}
/// The attributes of the specification.
impl<'a> Attribute<'a> {
    /// The attribute Name.
    pub fn name(value: impl Into<Name<'a>>) -> Self {
        AttributeValue::Name(value.into()).into()
    }
}
/// The attributes of the specification.
impl<'a> Attributes<'a> {
    /// Value of the first attribute Name.
    pub fn name(&self) -> Option<&Name<'a>> {
        self.list
            .iter()
            .find_map(|attribute| match &attribute.value {
                AttributeValue::Name(value) => Some(value),
                _ => None,
            })
    }
}
pub(super) static ATTRIBUTES: [AttributeInfo; 1usize] = [
    AttributeInfo {
        tag: Tag::NAME,
        name: "Name",
        rules: &[
            super::tag::AttributeRules {
                since: 0u8,
                until: 4u8,
                always_has_value: false,
                settable_by_client: true,
                modifiable_by_client: true,
                deletable_by_client: true,
                multiple_instances: true,
            },
            super::tag::AttributeRules {
                since: 5u8,
                until: 6u8,
                always_has_value: false,
                settable_by_client: true,
                modifiable_by_client: false,
                deletable_by_client: true,
                multiple_instances: true,
            },
        ],
    },
];
static ATTRIBUTE_NAMES: NameIndex = NameIndex {
    names: &[("Name", 0u16)],
    slots: &[1u16, 0u16],
};
/// The attribute with this Attribute Name of KMIP 1.x.
pub(super) fn attribute_by_name(name: &str) -> Option<Tag> {
    Some(ATTRIBUTES[usize::from(ATTRIBUTE_NAMES.find(name)?)].tag)
}
