//! From XML to an index.
//!
//! Only what messages need: elements with attributes, comments, and a declaration in front. Document
//! types, processing instructions, CDATA and text between elements are refused.

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesStart, Event};

use super::escape::unescape;
use crate::codec::{Error, ErrorKind, Mode, Options, Result};
use crate::text::{
    GENERIC, Index, Value, checked_text, item_type, plain_length, shortened, skip_mark, steps,
    tag_by_digits,
};
use crate::types::Tag;

/// The namespace of KMIP, the only one that an element can be in.
const NAMESPACE: &[u8] = b"urn:oasis:tc:kmip:xmlns";

/// Most attributes of an element: they are compared with each other.
const MAX_ATTRIBUTES: usize = 16;

/// Fills the index with the items of a message. Words without a meaning are faults of their items
/// if they are tolerated; else they end the reading.
pub(super) fn parse<'a>(
    bytes: &'a [u8],
    options: &Options,
    index: &mut Index,
    tolerant: bool,
) -> Result<&'a str> {
    index.begin(&options.limits);
    if tolerant {
        index.tolerate();
    }
    let text = checked_text(bytes, &options.limits)?;
    let start = skip_mark(text);
    let mut parser = Parser {
        text,
        start,
        index,
        strict: options.mode == Mode::Strict,
    };
    match parser.document() {
        Ok(()) => {
            index.finish();
            Ok(text)
        }
        Err(error) => Err(index.locate(error)),
    }
}

struct Parser<'p, 'a> {
    text: &'a str,
    /// Where the document begins in the text.
    start: usize,
    index: &'p mut Index,
    strict: bool,
}

/// What the attributes of an element say.
#[derive(Default)]
struct Attributes {
    seen: u8,
    tag: Option<Tag>,
    item_type: u8,
    value: Option<Value>,
}

/// The attributes that have a meaning, as bits of [`Attributes::seen`].
const TYPE: u8 = 1;
const VALUE: u8 = 2;
const TAG: u8 = 4;
const NAME: u8 = 8;
const XMLNS: u8 = 16;

impl<'a> Parser<'_, 'a> {
    fn document(&mut self) -> Result<()> {
        let mut reader = Reader::from_str(&self.text[self.start..]);
        let mut before = self.start;
        loop {
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let offset = self.start + reader.error_position() as usize;
                    return Err(syntax(error.to_string(), offset));
                }
            };
            match event {
                Event::Start(element) => self.element(&element, before)?,
                Event::Empty(element) => {
                    self.element(&element, before)?;
                    self.end()?;
                }
                Event::End(_) => self.end()?,
                Event::Text(text) if is_blank(&text) => {}
                Event::Comment(_) => {}
                Event::Decl(declaration) if before == self.start => {
                    declared(&declaration).map_err(|what| syntax(what, before))?;
                }
                Event::Eof => return self.at_end(),
                event => return Err(syntax(refused(&event).to_owned(), before)),
            }
            before = self.start + reader.buffer_position() as usize;
        }
    }

    fn at_end(&self) -> Result<()> {
        let offset = self.text.len();
        if self.index.depth() > 0 {
            return Err(syntax("the text ends inside an element".to_owned(), offset));
        }
        if self.index.is_empty() {
            return Err(syntax("there is no element".to_owned(), offset));
        }
        Ok(())
    }

    /// Begins an item.
    fn element(&mut self, element: &BytesStart<'_>, offset: usize) -> Result<()> {
        self.index.open(offset)?;
        let attributes = self.attributes(element, offset)?;
        // It stands behind the `<`.
        let name = offset + 1..offset + 1 + element.name().as_ref().len();
        let name = self.text.get(name).unwrap_or_default();
        match self.tag(name, &attributes) {
            Ok(tag) => self.index.node().tag = tag.0,
            Err(kind) if self.index.tolerates(&kind) => {}
            Err(kind) => return Err(Error::at(kind, offset)),
        }
        let has_value = attributes.value.is_some();
        let item_type = match attributes.item_type {
            0 if has_value => {
                let kind = ErrorKind::Syntax("the item has no type".to_owned());
                if !self.index.tolerates(&kind) {
                    return Err(Error::at(kind, offset));
                }
                0
            }
            0 => 1,
            item_type => item_type,
        };
        let node = self.index.node();
        node.item_type = item_type;
        node.value = attributes.value.unwrap_or(Value::Absent);
        self.check_parent(offset)
    }

    /// Items stand only in structures.
    fn check_parent(&mut self, offset: usize) -> Result<()> {
        let parent = self.index.node().parent;
        let outer = self.index.get(parent);
        if parent != 0 && outer.item_type != 1 {
            let kind = ErrorKind::Syntax("an item in an item that is no structure".to_owned());
            return Err(Error::at(kind, offset));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.index.close();
        Ok(())
    }

    fn tag(&self, name: &str, attributes: &Attributes) -> Result<Tag, ErrorKind> {
        if name == GENERIC {
            let missing = || ErrorKind::Syntax("a TTLV element without tag".to_owned());
            return attributes.tag.ok_or_else(missing);
        }
        if attributes.tag.is_some() {
            let what = "only a TTLV element has the attribute `tag`";
            return Err(ErrorKind::Syntax(what.to_owned()));
        }
        let local = || match name.split_once(':') {
            Some((_, local)) if !self.strict => Tag::by_spelling(local),
            _ => None,
        };
        let tag = Tag::by_spelling(name).or_else(local);
        tag.ok_or_else(|| ErrorKind::UnknownTag(shortened(name)))
    }

    fn attributes(&mut self, element: &BytesStart<'_>, offset: usize) -> Result<Attributes> {
        let mut found = Attributes::default();
        let mut others = false;
        let mut count = 0;
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| syntax(error.to_string(), offset))?;
            count += 1;
            steps::count(1);
            if count > MAX_ATTRIBUTES {
                let what = format!("more than {MAX_ATTRIBUTES} attributes");
                return Err(syntax(what, offset));
            }
            let bit = match attribute.key.as_ref() {
                b"type" => TYPE,
                b"value" => VALUE,
                b"tag" => TAG,
                b"name" => NAME,
                b"xmlns" => XMLNS,
                _ => 0,
            };
            if found.seen & bit != 0 {
                return Err(syntax("an attribute stands twice".to_owned(), offset));
            }
            found.seen |= bit;
            let value = self.value(&attribute.value, offset)?;
            let understood = match bit {
                TYPE => self.word(value, |word| {
                    let code = item_type(word);
                    found.item_type =
                        code.ok_or_else(|| ErrorKind::UnknownTypeName(shortened(word)))?;
                    Ok(())
                }),
                TAG => self.word(value, |word| {
                    let tag = tag_by_digits(word).or_else(|| Tag::by_spelling(word));
                    found.tag = Some(tag.ok_or_else(|| ErrorKind::UnknownTag(shortened(word)))?);
                    Ok(())
                }),
                VALUE => {
                    found.value = Some(value);
                    Ok(())
                }
                XMLNS if self.strict && attribute.value.as_ref() != NAMESPACE => Err(
                    ErrorKind::Syntax("the namespace is not that of KMIP".to_owned()),
                ),
                NAME | XMLNS => Ok(()),
                _ => {
                    others = true;
                    Ok(())
                }
            };
            match understood {
                Ok(()) => {}
                Err(kind) if self.index.tolerates(&kind) => {}
                Err(kind) => return Err(Error::at(kind, offset)),
            }
        }
        if others {
            self.check_others(element, offset)?;
        }
        Ok(found)
    }

    /// Attributes without a meaning for KMIP.
    #[cold]
    fn check_others(&self, element: &BytesStart<'_>, offset: usize) -> Result<()> {
        for (before, attribute) in element.attributes().enumerate() {
            // Each is compared with those before it.
            steps::count(1 + before);
            attribute.map_err(|error| syntax(error.to_string(), offset))?;
        }
        if self.strict {
            let what = "an attribute other than tag, name, type and value";
            return Err(syntax(what.to_owned(), offset));
        }
        Ok(())
    }

    /// An attribute's value, which stands in the text.
    fn value(&mut self, raw: &[u8], offset: usize) -> Result<Value> {
        let begin = (raw.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let text = begin
            .checked_add(raw.len())
            .and_then(|end| self.text.get(begin..end))
            .ok_or_else(|| syntax("an attribute's value is broken".to_owned(), offset))?;
        if plain_length(text.as_bytes(), is_special) == text.len() {
            return Ok(Value::Text(begin as u32, text.len() as u32));
        }
        let kept = self.index.unescaped().len();
        unescape(text, self.index.unescaped()).map_err(|what| syntax(what, offset))?;
        Ok(self.index.kept_from(kept))
    }

    fn word(
        &self,
        value: Value,
        understand: impl FnOnce(&str) -> Result<(), ErrorKind>,
    ) -> Result<(), ErrorKind> {
        match value {
            Value::Text(start, length) => {
                let range = start as usize..(start + length) as usize;
                understand(self.text.get(range).unwrap_or_default())
            }
            Value::Unescaped(start, length) => understand(self.index.kept(start, length)),
            _ => understand(""),
        }
    }
}

/// Whether a byte of a value may not stand for itself. U+FFFE and U+FFFF begin with EF.
fn is_special(byte: u8) -> bool {
    (byte < b' ') | (byte == b'&') | (byte == b'<') | (byte == 0xEF)
}

fn is_blank(text: &[u8]) -> bool {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    text.iter().all(blank)
}

/// Only XML 1.0 in UTF-8.
fn declared(declaration: &BytesDecl<'_>) -> Result<(), String> {
    match declaration.version() {
        Ok(version) if version.as_ref() == b"1.0" => {}
        _ => return Err("not XML 1.0".to_owned()),
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case(b"utf-8") => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case(b"us-ascii") => Ok(()),
        Some(_) => Err("an encoding other than UTF-8".to_owned()),
    }
}

fn refused(event: &Event<'_>) -> &'static str {
    match event {
        Event::Text(_) | Event::GeneralRef(_) => "text outside of attributes",
        Event::CData(_) => "a CDATA section",
        Event::Decl(_) => "an XML declaration that is not at the begin",
        Event::PI(_) => "a processing instruction",
        Event::DocType(_) => "a document type declaration",
        _ => "markup that messages do not have",
    }
}

#[cold]
fn syntax(what: String, offset: usize) -> Error {
    Error::at(ErrorKind::Syntax(what), offset)
}
