//! Writing XML.

use super::escape::escape;
use crate::codec::{Error, Result, Sink};
use crate::text::{
    GENERIC, Lines, TextWriter, push_date_time, push_date_time_extended, push_decimal, push_hex,
    push_hex_word, push_mask, type_name,
};
use crate::ttlv;
use crate::ttlv::code;
use crate::types::{Names, Tag};

/// Structures whose tags are kept without allocation.
const INLINE: usize = 16;

/// Appends items to a buffer.
#[derive(Debug)]
pub struct Writer<'b> {
    lines: Lines<'b>,
    /// Tags of the open structures: the outer ones, and those that are deeper.
    open: [Tag; INLINE],
    deeper: Vec<Tag>,
    /// The start tag of the innermost structure still lacks its end.
    pending: bool,
}

impl Writer<'_> {
    fn finish_start(&mut self) {
        if std::mem::take(&mut self.pending) {
            self.lines.buffer.push(b'>');
            self.lines.end_of_line();
        }
    }

    /// `<Name`.
    fn tag(&mut self, tag: Tag) {
        self.finish_start();
        self.lines.indent();
        self.lines.buffer.push(b'<');
        match tag.spelling() {
            Some(name) => self.lines.push(name),
            None => {
                self.lines.push(GENERIC);
                self.lines.push(" tag=\"0x");
                push_hex(self.lines.buffer, &tag.0.to_be_bytes()[1..]);
                self.lines.buffer.push(b'"');
            }
        }
    }

    fn item(&mut self, tag: Tag, item_type: u8, value: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.tag(tag);
        self.lines.push(" type=\"");
        self.lines.push(type_name(item_type));
        self.lines.push("\" value=\"");
        value(self.lines.buffer);
        self.lines.push("\"/>");
        self.lines.end_of_line();
        Ok(())
    }

    fn number(&mut self, tag: Tag, item_type: u8, value: i64) -> Result<()> {
        self.item(tag, item_type, |buffer| push_decimal(buffer, value))
    }
}

impl<'b> TextWriter<'b> for Writer<'b> {
    fn on(lines: Lines<'b>) -> Self {
        Writer {
            lines,
            open: [Tag(0); INLINE],
            deeper: Vec::new(),
            pending: false,
        }
    }

    fn into_lines(self) -> Lines<'b> {
        self.lines
    }
}

impl Sink for Writer<'_> {
    fn begin(&mut self, tag: Tag) -> Result<()> {
        self.tag(tag);
        self.pending = true;
        match self.open.get_mut(self.lines.depth) {
            Some(open) => *open = tag,
            None => self.deeper.push(tag),
        }
        self.lines.depth += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.lines.depth = self.lines.depth.saturating_sub(1);
        let deeper = self.deeper.pop();
        if std::mem::take(&mut self.pending) {
            self.lines.push("/>");
        } else {
            self.lines.indent();
            let tag = deeper.or_else(|| self.open.get(self.lines.depth).copied());
            let name = tag.and_then(Tag::spelling).unwrap_or(GENERIC);
            self.lines.push("</");
            self.lines.push(name);
            self.lines.push(">");
        }
        self.lines.end_of_line();
        Ok(())
    }

    fn integer(&mut self, tag: Tag, value: i32) -> Result<()> {
        self.number(tag, code::INTEGER, value.into())
    }

    fn mask(&mut self, tag: Tag, value: u32, names: Names) -> Result<()> {
        if !self.lines.has_names() {
            return self.integer(tag, value as i32);
        }
        self.item(tag, code::INTEGER, |buffer| {
            push_mask(buffer, names, value, b' ')
        })
    }

    fn long_integer(&mut self, tag: Tag, value: i64) -> Result<()> {
        self.number(tag, code::LONG_INTEGER, value)
    }

    fn big_integer(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        self.item(tag, code::BIG_INTEGER, |buffer| {
            push_hex(buffer, ttlv::sign_extension(value));
            push_hex(buffer, value);
        })
    }

    fn enumeration(&mut self, tag: Tag, value: u32, names: Option<Names>) -> Result<()> {
        let names = names.filter(|_| self.lines.has_names());
        let name = names.and_then(|names| names.value(value));
        self.item(tag, code::ENUMERATION, |buffer| match name {
            Some(name) => buffer.extend_from_slice(name.as_bytes()),
            None => push_hex_word(buffer, value),
        })
    }

    fn boolean(&mut self, tag: Tag, value: bool) -> Result<()> {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.item(tag, code::BOOLEAN, |buffer| buffer.extend_from_slice(word))
    }

    fn text(&mut self, tag: Tag, value: &str) -> Result<()> {
        let mut escaped = Ok(());
        self.item(tag, code::TEXT_STRING, |buffer| {
            escaped = escape(buffer, value)
        })?;
        escaped.map_err(Error::new)
    }

    fn bytes(&mut self, tag: Tag, value: &[u8]) -> Result<()> {
        self.item(tag, code::BYTE_STRING, |buffer| push_hex(buffer, value))
    }

    fn date_time(&mut self, tag: Tag, seconds: i64) -> Result<()> {
        self.item(tag, code::DATE_TIME, |buffer| {
            push_date_time(buffer, seconds)
        })
    }

    fn interval(&mut self, tag: Tag, seconds: u32) -> Result<()> {
        self.number(tag, code::INTERVAL, seconds.into())
    }

    fn date_time_extended(&mut self, tag: Tag, microseconds: i64) -> Result<()> {
        self.item(tag, code::DATE_TIME_EXTENDED, |buffer| {
            push_date_time_extended(buffer, microseconds);
        })
    }
}
