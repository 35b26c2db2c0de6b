//! What enumerations and masks have in common: names and the versions that have them.

use std::fmt;

use super::name_index::NameIndex;
use crate::codec::{Error, ErrorKind};
use crate::version::{Edition, ProtocolVersion};

/// An enumeration: an open set of numbers, some of which the specification names.
pub trait Enumeration: Copy + Default + fmt::Debug + Eq + 'static {
    /// Names and versions of the values.
    const TABLE: &'static EnumerationTable;

    /// The value with this number, whether it has a name or not.
    fn new(value: u32) -> Self;

    /// The number.
    fn value(self) -> u32;

    /// The name that the specification gives it, if it does.
    fn name(self) -> Option<&'static str> {
        Some(Self::TABLE.by_value(self.value())?.name)
    }
}

/// A mask: an open set of bits, some of which the specification names.
pub trait Mask: Copy + Default + fmt::Debug + Eq + 'static {
    /// Names and versions of the bits.
    const TABLE: &'static EnumerationTable;

    /// The mask with these bits.
    fn new(bits: u32) -> Self;

    /// The bits.
    fn bits(self) -> u32;
}

/// The values of an enumeration or the bits of a mask.
#[derive(Debug)]
pub struct EnumerationTable {
    /// Name by the specification.
    pub name: &'static str,
    /// The values in ascending order.
    pub values: &'static [EnumerationValue],
    /// Names in XML and JSON, with the index into `values`.
    pub(crate) names: NameIndex,
}

/// A value of an enumeration or a bit of a mask.
#[derive(Debug)]
pub struct EnumerationValue {
    /// The number.
    pub value: u32,
    /// Name by the specification.
    pub name: &'static str,
    /// Names in XML and JSON, each with the first version that spells it so; oldest first.
    pub(crate) spellings: &'static [(u8, &'static str)],
    pub(crate) since: u8,
    pub(crate) until: u8,
}

impl EnumerationTable {
    /// The value with this number.
    pub fn by_value(&self, value: u32) -> Option<&'static EnumerationValue> {
        // Most enumerations count from 1 without a hole.
        let guess = self.values.get((value as usize).wrapping_sub(1));
        if let Some(found) = guess.filter(|guess| guess.value == value) {
            return Some(found);
        }
        let index = self.values.binary_search_by_key(&value, |v| v.value);
        Some(&self.values[index.ok()?])
    }

    /// The value with this name in XML and JSON, in the spelling of any version.
    pub fn by_name(&self, name: &str) -> Option<&'static EnumerationValue> {
        Some(&self.values[usize::from(self.names.find(name)?)])
    }

    /// The value whose name differs only in case and punctuation, as some programs write them.
    /// Looks through the whole table.
    pub(crate) fn by_loose_name(&self, name: &str) -> Option<&'static EnumerationValue> {
        let mut names = self.names.names.iter();
        if let Some((_, index)) = names.find(|(known, _)| same_letters(known, name)) {
            return Some(&self.values[usize::from(*index)]);
        }
        self.values
            .iter()
            .find(|value| same_letters(value.name, name))
    }
}

impl EnumerationValue {
    /// Name in XML and JSON in this version.
    pub fn spelling(&self, version: ProtocolVersion) -> &'static str {
        self.spelling_in(version.edition())
    }

    /// Whether the specification of this version has the value.
    pub fn is_defined_in(&self, version: ProtocolVersion) -> bool {
        (self.since..=self.until).contains(&version.edition().0)
    }

    fn spelling_in(&self, edition: Edition) -> &'static str {
        let spellings = self.spellings.iter().rev();
        let mut fitting = spellings.filter(|(since, _)| *since <= edition.0);
        fitting.next().unwrap_or(&self.spellings[0]).1
    }
}

/// The names of an enumeration or mask in one version, for encodings that write names.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    table: &'static EnumerationTable,
    edition: Edition,
}

impl Names {
    pub(crate) fn new(table: &'static EnumerationTable, edition: Edition) -> Self {
        Names { table, edition }
    }

    /// The names that an enumeration or mask has in `version`.
    pub fn of(table: &'static EnumerationTable, version: ProtocolVersion) -> Self {
        Names::new(table, version.edition())
    }

    /// Name of a value of an enumeration.
    pub fn value(&self, value: u32) -> Option<&'static str> {
        Some(self.table.by_value(value)?.spelling_in(self.edition))
    }

    /// Names of the bits of a mask, and the bits that have none.
    pub fn bits(&self, mask: u32) -> (impl Iterator<Item = &'static str> + use<>, u32) {
        let Names { table, edition } = *self;
        let known: u32 = table
            .values
            .iter()
            .map(|bit| bit.value)
            .fold(0, |a, b| a | b);
        let set = table.values.iter().filter(move |bit| mask & bit.value != 0);
        (set.map(move |bit| bit.spelling_in(edition)), mask & !known)
    }

    /// Fails for a value of an enumeration that the specification has in other versions only.
    pub(crate) fn check_value(&self, value: u32) -> Result<(), Error> {
        match self.table.by_value(value) {
            Some(known) => self.check(known),
            None => Ok(()),
        }
    }

    /// Fails for a mask with a bit that the specification has in other versions only.
    pub(crate) fn check_bits(&self, mask: u32) -> Result<(), Error> {
        let mut set = self.table.values.iter();
        set.try_for_each(|bit| match mask & bit.value {
            0 => Ok(()),
            _ => self.check(bit),
        })
    }

    fn check(&self, value: &EnumerationValue) -> Result<(), Error> {
        if (value.since..=value.until).contains(&self.edition.0) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::ValueNotInVersion {
            enumeration: self.table.name,
            value: value.name,
            version: self.edition.version(),
        }))
    }
}

fn same_letters(a: &str, b: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters.map(|byte| byte.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// Shows a value by name, or else as a number.
pub(crate) fn debug_value(
    f: &mut fmt::Formatter<'_>,
    table: &'static EnumerationTable,
    value: u32,
) -> fmt::Result {
    match table.by_value(value) {
        Some(known) => f.write_str(known.name),
        None => write!(f, "0x{value:08X}"),
    }
}

/// Shows the bits of a mask by name, and those without one as a number.
pub(crate) fn debug_bits(
    f: &mut fmt::Formatter<'_>,
    table: &'static EnumerationTable,
    mask: u32,
) -> fmt::Result {
    let set = table.values.iter().filter(|bit| mask & bit.value != 0);
    let mut unnamed = mask;
    let mut separator = "";
    for bit in set {
        unnamed &= !bit.value;
        write!(f, "{separator}{}", bit.name)?;
        separator = " | ";
    }
    if unnamed != 0 || mask == 0 {
        write!(f, "{separator}0x{unnamed:08X}")?;
    }
    Ok(())
}
