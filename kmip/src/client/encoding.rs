//! How messages are encoded on the way to a server.

use crate::codec::{Options, Result};
use crate::ttlv;
use crate::types::{RequestMessage, ResponseMessage};

/// An encoding of messages. All but TTLV need HTTPS, which tells where a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Encoding {
    /// The binary encoding that every server knows.
    #[default]
    Ttlv,
}

impl Encoding {
    /// The media type in HTTP. Without parameters, since servers compare it as a whole.
    pub fn content_type(self) -> &'static str {
        match self {
            Encoding::Ttlv => "application/octet-stream",
        }
    }

    pub(super) fn encode(self, message: &RequestMessage<'_>, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Encoding::Ttlv => ttlv::encode(message, out),
        }
    }

    pub(super) fn decode<'r>(
        self,
        message: &'r [u8],
        options: &Options,
    ) -> Result<ResponseMessage<'r>> {
        match self {
            Encoding::Ttlv => ttlv::decode(message, options),
        }
    }
}
