//! Messages as people read them, without their secrets.

use std::fmt;

use zeroize::Zeroizing;

use crate::Encoding;
use crate::codec::{Error, ErrorKind, Limits, Options, Result};
use crate::ttlv::{self, Reader};
use crate::types::{
    AttributeReference, DateTime, DateTimeExtended, ItemType, RequestMessage, ResponseMessage, Tag,
};

use super::observe::{FailureEvent, Hook, RequestEvent, ResponseEvent};

/// Values longer than this are cut.
const LONGEST_VALUE: usize = 64;

/// Proofs of who a client is that the tables do not count as secret: a SAML assertion serves whoever has
/// it.
const PROOFS: [Tag; 2] = [Tag::ATTESTATION_MEASUREMENT, Tag::ATTESTATION_ASSERTION];

/// A [`Hook`] that writes the structure of every message, and no secret: of keys, passwords and
/// data only the length is shown, as the tables of this library say what is secret.
///
/// Can be used with and without the feature `tracing`.
///
/// ```
/// use kmip::client::{Client, MessageLog};
///
/// let log = MessageLog::new(|text: &str| eprint!("{text}"));
/// let settings = Client::builder("keys.example.com".parse()?).hook(log);
/// # let _ = settings;
/// # Ok::<(), kmip::transport::AddressError>(())
/// ```
pub struct MessageLog<W>(W);

impl<W: FnMut(&str) + Send> MessageLog<W> {
    /// Calls `write` with the text of each message, of one line for each of its items.
    pub fn new(write: W) -> Self {
        MessageLog(write)
    }

    fn message(&mut self, head: fmt::Arguments<'_>, message: Redacted<'_>) {
        let text = format!("{head}\n{message}");
        (self.0)(&text);
    }
}

impl<W: FnMut(&str) + Send> Hook for MessageLog<W> {
    fn on_request(&mut self, event: &RequestEvent<'_>) {
        let length = event.bytes.len();
        self.message(
            format_args!("> {}: {length} bytes", event.server),
            Redacted::request(event.encoding, event.bytes),
        );
    }

    fn on_response(&mut self, event: &ResponseEvent<'_>) {
        let RequestEvent {
            server, encoding, ..
        } = event.request;
        let (length, duration) = (event.bytes.len(), event.duration);
        self.message(
            format_args!("< {server}: {length} bytes after {duration:?}"),
            Redacted::response(encoding, event.bytes),
        );
    }

    fn on_failure(&mut self, event: &FailureEvent<'_>) {
        let error = event.error;
        match event.bytes {
            None => (self.0)(&format!("! {error}\n")),
            Some(bytes) => self.message(
                format_args!("! {error}: {} bytes", bytes.len()),
                Redacted::response(event.request.encoding, bytes),
            ),
        }
    }
}

/// Displays an encoded message as an indented tree without its secrets. What cannot be decoded is
/// not shown at all, since nobody knows what is secret in it.
#[derive(Clone, Copy)]
pub struct Redacted<'m> {
    encoding: Encoding,
    bytes: &'m [u8],
    is_request: bool,
}

impl<'m> Redacted<'m> {
    /// Of a request message.
    pub fn request(encoding: Encoding, bytes: &'m [u8]) -> Self {
        Redacted {
            encoding,
            bytes,
            is_request: true,
        }
    }

    /// Of a response message.
    pub fn response(encoding: Encoding, bytes: &'m [u8]) -> Self {
        Redacted {
            is_request: false,
            ..Redacted::request(encoding, bytes)
        }
    }

    /// The message in TTLV, which every message that was understood can be written in.
    fn transcoded(&self) -> Result<Zeroizing<Vec<u8>>> {
        let options = Options::default();
        let mut out = Zeroizing::new(Vec::new());
        if self.is_request {
            let message: RequestMessage<'_> = self.encoding.decode(self.bytes, &options)?;
            ttlv::encode(&message, &mut out)?;
        } else {
            let message: ResponseMessage<'_> = self.encoding.decode(self.bytes, &options)?;
            ttlv::encode(&message, &mut out)?;
        }
        Ok(out)
    }
}

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transcoded;
        let bytes = match self.encoding {
            Encoding::Ttlv => self.bytes,
            _ => match self.transcoded() {
                Ok(ttlv) => {
                    transcoded = ttlv;
                    &transcoded
                }
                Err(error) => return writeln!(f, "  [not shown: {error}]"),
            },
        };
        let mut lines = Lines::default();
        let outcome = lines.walk(bytes);
        f.write_str(&lines.text)?;
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => writeln!(f, "  [the rest is not shown: {error}]"),
        }
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redacted({} bytes)", self.bytes.len())
    }
}

#[derive(Default)]
struct Lines {
    text: String,
    /// The attribute that the next Attribute Value belongs to (KMIP 1.x), if it is a standard one.
    attribute: Option<Tag>,
    /// The attribute is a vendor's, whatever its name is (KMIP 2.x).
    of_vendor: bool,
}

impl Lines {
    fn walk(&mut self, message: &[u8]) -> Result<()> {
        let mut reader = Reader::new(message)?;
        // The structures around the current item, and whether all in them is secret.
        let mut open = Vec::new();
        loop {
            let Some(tag) = reader.tag() else {
                match open.pop() {
                    Some((frame, _)) => reader.leave(frame)?,
                    None => return Ok(()),
                }
                continue;
            };
            match tag {
                Tag::ATTRIBUTE => (self.attribute, self.of_vendor) = (None, false),
                Tag::VENDOR_IDENTIFICATION => self.of_vendor = true,
                _ => {}
            }
            let around = open.last().is_some_and(|(_, secret)| *secret);
            let meaning = match tag {
                Tag::ATTRIBUTE_VALUE => self.attribute,
                tag => Some(tag),
            };
            // What is not in the tables may be anything.
            let secret = around
                || meaning.and_then(Tag::info).is_none_or(|info| info.secret)
                || PROOFS.contains(&tag);
            let indent = 2 * (open.len() + 1);
            self.text.push_str(&format!("{:indent$}{tag}", ""));
            if reader.item_type() == ItemType::STRUCTURE {
                if open.len() >= Limits::default().depth {
                    let kind = ErrorKind::TooDeep(open.len());
                    return Err(Error::at(kind, reader.offset()));
                }
                open.push((reader.enter()?, secret));
            } else {
                let value = self.value(&mut reader, meaning.unwrap_or(tag), secret)?;
                self.text.push_str(": ");
                self.text.push_str(&value);
            }
            self.text.push('\n');
        }
    }

    fn value(&mut self, reader: &mut Reader<'_>, meaning: Tag, secret: bool) -> Result<String> {
        let bytes = |bytes: &[u8]| match secret {
            true => format!("[redacted, {} bytes]", bytes.len()),
            false => digits(bytes),
        };
        Ok(match reader.item_type() {
            ItemType::INTEGER => reader.integer()?.to_string(),
            ItemType::LONG_INTEGER => reader.long_integer()?.to_string(),
            ItemType::BIG_INTEGER => bytes(reader.big_integer()?),
            ItemType::ENUMERATION => {
                let value = reader.enumeration()?;
                let table = meaning.enumeration();
                let name = table.and_then(|table| table.by_value(value));
                match name {
                    Some(known) => known.name.to_owned(),
                    None => format!("0x{value:08X}"),
                }
            }
            ItemType::BOOLEAN => reader.boolean()?.to_string(),
            ItemType::TEXT_STRING => {
                let text = reader.text_string()?;
                if meaning == Tag::ATTRIBUTE_NAME {
                    self.attribute = match AttributeReference::from_name(text.into()) {
                        AttributeReference::Standard(tag) if !self.of_vendor => Some(tag),
                        _ => None,
                    };
                }
                match secret {
                    true => "[redacted]".to_owned(),
                    false => format!("{:?}", cut(text)),
                }
            }
            ItemType::DATE_TIME => format!("{:?}", DateTime(reader.date_time()?)),
            ItemType::INTERVAL => format!("{} s", reader.interval()?),
            ItemType::DATE_TIME_EXTENDED => {
                format!("{:?}", DateTimeExtended(reader.date_time_extended()?))
            }
            _ => bytes(reader.byte_string()?),
        })
    }
}

fn digits(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(LONGEST_VALUE / 2)];
    let mut text: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    if shown.len() < bytes.len() {
        text.push_str(&format!("... ({} bytes)", bytes.len()));
    }
    text
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST_VALUE);
    end.map_or(text, |(end, _)| &text[..end])
}
