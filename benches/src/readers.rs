//! All encodings on the same footing.

use kmip::codec::{Message, Options, Result};
use kmip::{Encoding, json, ttlv, xml};
use serde_json::Value;

/// Decodes messages and keeps its memory from one to the next.
#[derive(Default)]
pub struct Readers {
    json: json::Reader,
    xml: xml::Reader,
    options: Options,
}

impl Readers {
    /// Decodes a message, which borrows what it can from `bytes`.
    ///
    /// # Errors
    /// The bytes are no such message.
    #[inline]
    pub fn decode<'a, M: Message<'a>>(&mut self, encoding: Encoding, bytes: &'a [u8]) -> Result<M> {
        match encoding {
            Encoding::Json => self.json.decode(bytes, &self.options),
            Encoding::Xml => self.xml.decode(bytes, &self.options),
            _ => ttlv::decode(bytes, &self.options),
        }
    }
}

/// The encoding in names of benchmarks.
pub fn name_of(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Json => "json",
        Encoding::Xml => "xml",
        _ => "ttlv",
    }
}

/// A message in JSON with the members of every item in the order value, type, tag.
///
/// # Panics
/// It is no JSON.
pub fn value_first(json: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    let value = serde_json::from_slice(json).expect("JSON");
    push_value_first(&value, &mut text);
    text.into_bytes()
}

fn push_value_first(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            separated(items.iter(), text, push_value_first);
            text.push(']');
        }
        Value::Object(members) => {
            // Without its feature for that, the map is in alphabetical order.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|one, other| other.0.cmp(one.0));
            text.push('{');
            separated(members.into_iter(), text, |(name, value), text| {
                text.push_str(&format!("\"{name}\":"));
                push_value_first(value, text);
            });
            text.push('}');
        }
        simple => text.push_str(&simple.to_string()),
    }
}

fn separated<T>(parts: impl Iterator<Item = T>, text: &mut String, push: impl Fn(T, &mut String)) {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            text.push(',');
        }
        push(part, text);
    }
}
