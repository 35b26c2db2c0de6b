//! Reading items into typed fields.

use std::borrow::Cow;

use super::error::{Error, ErrorKind, Result};
use super::item::{Choice, Item, Structure};
use super::options::{Mode, Options};
use super::raw::{Extra, RawItem, RawValue};
use super::row::{Layout, Progress, Row};
use super::source::Source;
use crate::ttlv;
use crate::types::{Attribute, Attributes, EnumerationTable, ItemType, Operation, Tag};
use crate::version::{Edition, ProtocolVersion};

/// Most bytes that are reserved for a repeated field before its items are read, for each byte that
/// the message still has: a run of empty items costs the sender eight bytes an item, and us the
/// size of the typed item.
const RESERVE_PER_BYTE: usize = 16;

/// Reads typed items from an encoded message.
///
/// Stands before an item or at the end of a structure, like [`ttlv::Reader`].
pub struct Decoder<'s, 'a> {
    /// The items of a TTLV message; for another encoding, only the tag of the current item.
    reader: ttlv::Reader<'a>,
    source: Option<&'s mut dyn Source<'a>>,
    edition: Edition,
    strict: bool,
    depth: usize,
    items: usize,
    /// Value of the field that decides the type of a later one, such as the operation.
    selector: u32,
    misplaced: usize,
    options: Options,
}

/// What [`Decoder::leave`] needs to return to the enclosing structure.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Frame(Option<ttlv::Frame>);

impl<'s, 'a> Decoder<'s, 'a> {
    /// A decoder of a TTLV message. The version is that of the message, once its header was read.
    ///
    /// # Errors
    /// The message is longer than the limit, or the header of its first item is broken.
    pub fn ttlv(message: &'a [u8], version: ProtocolVersion, options: &Options) -> Result<Self> {
        let limit = options.limits.message_bytes;
        if message.len() > limit {
            let length = message.len();
            return Err(Error::new(ErrorKind::TooLong { length, limit }));
        }
        let strict = options.mode == Mode::Strict;
        let reader = ttlv::Reader::new(message)?.strict(strict);
        Ok(Self::over(reader, None, version, options))
    }

    /// A decoder of another encoding. Limits of the message's length are up to the source.
    ///
    /// # Errors
    /// The source cannot make out its first item.
    pub fn new(
        source: &'s mut dyn Source<'a>,
        version: ProtocolVersion,
        options: &Options,
    ) -> Result<Self> {
        let reader = ttlv::Reader::new(&[])?;
        let mut decoder = Self::over(reader, Some(source), version, options);
        decoder.sync()?;
        Ok(decoder)
    }

    fn over(
        reader: ttlv::Reader<'a>,
        source: Option<&'s mut dyn Source<'a>>,
        version: ProtocolVersion,
        options: &Options,
    ) -> Self {
        Decoder {
            reader,
            source,
            edition: version.edition(),
            strict: options.mode == Mode::Strict,
            depth: 0,
            items: 0,
            selector: 0,
            misplaced: 0,
            options: *options,
        }
    }

    /// Tag of the item, `None` at the end of the structure.
    pub fn tag(&self) -> Option<Tag> {
        self.reader.tag()
    }

    /// Type of the item.
    ///
    /// # Errors
    /// The source cannot make it out.
    pub fn item_type(&mut self) -> Result<ItemType> {
        match &mut self.source {
            None => Ok(self.reader.item_type()),
            Some(source) => source.item_type(),
        }
    }

    /// Where the item stands in the message, in bytes.
    pub fn offset(&self) -> usize {
        match &self.source {
            None => self.reader.offset(),
            Some(source) => source.offset(),
        }
    }

    /// The rules by which the message is read.
    pub fn version(&self) -> ProtocolVersion {
        self.edition.version()
    }

    /// Whether items that the specification does not have at their place are errors.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// How many known items stood at another place than the specification gives them.
    pub fn misplaced(&self) -> usize {
        self.misplaced
    }

    pub(crate) fn edition(&self) -> Edition {
        self.edition
    }

    pub(crate) fn set_version(&mut self, version: ProtocolVersion) {
        self.edition = version.edition();
    }

    /// Tells the value that decides the type of the next item, which is that of an earlier item of
    /// the same structure: the operation for a payload, the Key Format Type for Key Material, the
    /// Credential Type for a Credential Value. Only needed to read such an item alone.
    #[inline(always)]
    pub fn select(&mut self, value: u32) {
        self.selector = value;
    }

    pub(crate) fn selector(&self) -> u32 {
        self.selector
    }

    /// Fails in strict mode for an operation that the version does not have.
    pub(crate) fn gate_operation(&self, operation: Operation, since: u8, until: u8) -> Result<()> {
        if !self.strict || (since..=until).contains(&self.edition.0) {
            return Ok(());
        }
        let kind = ErrorKind::OperationNotInVersion(operation, self.version());
        Err(Error::at(kind, self.offset()))
    }

    /// Fails unless the whole message was read.
    ///
    /// # Errors
    /// Something follows.
    pub fn finish(mut self) -> Result<()> {
        match &mut self.source {
            // What follows was not looked at yet if the reader stands at the end of the root.
            None if self.reader.raw_tag() != 0 => {
                let offset = self.reader.offset();
                let rest = self.reader.remaining();
                Err(Error::at(ErrorKind::TrailingBytes(rest), offset))
            }
            None => Ok(()),
            Some(source) => match source.peek()? {
                None => Ok(()),
                Some(tag) => Err(Error::at(ErrorKind::UnexpectedItem(tag), source.offset())),
            },
        }
    }

    /// Goes to the first item of the structure.
    ///
    /// # Errors
    /// The item is not a structure, or one too deep.
    #[inline]
    pub fn enter(&mut self) -> Result<Frame> {
        self.count_items(1)?;
        self.depth += 1;
        if self.depth > self.options.limits.depth {
            return Err(self.too_deep());
        }
        match &mut self.source {
            None => Ok(Frame(Some(self.reader.enter()?))),
            Some(source) => {
                source.enter()?;
                self.sync()?;
                Ok(Frame(None))
            }
        }
    }

    /// Goes behind the structure that was entered.
    ///
    /// # Errors
    /// What follows is broken.
    #[inline]
    pub fn leave(&mut self, frame: Frame) -> Result<()> {
        self.depth -= 1;
        match (&mut self.source, frame.0) {
            (Some(source), _) => {
                source.leave()?;
                self.sync()
            }
            (None, Some(frame)) => self.reader.leave(frame),
            (None, None) => Ok(()),
        }
    }

    #[inline(always)]
    pub(crate) fn count_items(&mut self, count: usize) -> Result<()> {
        self.items += count;
        if self.items > self.options.limits.items {
            return Err(self.too_many(self.options.limits.items));
        }
        Ok(())
    }

    /// How many items the structure still has, as a guess.
    pub(crate) fn items_ahead(&self) -> usize {
        match &self.source {
            None => self.reader.items_ahead(),
            Some(source) => source.items_ahead(),
        }
    }

    /// Takes the tag of the source's item over into the reader, where all code looks for it.
    fn sync(&mut self) -> Result<()> {
        if let Some(source) = &mut self.source {
            let tag = source.peek()?;
            self.reader.set_tag(tag);
        }
        Ok(())
    }

    #[cold]
    fn too_deep(&self) -> Error {
        Error::at(ErrorKind::TooDeep(self.options.limits.depth), self.offset())
    }

    #[cold]
    fn too_many(&self, limit: usize) -> Error {
        Error::at(ErrorKind::TooManyItems(limit), self.offset())
    }
}

/// Reads a value from TTLV, or from the source and then looks at its next item.
macro_rules! value {
    ($self:ident, $ttlv:expr, $source:ident => $read:expr) => {
        match &mut $self.source {
            None => $ttlv,
            Some($source) => {
                let value = $read?;
                $self.sync()?;
                Ok(value)
            }
        }
    };
}

/// The values. All fail if the item has another type or is broken.
#[allow(clippy::missing_errors_doc)]
impl<'a> Decoder<'_, 'a> {
    /// An Integer.
    #[inline]
    pub fn integer(&mut self) -> Result<i32> {
        value!(self, self.reader.integer(), source => source.integer())
    }

    /// An Integer that is a mask.
    #[inline]
    pub fn mask(&mut self, names: &'static EnumerationTable) -> Result<u32> {
        value!(self, self.reader.integer().map(|v| v as u32), source => source.mask(names))
    }

    /// An Integer of a raw item, which is a mask if that is what the tag says.
    pub(crate) fn raw_integer(&mut self, tag: Tag) -> Result<i32> {
        match tag.mask() {
            Some(names) => Ok(self.mask(names)? as i32),
            None => self.integer(),
        }
    }

    /// A Long Integer.
    #[inline]
    pub fn long_integer(&mut self) -> Result<i64> {
        value!(self, self.reader.long_integer(), source => source.long_integer())
    }

    /// A Big Integer: two's complement, big-endian.
    #[inline]
    pub fn big_integer(&mut self) -> Result<Cow<'a, [u8]>> {
        value!(self, self.reader.big_integer().map(Cow::Borrowed), source => source.big_integer())
    }

    /// An Enumeration.
    #[inline]
    pub fn enumeration(&mut self, names: Option<&'static EnumerationTable>) -> Result<u32> {
        value!(self, self.reader.enumeration(), source => source.enumeration(names))
    }

    /// A Boolean.
    #[inline]
    pub fn boolean(&mut self) -> Result<bool> {
        value!(self, self.reader.boolean(), source => source.boolean())
    }

    /// A Text String.
    #[inline]
    pub fn text(&mut self) -> Result<Cow<'a, str>> {
        let offset = self.offset();
        let text: Result<Cow<'a, str>> =
            value!(self, self.reader.text_string().map(Cow::Borrowed), source => source.text());
        let text = text?;
        let (length, limit) = (text.len(), self.options.limits.text_bytes);
        if length > limit {
            return Err(Error::at(ErrorKind::TooLong { length, limit }, offset));
        }
        Ok(text)
    }

    /// A Byte String.
    #[inline]
    pub fn bytes(&mut self) -> Result<Cow<'a, [u8]>> {
        value!(self, self.reader.byte_string().map(Cow::Borrowed), source => source.bytes())
    }

    /// A Date-Time in seconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time(&mut self) -> Result<i64> {
        value!(self, self.reader.date_time(), source => source.date_time())
    }

    /// An Interval in seconds.
    #[inline]
    pub fn interval(&mut self) -> Result<u32> {
        value!(self, self.reader.interval(), source => source.interval())
    }

    /// A Date-Time Extended in microseconds since 1970-01-01 UTC.
    #[inline]
    pub fn date_time_extended(&mut self) -> Result<i64> {
        value!(self, self.reader.date_time_extended(), source => source.date_time_extended())
    }
}

/// What generated code calls: one function for each way that a field can be filled. They do
/// nothing unless the current item belongs to the row.
impl<'a> Decoder<'_, 'a> {
    /// Reads a structure and what the specification does not have in it.
    pub(crate) fn structure<T: Structure<'a>>(&mut self, value: &mut T) -> Result<()> {
        let frame = self.enter()?;
        value.fill(self)?;
        self.leave(frame)
    }

    #[inline(always)]
    pub(crate) fn required<T: Item<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut T,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read(row, field);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn optional<T: Item<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Option<T>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read(row, field.insert(T::default()));
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn repeated<T: Item<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Vec<T>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read_run(row, progress, field);
        }
        Ok(())
    }

    /// A field that is one of several structures.
    #[inline(always)]
    pub(crate) fn choice<T: Choice<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut T,
    ) -> Result<()> {
        let tag = Tag(self.reader.raw_tag());
        if T::accepts(tag) && self.takes(row, bit, progress) {
            return field.read(self).map_err(|error| error.within(tag));
        }
        Ok(())
    }

    /// As [`Decoder::choice`], for a field that may be absent.
    #[inline(always)]
    pub(crate) fn optional_choice<T: Choice<'a>>(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Option<T>,
    ) -> Result<()> {
        let tag = Tag(self.reader.raw_tag());
        if T::accepts(tag) && self.takes(row, bit, progress) {
            let value = field.insert(T::default());
            return value.read(self).map_err(|error| error.within(tag));
        }
        Ok(())
    }

    /// The attributes of KMIP 1.x that stand in a structure without one of their own.
    #[inline(always)]
    pub(crate) fn flat_attributes(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Attributes<'a>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && self.takes(row, bit, progress) {
            return self.read_run::<Attribute<'a>>(row, progress, &mut field.list);
        }
        Ok(())
    }

    /// As [`Decoder::flat_attributes`], where there may be a structure in other versions.
    #[inline(always)]
    pub(crate) fn optional_flat_attributes(
        &mut self,
        row: Row,
        bit: u32,
        progress: &mut Progress,
        field: &mut Option<Attributes<'a>>,
    ) -> Result<()> {
        if self.reader.raw_tag() == row.tag && row.contains(self.edition) {
            let field = field.get_or_insert_default();
            return self.flat_attributes(row, bit, progress, field);
        }
        Ok(())
    }

    /// Whether the structure ends here. If not, the item has no place in the table: keeps it, or
    /// leaves it for another round.
    #[inline(always)]
    pub(crate) fn finished(
        &mut self,
        layout: &'static Layout,
        progress: &mut Progress,
        extra: &mut Extra<'a>,
    ) -> Result<bool> {
        if self.reader.raw_tag() == 0 {
            let required = layout.required[self.edition.index()];
            if progress.seen & required != required {
                return Err(self.missing(layout, progress));
            }
            if !extra.is_empty() {
                extra.settle(progress.items);
            }
            return Ok(true);
        }
        self.unexpected(layout, progress, extra)?;
        Ok(false)
    }

    /// Whether this is the first item (or run of items) for a row of this version.
    #[inline(always)]
    fn takes(&self, row: Row, bit: u32, progress: &mut Progress) -> bool {
        let bit = 1 << bit;
        if !row.contains(self.edition) || progress.seen & bit != 0 {
            return false;
        }
        progress.seen |= bit;
        progress.items += 1;
        true
    }

    #[inline(always)]
    fn read<T: Item<'a>>(&mut self, row: Row, field: &mut T) -> Result<()> {
        match field.read(self) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.within(Tag(row.tag))),
        }
    }

    #[inline]
    pub(crate) fn read_run<T: Item<'a>>(
        &mut self,
        row: Row,
        progress: &mut Progress,
        field: &mut Vec<T>,
    ) -> Result<()> {
        let expected = match (row.repeat, &self.source) {
            (true, None) => self.reader.run_length(),
            (true, Some(source)) => source.run_length(),
            (false, _) => 1,
        };
        self.reserve(field, expected);
        progress.items -= 1;
        while self.reader.raw_tag() == row.tag {
            let index = field.len();
            if row.tag == Tag::BATCH_ITEM.0 && index >= self.options.limits.batch_items {
                return Err(self.too_many(self.options.limits.batch_items));
            }
            self.count_items(1)?;
            // Unlike push, this builds the value where it stays.
            field.resize_with(index + 1, T::default);
            if let Err(error) = field[index].read(self) {
                return Err(error.within_nth(Tag(row.tag), index));
            }
            progress.items += 1;
            if !row.repeat {
                break;
            }
        }
        Ok(())
    }

    /// Makes room for `expected` more values, as far as the length of the message justifies it.
    #[inline]
    pub(crate) fn reserve<T>(&self, field: &mut Vec<T>, expected: usize) {
        let most = match &self.source {
            None => self.reader.remaining() * RESERVE_PER_BYTE / size_of::<T>().max(1),
            Some(_) => 1,
        };
        field.reserve_exact(expected.min(most).max(1));
    }

    #[cold]
    fn missing(&self, layout: &Layout, progress: &Progress) -> Error {
        let missing = layout.required[self.edition.index()] & !progress.seen;
        let row = layout.rows[missing.trailing_zeros() as usize];
        Error::at(ErrorKind::MissingField(Tag(row.tag)), self.offset())
    }

    #[cold]
    fn unexpected(
        &mut self,
        layout: &Layout,
        progress: &mut Progress,
        extra: &mut Extra<'a>,
    ) -> Result<()> {
        let tag = Tag(self.reader.raw_tag());
        let mut rows = layout.rows.iter().enumerate();
        let known = rows.find(|(_, row)| row.tag == tag.0 && row.contains(self.edition));
        if self.strict && !(layout.open && known.is_none()) {
            let too_new = known.is_none() && layout.rows.iter().any(|row| row.tag == tag.0);
            let kind = if too_new {
                ErrorKind::NotInVersion(tag, self.version())
            } else {
                ErrorKind::UnexpectedItem(tag)
            };
            return Err(Error::at(kind, self.offset()).within(tag));
        }
        if let Some((bit, _)) = known {
            if progress.seen & (1 << bit) == 0 {
                // Out of order: the next round through the rows takes it.
                self.misplaced += 1;
                return Ok(());
            }
        }
        let mut item = RawItem {
            tag,
            value: RawValue::default(),
        };
        item.value.read(self).map_err(|error| error.within(tag))?;
        extra.push_after(progress.items, item);
        Ok(())
    }
}
