//! From JSON to an index, in one pass whatever the order of the members.

use std::fmt;

use serde_core::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::codec::{Error, ErrorKind, Limits, Mode, Options, Result};
use crate::text::{
    Index, Value, checked_text, item_type, shortened, skip_mark, steps, tag_by_digits,
};
use crate::types::Tag;

/// An item takes two of the 128 levels that `serde_json` allows.
const MAX_DEPTH: usize = 60;

type Outcome<T, E> = std::result::Result<T, E>;

/// Fills the index with the items of a message. Words without a meaning are faults of their items
/// if they are tolerated; else they end the reading.
pub(super) fn parse<'a>(
    bytes: &'a [u8],
    options: &Options,
    index: &mut Index,
    tolerant: bool,
) -> Result<&'a str> {
    index.begin(&Limits {
        depth: options.limits.depth.min(MAX_DEPTH),
        ..options.limits
    });
    if tolerant {
        index.tolerate();
    }
    let text = checked_text(bytes, &options.limits)?;
    let start = skip_mark(text);
    let mut deserializer = serde_json::Deserializer::from_str(&text[start..]);
    let mut parser = Parser {
        text,
        index,
        strict: options.mode == Mode::Strict,
        position: start,
        fault: None,
    };
    let parsed = ItemSeed(&mut parser).deserialize(&mut deserializer);
    let parsed = parsed.and_then(|()| deserializer.end());
    match (parsed, parser.fault) {
        (Ok(()), _) => {
            index.finish();
            Ok(text)
        }
        (Err(_), Some(fault)) => Err(index.locate(fault)),
        (Err(error), None) => Err(index.locate(syntax(text, start, &error))),
    }
}

/// What the parts of the parser share.
struct Parser<'p, 'a> {
    text: &'a str,
    index: &'p mut Index,
    strict: bool,
    /// The last place that is known.
    position: usize,
    /// What is wrong; serde's errors cannot carry it.
    fault: Option<Error>,
}

impl<'a> Parser<'_, 'a> {
    fn fail<E: serde_core::de::Error>(&mut self, error: Error) -> E {
        self.fault = Some(error);
        E::custom("")
    }

    fn fail_here<E: serde_core::de::Error>(&mut self, kind: ErrorKind) -> E {
        let offset = self.index.node().offset as usize;
        self.fail(Error::at(kind, offset))
    }

    /// Where a slice of the text begins.
    fn offset_of(&mut self, part: &str) -> usize {
        let start = self.text.as_ptr() as usize;
        if let Some(offset) = (part.as_ptr() as usize).checked_sub(start) {
            self.position = offset;
        }
        self.position
    }

    /// Where the object begins whose first key is `key`.
    fn begin_of_object(&mut self, key: Option<&str>) -> usize {
        let Some(key) = key else {
            return self.position;
        };
        let before = self.offset_of(key).saturating_sub(1);
        let before = self.text.get(..before).unwrap_or_default();
        let trimmed = before.trim_ascii_end().len();
        steps::count(before.len() - trimmed);
        trimmed.saturating_sub(1)
    }

    fn borrowed(&mut self, part: &'a str) -> Value {
        let offset = self.offset_of(part);
        Value::Text(offset as u32, part.len() as u32)
    }

    fn unescaped(&mut self, part: &str) -> Value {
        steps::count(part.len());
        let start = self.index.unescaped().len();
        self.index.unescaped().push_str(part);
        self.index.kept_from(start)
    }
}

/// An item: an object with a tag, a type and a value.
struct ItemSeed<'s, 'p, 'a>(&'s mut Parser<'p, 'a>);

impl<'a> DeserializeSeed<'a> for ItemSeed<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Outcome<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for ItemSeed<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item: an object with `tag`, `type` and `value`")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Outcome<(), M::Error> {
        let parser = self.0;
        let mut seen = 0_u8;
        let mut first = true;
        while let Some((member, text)) = map.next_key_seed(KeySeed(parser))? {
            if std::mem::take(&mut first) {
                let offset = parser.begin_of_object(text);
                parser.index.open(offset).map_err(|e| parser.fail(e))?;
            }
            let bit = 1 << member as u8;
            if member != Member::Other && seen & bit != 0 {
                let kind = ErrorKind::Syntax(format!("two members `{}`", member.name()));
                return Err(parser.fail_here(kind));
            }
            seen |= bit;
            match member {
                Member::Tag => map.next_value_seed(WordSeed(parser, read_tag))?,
                Member::Type => map.next_value_seed(WordSeed(parser, read_type))?,
                Member::Value => {
                    let value = map.next_value_seed(ValueSeed(parser))?;
                    parser.index.node().value = value;
                }
                Member::Name => map.next_value_seed(WordSeed(parser, |_, _| Ok(())))?,
                Member::Other if parser.strict => {
                    let shown = text.unwrap_or("with an escaped name");
                    let shown = shortened(shown);
                    let kind = ErrorKind::Syntax(format!("an item has no member `{shown}`"));
                    return Err(parser.fail_here(kind));
                }
                Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if seen & 1 << Member::Tag as u8 == 0 {
            let offset = match first {
                true => parser.position,
                false => parser.index.node().offset as usize,
            };
            let kind = ErrorKind::Syntax("the item has no tag".to_owned());
            if first || !parser.index.tolerates(&kind) {
                return Err(parser.fail(Error::at(kind, offset)));
            }
        }
        parser.complete()
    }
}

impl Parser<'_, '_> {
    /// Ends an item. Only structures may go without a type.
    fn complete<E: serde_core::de::Error>(&mut self) -> Outcome<(), E> {
        let strict = self.strict;
        let node = self.index.node();
        if node.item_type == 0 {
            let structure = match node.value {
                Value::Items | Value::Null => true,
                Value::Absent => !strict,
                _ => false,
            };
            if !structure {
                let kind = ErrorKind::Syntax("the item has no type".to_owned());
                if !self.index.tolerates(&kind) {
                    return Err(self.fail_here(kind));
                }
            }
            self.index.node().item_type = structure.into();
        }
        self.index.close();
        Ok(())
    }
}

/// The members of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Tag,
    Type,
    Value,
    /// For people, beside a tag in digits.
    Name,
    Other,
}

impl Member {
    fn of(key: &str) -> Self {
        match key {
            "tag" => Member::Tag,
            "type" => Member::Type,
            "value" => Member::Value,
            "name" => Member::Name,
            _ => Member::Other,
        }
    }

    fn name(self) -> &'static str {
        ["tag", "type", "value", "name", ""][self as usize]
    }
}

/// A key; as a text only if it has no escapes.
struct KeySeed<'s, 'p, 'a>(&'s mut Parser<'p, 'a>);

impl<'a> DeserializeSeed<'a> for KeySeed<'_, '_, 'a> {
    type Value = (Member, Option<&'a str>);

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Outcome<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for KeySeed<'_, '_, 'a> {
    type Value = (Member, Option<&'a str>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, key: &'a str) -> Outcome<Self::Value, E> {
        self.0.offset_of(key);
        Ok((Member::of(key), Some(key)))
    }

    fn visit_str<E>(self, key: &str) -> Outcome<Self::Value, E> {
        Ok((Member::of(key), None))
    }
}

/// A word that is understood at once: a tag, a type or a name.
struct WordSeed<'s, 'p, 'a>(&'s mut Parser<'p, 'a>, Understand);

type Understand = fn(&mut Index, &str) -> Outcome<(), ErrorKind>;

impl<'a> DeserializeSeed<'a> for WordSeed<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Outcome<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for WordSeed<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde_core::de::Error>(self, word: &str) -> Outcome<(), E> {
        steps::count(word.len());
        match (self.1)(self.0.index, word) {
            Err(kind) if !self.0.index.tolerates(&kind) => Err(self.0.fail_here(kind)),
            _ => Ok(()),
        }
    }
}

fn read_tag(index: &mut Index, word: &str) -> Outcome<(), ErrorKind> {
    let tag = Tag::by_spelling(word).or_else(|| tag_by_digits(word));
    let tag = tag.ok_or_else(|| ErrorKind::UnknownTag(shortened(word)))?;
    index.node().tag = tag.0;
    Ok(())
}

fn read_type(index: &mut Index, word: &str) -> Outcome<(), ErrorKind> {
    let known = item_type(word);
    index.node().item_type = known.ok_or_else(|| ErrorKind::UnknownTypeName(shortened(word)))?;
    Ok(())
}

/// A value, not yet understood.
struct ValueSeed<'s, 'p, 'a>(&'s mut Parser<'p, 'a>);

impl<'a> DeserializeSeed<'a> for ValueSeed<'_, '_, 'a> {
    type Value = Value;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Outcome<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for ValueSeed<'_, '_, 'a> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value: a text, a number, a Boolean, null or a list of items")
    }

    fn visit_bool<E>(self, value: bool) -> Outcome<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Outcome<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Outcome<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Unsigned(value), Value::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Outcome<Value, E> {
        Ok(Value::Inexact)
    }

    fn visit_unit<E>(self) -> Outcome<Value, E> {
        Ok(Value::Null)
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Outcome<Value, E> {
        Ok(self.0.borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Outcome<Value, E> {
        Ok(self.0.unescaped(text))
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Outcome<Value, S::Error> {
        while items.next_element_seed(ItemSeed(self.0))?.is_some() {}
        Ok(Value::Items)
    }
}

/// What the parser says, with its line and column as an offset.
#[cold]
fn syntax(text: &str, start: usize, error: &serde_json::Error) -> Error {
    steps::count(text.len());
    let (line, column) = (error.line(), error.column());
    let lines = text[start..].split_inclusive('\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
    let offset = match error.is_eof() {
        true => text.len(),
        false => (start + before + column.saturating_sub(1)).min(text.len()),
    };
    let shown = error.to_string();
    let message = match shown.rfind(" at line ") {
        Some(end) => shown[..end].to_owned(),
        None => shown,
    };
    Error::at(ErrorKind::Syntax(message), offset)
}
