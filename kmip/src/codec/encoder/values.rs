//! Writing the values of items.

use super::{Encoder, Open, Output};
use crate::codec::error::Result;
use crate::types::{EnumerationTable, Names, Tag};

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
