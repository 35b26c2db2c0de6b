//! The items of an index as the source of a decoder.

use std::borrow::Cow;

use super::index::{Index, Node, Value};
use super::steps;
use super::value::{Given, Rules};
use crate::codec::{Error, ErrorKind, Result, Source};
use crate::types::{EnumerationTable, ItemType, Tag};

/// Walks over an index.
pub(crate) struct Cursor<'i, 'a> {
    index: &'i Index,
    /// The message.
    text: &'a str,
    rules: Rules,
    /// The structure whose items are read, and the next of them.
    open: u32,
    at: u32,
}

impl<'i, 'a> Cursor<'i, 'a> {
    /// A cursor before the first item.
    pub(crate) fn new(index: &'i Index, text: &'a str, rules: Rules) -> Self {
        Cursor {
            index,
            text,
            rules,
            open: 0,
            at: 1,
        }
    }

    /// A cursor before the item at a node.
    pub(crate) fn before(index: &'i Index, text: &'a str, rules: Rules, at: u32) -> Self {
        Cursor {
            open: index.get(at).parent,
            at,
            ..Cursor::new(index, text, rules)
        }
    }

    fn current(&self) -> Option<&'i Node> {
        (self.at != self.index.get(self.open).next).then(|| self.index.get(self.at))
    }

    /// The value of the current item, which must have this type.
    fn given(&self, expected: ItemType) -> Result<Given<'_>> {
        let Some(node) = self.current() else {
            let found = Tag::default();
            return Err(Error::at(ErrorKind::UnexpectedItem(found), self.offset()));
        };
        let found = ItemType(u32::from(node.item_type));
        if found != expected {
            let kind = ErrorKind::UnexpectedType { expected, found };
            return Err(Error::at(kind, self.offset()));
        }
        let given = match node.value {
            Value::Absent => Given::Absent,
            Value::Null => Given::Null,
            Value::Items => Given::Items,
            Value::Boolean(value) => Given::Boolean(value),
            Value::Number(value) => Given::Number(value.into()),
            Value::Unsigned(value) => Given::Number(value.into()),
            Value::Inexact => Given::Inexact,
            Value::Text(start, length) => Given::Text(self.slice(start, length)),
            Value::Unescaped(start, length) => Given::Text(self.index.kept(start, length)),
        };
        steps::count(match given {
            Given::Text(text) => 1 + text.len(),
            _ => 1,
        });
        Ok(given)
    }

    fn slice(&self, start: u32, length: u32) -> &'a str {
        let range = start as usize..(start + length) as usize;
        self.text.get(range).unwrap_or_default()
    }

    /// Reads the value of the current item and goes to the next one.
    fn value<T>(
        &mut self,
        expected: ItemType,
        read: impl FnOnce(&Rules, Given<'_>) -> Result<T, ErrorKind>,
    ) -> Result<T> {
        let value = read(&self.rules, self.given(expected)?);
        let value = value.map_err(|kind| Error::at(kind, self.offset()))?;
        self.at = self.index.get(self.at).next;
        Ok(value)
    }

    fn count(&self, belongs: impl Fn(u32) -> bool) -> usize {
        let end = self.index.get(self.open).next;
        let mut at = self.at;
        let mut count = 0;
        while at != end && belongs(self.index.get(at).tag) {
            at = self.index.get(at).next;
            count += 1;
        }
        steps::count(count);
        count
    }
}

impl<'a> Source<'a> for Cursor<'_, 'a> {
    fn peek(&mut self) -> Result<Option<Tag>> {
        Ok(self.current().map(|node| Tag(node.tag)))
    }

    fn item_type(&mut self) -> Result<ItemType> {
        Ok(ItemType(
            self.current().map_or(0, |node| u32::from(node.item_type)),
        ))
    }

    fn offset(&self) -> usize {
        let node = self.current().unwrap_or_else(|| self.index.get(self.open));
        node.offset as usize
    }

    fn run_length(&self) -> usize {
        let tag = self.current().map_or(0, |node| node.tag);
        self.count(|other| other == tag)
    }

    fn items_ahead(&self) -> usize {
        self.count(|_| true)
    }

    fn remaining(&self) -> usize {
        self.text.len() - self.offset().min(self.text.len())
    }

    fn enter(&mut self) -> Result<()> {
        let given = self.given(ItemType::STRUCTURE)?;
        let checked = self.rules.structure(given);
        checked.map_err(|kind| Error::at(kind, self.offset()))?;
        self.open = self.at;
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        let structure = self.index.get(self.open);
        self.at = structure.next;
        self.open = structure.parent;
        Ok(())
    }

    fn integer(&mut self) -> Result<i32> {
        self.value(ItemType::INTEGER, Rules::integer)
    }

    fn mask(&mut self, names: &'static EnumerationTable) -> Result<u32> {
        self.value(ItemType::INTEGER, |rules, given| rules.mask(given, names))
    }

    fn long_integer(&mut self) -> Result<i64> {
        self.value(ItemType::LONG_INTEGER, Rules::long_integer)
    }

    fn big_integer(&mut self) -> Result<Cow<'a, [u8]>> {
        let bytes = self.value(ItemType::BIG_INTEGER, Rules::big_integer)?;
        Ok(Cow::Owned(bytes))
    }

    fn enumeration(&mut self, names: Option<&'static EnumerationTable>) -> Result<u32> {
        self.value(ItemType::ENUMERATION, |rules, given| {
            rules.enumeration(given, names)
        })
    }

    fn boolean(&mut self) -> Result<bool> {
        self.value(ItemType::BOOLEAN, Rules::boolean)
    }

    fn text(&mut self) -> Result<Cow<'a, str>> {
        let node = self.current().copied();
        match node.map(|node| node.value) {
            Some(Value::Text(start, length)) => {
                self.value(ItemType::TEXT_STRING, |_, _| Ok(()))?;
                Ok(Cow::Borrowed(self.slice(start, length)))
            }
            _ => {
                let text = self.value(ItemType::TEXT_STRING, Rules::text)?;
                Ok(Cow::Owned(text))
            }
        }
    }

    fn bytes(&mut self) -> Result<Cow<'a, [u8]>> {
        let bytes = self.value(ItemType::BYTE_STRING, Rules::bytes)?;
        Ok(Cow::Owned(bytes))
    }

    fn date_time(&mut self) -> Result<i64> {
        self.value(ItemType::DATE_TIME, Rules::date_time)
    }

    fn interval(&mut self) -> Result<u32> {
        self.value(ItemType::INTERVAL, Rules::interval)
    }

    fn date_time_extended(&mut self) -> Result<i64> {
        self.value(ItemType::DATE_TIME_EXTENDED, Rules::date_time_extended)
    }
}
