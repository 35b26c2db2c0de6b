//! Names of enumerations as people and configuration files write them.

use kmip::types::EnumerationTable;

/// The value whose name has the same letters and digits: `Get Attributes`, `GetAttributes` and
/// `GET_ATTRIBUTES` are one.
pub(crate) fn by_name(table: &EnumerationTable, name: &str) -> Option<u32> {
    let mut values = table.values.iter();
    let found = values.find(|value| letters(value.name).eq(letters(name)));
    found.map(|value| value.value)
}

/// The name of a value by the specification, or its number.
pub(crate) fn name_of(table: &EnumerationTable, value: u32) -> String {
    match table.by_value(value) {
        Some(known) => known.name.to_owned(),
        None => format!("0x{value:08X}"),
    }
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    let letters = text.chars().filter(|letter| letter.is_ascii_alphanumeric());
    letters.map(|letter| letter.to_ascii_lowercase())
}
