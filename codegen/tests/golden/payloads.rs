/// Rename Request Payload (KMIP 1.0-: 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenameRequest<'a> {
    /// Unique Identifier (KMIP 1.0-): optional.
    pub unique_identifier: Option<UniqueIdentifier<'a>>,
    /// New Name (KMIP 1.0-1.4): required.
    pub new_name: Option<Name<'a>>,
    /// Attributes (KMIP 2.0-): required.
    pub attributes: Option<Attributes<'a>>,
    /// Managed Object (KMIP 1.0-): optional.
    pub managed_object: Option<ManagedObject<'a>>,
    /// Items without a field.
    pub extra: Extra<'a>,
}
impl IntoOwned for RenameRequest<'_> {
    type Owned = RenameRequest<'static>;
    fn into_owned(self) -> RenameRequest<'static> {
        RenameRequest {
            unique_identifier: IntoOwned::into_owned(self.unique_identifier),
            new_name: IntoOwned::into_owned(self.new_name),
            attributes: IntoOwned::into_owned(self.attributes),
            managed_object: IntoOwned::into_owned(self.managed_object),
            extra: IntoOwned::into_owned(self.extra),
        }
    }
}
impl<'a> Item<'a> for RenameRequest<'a> {
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
    const R0: Row = Row::new(0x420094, 0u8, 6u8, false, false);
    const R1: Row = Row::new(0x420053, 0u8, 4u8, true, false);
    const R2: Row = Row::new(0x420125, 5u8, 6u8, true, false);
    const R3: Row = Row::new(0x000000, 0u8, 6u8, false, false);
    static LAYOUT: Layout = Layout {
        rows: &[R0, R1, R2, R3],
        required: [2u64, 2u64, 2u64, 2u64, 2u64, 4u64, 4u64],
        open: false,
        selector: 0u64,
        selected: 0u64,
    };
    impl<'a> Structure<'a> for RenameRequest<'a> {
        const SINCE: u8 = 0u8;
        const UNTIL: u8 = 6u8;
        fn fill(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
            let mut p = Progress::default();
            loop {
                d.optional(R0, 0u32, &mut p, &mut self.unique_identifier)?;
                d.optional(R1, 1u32, &mut p, &mut self.new_name)?;
                d.optional(R2, 2u32, &mut p, &mut self.attributes)?;
                d.optional_choice(R3, 3u32, &mut p, &mut self.managed_object)?;
                if d.finished(&LAYOUT, &mut p, &mut self.extra)? {
                    return Ok(());
                }
            }
        }
        fn encode(&self, e: &mut Encoder<'_>) -> Result<()> {
            e.gate(&[R1], self.new_name.is_some())?;
            e.gate(&[R2], self.attributes.is_some())?;
            let mut c = ExtraCursor::new(&self.extra);
            e.optional(R0, &mut c, &self.unique_identifier)?;
            e.optional(R1, &mut c, &self.new_name)?;
            e.optional(R2, &mut c, &self.attributes)?;
            e.optional_choice(R3, &mut c, &self.managed_object)?;
            e.finish(c)
        }
    }
    #[cfg(feature = "arbitrary")]
    impl<'a> super::arbitrary::ArbitraryIn<'a> for RenameRequest<'a> {
        fn arbitrary_in(
            u: &mut ::arbitrary::Unstructured<'a>,
            edition: crate::version::Edition,
        ) -> ::arbitrary::Result<Self> {
            let value = RenameRequest {
                unique_identifier: super::arbitrary::optional(&[R0], u, edition)?,
                new_name: super::arbitrary::optional(&[R1], u, edition)?,
                attributes: super::arbitrary::optional_attributes(&[R2], u, edition)?,
                managed_object: super::arbitrary::optional(&[R3], u, edition)?,
                extra: Extra::new(),
            };
            Ok(value)
        }
    }
};
/// Rename Response Payload (KMIP 1.0-: 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenameResponse<'a> {
    /// Items without a field.
    pub extra: Extra<'a>,
}
impl IntoOwned for RenameResponse<'_> {
    type Owned = RenameResponse<'static>;
    fn into_owned(self) -> RenameResponse<'static> {
        RenameResponse {
            extra: IntoOwned::into_owned(self.extra),
        }
    }
}
impl<'a> Item<'a> for RenameResponse<'a> {
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
    static LAYOUT: Layout = Layout {
        rows: &[],
        required: [0u64, 0u64, 0u64, 0u64, 0u64, 0u64, 0u64],
        open: false,
        selector: 0u64,
        selected: 0u64,
    };
    impl<'a> Structure<'a> for RenameResponse<'a> {
        const SINCE: u8 = 0u8;
        const UNTIL: u8 = 6u8;
        fn fill(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
            let mut p = Progress::default();
            while !d.finished(&LAYOUT, &mut p, &mut self.extra)? {}
            Ok(())
        }
        fn encode(&self, e: &mut Encoder<'_>) -> Result<()> {
            e.finish(ExtraCursor::new(&self.extra))
        }
    }
    #[cfg(feature = "arbitrary")]
    impl<'a> super::arbitrary::ArbitraryIn<'a> for RenameResponse<'a> {
        fn arbitrary_in(
            u: &mut ::arbitrary::Unstructured<'a>,
            edition: crate::version::Edition,
        ) -> ::arbitrary::Result<Self> {
            let _ = (u, edition);
            let value = RenameResponse {
                extra: Extra::new(),
            };
            Ok(value)
        }
    }
};
impl<'a> From<RenameRequest<'a>> for RequestPayload<'a> {
    fn from(value: RenameRequest<'a>) -> Self {
        RequestPayload::Rename(value)
    }
}
impl<'a> TryFrom<RequestPayload<'a>> for RenameRequest<'a> {
    type Error = UnexpectedPayload;
    fn try_from(payload: RequestPayload<'a>) -> Result<Self, UnexpectedPayload> {
        match payload {
            RequestPayload::Rename(value) => Ok(value),
            other => {
                Err(UnexpectedPayload {
                    expected: Operation::RENAME,
                    found: other.operation(),
                })
            }
        }
    }
}
impl<'a> From<RenameResponse<'a>> for ResponsePayload<'a> {
    fn from(value: RenameResponse<'a>) -> Self {
        ResponsePayload::Rename(value)
    }
}
impl<'a> TryFrom<ResponsePayload<'a>> for RenameResponse<'a> {
    type Error = UnexpectedPayload;
    fn try_from(payload: ResponsePayload<'a>) -> Result<Self, UnexpectedPayload> {
        match payload {
            ResponsePayload::Rename(value) => Ok(value),
            other => {
                Err(UnexpectedPayload {
                    expected: Operation::RENAME,
                    found: other.operation(),
                })
            }
        }
    }
}
impl<'a> OperationRequest<'a> for RenameRequest<'a> {
    const OPERATION: Operation = Operation::RENAME;
    type Response<'r> = RenameResponse<'r>;
}
/// Ping Request Payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PingRequest<'a> {
    /// Items without a field.
    pub extra: Extra<'a>,
}
impl IntoOwned for PingRequest<'_> {
    type Owned = PingRequest<'static>;
    fn into_owned(self) -> PingRequest<'static> {
        PingRequest {
            extra: IntoOwned::into_owned(self.extra),
        }
    }
}
impl<'a> Item<'a> for PingRequest<'a> {
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
    static LAYOUT: Layout = Layout {
        rows: &[],
        required: [0u64, 0u64, 0u64, 0u64, 0u64, 0u64, 0u64],
        open: false,
        selector: 0u64,
        selected: 0u64,
    };
    impl<'a> Structure<'a> for PingRequest<'a> {
        const SINCE: u8 = 0u8;
        const UNTIL: u8 = 6u8;
        fn fill(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
            let mut p = Progress::default();
            while !d.finished(&LAYOUT, &mut p, &mut self.extra)? {}
            Ok(())
        }
        fn encode(&self, e: &mut Encoder<'_>) -> Result<()> {
            e.finish(ExtraCursor::new(&self.extra))
        }
    }
    #[cfg(feature = "arbitrary")]
    impl<'a> super::arbitrary::ArbitraryIn<'a> for PingRequest<'a> {
        fn arbitrary_in(
            u: &mut ::arbitrary::Unstructured<'a>,
            edition: crate::version::Edition,
        ) -> ::arbitrary::Result<Self> {
            let _ = (u, edition);
            let value = PingRequest { extra: Extra::new() };
            Ok(value)
        }
    }
};
/// Ping Response Payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PingResponse<'a> {
    /// Items without a field.
    pub extra: Extra<'a>,
}
impl IntoOwned for PingResponse<'_> {
    type Owned = PingResponse<'static>;
    fn into_owned(self) -> PingResponse<'static> {
        PingResponse {
            extra: IntoOwned::into_owned(self.extra),
        }
    }
}
impl<'a> Item<'a> for PingResponse<'a> {
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
    static LAYOUT: Layout = Layout {
        rows: &[],
        required: [0u64, 0u64, 0u64, 0u64, 0u64, 0u64, 0u64],
        open: false,
        selector: 0u64,
        selected: 0u64,
    };
    impl<'a> Structure<'a> for PingResponse<'a> {
        const SINCE: u8 = 0u8;
        const UNTIL: u8 = 6u8;
        fn fill(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
            let mut p = Progress::default();
            while !d.finished(&LAYOUT, &mut p, &mut self.extra)? {}
            Ok(())
        }
        fn encode(&self, e: &mut Encoder<'_>) -> Result<()> {
            e.finish(ExtraCursor::new(&self.extra))
        }
    }
    #[cfg(feature = "arbitrary")]
    impl<'a> super::arbitrary::ArbitraryIn<'a> for PingResponse<'a> {
        fn arbitrary_in(
            u: &mut ::arbitrary::Unstructured<'a>,
            edition: crate::version::Edition,
        ) -> ::arbitrary::Result<Self> {
            let _ = (u, edition);
            let value = PingResponse {
                extra: Extra::new(),
            };
            Ok(value)
        }
    }
};
impl<'a> From<PingRequest<'a>> for RequestPayload<'a> {
    fn from(value: PingRequest<'a>) -> Self {
        RequestPayload::Ping(value)
    }
}
impl<'a> TryFrom<RequestPayload<'a>> for PingRequest<'a> {
    type Error = UnexpectedPayload;
    fn try_from(payload: RequestPayload<'a>) -> Result<Self, UnexpectedPayload> {
        match payload {
            RequestPayload::Ping(value) => Ok(value),
            other => {
                Err(UnexpectedPayload {
                    expected: Operation::PING,
                    found: other.operation(),
                })
            }
        }
    }
}
impl<'a> From<PingResponse<'a>> for ResponsePayload<'a> {
    fn from(value: PingResponse<'a>) -> Self {
        ResponsePayload::Ping(value)
    }
}
impl<'a> TryFrom<ResponsePayload<'a>> for PingResponse<'a> {
    type Error = UnexpectedPayload;
    fn try_from(payload: ResponsePayload<'a>) -> Result<Self, UnexpectedPayload> {
        match payload {
            ResponsePayload::Ping(value) => Ok(value),
            other => {
                Err(UnexpectedPayload {
                    expected: Operation::PING,
                    found: other.operation(),
                })
            }
        }
    }
}
impl<'a> OperationRequest<'a> for PingRequest<'a> {
    const OPERATION: Operation = Operation::PING;
    type Response<'r> = PingResponse<'r>;
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for RequestPayload<'a> {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        edition: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        const EDITIONS: [(u8, u8); 2usize] = [(0u8, 6u8), (6u8, 6u8)];
        Ok(
            match super::arbitrary::variant(&EDITIONS, u, edition)? {
                0usize => {
                    RequestPayload::Rename(
                        super::arbitrary::ArbitraryIn::arbitrary_in(u, edition)?,
                    )
                }
                1usize => {
                    RequestPayload::Ping(
                        super::arbitrary::ArbitraryIn::arbitrary_in(u, edition)?,
                    )
                }
                _ => {
                    RequestPayload::Unknown {
                        operation: super::arbitrary::NO_OPERATION,
                        payload: RawValue::default(),
                    }
                }
            },
        )
    }
}
/// Request Payload of any operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestPayload<'a> {
    /// Rename (KMIP 1.0-).
    Rename(RenameRequest<'a>),
    /// Ping (KMIP 2.1-).
    Ping(PingRequest<'a>),
    /// The payload of an operation without a table, or that the version lacks.
    Unknown {
        /// The operation.
        operation: Operation,
        /// Its payload.
        payload: RawValue<'a>,
    },
}
impl RequestPayload<'_> {
    /// The operation.
    pub fn operation(&self) -> Operation {
        match self {
            RequestPayload::Rename(_) => Operation::RENAME,
            RequestPayload::Ping(_) => Operation::PING,
            RequestPayload::Unknown { operation, .. } => *operation,
        }
    }
}
impl Default for RequestPayload<'_> {
    fn default() -> Self {
        RequestPayload::Unknown {
            operation: Operation::default(),
            payload: RawValue::default(),
        }
    }
}
impl IntoOwned for RequestPayload<'_> {
    type Owned = RequestPayload<'static>;
    fn into_owned(self) -> RequestPayload<'static> {
        match self {
            RequestPayload::Rename(value) => {
                RequestPayload::Rename(IntoOwned::into_owned(value))
            }
            RequestPayload::Ping(value) => {
                RequestPayload::Ping(IntoOwned::into_owned(value))
            }
            RequestPayload::Unknown { operation, payload } => {
                RequestPayload::Unknown {
                    operation,
                    payload: IntoOwned::into_owned(payload),
                }
            }
        }
    }
}
impl<'a> Item<'a> for RequestPayload<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let operation = Operation(d.selector());
        match operation {
            Operation::RENAME if d.has_operation(operation, 0u8, 6u8)? => {
                *self = RequestPayload::Rename(Default::default());
                if let RequestPayload::Rename(value) = self {
                    return value.read(d);
                }
            }
            Operation::PING if d.has_operation(operation, 6u8, 6u8)? => {
                *self = RequestPayload::Ping(Default::default());
                if let RequestPayload::Ping(value) = self {
                    return value.read(d);
                }
            }
            _ => {
                *self = RequestPayload::Unknown {
                    operation,
                    payload: RawValue::default(),
                };
                if let RequestPayload::Unknown { payload, .. } = self {
                    return payload.read(d);
                }
            }
        }
        Ok(())
    }
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            RequestPayload::Rename(value) => {
                e.gate_operation(Operation::RENAME, 0u8, 6u8)?;
                value.write(tag, e)
            }
            RequestPayload::Ping(value) => {
                e.gate_operation(Operation::PING, 6u8, 6u8)?;
                value.write(tag, e)
            }
            RequestPayload::Unknown { payload, .. } => payload.write(tag, e),
        }
    }
}
#[cfg(feature = "arbitrary")]
impl<'a> super::arbitrary::ArbitraryIn<'a> for ResponsePayload<'a> {
    fn arbitrary_in(
        u: &mut ::arbitrary::Unstructured<'a>,
        edition: crate::version::Edition,
    ) -> ::arbitrary::Result<Self> {
        const EDITIONS: [(u8, u8); 2usize] = [(0u8, 6u8), (6u8, 6u8)];
        Ok(
            match super::arbitrary::variant(&EDITIONS, u, edition)? {
                0usize => {
                    ResponsePayload::Rename(
                        super::arbitrary::ArbitraryIn::arbitrary_in(u, edition)?,
                    )
                }
                1usize => {
                    ResponsePayload::Ping(
                        super::arbitrary::ArbitraryIn::arbitrary_in(u, edition)?,
                    )
                }
                _ => {
                    ResponsePayload::Unknown {
                        operation: super::arbitrary::NO_OPERATION,
                        payload: RawValue::default(),
                    }
                }
            },
        )
    }
}
/// Response Payload of any operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponsePayload<'a> {
    /// Rename (KMIP 1.0-).
    Rename(RenameResponse<'a>),
    /// Ping (KMIP 2.1-).
    Ping(PingResponse<'a>),
    /// The payload of an operation without a table, or that the version lacks.
    Unknown {
        /// The operation.
        operation: Operation,
        /// Its payload.
        payload: RawValue<'a>,
    },
}
impl ResponsePayload<'_> {
    /// The operation.
    pub fn operation(&self) -> Operation {
        match self {
            ResponsePayload::Rename(_) => Operation::RENAME,
            ResponsePayload::Ping(_) => Operation::PING,
            ResponsePayload::Unknown { operation, .. } => *operation,
        }
    }
}
impl Default for ResponsePayload<'_> {
    fn default() -> Self {
        ResponsePayload::Unknown {
            operation: Operation::default(),
            payload: RawValue::default(),
        }
    }
}
impl IntoOwned for ResponsePayload<'_> {
    type Owned = ResponsePayload<'static>;
    fn into_owned(self) -> ResponsePayload<'static> {
        match self {
            ResponsePayload::Rename(value) => {
                ResponsePayload::Rename(IntoOwned::into_owned(value))
            }
            ResponsePayload::Ping(value) => {
                ResponsePayload::Ping(IntoOwned::into_owned(value))
            }
            ResponsePayload::Unknown { operation, payload } => {
                ResponsePayload::Unknown {
                    operation,
                    payload: IntoOwned::into_owned(payload),
                }
            }
        }
    }
}
impl<'a> Item<'a> for ResponsePayload<'a> {
    fn read(&mut self, d: &mut Decoder<'_, 'a>) -> Result<()> {
        let operation = Operation(d.selector());
        match operation {
            Operation::RENAME if d.has_operation(operation, 0u8, 6u8)? => {
                *self = ResponsePayload::Rename(Default::default());
                if let ResponsePayload::Rename(value) = self {
                    return value.read(d);
                }
            }
            Operation::PING if d.has_operation(operation, 6u8, 6u8)? => {
                *self = ResponsePayload::Ping(Default::default());
                if let ResponsePayload::Ping(value) = self {
                    return value.read(d);
                }
            }
            _ => {
                *self = ResponsePayload::Unknown {
                    operation,
                    payload: RawValue::default(),
                };
                if let ResponsePayload::Unknown { payload, .. } = self {
                    return payload.read(d);
                }
            }
        }
        Ok(())
    }
    fn write(&self, tag: Tag, e: &mut Encoder<'_>) -> Result<()> {
        match self {
            ResponsePayload::Rename(value) => {
                e.gate_operation(Operation::RENAME, 0u8, 6u8)?;
                value.write(tag, e)
            }
            ResponsePayload::Ping(value) => {
                e.gate_operation(Operation::PING, 6u8, 6u8)?;
                value.write(tag, e)
            }
            ResponsePayload::Unknown { payload, .. } => payload.write(tag, e),
        }
    }
}
