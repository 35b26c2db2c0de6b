//! Writing typed fields as items.

use super::error::{Error, ErrorKind, Result};
use super::item::{Choice, Item, Structure};
use super::raw::Extra;
use super::row::{ExtraCursor, Row};
use super::source::Sink;
use crate::ttlv;
use crate::types::{AttributeReference, Attributes, EnumerationTable, Names, Operation, Tag};
use crate::version::{Edition, ProtocolVersion};

/// Writes typed items as an encoded message of one protocol version.
///
/// Never leaves anything out: a field that the version does not have is an error.
pub struct Encoder<'s> {
    output: Output<'s>,
    edition: Edition,
    strict: bool,
}

enum Output<'s> {
    Ttlv(ttlv::Writer<'s>),
    Sink(&'s mut dyn Sink),
}

/// A structure that was begun; what [`Encoder::end`] needs.
#[derive(Debug)]
#[must_use]
pub struct Open(usize);

impl<'s> Encoder<'s> {
    /// An encoder that appends TTLV to a buffer.
    pub fn ttlv(buffer: &'s mut Vec<u8>, version: ProtocolVersion) -> Self {
        Encoder {
            output: Output::Ttlv(ttlv::Writer::new(buffer)),
            edition: version.edition(),
            strict: false,
        }
    }

    /// An encoder to anything else.
    pub fn new(sink: &'s mut dyn Sink, version: ProtocolVersion) -> Self {
        Encoder {
            output: Output::Sink(sink),
            edition: version.edition(),
            strict: false,
        }
    }

    /// With `strict`, also the values of enumerations and masks, and attributes that are only named, are
    /// errors if the specification has them, but not in the version. Vendors' and unknown ones pass. A
    /// server or a relay has to be able to pass on what it was given; what a client asks for, the
    /// version has to be able to say.
    pub(crate) fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The version whose rules are followed.
    pub fn version(&self) -> ProtocolVersion {
        self.edition.version()
    }

    pub(crate) fn edition(&self) -> Edition {
        self.edition
    }

    fn check_value(&self, tag: Tag, value: u32, names: Names) -> Result<()> {
        names.check_value(value).map_err(|error| match tag {
            Tag::OPERATION => {
                let (operation, version) = (Operation(value), self.version());
                Error::new(ErrorKind::OperationNotInVersion(operation, version))
            }
            _ => error,
        })
    }

    fn check_attribute_name(&self, name: &str) -> Result<()> {
        // In 2.x only vendors' attributes have names.
        if self.version() >= ProtocolVersion::V2_0 {
            return Ok(());
        }
        match AttributeReference::from_name(name.into()) {
            AttributeReference::Standard(tag) if !tag.is_attribute_in(self.edition) => {
                Err(Error::new(ErrorKind::NotInVersion(tag, self.version())))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn not_expressible(&self, what: &'static str) -> Error {
        let version = self.version();
        Error::new(ErrorKind::NotExpressible { what, version })
    }
}

/// The values. All fail if the encoding cannot express them.
#[allow(clippy::missing_errors_doc)]
impl Encoder<'_> {
    /// Begins a structure.
    #[inline]
    pub fn begin(&mut self, tag: Tag) -> Result<Open> {
        match &mut self.output {
            Output::Ttlv(writer) => Ok(Open(writer.begin(tag))),
            Output::Sink(sink) => sink.begin(tag).map(|()| Open(0)),
        }
    }

    /// Ends a structure.
    #[inline]
    pub fn end(&mut self, open: Open) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.end(open.0),
            Output::Sink(sink) => sink.end(),
        }
    }

    /// An Integer.
    #[inline]
    pub fn integer(&mut self, tag: Tag, value: i32) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.integer(tag, value),
            Output::Sink(sink) => return sink.integer(tag, value),
        }
        Ok(())
    }

    /// An Integer that is a mask.
    #[inline]
    pub fn mask(&mut self, tag: Tag, value: u32, table: &'static EnumerationTable) -> Result<()> {
        let names = Names::new(table, self.edition);
        if self.strict {
            names.check_bits(value)?;
        }
        match &mut self.output {
            Output::Ttlv(writer) => writer.integer(tag, value as i32),
            Output::Sink(sink) => return sink.mask(tag, value, names),
        }
        Ok(())
    }

    /// An Integer of a raw item, which is a mask if that is what items with the tag `names` are.
    pub(crate) fn raw_integer(&mut self, tag: Tag, names: Tag, value: i32) -> Result<()> {
        match names.mask() {
            Some(names) => self.mask(tag, value as u32, names),
            None => self.integer(tag, value),
        }
    }

    /// A Long Integer.
    #[inline]
    pub fn long_integer(&mut self, tag: Tag, value: i64) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.long_integer(tag, value),
            Output::Sink(sink) => return sink.long_integer(tag, value),
        }
        Ok(())
    }

    /// A Big Integer: two's complement, big-endian; extended to a multiple of eight bytes.
    #[inline]
    pub fn big_integer(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.big_integer(tag, value),
            Output::Sink(sink) => sink.big_integer(tag, value),
        }
    }

    /// An Enumeration.
    #[inline]
    pub fn enumeration(
        &mut self,
        tag: Tag,
        value: u32,
        table: Option<&'static EnumerationTable>,
    ) -> Result<()> {
        let names = table.map(|table| Names::new(table, self.edition));
        if let (true, Some(names)) = (self.strict, names) {
            self.check_value(tag, value, names)?;
        }
        match &mut self.output {
            Output::Ttlv(writer) => writer.enumeration(tag, value),
            Output::Sink(sink) => return sink.enumeration(tag, value, names),
        }
        Ok(())
    }

    /// A Boolean.
    #[inline]
    pub fn boolean(&mut self, tag: Tag, value: bool) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.boolean(tag, value),
            Output::Sink(sink) => return sink.boolean(tag, value),
        }
        Ok(())
    }

    /// A Text String.
    #[inline]
    pub fn text(&mut self, tag: Tag, value: &str) -> Result<()> {
        if self.strict && tag == Tag::ATTRIBUTE_NAME {
            self.check_attribute_name(value)?;
        }
        match &mut self.output {
            Output::Ttlv(writer) => writer.text_string(tag, value),
            Output::Sink(sink) => sink.text(tag, value),
        }
    }

    /// A Byte String.
    #[inline]
    pub fn bytes(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.byte_string(tag, value),
            Output::Sink(sink) => sink.bytes(tag, value),
        }
    }

    /// A Date-Time in seconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time(&mut self, tag: Tag, seconds: i64) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.date_time(tag, seconds),
            Output::Sink(sink) => return sink.date_time(tag, seconds),
        }
        Ok(())
    }

    /// An Interval in seconds.
    #[inline]
    pub fn interval(&mut self, tag: Tag, seconds: u32) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.interval(tag, seconds),
            Output::Sink(sink) => return sink.interval(tag, seconds),
        }
        Ok(())
    }

    /// A Date-Time Extended in microseconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time_extended(&mut self, tag: Tag, microseconds: i64) -> Result<()> {
        match &mut self.output {
            Output::Ttlv(writer) => writer.date_time_extended(tag, microseconds),
            Output::Sink(sink) => return sink.date_time_extended(tag, microseconds),
        }
        Ok(())
    }
}

/// What generated code calls: one function for each way that a field can be written. They do
/// nothing unless the row belongs to the version.
impl Encoder<'_> {
    pub(crate) fn structure<'a, T: Structure<'a>>(&mut self, tag: Tag, value: &T) -> Result<()> {
        if !(T::SINCE..=T::UNTIL).contains(&self.edition.0) {
            return Err(Error::new(ErrorKind::NotInVersion(tag, self.version())));
        }
        let open = self.begin(tag)?;
        value.encode(self)?;
        self.end(open)
    }

    #[inline(always)]
    pub(crate) fn required<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &T,
    ) -> Result<()> {
        if row.contains(self.edition) {
            return self.write(row, cursor, field);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Option<T>,
    ) -> Result<()> {
        if row.contains(self.edition) {
            match field {
                Some(value) => return self.write(row, cursor, value),
                None if row.required => return Err(missing(row)),
                None => {}
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn repeated<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &[T],
    ) -> Result<()> {
        if row.contains(self.edition) {
            return self.write_run(row, cursor, field);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn choice<'a, T: Choice<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &T,
    ) -> Result<()> {
        if row.contains(self.edition) {
            self.before_item(cursor)?;
            let tag = field.tag();
            return field.write(tag, self).map_err(|error| error.within(tag));
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional_choice<'a, T: Choice<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Option<T>,
    ) -> Result<()> {
        match field {
            Some(value) => self.choice(row, cursor, value),
            None if row.required && row.contains(self.edition) => Err(missing(row)),
            None => Ok(()),
        }
    }

    #[inline(always)]
    pub(crate) fn flat_attributes(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Attributes<'_>,
    ) -> Result<()> {
        if row.contains(self.edition) {
            if !field.names.is_empty() || !field.extra.is_empty() {
                return Err(self
                    .not_expressible("names of templates")
                    .within(Tag(row.tag)));
            }
            return self.write_run(row, cursor, &field.list);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional_flat_attributes(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        field: &Option<Attributes<'_>>,
    ) -> Result<()> {
        match field {
            Some(attributes) => self.flat_attributes(row, cursor, attributes),
            None if row.required && row.contains(self.edition) => Err(missing(row)),
            None => Ok(()),
        }
    }

    /// Fails for an operation that the version does not have.
    #[inline(always)]
    pub(crate) fn gate_operation(&self, operation: Operation, since: u8, until: u8) -> Result<()> {
        if (since..=until).contains(&self.edition.0) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::OperationNotInVersion(
            operation,
            self.version(),
        )))
    }

    /// Fails for a field that is set although none of its rows belongs to the version.
    #[inline(always)]
    pub(crate) fn gate(&self, rows: &[Row], set: bool) -> Result<()> {
        if set && !rows.iter().any(|row| row.contains(self.edition)) {
            let tag = Tag(rows[0].tag);
            return Err(Error::new(ErrorKind::NotInVersion(tag, self.version())).within(tag));
        }
        Ok(())
    }

    /// Writes the raw items that stand behind all fields.
    #[inline(always)]
    pub(crate) fn finish(&mut self, cursor: ExtraCursor<'_, '_>) -> Result<()> {
        if cursor.extra.is_empty() {
            return Ok(());
        }
        self.write_extra(&mut ExtraCursor {
            items: u32::MAX,
            ..cursor
        })
    }

    #[inline(always)]
    fn write<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        value: &T,
    ) -> Result<()> {
        self.before_item(cursor)?;
        match value.write(Tag(row.tag), self) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.within(Tag(row.tag))),
        }
    }

    #[inline]
    fn write_run<'a, T: Item<'a>>(
        &mut self,
        row: Row,
        cursor: &mut ExtraCursor<'_, '_>,
        values: &[T],
    ) -> Result<()> {
        if row.required && values.is_empty() {
            return Err(missing(row));
        }
        if !row.repeat && values.len() > 1 {
            let kind = ErrorKind::RepeatedInVersion(Tag(row.tag), self.version());
            return Err(Error::new(kind).within(Tag(row.tag)));
        }
        for (index, value) in values.iter().enumerate() {
            self.before_item(cursor)?;
            if let Err(error) = value.write(Tag(row.tag), self) {
                return Err(error.within_nth(Tag(row.tag), index));
            }
        }
        Ok(())
    }

    /// Writes the raw items that stand before the next field.
    #[inline(always)]
    fn before_item(&mut self, cursor: &mut ExtraCursor<'_, '_>) -> Result<()> {
        if !cursor.extra.is_empty() {
            self.write_extra(cursor)?;
        }
        cursor.items += 1;
        Ok(())
    }

    #[cold]
    fn write_extra(&mut self, cursor: &mut ExtraCursor<'_, '_>) -> Result<()> {
        while let Some(item) = cursor.extra.due(cursor.next, cursor.items) {
            let write = item.value.write(item.tag, self);
            write.map_err(|error| error.within(item.tag))?;
            cursor.next += 1;
        }
        Ok(())
    }
}

impl<'e, 'a> ExtraCursor<'e, 'a> {
    #[inline(always)]
    pub(crate) fn new(extra: &'e Extra<'a>) -> Self {
        ExtraCursor {
            extra,
            next: 0,
            items: 0,
        }
    }
}

#[cold]
fn missing(row: Row) -> Error {
    Error::new(ErrorKind::MissingField(Tag(row.tag)))
}
