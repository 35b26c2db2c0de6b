//! What can be wrong with an encoded message, and where.

use std::fmt;

use crate::types::{ItemType, Operation, Tag};
use crate::version::ProtocolVersion;

/// Result of decoding and encoding.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A message that cannot be decoded or encoded.
///
/// Displays as the fault, the path of tags and, for a decoded message, the byte offset, such as
/// `expected Integer, found Text String at RequestMessage/RequestHeader/BatchCount, byte 72`.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    /// From the innermost item outwards.
    path: Vec<Step>,
    offset: Option<usize>,
}

/// One step of the path to a faulty item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Tag of the item.
    pub tag: Tag,
    /// Its place among the items of a repeated field, from 0.
    pub index: Option<usize>,
}

/// The kinds of fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The message ends inside an item.
    #[error("truncated: {needed} more bytes are needed, {available} are left")]
    Truncated {
        /// Bytes that the item still needs.
        needed: usize,
        /// Bytes that are left in the enclosing structure or message.
        available: usize,
    },
    /// Bytes follow the end of the message.
    #[error("{0} bytes follow the end of the message")]
    TrailingBytes(usize),
    /// A tag that no item can have.
    #[error("0x{0:06X} is not a tag")]
    InvalidTag(u32),
    /// A type code that does not exist.
    #[error("0x{0:02X} is not an item type")]
    InvalidType(u8),
    /// The length of an item does not fit its type.
    #[error("a length of {length} does not fit the type {item_type}")]
    InvalidLength {
        /// Type of the item.
        item_type: ItemType,
        /// Its length in bytes.
        length: usize,
    },
    /// Padding bytes that are not zero (strict mode).
    #[error("the padding is not zero")]
    NonZeroPadding,
    /// A Boolean that is neither 0 nor 1.
    #[error("0x{0:016X} is not a Boolean")]
    InvalidBoolean(u64),
    /// A Text String that is not UTF-8.
    #[error("the text is not UTF-8")]
    InvalidUtf8,
    /// The name of an item that is not that of a tag.
    #[error("`{0}` is not a tag")]
    UnknownTag(String),
    /// The name of an item type that does not exist.
    #[error("`{0}` is not an item type")]
    UnknownTypeName(String),
    /// A value that its type cannot hold, or that is spelled wrongly.
    #[error("{0} is not a valid {1}")]
    InvalidValue(String, &'static str),
    /// A name that the enumeration or mask of the item does not have.
    #[error("`{name}` is not a value of {enumeration}")]
    UnknownName {
        /// The name as found.
        name: String,
        /// The enumeration or mask.
        enumeration: &'static str,
    },
    /// The item has another type than the specification gives it.
    #[error("expected {expected}, found {found}")]
    UnexpectedType {
        /// Type by the specification.
        expected: ItemType,
        /// Type as found.
        found: ItemType,
    },
    /// A field that decides the type of another stands behind that other.
    #[error("{0} stands behind the item whose type it decides")]
    LateSelector(Tag),
    /// An item that has no place here: unknown, out of order or repeated (strict mode).
    #[error("{0} is not expected here")]
    UnexpectedItem(Tag),
    /// The message is about something else.
    #[error("expected {expected}, found {found}")]
    UnexpectedRoot {
        /// Tag of the wanted item.
        expected: Tag,
        /// Tag as found.
        found: Tag,
    },
    /// A required field is missing.
    #[error("the required field {0} is missing")]
    MissingField(Tag),
    /// The protocol version of the message does not have this field.
    #[error("KMIP {1} has no field {0} here")]
    NotInVersion(Tag, ProtocolVersion),
    /// The protocol version of the message allows the field only once.
    #[error("KMIP {1} allows {0} only once here")]
    RepeatedInVersion(Tag, ProtocolVersion),
    /// The protocol version of the message does not have the operation.
    #[error("KMIP {1} has no operation {0}")]
    OperationNotInVersion(Operation, ProtocolVersion),
    /// The protocol version of the message does not have a value that other versions have.
    #[error("KMIP {version} has no {enumeration} {value}")]
    ValueNotInVersion {
        /// The enumeration or mask.
        enumeration: &'static str,
        /// Name of the value or bit.
        value: &'static str,
        /// Version of the message.
        version: ProtocolVersion,
    },
    /// The value cannot be expressed in the protocol version of the message.
    #[error("KMIP {version} cannot express {what}")]
    NotExpressible {
        /// The value.
        what: &'static str,
        /// Version of the message.
        version: ProtocolVersion,
    },
    /// Structures are nested deeper than the limit.
    #[error("nested deeper than {0} structures")]
    TooDeep(usize),
    /// More items than the limit.
    #[error("more than {0} items")]
    TooManyItems(usize),
    /// A message, text or byte string longer than the limit.
    #[error("{length} bytes are more than the limit of {limit}")]
    TooLong {
        /// Length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The text of a JSON or XML message breaks the rules of that format.
    #[error("{0}")]
    Syntax(String),
}

impl Error {
    /// A fault without a place; the codecs add it on the way out.
    #[cold]
    pub fn new(kind: ErrorKind) -> Self {
        Error(Box::new(Inner {
            kind,
            path: Vec::new(),
            offset: None,
        }))
    }

    /// A fault at a byte offset of the message.
    #[cold]
    pub fn at(kind: ErrorKind, offset: usize) -> Self {
        let mut error = Error::new(kind);
        error.0.offset = Some(offset);
        error
    }

    /// The fault.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The path to the faulty item, from the root of the message.
    pub fn path(&self) -> impl Iterator<Item = Step> + '_ {
        self.0.path.iter().rev().copied()
    }

    /// Where the faulty item begins, in bytes from the begin of the message. `None` when a
    /// message was encoded.
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    /// The same fault, one item further out.
    #[cold]
    #[must_use]
    pub fn within(mut self, tag: Tag) -> Self {
        self.0.path.push(Step { tag, index: None });
        self
    }

    /// The same fault, in the item at `index` of a repeated field.
    #[cold]
    #[must_use]
    pub fn within_nth(mut self, tag: Tag, index: usize) -> Self {
        let index = Some(index);
        self.0.path.push(Step { tag, index });
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        for (number, step) in self.path().enumerate() {
            f.write_str(if number == 0 { " at " } else { "/" })?;
            write!(f, "{}", step.tag)?;
            if let Some(index) = step.index {
                write!(f, "[{index}]")?;
            }
        }
        match self.0.offset {
            Some(offset) => write!(f, ", byte {offset}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("path", &self.path().collect::<Vec<_>>())
            .field("offset", &self.0.offset)
            .finish()
    }
}

impl std::error::Error for Error {}
