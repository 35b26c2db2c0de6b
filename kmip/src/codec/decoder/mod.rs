//! Reading items into typed fields.

mod fields;
mod values;

use crate::codec::error::{Error, ErrorKind, Result};
use crate::codec::item::Structure;
use crate::codec::options::{Mode, Options};
use crate::codec::source::Source;
use crate::ttlv;
use crate::types::{ItemType, Operation, Tag};
use crate::version::{Edition, ProtocolVersion};

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
pub struct Frame(ttlv::Frame);

impl<'s, 'a> Decoder<'s, 'a> {
    /// A decoder of the item at the begin of `message`, usually a whole message. The version is
    /// that of the message, once its header was read.
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
        let mut reader = ttlv::Reader::new(message)?.strict(strict);
        reader.end_behind_item();
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

    /// Whether the version has an operation. Fails in strict mode if not; else its payload is raw.
    pub(crate) fn has_operation(&self, operation: Operation, since: u8, until: u8) -> Result<bool> {
        let has = (since..=until).contains(&self.edition.0);
        if self.strict && !has {
            let kind = ErrorKind::OperationNotInVersion(operation, self.version());
            return Err(Error::at(kind, self.offset()));
        }
        Ok(has)
    }

    /// Whether the version has a form of the item before which the decoder stands. Fails in strict
    /// mode if not; else the item is raw.
    pub(crate) fn has_structure<T: Structure<'a>>(&self) -> Result<bool> {
        let has = (T::SINCE..=T::UNTIL).contains(&self.edition.0);
        if self.strict && !has {
            let tag = Tag(self.reader.raw_tag());
            let kind = ErrorKind::NotInVersion(tag, self.version());
            return Err(Error::at(kind, self.offset()));
        }
        Ok(has)
    }

    /// Fails unless the whole message was read.
    ///
    /// # Errors
    /// Something follows.
    pub fn finish(mut self) -> Result<()> {
        match &mut self.source {
            None => match self.reader.unread() {
                0 => Ok(()),
                rest => {
                    let offset = self.reader.offset();
                    Err(Error::at(ErrorKind::TrailingBytes(rest), offset))
                }
            },
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
        if self.source.is_some() {
            return self.enter_source();
        }
        Ok(Frame(self.reader.enter()?))
    }

    #[inline(never)]
    fn enter_source(&mut self) -> Result<Frame> {
        self.read_source(|source| source.enter())?;
        Ok(Frame(ttlv::Frame::default()))
    }

    /// Goes behind the structure that was entered.
    ///
    /// # Errors
    /// What follows is broken.
    #[inline]
    pub fn leave(&mut self, frame: Frame) -> Result<()> {
        self.depth -= 1;
        match &self.source {
            None => self.reader.leave(frame.0),
            Some(_) => self.read_source(|source| source.leave()),
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

    /// Reads from the source and then looks at its next item. Not inlined, which keeps the way of
    /// TTLV short.
    #[inline(never)]
    fn read_source<T: Default>(
        &mut self,
        read: impl FnOnce(&mut dyn Source<'a>) -> Result<T>,
    ) -> Result<T> {
        let Some(source) = &mut self.source else {
            return Ok(T::default());
        };
        let value = read(*source)?;
        self.sync()?;
        Ok(value)
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
