//! JSON and XML that is made to hurt, for tests of what it costs.
#![allow(dead_code, reason = "no test needs all of it")]

use kmip::codec::{Limits, Options, RawValue};
use kmip::types::Tag;
use kmip::{ProtocolVersion, json, xml};

pub(crate) type Decode = fn(&[u8], &Options) -> kmip::codec::Result<()>;

pub(crate) fn decode_json(bytes: &[u8], options: &Options) -> kmip::codec::Result<()> {
    let version = ProtocolVersion::V2_1;
    json::decode_item::<RawValue<'_>>(bytes, Tag::NAME, version, options).map(drop)
}

pub(crate) fn decode_xml(bytes: &[u8], options: &Options) -> kmip::codec::Result<()> {
    let version = ProtocolVersion::V2_1;
    xml::decode_item::<RawValue<'_>>(bytes, Tag::NAME, version, options).map(drop)
}

pub(crate) fn unlimited() -> Options {
    Options {
        limits: Limits {
            message_bytes: usize::MAX,
            items: usize::MAX,
            text_bytes: usize::MAX,
            ..Limits::default()
        },
        ..Options::default()
    }
}

/// A message that is made to hurt.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    decode: Decode,
}

impl Case {
    /// Decodes it without limits, as one item of a 2.1 message.
    pub(crate) fn decode(&self) -> kmip::codec::Result<()> {
        (self.decode)(self.text.as_bytes(), &unlimited())
    }
}

/// Messages that grow with `n`.
pub(crate) fn hostile(n: usize) -> Vec<Case> {
    let json = |items: String| format!(r#"{{"value":[{items}],"tag":"Name"}}"#);
    let xml = |items: String| format!("<Name>{items}</Name>");
    let deep = |inner: String, levels: usize| {
        (0..levels).fold(inner, |inner, _| {
            format!(r#"{{"value":[{inner}],"tag":"Name"}}"#)
        })
    };
    let text = "x".repeat(n * 20);
    let cases: Vec<(&'static str, Decode, String)> = vec![
        (
            "small items",
            decode_json,
            json(vec![r#"{"tag":"P","type":"Integer","value":1}"#; n].join(",")),
        ),
        (
            "empty structures",
            decode_json,
            json(vec![r#"{"tag":"P"}"#; n * 2].join(",")),
        ),
        (
            "a long text below levels with the value first",
            decode_json,
            deep(
                format!(r#"{{"value":"{text}","type":"TextString","tag":"P"}}"#),
                28,
            ),
        ),
        (
            "white space",
            decode_json,
            json(vec![format!("{{{}\"tag\":\"P\"}}", " ".repeat(50)); n / 2].join(",")),
        ),
        (
            "unknown members",
            decode_json,
            json(vec![r#"{"tag":"P","a":[[[[]]]],"b":{"tag":1},"tab":""}"#; n].join(",")),
        ),
        (
            "deep unknown members",
            decode_json,
            json(format!(
                r#"{{"tag":"P","a":{}{}}}"#,
                "[".repeat(n * 10),
                "]".repeat(n * 10)
            )),
        ),
        (
            "escapes",
            decode_json,
            json(format!(
                r#"{{"tag":"P","type":"TextString","value":"{}"}}"#,
                r"\n".repeat(n * 10)
            )),
        ),
        (
            "long numbers",
            decode_json,
            json(format!(
                r#"{{"tag":"P","type":"Integer","value":{}}}"#,
                "1".repeat(n * 20)
            )),
        ),
        (
            "wrong names",
            decode_json,
            json(format!(
                r#"{{"tag":"CryptographicUsageMask","type":"Integer","value":"{}"}}"#,
                "encrypt|".repeat(n)
            )),
        ),
        (
            "many batch items",
            decode_json,
            json(vec![r#"{"tag":"BatchItem"}"#; n].join(",")),
        ),
        (
            "small items",
            decode_xml,
            xml("<P type='Integer' value='1'/>".repeat(n)),
        ),
        ("empty structures", decode_xml, xml("<P/>".repeat(n * 5))),
        (
            "entities",
            decode_xml,
            xml(format!(
                "<P type='TextString' value='{}'/>",
                "&amp;".repeat(n * 5)
            )),
        ),
        (
            "an entity without end",
            decode_xml,
            xml(format!(
                "<P type='TextString' value='{}'/>",
                "&".repeat(n * 20)
            )),
        ),
        (
            "many attributes",
            decode_xml,
            xml(format!(
                "<P {}/>",
                (0..n * 2).map(|i| format!("a{i}='' ")).collect::<String>()
            )),
        ),
        ("comments", decode_xml, xml("<!---->".repeat(n * 3))),
        (
            "a long tag",
            decode_xml,
            xml(format!("<P {}/>", " ".repeat(n * 20))),
        ),
        (
            "hexadecimal digits",
            decode_xml,
            xml(format!(
                "<P type='ByteString' value='{}'/>",
                "00 ".repeat(n * 5)
            )),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, decode, text)| Case { name, text, decode })
        .collect()
}
