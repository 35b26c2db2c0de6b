//! Writing JSON.

use crate::codec::{Result, Sink};
use crate::text::{
    LARGEST_EXACT, Style, TextWriter, push_date_time, push_date_time_extended, push_decimal,
    push_hex, push_hex_word, push_mask, type_name,
};
use crate::ttlv;
use crate::ttlv::code;
use crate::types::{Names, Tag};

/// Appends items to a buffer.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut Vec<u8>,
    style: Style,
    depth: usize,
    /// No item stands in the open list yet.
    first: bool,
}

impl<'b> Writer<'b> {
    /// A writer without white space.
    pub fn new(buffer: &'b mut Vec<u8>) -> Self {
        Writer::with(buffer, Style::Compact)
    }

    /// A writer of an item a line.
    pub fn indented(buffer: &'b mut Vec<u8>) -> Self {
        Writer::with(buffer, Style::Indented)
    }

    fn push(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn line(&mut self) {
        if self.style == Style::Indented {
            self.buffer.push(b'\n');
            let width = self.buffer.len() + 2 * self.depth;
            self.buffer.resize(width, b' ');
        }
    }

    /// `{"tag":"..."`, with what separates it from the item before.
    fn tag(&mut self, tag: Tag) {
        if !self.first {
            self.buffer.push(b',');
        }
        if self.depth > 0 {
            self.line();
        }
        self.first = false;
        self.push(r#"{"tag":""#);
        match tag.spelling() {
            Some(name) => self.push(name),
            None => {
                self.push("0x");
                push_hex(self.buffer, &tag.0.to_be_bytes()[1..]);
            }
        }
    }

    /// An item up to its value.
    fn item(&mut self, tag: Tag, item_type: u8) {
        self.tag(tag);
        self.push(r#"","type":""#);
        self.push(type_name(item_type));
        self.push(r#"","value":"#);
    }

    fn close(&mut self) {
        self.buffer.push(b'}');
        if self.depth == 0 && self.style == Style::Indented {
            self.buffer.push(b'\n');
        }
    }

    fn number(&mut self, tag: Tag, item_type: u8, value: i64) -> Result<()> {
        self.item(tag, item_type);
        push_decimal(self.buffer, value);
        self.close();
        Ok(())
    }

    /// An item whose value is a text that needs no escapes.
    fn plain(&mut self, tag: Tag, item_type: u8, value: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.item(tag, item_type);
        self.buffer.push(b'"');
        value(self.buffer);
        self.buffer.push(b'"');
        self.close();
        Ok(())
    }
}

impl<'b> TextWriter<'b> for Writer<'b> {
    fn with(buffer: &'b mut Vec<u8>, style: Style) -> Self {
        Writer {
            buffer,
            style,
            depth: 0,
            first: true,
        }
    }

    fn buffer(self) -> &'b mut Vec<u8> {
        self.buffer
    }
}

impl Sink for Writer<'_> {
    fn begin(&mut self, tag: Tag) -> Result<()> {
        self.tag(tag);
        self.push(r#"","value":["#);
        self.first = true;
        self.depth += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if !std::mem::take(&mut self.first) {
            self.line();
        }
        self.buffer.push(b']');
        self.close();
        Ok(())
    }

    fn integer(&mut self, tag: Tag, value: i32) -> Result<()> {
        self.number(tag, code::INTEGER, value.into())
    }

    fn mask(&mut self, tag: Tag, value: u32, names: Names) -> Result<()> {
        self.plain(tag, code::INTEGER, |buffer| {
            push_mask(buffer, names, value, b'|')
        })
    }

    fn long_integer(&mut self, tag: Tag, value: i64) -> Result<()> {
        if value.unsigned_abs() < LARGEST_EXACT as u64 {
            return self.number(tag, code::LONG_INTEGER, value);
        }
        self.plain(tag, code::LONG_INTEGER, |buffer| {
            buffer.extend_from_slice(b"0x");
            push_hex(buffer, &value.to_be_bytes());
        })
    }

    fn big_integer(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        self.plain(tag, code::BIG_INTEGER, |buffer| {
            buffer.extend_from_slice(b"0x");
            push_hex(buffer, ttlv::sign_extension(value));
            push_hex(buffer, value);
        })
    }

    fn enumeration(&mut self, tag: Tag, value: u32, names: Option<Names>) -> Result<()> {
        let name = names.and_then(|names| names.value(value));
        self.plain(tag, code::ENUMERATION, |buffer| match name {
            Some(name) => buffer.extend_from_slice(name.as_bytes()),
            None => push_hex_word(buffer, value),
        })
    }

    fn boolean(&mut self, tag: Tag, value: bool) -> Result<()> {
        self.item(tag, code::BOOLEAN);
        self.push(if value { "true" } else { "false" });
        self.close();
        Ok(())
    }

    fn text(&mut self, tag: Tag, value: &str) -> Result<()> {
        self.plain(tag, code::TEXT_STRING, |buffer| escape(buffer, value))
    }

    fn bytes(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        self.plain(tag, code::BYTE_STRING, |buffer| push_hex(buffer, value))
    }

    fn date_time(&mut self, tag: Tag, seconds: i64) -> Result<()> {
        self.plain(tag, code::DATE_TIME, |buffer| {
            push_date_time(buffer, seconds)
        })
    }

    fn interval(&mut self, tag: Tag, seconds: u32) -> Result<()> {
        self.number(tag, code::INTERVAL, seconds.into())
    }

    fn date_time_extended(&mut self, tag: Tag, microseconds: i64) -> Result<()> {
        self.plain(tag, code::DATE_TIME_EXTENDED, |buffer| {
            push_date_time_extended(buffer, microseconds);
        })
    }
}

/// A text as JSON has it between quotes.
fn escape(buffer: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => *byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..=0x1F => 0,
            _ => continue,
        };
        buffer.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        if short == 0 {
            buffer.extend_from_slice(b"\\u00");
            push_hex(buffer, &[*byte]);
        } else {
            buffer.extend_from_slice(&[b'\\', short]);
        }
    }
    buffer.extend_from_slice(&bytes[copied..]);
}
