//! Writing typed fields as items.

mod fields;
mod values;

use crate::codec::error::{Error, ErrorKind, Result};
use crate::codec::source::Sink;
use crate::ttlv;
use crate::types::{AttributeReference, Names, Operation, Tag};
use crate::version::{Edition, ProtocolVersion};

/// Writes typed items as an encoded message of one protocol version.
///
/// Never leaves anything out: a field that the version does not have is an error.
pub struct Encoder<'s> {
    output: Output<'s>,
    edition: Edition,
    strict: bool,
}

enum Output<'s> {
    Ttlv(ttlv::Writer<'s>),
    Sink(&'s mut dyn Sink),
}

/// A structure that was begun; what [`Encoder::end`] needs.
#[derive(Debug)]
#[must_use]
pub struct Open(usize);

impl<'s> Encoder<'s> {
    /// An encoder that appends TTLV to a buffer.
    pub fn ttlv(buffer: &'s mut Vec<u8>, version: ProtocolVersion) -> Self {
        Encoder {
            output: Output::Ttlv(ttlv::Writer::new(buffer)),
            edition: version.edition(),
            strict: false,
        }
    }

    /// An encoder to anything else.
    pub fn new(sink: &'s mut dyn Sink, version: ProtocolVersion) -> Self {
        Encoder {
            output: Output::Sink(sink),
            edition: version.edition(),
            strict: false,
        }
    }

    /// With `strict`, also the values of enumerations and masks, and attributes that are only named, are
    /// errors if the specification has them, but not in the version. Vendors' and unknown ones pass. A
    /// server or a relay has to be able to pass on what it was given; what a client asks for, the
    /// version has to be able to say.
    pub(crate) fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The version whose rules are followed.
    pub fn version(&self) -> ProtocolVersion {
        self.edition.version()
    }

    pub(crate) fn edition(&self) -> Edition {
        self.edition
    }

    fn check_value(&self, tag: Tag, value: u32, names: Names) -> Result<()> {
        names.check_value(value).map_err(|error| match tag {
            Tag::OPERATION => {
                let (operation, version) = (Operation(value), self.version());
                Error::new(ErrorKind::OperationNotInVersion(operation, version))
            }
            _ => error,
        })
    }

    fn check_attribute_name(&self, name: &str) -> Result<()> {
        // In 2.x only vendors' attributes have names.
        if self.version() >= ProtocolVersion::V2_0 {
            return Ok(());
        }
        match AttributeReference::from_name(name.into()) {
            AttributeReference::Standard(tag) if !tag.is_attribute_in(self.edition) => {
                Err(Error::new(ErrorKind::NotInVersion(tag, self.version())))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn not_expressible(&self, what: &'static str) -> Error {
        let version = self.version();
        Error::new(ErrorKind::NotExpressible { what, version })
    }
}
