//! What a text encoding offers to its users.

use zeroize::Zeroize;

use super::{Cursor, Lines, Style};
use crate::codec::{Decoder, Encoder, Error, ErrorKind, Item, Options, Result, Sink};
use crate::types::Tag;
use crate::version::ProtocolVersion;

/// Decodes the only item of an index.
pub(crate) fn decode_item<'a, T: Item<'a>>(
    mut cursor: Cursor<'_, 'a>,
    tag: Tag,
    version: ProtocolVersion,
    options: &Options,
) -> Result<T> {
    let mut decoder = Decoder::new(&mut cursor, version, options)?;
    if let Some(found) = decoder.tag().filter(|found| *found != tag) {
        let expected = tag;
        let kind = ErrorKind::UnexpectedRoot { expected, found };
        return Err(Error::at(kind, decoder.offset()));
    }
    let mut item = T::default();
    match item.read(&mut decoder) {
        Ok(()) => decoder.finish()?,
        Err(error) => return Err(error.within(tag)),
    }
    Ok(item)
}

/// A writer that appends to a buffer.
pub(crate) trait TextWriter<'b>: Sink {
    fn on(lines: Lines<'b>) -> Self;
    fn into_lines(self) -> Lines<'b>;
}

/// Appends an item to a buffer, or nothing if that fails. `strict`: see [`Encoder::strict`].
pub(crate) fn encode_item<'a, 'b, W: TextWriter<'b>, T: Item<'a>>(
    item: &T,
    tag: Tag,
    version: ProtocolVersion,
    buffer: &'b mut Vec<u8>,
    style: Style,
    strict: bool,
) -> Result<()> {
    let length = buffer.len();
    let mut writer = W::on(Lines::new(buffer, style));
    let written = item.write(tag, &mut Encoder::new(&mut writer, version).strict(strict));
    written.map_err(|error| {
        let buffer = writer.into_lines().buffer;
        // It may hold the begin of a key.
        buffer[length..].zeroize();
        buffer.truncate(length);
        error.within(tag)
    })
}

/// The functions of a module with a `parser` and a `Writer`: the same for both encodings.
macro_rules! encoding {
    (json: $json:literal) => {
        use crate::codec::{Error, Item, Message, Mode, Options, Result};
        pub use crate::text::Fragment;
        use crate::text::{self, Cursor, Index, Lines, Rules, Style, TextWriter};
        use crate::types::Tag;
        use crate::version::ProtocolVersion;

        impl<'b> Writer<'b> {
            /// A writer without white space.
            pub fn new(buffer: &'b mut Vec<u8>) -> Self {
                Writer::on(Lines::new(buffer, Style::Compact))
            }

            /// A writer of an item a line.
            pub fn indented(buffer: &'b mut Vec<u8>) -> Self {
                Writer::on(Lines::new(buffer, Style::Indented))
            }
        }

        /// Decodes messages and keeps its memory from one to the next.
        #[derive(Default)]
        pub struct Reader {
            index: Index,
        }

        impl Reader {
            /// A reader.
            pub fn new() -> Self {
                Reader::default()
            }

            /// See [`decode`].
            ///
            /// # Errors
            /// See [`decode`].
            pub fn decode<'a, M: Message<'a>>(
                &mut self,
                bytes: &'a [u8],
                options: &Options,
            ) -> Result<M> {
                self.decode_item(bytes, M::TAG, ProtocolVersion::LATEST, options)
            }

            /// See [`decode_item`].
            ///
            /// # Errors
            /// See [`decode_item`].
            pub fn decode_item<'a, T: Item<'a>>(
                &mut self,
                bytes: &'a [u8],
                tag: Tag,
                version: ProtocolVersion,
                options: &Options,
            ) -> Result<T> {
                let text = parser::parse(bytes, options, &mut self.index, false)?;
                let rules = Rules {
                    json: $json,
                    strict: options.mode == Mode::Strict,
                };
                let cursor = Cursor::new(&self.index, text, rules);
                text::decode_item(cursor, tag, version, options)
            }

            /// Tag of the only item in `bytes`.
            ///
            /// # Errors
            /// The bytes are not exactly one item.
            pub fn root_tag(&mut self, bytes: &[u8], options: &Options) -> Result<Tag> {
                parser::parse(bytes, options, &mut self.index, false)?;
                Ok(Tag(self.index.get(1).tag))
            }

            /// What can be read of a message that may be broken: its items in the order of the
            /// text, up to the place where that stops being well-formed, and the fault there.
            /// Names that are not known and wrong values are no obstacle; they are faults of
            /// their items. Whether the items make a message is not asked.
            pub fn fragments<'a>(
                &mut self,
                bytes: &'a [u8],
                options: &Options,
            ) -> (Vec<Fragment<'a>>, Option<Error>) {
                let fault = parser::parse(bytes, options, &mut self.index, true).err();
                self.index.close_all();
                let rules = Rules {
                    json: $json,
                    strict: options.mode == Mode::Strict,
                };
                // What is no text left the index empty.
                let text = std::str::from_utf8(bytes).unwrap_or_default();
                (text::fragments(&self.index, text, rules, options), fault)
            }
        }

        /// Decodes a message. It borrows texts without escapes from `bytes`.
        ///
        /// # Errors
        /// The bytes are not exactly one message of this kind, see
        /// [`ErrorKind`](crate::codec::ErrorKind).
        pub fn decode<'a, M: Message<'a>>(bytes: &'a [u8], options: &Options) -> Result<M> {
            Reader::new().decode(bytes, options)
        }

        /// Decodes an item that is not a whole message, by the rules of `version`.
        ///
        /// # Errors
        /// The bytes are not exactly one such item, see [`ErrorKind`](crate::codec::ErrorKind).
        pub fn decode_item<'a, T: Item<'a>>(
            bytes: &'a [u8],
            tag: Tag,
            version: ProtocolVersion,
            options: &Options,
        ) -> Result<T> {
            Reader::new().decode_item(bytes, tag, version, options)
        }

        /// Appends a message to `buffer` without white space, by the rules of the version in its
        /// header. On an error the buffer is as it was.
        ///
        /// # Errors
        /// The version does not have a field that is set, or requires one that is not; or the
        /// encoding has no form for a character.
        pub fn encode<'a, M: Message<'a>>(message: &M, buffer: &mut Vec<u8>) -> Result<()> {
            encode_item(message, M::TAG, message.version(), buffer)
        }

        /// As [`encode`], with numbers instead of names for the values of enumerations and masks,
        /// which the specification allows as well and which every reader understands, however it
        /// spells the names.
        ///
        /// # Errors
        /// See [`encode`].
        pub fn encode_numbers<'a, M: Message<'a>>(message: &M, buffer: &mut Vec<u8>) -> Result<()> {
            let version = message.version();
            let style = Style::Numbers;
            text::encode_item::<Writer<'_>, M>(message, M::TAG, version, buffer, style, false)
        }

        /// As [`encode`] or [`encode_numbers`], and strictly: see
        /// [`Encoder::strict`](crate::codec::Encoder::strict).
        pub(crate) fn encode_strictly<'a, M: Message<'a>>(
            message: &M,
            numbers: bool,
            buffer: &mut Vec<u8>,
        ) -> Result<()> {
            let version = message.version();
            let style = match numbers {
                true => Style::Numbers,
                false => Style::Compact,
            };
            text::encode_item::<Writer<'_>, M>(message, M::TAG, version, buffer, style, true)
        }

        /// As [`encode`], with an item a line and a line feed at the end.
        ///
        /// # Errors
        /// See [`encode`].
        pub fn encode_indented<'a, M: Message<'a>>(
            message: &M,
            buffer: &mut Vec<u8>,
        ) -> Result<()> {
            encode_item_indented(message, M::TAG, message.version(), buffer)
        }

        /// Appends an item to `buffer`, by the rules of `version`. On an error the buffer is as it
        /// was.
        ///
        /// # Errors
        /// See [`encode`].
        pub fn encode_item<'a, T: Item<'a>>(
            item: &T,
            tag: Tag,
            version: ProtocolVersion,
            buffer: &mut Vec<u8>,
        ) -> Result<()> {
            text::encode_item::<Writer<'_>, T>(item, tag, version, buffer, Style::Compact, false)
        }

        /// As [`encode_item`], with an item a line and a line feed at the end.
        ///
        /// # Errors
        /// See [`encode`].
        pub fn encode_item_indented<'a, T: Item<'a>>(
            item: &T,
            tag: Tag,
            version: ProtocolVersion,
            buffer: &mut Vec<u8>,
        ) -> Result<()> {
            text::encode_item::<Writer<'_>, T>(item, tag, version, buffer, Style::Indented, false)
        }
    };
}

pub(crate) use encoding;
