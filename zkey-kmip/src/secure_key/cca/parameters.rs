//! What verbs take and return: codes, rule arrays, and bytes with their length.

use std::ffi::{c_long, c_uchar};

use zeroize::Zeroizing;

/// What a rule array has room for, where a verb returns one: elements of eight bytes.
const RETURNED_RULES: usize = 64;

/// Return and reason code of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Code {
    pub(super) return_code: c_long,
    pub(super) reason_code: c_long,
}

/// A rule array: keywords of eight characters, filled up with blanks.
pub(super) struct Rules {
    array: Vec<u8>,
    /// How many elements there are; a verb that returns some changes it.
    pub(super) count: c_long,
}

impl Rules {
    pub(super) fn new(keywords: &[&str]) -> Rules {
        let mut array = Vec::with_capacity(RETURNED_RULES * 8);
        for keyword in keywords {
            array.extend(format!("{keyword:<8.8}").into_bytes());
        }
        array.resize(RETURNED_RULES * 8, b' ');
        Rules {
            array,
            count: keywords.len() as c_long,
        }
    }

    /// What a verb returned in place of an element; nothing if it returned fewer.
    pub(super) fn element(&self, at: usize) -> Option<&[u8]> {
        let is_there = usize::try_from(self.count).is_ok_and(|count| at < count);
        is_there
            .then(|| self.array.get(at * 8..at * 8 + 8))
            .flatten()
    }

    /// Where a verb reads and writes the elements.
    pub(super) fn array(&mut self) -> *mut c_uchar {
        self.array.as_mut_ptr()
    }
}

/// A parameter with its length. There are always at least as many bytes as the length says when a
/// verb is called.
pub(super) struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    pub(super) length: c_long,
}

impl Buffer {
    /// No bytes, for parameters that are reserved or not used.
    pub(super) fn empty() -> Buffer {
        Buffer::new(&[])
    }

    /// What a verb reads.
    pub(super) fn new(content: &[u8]) -> Buffer {
        Buffer::with_room(content, content.len())
    }

    /// Room for `room` bytes of result, which begins with `content`.
    pub(super) fn with_room(content: &[u8], room: usize) -> Buffer {
        let mut bytes = Zeroizing::new(vec![0; room.max(content.len())]);
        bytes[..content.len()].copy_from_slice(content);
        let length = bytes.len() as c_long;
        Buffer { bytes, length }
    }

    /// What a verb returned. Nothing if it claims to have returned more than there was room for.
    pub(super) fn content(&self) -> Option<&[u8]> {
        self.bytes.get(..usize::try_from(self.length).ok()?)
    }

    /// Where a verb reads and writes the bytes.
    pub(super) fn data(&mut self) -> *mut c_uchar {
        self.bytes.as_mut_ptr()
    }
}
