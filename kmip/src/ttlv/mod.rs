//! The binary encoding: tag, type, length, value (9.1 in KMIP 1.x, 10 in 2.x).

pub(crate) mod code;
mod reader;
mod writer;

use zeroize::Zeroize;

use crate::codec::{Decoder, Encoder, Error, ErrorKind, Item, Message, Options, Result};
use crate::types::Tag;
use crate::version::ProtocolVersion;

pub use reader::{Frame, HEADER_BYTES, Reader};
pub use writer::Writer;
pub(crate) use writer::sign_extension;

/// Decodes a message. It borrows texts and byte strings from `bytes`.
///
/// # Errors
/// The bytes are not exactly one message of this kind, see [`ErrorKind`].
pub fn decode<'a, M: Message<'a>>(bytes: &'a [u8], options: &Options) -> Result<M> {
    decode_item(bytes, M::TAG, ProtocolVersion::LATEST, options)
}

/// Decodes an item that is not a whole message, by the rules of `version`.
///
/// # Errors
/// The bytes are not exactly one such item, see [`ErrorKind`].
pub fn decode_item<'a, T: Item<'a>>(
    bytes: &'a [u8],
    tag: Tag,
    version: ProtocolVersion,
    options: &Options,
) -> Result<T> {
    let mut decoder = Decoder::ttlv(bytes, version, options)?;
    match decoder.tag() {
        Some(found) if found == tag => {}
        Some(found) => {
            let expected = tag;
            return Err(Error::at(ErrorKind::UnexpectedRoot { expected, found }, 0));
        }
        None => {
            let needed = HEADER_BYTES;
            let available = 0;
            return Err(Error::at(ErrorKind::Truncated { needed, available }, 0));
        }
    }
    let mut item = T::default();
    match item.read(&mut decoder) {
        Ok(()) => decoder.finish()?,
        Err(error) => return Err(error.within(tag)),
    }
    Ok(item)
}

/// Appends a message to `buffer`, by the rules of the version in its header. On an error the
/// buffer is as it was.
///
/// # Errors
/// The version does not have a field that is set, or requires one that is not.
pub fn encode<'a, M: Message<'a>>(message: &M, buffer: &mut Vec<u8>) -> Result<()> {
    encode_item(message, M::TAG, message.version(), buffer)
}

/// As [`encode`], and strictly: see [`Encoder::strict`].
pub(crate) fn encode_strictly<'a, M: Message<'a>>(message: &M, buffer: &mut Vec<u8>) -> Result<()> {
    write(message, M::TAG, message.version(), buffer, true)
}

/// Appends an item to `buffer`, by the rules of `version`. On an error the buffer is as it was.
///
/// # Errors
/// See [`encode`].
pub fn encode_item<'a, T: Item<'a>>(
    item: &T,
    tag: Tag,
    version: ProtocolVersion,
    buffer: &mut Vec<u8>,
) -> Result<()> {
    write(item, tag, version, buffer, false)
}

fn write<'a, T: Item<'a>>(
    item: &T,
    tag: Tag,
    version: ProtocolVersion,
    buffer: &mut Vec<u8>,
    strict: bool,
) -> Result<()> {
    let length = buffer.len();
    let mut encoder = Encoder::ttlv(buffer, version).strict(strict);
    let written = item.write(tag, &mut encoder);
    written.map_err(|error| {
        // It may hold the begin of a key.
        buffer[length..].zeroize();
        buffer.truncate(length);
        error.within(tag)
    })
}
