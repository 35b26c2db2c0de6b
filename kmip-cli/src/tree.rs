//! The items of a TTLV message in the order of the wire, as far as they can be read.

use kmip::ProtocolVersion;
use kmip::codec::{Error, ErrorKind, Limits, Result};
use kmip::ttlv::Reader;
use kmip::types::{
    AttributeReference, DateTime, DateTimeExtended, EnumerationTable, ItemType, Names, Tag,
};

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub(crate) depth: usize,
    pub(crate) tag: Tag,
    pub(crate) value: Value<'a>,
    /// The attribute that the value of a 1.x attribute belongs to, or else the item's own tag.
    pub(crate) meaning: Tag,
    /// Shows a key, a password or the like.
    pub(crate) secret: bool,
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
}

/// What is wrong with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) what: String,
    /// Quotes the value.
    pub(crate) quotes: bool,
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Structure,
    /// It was not to be read.
    Unreadable,
    Integer(i32),
    LongInteger(i64),
    BigInteger(&'a [u8]),
    Enumeration(u32),
    Boolean(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
    DateTime(i64),
    Interval(u32),
    DateTimeExtended(i64),
}

/// Reads all items until the end or the first fault.
pub(crate) fn read(message: &[u8]) -> (Vec<Node<'_>>, Option<Error>) {
    let mut nodes = Vec::new();
    let fault = walk(message, &mut nodes).err();
    (nodes, fault)
}

/// The message with the lengths of structures cut to what is there, if it ends too early.
pub(crate) fn without_missing(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    // Each round cuts one more of the structures that the end stands in.
    for _ in 0..=Limits::default().depth {
        let Some(error) = read(&message).1 else {
            break;
        };
        let (Some(offset), ErrorKind::Truncated { available, .. }) = (error.offset(), error.kind())
        else {
            break;
        };
        let whole = *available as u32 / 8 * 8;
        match message.get_mut(offset + 3..offset + 8) {
            Some([1, length @ ..]) => length.copy_from_slice(&whole.to_be_bytes()),
            _ => break,
        }
    }
    message
}

fn walk<'a>(message: &'a [u8], nodes: &mut Vec<Node<'a>>) -> Result<()> {
    let mut reader = Reader::new(message)?;
    let mut open = Vec::new();
    let mut meanings = Meanings::default();
    loop {
        let Some(tag) = reader.tag() else {
            let Some((frame, tag)) = open.pop() else {
                return Ok(());
            };
            reader
                .leave(frame)
                .map_err(|error| within(error, &open).within(tag))?;
            continue;
        };
        let limits = Limits::default();
        let depth = open.len();
        let inside: Vec<Tag> = open.iter().map(|(_, tag)| *tag).collect();
        let value = if reader.item_type() == ItemType::STRUCTURE {
            if depth >= limits.depth {
                let kind = ErrorKind::TooDeep(limits.depth);
                return Err(within(Error::at(kind, reader.offset()), &open));
            }
            let frame = reader
                .enter()
                .map_err(|error| within(error.within(tag), &open))?;
            open.push((frame, tag));
            Ok(Value::Structure)
        } else {
            leaf(&mut reader)
        };
        let value = match value {
            Ok(value) => value,
            Err(error) => return Err(within(error.within(tag), &open)),
        };
        let meaning = meanings.of(tag, value);
        let unknown_inside = tag.info().is_none() && inside.iter().any(|outer| outer.is_secret());
        nodes.push(Node {
            depth,
            tag,
            value,
            meaning,
            secret: value.is_telling() && (meaning.is_secret() || unknown_inside),
            fault: None,
        });
    }
}

/// What items mean, one after the other: the value of a 1.x attribute has the names of the
/// attribute.
#[derive(Debug, Default)]
pub(crate) struct Meanings {
    attribute: Option<Tag>,
}

impl Meanings {
    pub(crate) fn of(&mut self, tag: Tag, value: Value<'_>) -> Tag {
        if let (Tag::ATTRIBUTE_NAME, Value::Text(name)) = (tag, value) {
            self.attribute = match AttributeReference::from_name(name.into()) {
                AttributeReference::Standard(tag) => Some(tag),
                AttributeReference::Custom { .. } => None,
            };
        }
        match tag {
            Tag::ATTRIBUTE_VALUE => self.attribute.unwrap_or(tag),
            tag => tag,
        }
    }
}

impl Value<'_> {
    /// Whether it can be a secret.
    pub(crate) fn is_telling(self) -> bool {
        matches!(
            self,
            Value::Text(_) | Value::Bytes(_) | Value::BigInteger(_) | Value::Unreadable
        )
    }
}

fn within<F>(error: Error, open: &[(F, Tag)]) -> Error {
    open.iter()
        .rev()
        .fold(error, |error, (_, tag)| error.within(*tag))
}

fn leaf<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>> {
    Ok(match reader.item_type() {
        ItemType::INTEGER => Value::Integer(reader.integer()?),
        ItemType::LONG_INTEGER => Value::LongInteger(reader.long_integer()?),
        ItemType::BIG_INTEGER => Value::BigInteger(reader.big_integer()?),
        ItemType::ENUMERATION => Value::Enumeration(reader.enumeration()?),
        ItemType::BOOLEAN => Value::Boolean(reader.boolean()?),
        ItemType::TEXT_STRING => Value::Text(reader.text_string()?),
        ItemType::DATE_TIME => Value::DateTime(reader.date_time()?),
        ItemType::INTERVAL => Value::Interval(reader.interval()?),
        ItemType::DATE_TIME_EXTENDED => Value::DateTimeExtended(reader.date_time_extended()?),
        _ => Value::Bytes(reader.byte_string()?),
    })
}

/// The version in the header of a message.
pub(crate) fn version(nodes: &[Node<'_>]) -> Option<ProtocolVersion> {
    let number = |tag: Tag| {
        let node = nodes.iter().find(|node| node.tag == tag)?;
        match node.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    };
    let major = number(Tag::PROTOCOL_VERSION_MAJOR)?;
    Some(ProtocolVersion::new(
        major,
        number(Tag::PROTOCOL_VERSION_MINOR)?,
    ))
}

impl Node<'_> {
    /// Name of the item.
    pub(crate) fn name(&self) -> String {
        match self.tag {
            Tag(0) => "?".to_owned(),
            tag => tag.to_string(),
        }
    }

    /// What is wrong with the item, without a quoted secret.
    pub(crate) fn fault(&self, secrets: bool) -> Option<&str> {
        let fault = self.fault.as_ref()?;
        match self.secret && fault.quotes && !secrets {
            true => Some("the value is broken"),
            false => Some(&fault.what),
        }
    }

    /// Name of the value's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.value {
            Value::Structure => "Structure",
            Value::Unreadable => "",
            Value::Integer(_) => "Integer",
            Value::LongInteger(_) => "Long Integer",
            Value::BigInteger(_) => "Big Integer",
            Value::Enumeration(_) => "Enumeration",
            Value::Boolean(_) => "Boolean",
            Value::Text(_) => "Text String",
            Value::Bytes(_) => "Byte String",
            Value::DateTime(_) => "Date-Time",
            Value::Interval(_) => "Interval",
            Value::DateTimeExtended(_) => "Date-Time Extended",
        }
    }

    /// The mask that the value is one of.
    pub(crate) fn mask(&self) -> Option<&'static EnumerationTable> {
        self.meaning.mask()
    }

    /// The value by the names of a version.
    pub(crate) fn shown(&self, version: ProtocolVersion, secrets: bool) -> String {
        if self.value == Value::Unreadable {
            return "not readable".to_owned();
        }
        if self.secret && !secrets {
            let length = match self.value {
                Value::Text(_) => return "[redacted]".to_owned(),
                Value::Bytes(bytes) | Value::BigInteger(bytes) => bytes.len(),
                _ => 0,
            };
            return format!("[redacted, {length} bytes]");
        }
        match self.value {
            Value::Structure | Value::Unreadable => String::new(),
            Value::Integer(value) => match self.meaning.mask() {
                Some(table) => mask(table, value as u32, version),
                None => value.to_string(),
            },
            Value::LongInteger(value) => value.to_string(),
            Value::BigInteger(bytes) | Value::Bytes(bytes) => digits(bytes),
            Value::Enumeration(value) => self.enumeration(value, version),
            Value::Boolean(value) => value.to_string(),
            Value::Text(text) => format!("\"{}\"", printable(text)),
            Value::DateTime(seconds) => DateTime(seconds).to_string(),
            Value::Interval(seconds) => format!("{seconds} s"),
            Value::DateTimeExtended(micros) => DateTimeExtended(micros).to_string(),
        }
    }

    fn enumeration(&self, value: u32, version: ProtocolVersion) -> String {
        let names = self
            .meaning
            .enumeration()
            .map(|table| Names::of(table, version));
        let attribute = matches!(self.tag, Tag::ATTRIBUTE_REFERENCE).then(|| Tag(value).spelling());
        match names
            .and_then(|names| names.value(value))
            .or(attribute.flatten())
        {
            Some(name) => format!("{name} (0x{value:08X})"),
            None => format!("0x{value:08X}"),
        }
    }
}

fn mask(table: &'static EnumerationTable, value: u32, version: ProtocolVersion) -> String {
    let (names, rest) = Names::of(table, version).bits(value);
    let mut words: Vec<String> = names.map(str::to_owned).collect();
    if rest != 0 {
        words.push(format!("0x{rest:08X}"));
    }
    format!("{} (0x{value:08X})", words.join(" | "))
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text without anything that a terminal would obey.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || c == '"' || c == '\\' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
