//! A case as it would be in another version of the protocol.

use std::collections::BTreeMap;

use kmip::ProtocolVersion;
use kmip::codec::{Error, Options};
use kmip::conformance::{Document, Message, Placeholder};
use kmip::types::{
    DateTime, Operation, RequestMessage, ResponseBatchItem, ResponseMessage, ResponsePayload, Tag,
};
use kmip::xml;

/// The moment that stands for the first placeholder of a time: none of the documents is about it.
const FAR: i64 = 6_500_000_000;

/// The document with all its messages in the version `to`.
///
/// # Errors
/// If the version cannot express a message, and why.
pub(crate) fn transposed(
    text: &str,
    from: ProtocolVersion,
    to: ProtocolVersion,
) -> Result<String, String> {
    let document = Document::parse(text);
    if let Some(broken) = document.broken {
        return Err(broken.to_string());
    }
    let mut transposed = String::new();
    for message in &document.messages {
        transposed.push_str(message.remarks);
        match message.version == Some(from) {
            true => transposed.push_str(&converted(message, to)?.unwrap_or_default()),
            // It is about versions.
            false => transposed.push_str(message.text),
        }
    }
    transposed.push_str("\n</KMIP>\n");
    Ok(transposed)
}

/// A message in another version. Its placeholders are still there. `None` if it only marks the begin or
/// the end of a case, which came with 2.0.
fn converted(message: &Message<'_>, to: ProtocolVersion) -> Result<Option<String>, String> {
    let mut stand_ins = StandIns::default();
    let filled = message.filled_with(|place| stand_ins.of(place));
    let text = unbroken(&filled.map_err(|error| error.to_string())?.text);
    let (text, options) = (text.as_bytes(), Options::default());
    let mut written = Vec::new();
    let encoded: Result<(), Error> = match message.tag {
        Tag::REQUEST_MESSAGE => xml::decode(text, &options).and_then(|mut request| {
            let message: &mut RequestMessage<'_> = &mut request;
            let header = &mut message.request_header;
            header.protocol_version = to;
            // It is the number of the step, and came with 1.4.
            header
                .client_correlation_value
                .take_if(|_| to < ProtocolVersion::V1_4);
            message
                .batch_item
                .retain(|item| is_kept(item.operation, to));
            if message.batch_item.is_empty() {
                return Ok(());
            }
            xml::encode_indented(message, &mut written)
        }),
        _ => xml::decode(text, &options).and_then(|mut response| {
            let message: &mut ResponseMessage<'_> = &mut response;
            message.response_header.protocol_version = to;
            let operation = |item: &ResponseBatchItem<'_>| item.operation.unwrap_or_default();
            message
                .batch_item
                .retain(|item| is_kept(operation(item), to));
            if message.batch_item.is_empty() {
                return Ok(());
            }
            let payloads = message.batch_item.iter_mut();
            payloads
                .filter_map(|item| item.response_payload.as_mut())
                .for_each(|payload| adapt(payload, to));
            xml::encode_indented(message, &mut written)
        }),
    };
    encoded.map_err(|error| format!("line {}: {error}", message.line))?;
    let written = String::from_utf8(written).map_err(|error| error.to_string())?;
    Ok((!written.is_empty()).then(|| stand_ins.placeholders(written)))
}

fn is_kept(operation: Operation, to: ProtocolVersion) -> bool {
    operation != Operation::INTEROP || to >= ProtocolVersion::V2_0
}

/// Documents break long lines, also within names of attributes.
fn unbroken(text: &str) -> String {
    let mut pieces = text.split("<AttributeName ");
    let mut unbroken = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (element, after) = piece.split_once('>').unwrap_or((piece, ""));
        let words: Vec<&str> = element.split_ascii_whitespace().collect();
        unbroken.push_str(&format!("<AttributeName {}>{after}", words.join(" ")));
    }
    unbroken
}

/// Attributes came back until KMIP 1.4.
fn adapt(payload: &mut ResponsePayload<'_>, to: ProtocolVersion) {
    if to < ProtocolVersion::V2_0 {
        return;
    }
    match payload {
        ResponsePayload::Create(told) => told.attributes = None,
        ResponsePayload::Register(told) => told.attributes = None,
        ResponsePayload::ReKey(told) => told.attributes = None,
        ResponsePayload::DeriveKey(told) => told.attributes = None,
        ResponsePayload::Certify(told) => told.attributes = None,
        ResponsePayload::ReCertify(told) => told.attributes = None,
        ResponsePayload::CreateSplitKey(told) => told.attributes = None,
        ResponsePayload::JoinSplitKey(told) => told.attributes = None,
        ResponsePayload::CreateKeyPair(told) => {
            told.private_key_attributes = None;
            told.public_key_attributes = None;
        }
        ResponsePayload::ReKeyKeyPair(told) => {
            told.private_key_attributes = None;
            told.public_key_attributes = None;
        }
        ResponsePayload::AddAttribute(told) => told.attribute = None,
        ResponsePayload::ModifyAttribute(told) => told.attribute = None,
        ResponsePayload::DeleteAttribute(told) => told.attribute = None,
        _ => {}
    }
}

/// Values that stand for placeholders while a message is not text.
#[derive(Debug, Default)]
struct StandIns {
    /// The placeholders, by what stands for them.
    known: BTreeMap<String, String>,
}

impl StandIns {
    fn of(&mut self, place: &Placeholder<'_>) -> Result<String, String> {
        let marked = format!("({})", place.name);
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let value: String = match place.item_type {
            "TextString" => marked,
            "ByteString" => hex(&marked),
            "DateTime" => {
                let known = self.known.len();
                let number = i64::try_from(known).map_err(|error| error.to_string())?;
                DateTime(FAR + number).to_string()
            }
            other => return Err(format!("`${}` is of the type {other}", place.name)),
        };
        self.known.insert(value.clone(), place.name.to_owned());
        Ok(value)
    }

    fn placeholders(&self, text: String) -> String {
        self.known.iter().fold(text, |text, (value, name)| {
            text.replace(&format!("\"{value}\""), &format!("\"${name}\""))
        })
    }
}
