//! What is wrong with an item, away from the code that reads those that are right.

use super::{HEADER_BYTES, Reader, padded_length};
use crate::codec::{Error, ErrorKind};
use crate::ttlv::code;
use crate::types::ItemType;

impl Reader<'_> {
    #[cold]
    pub(super) fn short_header(&self, available: usize) -> Error {
        let needed = HEADER_BYTES - available;
        let kind = ErrorKind::Truncated { needed, available };
        Error::at(kind, self.end - available)
    }

    #[cold]
    pub(super) fn non_zero_padding(&self) -> Error {
        Error::at(ErrorKind::NonZeroPadding, self.offset())
    }

    #[cold]
    pub(super) fn invalid_utf8(&self) -> Error {
        Error::at(ErrorKind::InvalidUtf8, self.offset())
    }

    #[cold]
    pub(super) fn invalid_boolean(&self, value: u64) -> Error {
        Error::at(ErrorKind::InvalidBoolean(value), self.offset())
    }

    /// What is wrong with a header, after which the reader goes to the end of the structure.
    #[cold]
    pub(super) fn bad_header(&mut self, header: u64, available: usize) -> Error {
        self.header = 0;
        self.rest = &[];
        let (tag, item_type) = ((header >> 40) as u32, (header >> 32) as u8);
        let kind = if tag == 0 {
            ErrorKind::InvalidTag(tag)
        } else if item_type.wrapping_sub(1) >= code::DATE_TIME_EXTENDED {
            ErrorKind::InvalidType(item_type)
        } else {
            let missing = padded_length(header) - available as u64;
            let needed = usize::try_from(missing).unwrap_or(usize::MAX);
            ErrorKind::Truncated { needed, available }
        };
        Error::at(kind, self.end - available - HEADER_BYTES)
    }

    /// Why the item is none of this type.
    #[cold]
    pub(super) fn unexpected(&self, expected: u8) -> Error {
        let offset = self.offset();
        if self.header == 0 {
            let needed = HEADER_BYTES;
            let available = 0;
            return Error::at(ErrorKind::Truncated { needed, available }, offset);
        }
        let found = self.item_type();
        if self.raw_type() != expected {
            let expected = ItemType(u32::from(expected));
            return Error::at(ErrorKind::UnexpectedType { expected, found }, offset);
        }
        let (item_type, length) = (found, self.length());
        Error::at(ErrorKind::InvalidLength { item_type, length }, offset)
    }
}
