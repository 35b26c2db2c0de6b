//! Writing JSON.

use crate::codec::{Result, Sink};
use crate::text::{
    LARGEST_EXACT, Lines, TextWriter, plain_length, push_date_time, push_date_time_extended,
    push_decimal, push_hex, push_hex_word, push_mask, type_name,
};
use crate::ttlv;
use crate::ttlv::code;
use crate::types::{Names, Tag};

/// Appends items to a buffer.
#[derive(Debug)]
pub struct Writer<'b> {
    lines: Lines<'b>,
    /// No item stands in the open list yet.
    first: bool,
}

impl Writer<'_> {
    fn line(&mut self) {
        self.lines.end_of_line();
        self.lines.indent();
    }

    /// `{"tag":"..."`, with what separates it from the item before.
    fn tag(&mut self, tag: Tag) {
        if !self.first {
            self.lines.buffer.push(b',');
        }
        if self.lines.depth > 0 {
            self.line();
        }
        self.first = false;
        self.lines.push(r#"{"tag":""#);
        match tag.spelling() {
            Some(name) => self.lines.push(name),
            None => {
                self.lines.push("0x");
                push_hex(self.lines.buffer, &tag.0.to_be_bytes()[1..]);
            }
        }
    }

    /// An item up to its value.
    fn item(&mut self, tag: Tag, item_type: u8) {
        self.tag(tag);
        self.lines.push(r#"","type":""#);
        self.lines.push(type_name(item_type));
        self.lines.push(r#"","value":"#);
    }

    fn close(&mut self) {
        self.lines.buffer.push(b'}');
        if self.lines.depth == 0 {
            self.lines.end_of_line();
        }
    }

    fn number(&mut self, tag: Tag, item_type: u8, value: i64) -> Result<()> {
        self.item(tag, item_type);
        push_decimal(self.lines.buffer, value);
        self.close();
        Ok(())
    }

    /// An item whose value is a text that needs no escapes.
    fn plain(&mut self, tag: Tag, item_type: u8, value: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.item(tag, item_type);
        self.lines.buffer.push(b'"');
        value(self.lines.buffer);
        self.lines.buffer.push(b'"');
        self.close();
        Ok(())
    }
}

impl<'b> TextWriter<'b> for Writer<'b> {
    fn on(lines: Lines<'b>) -> Self {
        Writer { lines, first: true }
    }

    fn into_lines(self) -> Lines<'b> {
        self.lines
    }
}

impl Sink for Writer<'_> {
    fn begin(&mut self, tag: Tag) -> Result<()> {
        self.tag(tag);
        self.lines.push(r#"","value":["#);
        self.first = true;
        self.lines.depth += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.lines.depth = self.lines.depth.saturating_sub(1);
        if !std::mem::take(&mut self.first) {
            self.line();
        }
        self.lines.buffer.push(b']');
        self.close();
        Ok(())
    }

    fn integer(&mut self, tag: Tag, value: i32) -> Result<()> {
        self.number(tag, code::INTEGER, value.into())
    }

    fn mask(&mut self, tag: Tag, value: u32, names: Names) -> Result<()> {
        if !self.lines.has_names() {
            return self.integer(tag, value as i32);
        }
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
        let names = names.filter(|_| self.lines.has_names());
        let name = names.and_then(|names| names.value(value));
        self.plain(tag, code::ENUMERATION, |buffer| match name {
            Some(name) => buffer.extend_from_slice(name.as_bytes()),
            None => push_hex_word(buffer, value),
        })
    }

    fn boolean(&mut self, tag: Tag, value: bool) -> Result<()> {
        self.item(tag, code::BOOLEAN);
        self.lines.push(if value { "true" } else { "false" });
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
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_length(rest, |byte| {
            (byte < b' ') | (byte == b'"') | (byte == b'\\')
        });
        buffer.extend_from_slice(&rest[..plain]);
        let Some((special, behind)) = rest[plain..].split_first() else {
            return;
        };
        match special {
            b'\n' => buffer.extend_from_slice(b"\\n"),
            b'\r' => buffer.extend_from_slice(b"\\r"),
            b'\t' => buffer.extend_from_slice(b"\\t"),
            b'"' | b'\\' => buffer.extend_from_slice(&[b'\\', *special]),
            _ => {
                buffer.extend_from_slice(b"\\u00");
                push_hex(buffer, &[*special]);
            }
        }
        rest = behind;
    }
}
