//! Messages through all three encodings and back.

use std::fmt::Debug;

use serde_core::de::IgnoredAny;

use super::document::Filled;
use super::tree::{Difference, Tree, TreeError};
use crate::ProtocolVersion;
use crate::codec::{self, Message, Options, RawValue};
use crate::types::{RequestMessage, ResponseMessage, Tag};
use crate::{json, ttlv, xml};

/// What goes wrong with a message on its way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It cannot be decoded.
    #[error("{encoding} cannot be decoded: {source}")]
    Decode {
        /// The encoding: TTLV, JSON or XML.
        encoding: &'static str,
        /// Why not.
        source: codec::Error,
    },
    /// It cannot be encoded.
    #[error("cannot be encoded in {encoding}: {source}")]
    Encode {
        /// The encoding: TTLV, JSON or XML.
        encoding: &'static str,
        /// Why not.
        source: codec::Error,
    },
    /// It says something else after it was encoded and decoded.
    #[error("changes on the way through {0}")]
    Changed(&'static str),
    /// It encodes to other bytes.
    #[error("encodes to other bytes from byte {0} on")]
    Bytes(usize),
    /// It encodes to another XML message.
    #[error("{0}")]
    Tree(Difference),
    /// Something that the specification defines has no type.
    #[error("not typed: {0}")]
    Untyped(String),
    /// The item of an excerpt is not in the message.
    #[error("the message has no such {0}")]
    NotInMessage(Tag),
    /// It is not a request or a response.
    #[error("{0} is no message")]
    NoMessage(Tag),
    /// Its XML cannot be compared.
    #[error("{0}")]
    Xml(#[from] TreeError),
}

/// A message that survived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The message in TTLV.
    pub ttlv: Vec<u8>,
    /// What the strict rules have against it: items that its version does not have there. These
    /// were kept as they are.
    pub departure: Option<Fault>,
}

/// Decodes an XML message, sends it through TTLV and JSON and compares it with what comes out.
///
/// # Errors
/// It is not decoded, or changes on the way.
pub fn check_message(message: &Filled<'_>) -> Result<Passed, Fault> {
    let text = message.text.as_ref();
    let root = xml::Reader::new().root_tag(text.as_bytes(), &Options::strict());
    let check = match root.map_err(decode("XML"))? {
        Tag::REQUEST_MESSAGE => from_xml::<Requests>,
        Tag::RESPONSE_MESSAGE => from_xml::<Responses>,
        other => return Err(Fault::NoMessage(other)),
    };
    strictly_or_leniently(|options, typed| check(text, options, typed))
}

/// Decodes a TTLV message, sends it through JSON and XML and compares it with what comes out.
///
/// # Errors
/// It is not decoded, or changes on the way.
pub fn check_bytes(bytes: &[u8]) -> Result<Passed, Fault> {
    let reader = ttlv::Reader::new(bytes).map_err(decode("TTLV"))?;
    let check = match reader.tag() {
        Some(Tag::REQUEST_MESSAGE) => from_ttlv::<Requests>,
        Some(Tag::RESPONSE_MESSAGE) => from_ttlv::<Responses>,
        other => return Err(Fault::NoMessage(other.unwrap_or_default())),
    };
    strictly_or_leniently(|options, typed| check(bytes, options, typed))
}

/// Decodes a single TTLV item without types, sends it through JSON and XML and compares it with what
/// comes out.
///
/// # Errors
/// It is not decoded, or changes on the way.
pub fn check_item(bytes: &[u8]) -> Result<(), Fault> {
    let (options, version) = (Options::strict(), ProtocolVersion::LATEST);
    let reader = ttlv::Reader::new(bytes).map_err(decode("TTLV"))?;
    let tag = reader.tag().unwrap_or_default();
    let item: RawValue<'_> =
        ttlv::decode_item(bytes, tag, version, &options).map_err(decode("TTLV"))?;
    let (mut in_json, mut in_xml, mut again) = (Vec::new(), Vec::new(), Vec::new());
    json::encode_item(&item, tag, version, &mut in_json).map_err(encode("JSON"))?;
    let item: RawValue<'_> =
        json::decode_item(&in_json, tag, version, &options).map_err(decode("JSON"))?;
    xml::encode_item(&item, tag, version, &mut in_xml).map_err(encode("XML"))?;
    let item: RawValue<'_> =
        xml::decode_item(&in_xml, tag, version, &options).map_err(decode("XML"))?;
    ttlv::encode_item(&item, tag, version, &mut again).map_err(encode("TTLV"))?;
    same_bytes(bytes, &again)
}

/// Decodes a JSON message and compares it with the same message in TTLV. Documents also print an
/// excerpt: an item of the message, with what closes the items around it. Returns whether the text was
/// whole.
///
/// # Errors
/// It is not decoded, or not in the message.
pub fn check_json(text: &str, bytes: &[u8]) -> Result<bool, Fault> {
    let options = Options::default();
    let item = excerpt(text).unwrap_or(text).as_bytes();
    let root = json::Reader::new().root_tag(item, &options);
    let mut again = Vec::new();
    match root.map_err(decode("JSON"))? {
        Tag::RESPONSE_MESSAGE => {
            let message: ResponseMessage<'_> =
                json::decode(text.as_bytes(), &options).map_err(decode("JSON"))?;
            ttlv::encode(&message, &mut again).map_err(encode("TTLV"))?;
        }
        Tag::REQUEST_MESSAGE => {
            let message: RequestMessage<'_> =
                json::decode(text.as_bytes(), &options).map_err(decode("JSON"))?;
            ttlv::encode(&message, &mut again).map_err(encode("TTLV"))?;
        }
        tag => {
            let version = ProtocolVersion::LATEST;
            let value: RawValue<'_> =
                json::decode_item(item, tag, version, &options).map_err(decode("JSON"))?;
            ttlv::encode_item(&value, tag, version, &mut again).map_err(encode("TTLV"))?;
            let found = bytes.windows(again.len()).any(|window| window == again);
            return match found {
                true => Ok(false),
                false => Err(Fault::NotInMessage(tag)),
            };
        }
    }
    same_bytes(bytes, &again)?;
    Ok(true)
}

/// The first item of a text, if only brackets follow.
fn excerpt(text: &str) -> Option<&str> {
    let mut items = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    items.next()?.ok()?;
    let (item, rest) = text.split_at_checked(items.byte_offset())?;
    let closes = |c: char| c.is_ascii_whitespace() || matches!(c, ']' | '}');
    rest.chars().all(closes).then_some(item)
}

/// What is not of the message's version must survive as well.
fn strictly_or_leniently(
    check: impl Fn(&Options, bool) -> Result<Vec<u8>, Fault>,
) -> Result<Passed, Fault> {
    let fault = match check(&Options::strict(), true) {
        Ok(ttlv) => {
            let departure = None;
            return Ok(Passed { ttlv, departure });
        }
        Err(fault @ (Fault::Decode { .. } | Fault::Untyped(_))) => fault,
        Err(fault) => return Err(fault),
    };
    match check(&Options::default(), false) {
        Ok(ttlv) => {
            let departure = Some(fault);
            Ok(Passed { ttlv, departure })
        }
        Err(_) => Err(fault),
    }
}

/// Requests or responses, for any lifetime.
trait Kind {
    type Of<'m>: Message<'m> + Debug + PartialEq;
}

struct Requests;
struct Responses;

impl Kind for Requests {
    type Of<'m> = RequestMessage<'m>;
}

impl Kind for Responses {
    type Of<'m> = ResponseMessage<'m>;
}

fn from_xml<K: Kind>(text: &str, options: &Options, typed: bool) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let written = through_all::<K>(text, options, typed, &mut bytes)?;
    let difference = Tree::parse(text)?.difference(&Tree::parse(&written)?);
    match difference {
        None => Ok(bytes),
        Some(difference) => Err(Fault::Tree(difference)),
    }
}

/// From XML to XML, with TTLV in `bytes`.
fn through_all<K: Kind>(
    text: &str,
    options: &Options,
    typed: bool,
    bytes: &mut Vec<u8>,
) -> Result<String, Fault> {
    let message: K::Of<'_> = xml::decode(text.as_bytes(), options).map_err(decode("XML"))?;
    if typed {
        check_typed(&message)?;
    }
    ttlv::encode(&message, bytes).map_err(encode("TTLV"))?;
    let bytes = bytes.as_slice();
    let decoded: K::Of<'_> = ttlv::decode(bytes, options).map_err(decode("TTLV"))?;
    unchanged(message == decoded, "TTLV")?;
    let mut again = Vec::new();
    ttlv::encode(&decoded, &mut again).map_err(encode("TTLV"))?;
    same_bytes(bytes, &again)?;
    through_text::<K>(&decoded, options)
}

fn from_ttlv<K: Kind>(bytes: &[u8], options: &Options, typed: bool) -> Result<Vec<u8>, Fault> {
    let message: K::Of<'_> = ttlv::decode(bytes, options).map_err(decode("TTLV"))?;
    if typed {
        check_typed(&message)?;
    }
    let mut again = Vec::new();
    ttlv::encode(&message, &mut again).map_err(encode("TTLV"))?;
    same_bytes(bytes, &again)?;
    let written = through_text::<K>(&message, options)?;
    let decoded: K::Of<'_> = xml::decode(written.as_bytes(), options).map_err(decode("XML"))?;
    let mut again = Vec::new();
    ttlv::encode(&decoded, &mut again).map_err(encode("TTLV"))?;
    same_bytes(bytes, &again)?;
    Ok(again)
}

/// Through JSON, compact and indented, to XML.
fn through_text<K: Kind>(message: &K::Of<'_>, options: &Options) -> Result<String, Fault> {
    let (mut compact, mut indented) = (Vec::new(), Vec::new());
    json::encode(message, &mut compact).map_err(encode("JSON"))?;
    json::encode_indented(message, &mut indented).map_err(encode("JSON"))?;
    let mut texts = [Vec::new(), Vec::new()];
    for (json, xml) in [&compact, &indented].into_iter().zip(&mut texts) {
        let decoded: K::Of<'_> = json::decode(json, options).map_err(decode("JSON"))?;
        xml::encode(&decoded, xml).map_err(encode("XML"))?;
    }
    let [compact, indented] = texts;
    unchanged(compact == indented, "indented JSON")?;
    indented_xml::<K>(&compact, options)?;
    String::from_utf8(compact).map_err(|_| Fault::Changed("XML"))
}

/// XML with an element a line says the same.
fn indented_xml<K: Kind>(compact: &[u8], options: &Options) -> Result<(), Fault> {
    let mut indented = Vec::new();
    let message: K::Of<'_> = xml::decode(compact, options).map_err(decode("XML"))?;
    xml::encode_indented(&message, &mut indented).map_err(encode("XML"))?;
    let decoded: K::Of<'_> = xml::decode(&indented, options).map_err(decode("XML"))?;
    unchanged(message == decoded, "indented XML")
}

fn unchanged(same: bool, encoding: &'static str) -> Result<(), Fault> {
    if same {
        Ok(())
    } else {
        Err(Fault::Changed(encoding))
    }
}

fn same_bytes(left: &[u8], right: &[u8]) -> Result<(), Fault> {
    if left == right {
        return Ok(());
    }
    let differ = left.iter().zip(right).position(|(a, b)| a != b);
    Err(Fault::Bytes(differ.unwrap_or(left.len().min(right.len()))))
}

fn decode(encoding: &'static str) -> impl Fn(codec::Error) -> Fault {
    move |source| Fault::Decode { encoding, source }
}

fn encode(encoding: &'static str) -> impl Fn(codec::Error) -> Fault {
    move |source| Fault::Encode { encoding, source }
}

/// Fails for what the specification defines and yet was kept as a raw item. All raw forms show up
/// in Debug.
fn check_typed(value: &impl Debug) -> Result<(), Fault> {
    let shown = format!("{value:?}");
    for raw in ["Raw(", "Unknown {", "vendor: \"\"", "extra: [0x42"] {
        if let Some(at) = shown.find(raw) {
            let around = shown[at..].chars().take(160).collect();
            return Err(Fault::Untyped(around));
        }
    }
    Ok(())
}
