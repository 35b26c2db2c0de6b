/// Name Type (KMIP 1.0-).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NameType(pub u32);
impl NameType {
    /// Text.
    pub const TEXT: Self = Self(0x000001);
    /// URI.
    pub const URI: Self = Self(0x000002);
}
crate::types::owned::owned!(NameType);
impl Enumeration for NameType {
    const TABLE: &'static EnumerationTable = &EnumerationTable {
        name: "Name Type",
        values: &[
            EnumerationValue {
                value: 1u32,
                name: "Text",
                spellings: &[(0u8, "PlainText"), (5u8, "Text")],
                since: 0u8,
                until: 6u8,
            },
            EnumerationValue {
                value: 2u32,
                name: "URI",
                spellings: &[(0u8, "URI")],
                since: 0u8,
                until: 6u8,
            },
        ],
        names: NameIndex {
            names: &[
                ("PlainText", 0u16),
                ("Text", 0u16),
                ("URI", 1u16),
                ("UninterpretedText", 0u16),
            ],
            slots: &[0u16, 0u16, 0u16, 4u16, 1u16, 2u16, 3u16, 0u16],
        },
    };
    fn new(value: u32) -> Self {
        Self(value)
    }
    fn value(self) -> u32 {
        self.0
    }
}
impl std::fmt::Debug for NameType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::enumeration::debug_value(f, Self::TABLE, self.0)
    }
}
impl std::fmt::Display for NameType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::enumeration::debug_value(f, Self::TABLE, self.0)
    }
}
impl<'a> Item<'a> for NameType {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = d.enumeration(Some(Self::TABLE))?;
        Ok(())
    }
    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.enumeration(tag, self.0, Some(Self::TABLE))
    }
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for NameType {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        _: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        super::arbitrary::enumeration(<Self as Enumeration>::TABLE, u).map(Self)
    }
}
/// Operation (KMIP 1.0-).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Operation(pub u32);
impl Operation {
    /// Rename.
    pub const RENAME: Self = Self(0x000001);
    /// Ping. KMIP 2.1-.
    pub const PING: Self = Self(0x000002);
}
crate::types::owned::owned!(Operation);
impl Enumeration for Operation {
    const TABLE: &'static EnumerationTable = &EnumerationTable {
        name: "Operation",
        values: &[
            EnumerationValue {
                value: 1u32,
                name: "Rename",
                spellings: &[(0u8, "Rename")],
                since: 0u8,
                until: 6u8,
            },
            EnumerationValue {
                value: 2u32,
                name: "Ping",
                spellings: &[(0u8, "Ping")],
                since: 6u8,
                until: 6u8,
            },
        ],
        names: NameIndex {
            names: &[("Ping", 1u16), ("Rename", 0u16)],
            slots: &[0u16, 0u16, 1u16, 2u16],
        },
    };
    fn new(value: u32) -> Self {
        Self(value)
    }
    fn value(self) -> u32 {
        self.0
    }
}
impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::enumeration::debug_value(f, Self::TABLE, self.0)
    }
}
impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::enumeration::debug_value(f, Self::TABLE, self.0)
    }
}
impl<'a> Item<'a> for Operation {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = d.enumeration(Some(Self::TABLE))?;
        Ok(())
    }
    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.enumeration(tag, self.0, Some(Self::TABLE))
    }
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for Operation {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        _: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        super::arbitrary::enumeration(<Self as Enumeration>::TABLE, u).map(Self)
    }
}
/// Cryptographic Usage Mask (KMIP 1.0-).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CryptographicUsageMask(pub u32);
impl CryptographicUsageMask {
    /// Sign.
    pub const SIGN: Self = Self(0x000001);
    /// Verify. KMIP 1.0-1.4.
    pub const VERIFY: Self = Self(0x000002);
}
crate::types::owned::owned!(CryptographicUsageMask);
impl Mask for CryptographicUsageMask {
    const TABLE: &'static EnumerationTable = &EnumerationTable {
        name: "Cryptographic Usage Mask",
        values: &[
            EnumerationValue {
                value: 1u32,
                name: "Sign",
                spellings: &[(0u8, "Sign")],
                since: 0u8,
                until: 6u8,
            },
            EnumerationValue {
                value: 2u32,
                name: "Verify",
                spellings: &[(0u8, "Verify")],
                since: 0u8,
                until: 4u8,
            },
        ],
        names: NameIndex {
            names: &[("Sign", 0u16), ("Verify", 1u16)],
            slots: &[0u16, 0u16, 2u16, 1u16],
        },
    };
    fn new(bits: u32) -> Self {
        Self(bits)
    }
    fn bits(self) -> u32 {
        self.0
    }
}
impl CryptographicUsageMask {
    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Whether no bit is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
impl std::ops::BitOr for CryptographicUsageMask {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
impl std::ops::BitOrAssign for CryptographicUsageMask {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
impl std::ops::BitAnd for CryptographicUsageMask {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
impl std::fmt::Debug for CryptographicUsageMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::enumeration::debug_bits(f, Self::TABLE, self.0)
    }
}
impl<'a> Item<'a> for CryptographicUsageMask {
    #[inline]
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        self.0 = d.mask(Self::TABLE)?;
        Ok(())
    }
    #[inline]
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        e.mask(tag, self.0, Self::TABLE)
    }
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for CryptographicUsageMask {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        _: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        super::arbitrary::enumeration(<Self as Mask>::TABLE, u).map(Self)
    }
}
