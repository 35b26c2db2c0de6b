//! The encodings of messages.

use crate::codec::{Message, Options, Result};
use crate::{json, ttlv, xml};

/// How messages are encoded between client and server. All but TTLV need HTTPS, which tells where
/// a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Encoding {
    /// The binary encoding that every server knows.
    #[default]
    Ttlv,
    /// Text in JSON.
    Json,
    /// Text in XML.
    Xml,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Encoding; 3] = [Encoding::Ttlv, Encoding::Json, Encoding::Xml];

    /// The media type in HTTP. Without parameters, since servers compare it as a whole.
    pub fn content_type(self) -> &'static str {
        match self {
            Encoding::Ttlv => "application/octet-stream",
            Encoding::Json => "application/json",
            Encoding::Xml => "text/xml",
        }
    }

    /// The media type with the character set, for servers that demand one of text. TTLV has none.
    pub fn content_type_with_charset(self) -> &'static str {
        match self {
            Encoding::Ttlv => self.content_type(),
            Encoding::Json => "application/json;charset=UTF-8",
            Encoding::Xml => "text/xml;charset=UTF-8",
        }
    }

    /// The encoding with this media type, which has no parameters.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let same = |encoding: &Encoding| encoding.content_type().eq_ignore_ascii_case(content_type);
        Self::ALL.into_iter().find(same)
    }

    /// Appends a message to `out`.
    ///
    /// # Errors
    /// If the version of the message does not have what it contains.
    pub fn encode<'a, M: Message<'a>>(self, message: &M, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Encoding::Ttlv => ttlv::encode(message, out),
            Encoding::Json => json::encode(message, out),
            Encoding::Xml => xml::encode(message, out),
        }
    }

    /// As [`encode`](Self::encode); in text, values of enumerations and masks are numbers instead of
    /// names.
    ///
    /// # Errors
    /// If the version of the message does not have what it contains.
    pub fn encode_numbers<'a, M: Message<'a>>(self, message: &M, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Encoding::Ttlv => ttlv::encode(message, out),
            Encoding::Json => json::encode_numbers(message, out),
            Encoding::Xml => xml::encode_numbers(message, out),
        }
    }

    /// As [`encode`](Self::encode) or [`encode_numbers`](Self::encode_numbers), and strictly: see
    /// [`Encoder::strict`](crate::codec::Encoder::strict).
    pub(crate) fn encode_strictly<'a, M: Message<'a>>(
        self,
        message: &M,
        numbers: bool,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match self {
            Encoding::Ttlv => ttlv::encode_strictly(message, out),
            Encoding::Json => json::encode_strictly(message, numbers, out),
            Encoding::Xml => xml::encode_strictly(message, numbers, out),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// If it is malformed, or exceeds a limit.
    pub fn decode<'a, M: Message<'a>>(self, message: &'a [u8], options: &Options) -> Result<M> {
        match self {
            Encoding::Ttlv => ttlv::decode(message, options),
            Encoding::Json => json::decode(message, options),
            Encoding::Xml => xml::decode(message, options),
        }
    }
}
