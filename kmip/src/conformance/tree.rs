//! XML messages as trees whose values are brought to one form, to compare them.
//!
//! Deliberately independent of the codec: nothing here goes through the message types.

use std::fmt;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::types::{AttributeReference, DateTime, EnumerationTable, Tag};

/// The elements of a message, the outer ones before the inner ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(Vec<Element>);

/// An element of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// How many elements it is in.
    pub depth: usize,
    /// Its name: that of a tag.
    pub name: String,
    /// The name of its type.
    pub item_type: String,
    /// Its value in one form, or the placeholder that stands for it. Structures have none.
    pub value: Option<String>,
}

/// The text is not XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not well-formed: {0}")]
pub struct TreeError(String);

/// The first element in which two trees differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    path: String,
    left: String,
    right: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { path, left, right } = self;
        write!(f, "at {path}: {left} became {right}")
    }
}

impl Tree {
    /// Reads a message.
    ///
    /// # Errors
    /// The text is not well-formed.
    pub fn parse(text: &str) -> Result<Self, TreeError> {
        let mut reader = Reader::from_str(text);
        let mut elements = Vec::new();
        let mut depth = 0;
        // Attribute Name of KMIP 1.x, which decides what names in the value mean.
        let mut attribute_name = String::new();
        loop {
            match reader.read_event().map_err(|e| TreeError(e.to_string()))? {
                Event::Start(start) => {
                    elements.push(element(&start, depth, &mut attribute_name)?);
                    depth += 1;
                }
                Event::Empty(start) => {
                    elements.push(element(&start, depth, &mut attribute_name)?);
                }
                Event::End(_) => depth -= 1,
                Event::Eof => return Ok(Tree(elements)),
                _ => {}
            }
        }
    }

    /// All elements, the outer ones before the inner ones.
    pub fn elements(&self) -> &[Element] {
        &self.0
    }

    /// Where the trees first differ.
    pub fn difference(&self, other: &Tree) -> Option<Difference> {
        let longest = self.0.len().max(other.0.len());
        let at = (0..longest).find(|index| self.0.get(*index) != other.0.get(*index))?;
        Some(Difference {
            path: self.path(at),
            left: show(self.0.get(at)),
            right: show(other.0.get(at)),
        })
    }

    /// Names of the elements from the root to the one at `index`.
    fn path(&self, index: usize) -> String {
        let Some(element) = self.0.get(index) else {
            return "the end".to_owned();
        };
        let mut names = vec![element.name.as_str()];
        let mut depth = element.depth;
        for outer in self.0[..index].iter().rev() {
            if outer.depth < depth {
                depth = outer.depth;
                names.push(&outer.name);
            }
        }
        names.reverse();
        names.join("/")
    }
}

fn show(element: Option<&Element>) -> String {
    match element {
        None => "nothing".to_owned(),
        Some(Element { name, value, .. }) => match value {
            Some(value) => format!("<{name} value=\"{value}\"/>"),
            None => format!("<{name}>"),
        },
    }
}

fn element(
    start: &BytesStart<'_>,
    depth: usize,
    attribute_name: &mut String,
) -> Result<Element, TreeError> {
    let mut element = Element {
        depth,
        name: String::from_utf8_lossy(start.name().as_ref()).into_owned(),
        item_type: "Structure".to_owned(),
        value: None,
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| TreeError(e.to_string()))?;
        let raw = std::str::from_utf8(&attribute.value).map_err(|e| TreeError(e.to_string()))?;
        let value = quick_xml::escape::unescape(raw).map_err(|e| TreeError(e.to_string()))?;
        match attribute.key.as_ref() {
            b"type" => element.item_type = value.into_owned(),
            b"value" => element.value = Some(value.into_owned()),
            // The name of a TTLV element is its tag.
            b"tag" => element.name = value.to_ascii_lowercase(),
            _ => {}
        }
    }
    let Some(value) = element.value.take() else {
        return Ok(element);
    };
    if element.name == "AttributeName" {
        attribute_name.clone_from(&value);
    }
    let tag = match element.name.as_str() {
        "AttributeValue" => match AttributeReference::from_name(attribute_name.as_str().into()) {
            AttributeReference::Standard(tag) => Some(tag),
            AttributeReference::Custom { .. } => None,
        },
        name => Tag::by_spelling(name),
    };
    element.value = Some(normal(&element.item_type, value, tag));
    Ok(element)
}

/// The value in one form: hexadecimal digits in lower case, moments in UTC, masks as numbers, names
/// of enumerations in the first of their spellings.
fn normal(item_type: &str, value: String, tag: Option<Tag>) -> String {
    match item_type {
        _ if value.starts_with('$') => value,
        "ByteString" | "BigInteger" => value.to_ascii_lowercase(),
        "DateTime" => match value.parse::<DateTime>() {
            Ok(time) => time.to_string(),
            Err(_) => value,
        },
        "Integer" => match tag
            .and_then(Tag::mask)
            .and_then(|table| mask(table, &value))
        {
            Some(mask) => format!("0x{mask:08x}"),
            None => value,
        },
        "Enumeration" => match tag.and_then(Tag::enumeration) {
            Some(table) => {
                let digits = value.strip_prefix("0x");
                let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let by_number = number.and_then(|number| table.by_value(number));
                match table.by_name(&value).or(by_number) {
                    Some(known) => known.name.to_owned(),
                    None => value.to_ascii_lowercase(),
                }
            }
            None => value,
        },
        _ => value,
    }
}

fn mask(table: &EnumerationTable, value: &str) -> Option<u32> {
    let mut words = value.split_ascii_whitespace();
    words.try_fold(0, |mask, word| {
        let bit = match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => table.by_name(word)?.value,
        };
        Some(mask | bit)
    })
}
