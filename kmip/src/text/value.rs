//! Values as the text encodings spell them (Additional Message Encodings 1.0; 5.4 and 5.5 of the
//! Profiles in 2.x).
//!
//! Strict mode takes what the specification allows, lenient mode also what peers are known to
//! write: see [`Rules`].

use std::str::FromStr;

use super::digits::{bytes_from_hex, has_prefix};
use super::steps;
use crate::codec::ErrorKind;
use crate::types::{DateTime, DateTimeExtended, EnumerationTable, EnumerationValue};

type Result<T> = std::result::Result<T, ErrorKind>;

/// JSON numbers below this magnitude survive programs that keep them as floating point.
pub(crate) const LARGEST_EXACT: i64 = 1 << 52;

/// Most characters of a wrong value that an error shows.
const SHOWN: usize = 40;

/// A value as it was given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Given<'t> {
    Absent,
    Null,
    Items,
    Boolean(bool),
    Number(i128),
    Inexact,
    Text(&'t str),
}

/// A number before its range is looked at.
enum Number {
    Decimal(i128),
    /// Hexadecimal digits, which are the bits of the value.
    Bits(u64),
}

/// How values are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// JSON has numbers and Booleans of its own; in XML all values are texts.
    pub(crate) json: bool,
    /// Only what the specification allows. Otherwise also: hexadecimal numbers with fewer digits,
    /// byte strings with `0x`, white space or an odd number of digits, decimal enumerations, mask
    /// names separated by blanks or `|` in both encodings, names in another case or punctuation,
    /// dates as numbers, JSON numbers as texts.
    pub(crate) strict: bool,
}

impl Rules {
    pub(crate) fn structure(&self, given: Given<'_>) -> Result<()> {
        match given {
            Given::Items | Given::Null => Ok(()),
            Given::Absent if !(self.json && self.strict) => Ok(()),
            _ => Err(wrong(given, "Structure")),
        }
    }

    pub(crate) fn integer(&self, given: Given<'_>) -> Result<i32> {
        match self.number(given, 8, "Integer")? {
            Number::Bits(bits) => Ok(bits as u32 as i32),
            Number::Decimal(value) => value.try_into().map_err(|_| wrong(given, "Integer")),
        }
    }

    pub(crate) fn long_integer(&self, given: Given<'_>) -> Result<i64> {
        const NAME: &str = "Long Integer";
        match self.number(given, 16, NAME)? {
            Number::Bits(bits) => Ok(bits as i64),
            Number::Decimal(value) => {
                let value = i64::try_from(value).map_err(|_| wrong(given, NAME))?;
                if self.strict && self.json && value.unsigned_abs() >= LARGEST_EXACT as u64 {
                    let shown = format!("{value}, which must be hexadecimal in JSON,");
                    return Err(ErrorKind::InvalidValue(shown, NAME));
                }
                Ok(value)
            }
        }
    }

    pub(crate) fn interval(&self, given: Given<'_>) -> Result<u32> {
        match self.number(given, 8, "Interval")? {
            Number::Bits(bits) => Ok(bits as u32),
            Number::Decimal(value) => value.try_into().map_err(|_| wrong(given, "Interval")),
        }
    }

    /// Two's complement in a multiple of eight bytes.
    pub(crate) fn big_integer(&self, given: Given<'_>) -> Result<Vec<u8>> {
        const NAME: &str = "Big Integer";
        match given {
            Given::Number(value) if i64::try_from(value).is_ok() => {
                Ok((value as i64).to_be_bytes().to_vec())
            }
            Given::Number(value) => Ok(value.to_be_bytes().to_vec()),
            Given::Text(text) => {
                let (digits, prefixed) = self.hex_digits(text);
                if self.strict && (prefixed != self.json || digits.len() % 16 != 0) {
                    let shown = format!("a text of {} digits", digits.len());
                    return Err(ErrorKind::InvalidValue(shown, NAME));
                }
                let bytes = self.bytes_of(digits)?;
                let length = bytes.len().next_multiple_of(8).max(8);
                // Who leaves leading digits out leaves zeros out.
                let mut padded = vec![0; length - bytes.len()];
                padded.extend_from_slice(&bytes);
                Ok(padded)
            }
            _ => Err(wrong(given, NAME)),
        }
    }

    pub(crate) fn enumeration(
        &self,
        given: Given<'_>,
        table: Option<&'static EnumerationTable>,
    ) -> Result<u32> {
        const NAME: &str = "Enumeration";
        let Given::Text(text) = given else {
            return self.word(self.number(given, 8, NAME)?, given, NAME);
        };
        if let Some(value) = table.and_then(|table| table.by_name(text)) {
            return Ok(value.value);
        }
        let decimal = text.starts_with(|c: char| c.is_ascii_digit()) && !self.strict;
        if decimal || has_prefix(text) {
            if let Ok(number) = self.number(given, 8, NAME) {
                return self.word(number, given, NAME);
            }
        }
        match table.and_then(|table| self.loose_name(text, table)) {
            Some(value) => Ok(value.value),
            None => Err(unknown_name(text, table)),
        }
    }

    /// The bits of a mask: names and hexadecimal words, or a number.
    pub(crate) fn mask(&self, given: Given<'_>, table: &'static EnumerationTable) -> Result<u32> {
        const NAME: &str = "mask";
        let Given::Text(text) = given else {
            return self.word(self.number(given, 8, NAME)?, given, NAME);
        };
        if self.strict && text.is_empty() {
            return Err(wrong(given, NAME));
        }
        let separator = |c: char| match c {
            '|' => self.json || !self.strict,
            c => c.is_ascii_whitespace() && !(self.json && self.strict),
        };
        let mut mask = 0;
        for word in text.split(separator).filter(|word| !word.is_empty()) {
            mask |= self.mask_word(word, table)?;
        }
        Ok(mask)
    }

    fn mask_word(&self, word: &str, table: &'static EnumerationTable) -> Result<u32> {
        const NAME: &str = "mask";
        if let Some(bit) = table.by_name(word) {
            return Ok(bit.value);
        }
        let first = word.as_bytes()[0];
        if first.is_ascii_digit() || first == b'-' {
            let given = Given::Text(word);
            return self.word(self.number(given, 8, NAME)?, given, NAME);
        }
        match self.loose_name(word, table) {
            Some(bit) => Ok(bit.value),
            None => Err(unknown_name(word, Some(table))),
        }
    }

    /// A value by a name in another case or punctuation.
    fn loose_name(
        &self,
        name: &str,
        table: &'static EnumerationTable,
    ) -> Option<&'static EnumerationValue> {
        if self.strict {
            return None;
        }
        steps::count(table.values.len());
        table.by_loose_name(name)
    }

    pub(crate) fn boolean(&self, given: Given<'_>) -> Result<bool> {
        let given_text = match given {
            Given::Boolean(value) => return Ok(value),
            Given::Text(text) => text,
            Given::Number(0) if !self.strict => return Ok(false),
            Given::Number(1) if !self.strict => return Ok(true),
            _ => return Err(wrong(given, "Boolean")),
        };
        let text = self.trimmed(given_text);
        if !self.json || !self.strict {
            for (name, value) in [("true", true), ("false", false), ("1", true), ("0", false)] {
                if text == name || !self.strict && text.eq_ignore_ascii_case(name) {
                    return Ok(value);
                }
            }
        }
        match self.number(given, 16, "Boolean")? {
            Number::Bits(bits @ 0..=1) => Ok(bits == 1),
            Number::Bits(bits) => Err(ErrorKind::InvalidBoolean(bits)),
            Number::Decimal(_) => Err(wrong(given, "Boolean")),
        }
    }

    pub(crate) fn text(&self, given: Given<'_>) -> Result<String> {
        match given {
            Given::Text(text) => Ok(text.to_owned()),
            Given::Absent if !self.strict => Ok(String::new()),
            _ => Err(wrong(given, "Text String")),
        }
    }

    pub(crate) fn bytes(&self, given: Given<'_>) -> Result<Vec<u8>> {
        const NAME: &str = "Byte String";
        match given {
            Given::Text(text) => {
                let (digits, prefixed) = self.hex_digits(text);
                if self.strict && (prefixed || digits.len() % 2 != 0) {
                    let shown = if prefixed {
                        "a text that begins with 0x".to_owned()
                    } else {
                        format!("an odd number of digits ({})", digits.len())
                    };
                    return Err(ErrorKind::InvalidValue(shown, NAME));
                }
                self.bytes_of(digits)
            }
            Given::Absent if !self.strict => Ok(Vec::new()),
            _ => Err(wrong(given, NAME)),
        }
    }

    pub(crate) fn date_time(&self, given: Given<'_>) -> Result<i64> {
        match self.moment::<DateTime>(given, "Date-Time")? {
            Ok(time) => Ok(time.0),
            Err(number) => Ok(number),
        }
    }

    pub(crate) fn date_time_extended(&self, given: Given<'_>) -> Result<i64> {
        match self.moment::<DateTimeExtended>(given, "Date-Time Extended")? {
            Ok(time) => Ok(time.0),
            Err(number) => Ok(number),
        }
    }

    /// A moment as ISO 8601, or else as a number.
    fn moment<T: FromStr>(
        &self,
        given: Given<'_>,
        name: &'static str,
    ) -> Result<std::result::Result<T, i64>> {
        if let Given::Text(text) = given {
            let text = self.trimmed(text);
            let exact = text.as_bytes();
            // FromStr does without the offset and with a blank for the T.
            let formal = exact.contains(&b'T') && (text.ends_with('Z') || has_offset(exact));
            if formal || !self.strict {
                if let Ok(moment) = text.parse() {
                    return Ok(Ok(moment));
                }
            }
            let digits = text.strip_prefix('-').unwrap_or(text);
            let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            if !has_prefix(text) && (self.strict || !number) {
                return Err(wrong(given, name));
            }
        } else if self.strict {
            return Err(wrong(given, name));
        }
        match self.number(given, 16, name)? {
            Number::Bits(bits) => Ok(Err(bits as i64)),
            Number::Decimal(value) => {
                let value = i64::try_from(value).map_err(|_| wrong(given, name))?;
                Ok(Err(value))
            }
        }
    }

    /// A number with at most `width` hexadecimal digits.
    fn number(&self, given: Given<'_>, width: usize, name: &'static str) -> Result<Number> {
        let text = match given {
            Given::Number(value) => return Ok(Number::Decimal(value)),
            Given::Text(text) => self.trimmed(text),
            _ => return Err(wrong(given, name)),
        };
        if has_prefix(text) {
            let digits = &text[2..];
            let fits = (1..=width).contains(&digits.len());
            let whole = digits.len() == width || !self.strict;
            let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let bits = u64::from_str_radix(digits, 16).ok();
            return bits
                .filter(|_| fits && whole && hex)
                .map(Number::Bits)
                .ok_or_else(|| wrong(given, name));
        }
        if self.json && self.strict {
            return Err(wrong(given, name));
        }
        let decimal = text.parse::<i64>().map(i128::from);
        let decimal = decimal.or_else(|_| text.parse::<u64>().map(i128::from));
        decimal.map(Number::Decimal).map_err(|_| wrong(given, name))
    }

    /// A number of 32 bits, with or without sign in lenient mode.
    fn word(&self, number: Number, given: Given<'_>, name: &'static str) -> Result<u32> {
        match number {
            Number::Bits(bits) => Ok(bits as u32),
            Number::Decimal(value) => match (u32::try_from(value), i32::try_from(value)) {
                (Ok(word), _) => Ok(word),
                (_, Ok(word)) if name == "mask" => Ok(word as u32),
                _ => Err(wrong(given, name)),
            },
        }
    }

    fn bytes_of(&self, digits: &str) -> Result<Vec<u8>> {
        let bytes = bytes_from_hex(digits);
        let blank = |byte: &u8| byte.is_ascii_whitespace();
        if bytes.is_err() && !self.strict && digits.as_bytes().iter().any(blank) {
            let digits: String = digits.split_ascii_whitespace().collect();
            return bytes_from_hex(&digits);
        }
        bytes
    }

    /// The digits of a text without `0x`, and whether that was there.
    fn hex_digits<'t>(&self, text: &'t str) -> (&'t str, bool) {
        let text = self.trimmed(text);
        if has_prefix(text) {
            (&text[2..], true)
        } else {
            (text, false)
        }
    }

    fn trimmed<'t>(&self, text: &'t str) -> &'t str {
        if self.strict { text } else { text.trim_ascii() }
    }
}

/// Whether a moment ends with an offset such as +02:00.
fn has_offset(text: &[u8]) -> bool {
    let sign = text.len().checked_sub(6).and_then(|at| text.get(at));
    matches!(sign, Some(b'+' | b'-'))
}

#[cold]
fn wrong(given: Given<'_>, name: &'static str) -> ErrorKind {
    let shown = match given {
        Given::Absent => "no value".to_owned(),
        Given::Null => "null".to_owned(),
        Given::Items => "an item with items in it".to_owned(),
        Given::Boolean(value) => value.to_string(),
        Given::Number(value) => value.to_string(),
        Given::Inexact => "a number with a fraction or of more than 64 bits".to_owned(),
        Given::Text(text) => format!("`{}`", shortened(text)),
    };
    ErrorKind::InvalidValue(shown, name)
}

#[cold]
fn unknown_name(name: &str, table: Option<&'static EnumerationTable>) -> ErrorKind {
    ErrorKind::UnknownName {
        name: shortened(name),
        enumeration: table.map_or("an enumeration without names", |table| table.name),
    }
}

/// The begin of a text, for an error.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
