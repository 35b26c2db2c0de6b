//! Messages as typed values, from and to any encoding.

use kmip::ProtocolVersion;
use kmip::codec::{Error, ErrorKind, Mode, Options, RawValue, Result};
use kmip::types::{RequestMessage, ResponseMessage, Tag};
use kmip::{json, ttlv, xml};

use crate::arguments::InputOptions;
use crate::input::{Encoding, Input};

/// The rules that the command line asks for.
pub(crate) fn options(options: &InputOptions) -> Options {
    Options {
        mode: match options.strict {
            true => Mode::Strict,
            false => Mode::Lenient,
        },
        ..Options::default()
    }
}

/// The version of the rules for items that are no message.
pub(crate) fn item_version(options: &InputOptions) -> ProtocolVersion {
    let version = options.version_of_item;
    ProtocolVersion::new(version.major().into(), version.minor().into())
}

/// Decodes `bytes`, applies `$use` to the typed value with its tag and version, whatever it is.
macro_rules! typed {
    ($bytes:expr, $encoding:expr, $options:expr, |$value:ident, $tag:ident, $version:ident| $use:expr) => {{
        let rules = options($options);
        let bytes: &[u8] = $bytes;
        let item_version = item_version($options);
        macro_rules! decoded {
            ($decode:ident, $decode_item:ident, $module:ident, $root:expr) => {
                match $root {
                    Tag::REQUEST_MESSAGE => {
                        let $value: RequestMessage<'_> = $module::$decode(bytes, &rules)?;
                        let $tag = Tag::REQUEST_MESSAGE;
                        let $version = $value.request_header.protocol_version;
                        $use
                    }
                    Tag::RESPONSE_MESSAGE => {
                        let $value: ResponseMessage<'_> = $module::$decode(bytes, &rules)?;
                        let $tag = Tag::RESPONSE_MESSAGE;
                        let $version = $value.response_header.protocol_version;
                        $use
                    }
                    $tag => {
                        let $version = item_version;
                        let $value: RawValue<'_> =
                            $module::$decode_item(bytes, $tag, $version, &rules)?;
                        $use
                    }
                }
            };
        }
        match $encoding {
            Encoding::Ttlv => decoded!(decode, decode_item, ttlv, ttlv_root(bytes)?),
            Encoding::Json => {
                let root = json::Reader::new().root_tag(bytes, &rules)?;
                decoded!(decode, decode_item, json, root)
            }
            Encoding::Xml => {
                let root = xml::Reader::new().root_tag(bytes, &rules)?;
                decoded!(decode, decode_item, xml, root)
            }
        }
    }};
}

/// Checks a message and returns it in TTLV.
pub(crate) fn to_ttlv(input: &Input, options: &InputOptions) -> Result<Vec<u8>> {
    typed!(
        &input.bytes,
        input.encoding,
        options,
        |value, tag, version| {
            if input.encoding == Encoding::Ttlv {
                // As it is, not as it would be written.
                return Ok(input.bytes.clone());
            }
            let mut bytes = Vec::new();
            ttlv::encode_item(&value, tag, version, &mut bytes)?;
            Ok(bytes)
        }
    )
}

/// How a text encoding is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Compact,
    Indented,
}

/// A message in another encoding.
pub(crate) fn convert(
    input: &Input,
    options: &InputOptions,
    to: Encoding,
    layout: Layout,
) -> Result<Vec<u8>> {
    typed!(
        &input.bytes,
        input.encoding,
        options,
        |value, tag, version| {
            let mut bytes = Vec::new();
            let output = &mut bytes;
            match (to, layout) {
                (Encoding::Ttlv, _) => ttlv::encode_item(&value, tag, version, output)?,
                (Encoding::Json, Layout::Compact) => {
                    json::encode_item(&value, tag, version, output)?
                }
                (Encoding::Json, Layout::Indented) => {
                    json::encode_item_indented(&value, tag, version, output)?;
                }
                (Encoding::Xml, Layout::Compact) => xml::encode_item(&value, tag, version, output)?,
                (Encoding::Xml, Layout::Indented) => {
                    xml::encode_item_indented(&value, tag, version, output)?;
                }
            }
            Ok(bytes)
        }
    )
}

fn ttlv_root(bytes: &[u8]) -> Result<Tag> {
    let reader = ttlv::Reader::new(bytes)?;
    let needed = ttlv::HEADER_BYTES;
    let available = 0;
    let nothing = || Error::at(ErrorKind::Truncated { needed, available }, 0);
    reader.tag().ok_or_else(nothing)
}
