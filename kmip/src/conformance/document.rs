//! Documents of test cases: the messages in them, and their placeholders.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::ProtocolVersion;
use crate::types::{DateTime, Tag};

/// The moment that `$NOW` is: any would do, the same in every run.
const NOW: i64 = 1_700_000_000;

/// The messages of a document.
#[derive(Debug, Clone)]
pub struct Document<'d> {
    /// They, in the order of the document.
    pub messages: Vec<Message<'d>>,
    /// What ends the document before its end. The messages are those before.
    pub broken: Option<DocumentError>,
}

/// A message of a document.
#[derive(Debug, Clone)]
pub struct Message<'d> {
    /// Tag of the message: Request Message or Response Message.
    pub tag: Tag,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Its text.
    pub text: &'d str,
    /// The Protocol Version in its header, if it has one.
    pub version: Option<ProtocolVersion>,
    /// What stands between the message before it and itself, such as `# [REPEAT] until ...`.
    pub remarks: &'d str,
}

/// A place in a message whose value is not known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placeholder<'p> {
    /// Its name, without the dollar sign.
    pub name: &'p str,
    /// The element whose value it is.
    pub element: &'p str,
    /// The type of the element.
    pub item_type: &'p str,
}

/// The text of a message without placeholders.
#[derive(Debug, Clone)]
pub struct Filled<'d> {
    /// The text.
    pub text: Cow<'d, str>,
    /// How many placeholders were replaced.
    pub placeholders: usize,
}

/// The document is not XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct DocumentError {
    /// The line, from 1.
    pub line: usize,
    what: String,
}

impl DocumentError {
    fn at(text: &str, offset: usize, what: impl ToString) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        DocumentError {
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            what: what.to_string(),
        }
    }
}

impl<'d> Document<'d> {
    /// Finds the messages. What stands between them is ignored: the official documents have
    /// comments and remarks there.
    pub fn parse(text: &'d str) -> Self {
        let mut messages = Vec::new();
        let broken = find_messages(text, &mut messages).err();
        Document { messages, broken }
    }
}

fn find_messages<'d>(text: &'d str, messages: &mut Vec<Message<'d>>) -> Result<(), DocumentError> {
    let mut reader = Reader::from_str(text);
    // Begin, tag and depth of the message that is open, and the number that comes next.
    let mut open: Option<(usize, Tag, usize)> = None;
    let mut version = [None; 2];
    let mut depth = 0;
    // Where the last message ends.
    let mut last = 0;
    loop {
        let before = reader.buffer_position() as usize;
        let event = reader
            .read_event()
            .map_err(|error| DocumentError::at(text, reader.error_position() as usize, error))?;
        let after = reader.buffer_position() as usize;
        match event {
            Event::Start(element) => {
                if let (None, Some(tag)) = (open, message_tag(&element)) {
                    open = Some((before, tag, depth));
                    version = [None; 2];
                }
                depth += 1;
            }
            Event::Empty(element) => note_version(&element, &mut version),
            Event::End(_) => {
                // The reader has made sure of a start.
                depth -= 1;
                if let Some((begin, tag, _)) = open.filter(|(.., at)| *at == depth) {
                    open = None;
                    messages.push(Message {
                        tag,
                        line: DocumentError::at(text, begin, "").line,
                        text: &text[begin..after],
                        version: match version {
                            [Some(major), Some(minor)] => Some(ProtocolVersion::new(major, minor)),
                            _ => None,
                        },
                        remarks: &text[last..begin],
                    });
                    last = after;
                }
            }
            Event::Eof if depth > 0 => {
                return Err(DocumentError::at(text, after, "an element does not end"));
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

impl<'d> Message<'d> {
    /// The message with a valid value of the declared type for each placeholder. The same
    /// placeholder gets the same value everywhere.
    ///
    /// # Errors
    /// The message is not well-formed, or has a placeholder of a type that none has.
    pub fn filled(&self) -> Result<Filled<'d>, DocumentError> {
        self.filled_with(|place| {
            placeholder(place.name, place.item_type).ok_or_else(|| {
                let Placeholder {
                    name, item_type, ..
                } = place;
                format!("a placeholder `${name}` of the type {item_type}")
            })
        })
    }

    /// The message with what `value` says for each placeholder.
    ///
    /// # Errors
    /// The message is not well-formed, or `value` has no value and says why.
    pub fn filled_with(
        &self,
        mut value: impl FnMut(&Placeholder<'_>) -> Result<String, String>,
    ) -> Result<Filled<'d>, DocumentError> {
        let mut reader = Reader::from_str(self.text);
        let mut filled = String::new();
        let mut copied = 0;
        let mut placeholders = 0;
        loop {
            let event = reader.read_event().map_err(|error| {
                DocumentError::at(self.text, reader.error_position() as usize, error)
            })?;
            let after = reader.buffer_position() as usize;
            match event {
                Event::Start(element) | Event::Empty(element) => {
                    let Some((range, value)) = self.replacement(&element, after, &mut value)?
                    else {
                        continue;
                    };
                    filled.push_str(&self.text[copied..range.start]);
                    filled.push_str(&value);
                    copied = range.end;
                    placeholders += 1;
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if placeholders == 0 {
            let text = Cow::Borrowed(self.text);
            return Ok(Filled { text, placeholders });
        }
        filled.push_str(&self.text[copied..]);
        let text = Cow::Owned(filled);
        Ok(Filled { text, placeholders })
    }

    /// Where an element has a placeholder, and what takes its place.
    fn replacement(
        &self,
        element: &BytesStart<'_>,
        after: usize,
        value: &mut impl FnMut(&Placeholder<'_>) -> Result<String, String>,
    ) -> Result<Option<(std::ops::Range<usize>, String)>, DocumentError> {
        let mut item_type = None;
        let mut found = None;
        for attribute in element.attributes() {
            let attribute =
                attribute.map_err(|error| DocumentError::at(self.text, after, error))?;
            let value = attribute.value;
            match attribute.key.as_ref() {
                b"type" => item_type = Some(String::from_utf8_lossy(&value).into_owned()),
                b"value" if value.first() == Some(&b'$') => {
                    let begin = value.as_ptr() as usize - self.text.as_ptr() as usize;
                    let name = String::from_utf8_lossy(&value[1..]).into_owned();
                    found = Some((begin..begin + value.len(), name));
                }
                _ => {}
            }
        }
        let Some((range, name)) = found else {
            return Ok(None);
        };
        let element = element.name();
        let place = Placeholder {
            name: &name,
            element: &String::from_utf8_lossy(element.as_ref()),
            item_type: &item_type.unwrap_or_default(),
        };
        let value = value(&place).map_err(|what| DocumentError::at(self.text, after, what))?;
        let value = quick_xml::escape::escape(value).into_owned();
        Ok(Some((range, value)))
    }
}

fn message_tag(element: &BytesStart<'_>) -> Option<Tag> {
    let messages = [Tag::REQUEST_MESSAGE, Tag::RESPONSE_MESSAGE];
    let name = element.name();
    messages
        .into_iter()
        .find(|tag| tag.spelling().map(str::as_bytes) == Some(name.as_ref()))
}

/// The first numbers of a message are those of its header.
fn note_version(element: &BytesStart<'_>, version: &mut [Option<i32>; 2]) {
    let place = match element.name().as_ref() {
        b"ProtocolVersionMajor" => &mut version[0],
        b"ProtocolVersionMinor" => &mut version[1],
        _ => return,
    };
    let value = element.try_get_attribute("value").ok().flatten();
    let value = value.and_then(|value| std::str::from_utf8(&value.value).ok()?.parse().ok());
    *place = place.or(value);
}

/// A value of the type for a placeholder.
fn placeholder(name: &str, item_type: &str) -> Option<String> {
    match item_type {
        "TextString" => Some(name.to_lowercase()),
        "ByteString" => {
            let mut digits = Vec::new();
            crate::text::push_hex(&mut digits, name.as_bytes());
            String::from_utf8(digits).ok()
        }
        "DateTime" => {
            let offset = name.strip_prefix("NOW")?;
            let offset = if offset.is_empty() {
                0
            } else {
                offset.parse::<i32>().ok()?
            };
            Some(DateTime(NOW + i64::from(offset)).to_string())
        }
        _ => None,
    }
}
