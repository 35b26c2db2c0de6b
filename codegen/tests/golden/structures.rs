/// Name (KMIP 1.0-: 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name<'a> {
    /// Name Value (KMIP 1.0-): required.
    pub name_value: Cow<'a, str>,
    /// Name Type (KMIP 1.0-1.4): required.
    /// Name Type (KMIP 2.0-): optional.
    pub name_type: Option<NameType>,
    /// Items without a field.
    pub extra: Extra<'a>,
}
impl IntoOwned for Name<'_> {
    type Owned = Name<'static>;
    fn into_owned(self) -> Name<'static> {
        Name {
            name_value: IntoOwned::into_owned(self.name_value),
            name_type: IntoOwned::into_owned(self.name_type),
            extra: IntoOwned::into_owned(self.extra),
        }
    }
}
impl<'a> Item<'a> for Name<'a> {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        d.structure(self)
    }
    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.structure(tag, self)
    }
}
const _: () = {
    const R0: Row = Row::new(0x420055, 0u8, 6u8, true, false);
    const R1: Row = Row::new(0x420054, 0u8, 4u8, true, false);
    const R2: Row = Row::new(0x420054, 5u8, 6u8, false, false);
    static LAYOUT: Layout = Layout {
        rows: &[R0, R1, R2],
        required: [3u64, 3u64, 3u64, 3u64, 3u64, 1u64, 1u64],
        open: false,
        selector: 0u64,
        selected: 0u64,
    };
    impl<'a> Structure<'a> for Name<'a> {
        const SINCE: u8 = 0u8;
        const UNTIL: u8 = 6u8;
        fn fill(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
            let mut p = Progress::default();
            loop {
                d.required(R0, 0u32, &mut p, &mut self.name_value)?;
                d.optional(R1, 1u32, &mut p, &mut self.name_type)?;
                d.optional(R2, 2u32, &mut p, &mut self.name_type)?;
                if d.finished(&LAYOUT, &mut p, &mut self.extra)? {
                    return Ok(());
                }
            }
        }
        fn encode(&self, e: &mut Encoder<'_>) -> Result<()> {
            let mut c = ExtraCursor::new(&self.extra);
            e.required(R0, &mut c, &self.name_value)?;
            e.optional(R1, &mut c, &self.name_type)?;
            e.optional(R2, &mut c, &self.name_type)?;
            e.finish(c)
        }
    }
    #[cfg(feature = "arbitrary")]
    impl<'a> super::arbitrary::ArbitraryIn<'a> for Name<'a> {
        fn arbitrary_in(
            u: &mut ::arbitrary::Unstructured<'a>,
            edition: crate::version::Edition,
        ) -> ::arbitrary::Result<Self> {
            let value = Name {
                name_value: super::arbitrary::plain(&[R0], u, edition)?,
                name_type: super::arbitrary::optional(&[R1, R2], u, edition)?,
                extra: Extra::new(),
            };
            Ok(value)
        }
    }
};
/// Key Material: its structure depends on the Key Format Type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMaterial<'a> {
    /// The key as bytes.
    Bytes(Secret<'a>),
    /// The form of an unknown type, or of one that the version lacks.
    Raw(RawValue<'a>),
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for KeyMaterial<'a> {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        edition: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        const EDITIONS: [(u8, u8); 0usize] = [];
        Ok(
            match super::arbitrary::variant(&EDITIONS, u, edition)? {
                _ => super::arbitrary::bytes(u)?,
            },
        )
    }
}
impl KeyMaterial<'_> {
    /// The Key Format Type that goes with the structure, if it is one.
    pub fn selector(&self) -> Option<KeyFormatType> {
        Some(
            match self {
                _ => return None,
            },
        )
    }
}
impl Default for KeyMaterial<'_> {
    fn default() -> Self {
        KeyMaterial::Raw(RawValue::default())
    }
}
impl IntoOwned for KeyMaterial<'_> {
    type Owned = KeyMaterial<'static>;
    fn into_owned(self) -> KeyMaterial<'static> {
        match self {
            KeyMaterial::Bytes(bytes) => KeyMaterial::Bytes(IntoOwned::into_owned(bytes)),
            KeyMaterial::Raw(value) => KeyMaterial::Raw(IntoOwned::into_owned(value)),
        }
    }
}
impl<'a> Item<'a> for KeyMaterial<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        if d.item_type()? == ItemType::BYTE_STRING {
            let mut bytes = Secret::default();
            bytes.read(d)?;
            *self = KeyMaterial::Bytes(bytes);
            return Ok(());
        }
        *self = match KeyFormatType(d.selector()) {
            _ => KeyMaterial::Raw(RawValue::default()),
        };
        match self {
            KeyMaterial::Raw(value) => value.read(d),
            #[allow(unreachable_patterns)]
            _ => Ok(()),
        }
    }
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            KeyMaterial::Bytes(bytes) => bytes.write(tag, e),
            KeyMaterial::Raw(value) => value.write(tag, e),
        }
    }
}
/// Credential Value: its structure depends on the Credential Type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialValue<'a> {
    /// The form of an unknown type, or of one that the version lacks.
    Raw(RawValue<'a>),
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for CredentialValue<'a> {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        edition: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        const EDITIONS: [(u8, u8); 0usize] = [];
        Ok(
            match super::arbitrary::variant(&EDITIONS, u, edition)? {
                _ => CredentialValue::Raw(RawValue::default()),
            },
        )
    }
}
impl CredentialValue<'_> {
    /// The Credential Type that goes with the structure, if it is one.
    pub fn selector(&self) -> Option<CredentialType> {
        Some(
            match self {
                _ => return None,
            },
        )
    }
}
impl Default for CredentialValue<'_> {
    fn default() -> Self {
        CredentialValue::Raw(RawValue::default())
    }
}
impl IntoOwned for CredentialValue<'_> {
    type Owned = CredentialValue<'static>;
    fn into_owned(self) -> CredentialValue<'static> {
        match self {
            CredentialValue::Raw(value) => {
                CredentialValue::Raw(IntoOwned::into_owned(value))
            }
        }
    }
}
impl<'a> Item<'a> for CredentialValue<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        *self = match CredentialType(d.selector()) {
            _ => CredentialValue::Raw(RawValue::default()),
        };
        match self {
            CredentialValue::Raw(value) => value.read(d),
            #[allow(unreachable_patterns)]
            _ => Ok(()),
        }
    }
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            CredentialValue::Raw(value) => value.write(tag, e),
        }
    }
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for ManagedObject<'a> {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        edition: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        const EDITIONS: [(u8, u8); 0usize] = [];
        Ok(
            match super::arbitrary::variant(&EDITIONS, u, edition)? {
                _ => ManagedObject::default(),
            },
        )
    }
}
/// A managed object, as it is registered, got, imported and exported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagedObject<'a> {}
impl ManagedObject<'_> {
    /// Type of the object.
    pub fn object_type(&self) -> ObjectType {
        match self {}
    }
}
impl Default for ManagedObject<'_> {
    fn default() -> Self {
        ManagedObject::OpaqueObject(OpaqueObject::default())
    }
}
impl IntoOwned for ManagedObject<'_> {
    type Owned = ManagedObject<'static>;
    fn into_owned(self) -> ManagedObject<'static> {
        match self {}
    }
}
impl<'a> Item<'a> for ManagedObject<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        match d.tag().unwrap_or_default() {
            tag => return Err(Error::at(ErrorKind::UnexpectedItem(tag), d.offset())),
        }
        Ok(())
    }
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {}
    }
}
impl<'a> Choice<'a> for ManagedObject<'a> {
    #[inline]
    fn accepts(tag: Tag) -> bool {
        matches!(tag,)
    }
    #[inline]
    fn tag(&self) -> Tag {
        match self {}
    }
}
