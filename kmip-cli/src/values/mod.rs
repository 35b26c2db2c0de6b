//! Values on the command line: names of enumerations and masks, attributes, digits, dates.

mod attribute;

use kmip::types::{DateTime, Enumeration, EnumerationTable, Mask};

pub(crate) use attribute::{attribute, name, number, reference};

/// Most names that an error shows.
const SHOWN_NAMES: usize = 40;

/// Bytes, which clap must not take for a list.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// A value of an enumeration by name, whatever its case and punctuation, or by number.
pub(crate) fn enumeration<E: Enumeration>(text: &str) -> Result<E, String> {
    number_of(E::TABLE, text).map(E::new)
}

/// Bits by name, separated by commas, bars or blanks, or by number.
pub(crate) fn mask<M: Mask>(text: &str) -> Result<M, String> {
    let words = text.split([',', '|', ' ']).filter(|word| !word.is_empty());
    let mut bits = 0;
    for word in words {
        bits |= number_of(M::TABLE, word)?;
    }
    match bits {
        0 => Err(format!("use {}", names(M::TABLE))),
        bits => Ok(M::new(bits)),
    }
}

fn number_of(table: &'static EnumerationTable, text: &str) -> Result<u32, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).map_err(|_| format!("`{text}` is no number"));
    }
    let exact = table.by_name(text);
    let mut values = table.values.iter();
    let loose = || values.find(|value| same_letters(value.name, text));
    match exact.or_else(loose) {
        Some(value) => Ok(value.value),
        None => Err(format!("use a number such as 0x1, or {}", names(table))),
    }
}

fn names(table: &'static EnumerationTable) -> String {
    let values = table.values.iter();
    let names: Vec<String> = values.map(|value| value.name.replace(' ', "")).collect();
    match names.len() {
        0..=SHOWN_NAMES => format!("one of {}", names.join(", ")),
        _ => format!("a name of the enumeration (kmip explain '{}')", table.name),
    }
}

pub(crate) fn same_letters(a: &str, b: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters.map(|byte| byte.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// A date, or `now`.
pub(crate) fn date(text: &str) -> Result<DateTime, String> {
    match text {
        "now" => Ok(DateTime::now()),
        text => text.parse().map_err(|error| format!("{error}")),
    }
}

/// Hexadecimal digits, perhaps with blanks or colons between them.
pub(crate) fn hex(text: &str) -> Result<Bytes, String> {
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, ' ' | ':')).collect();
    let wrong = || "write pairs of hexadecimal digits".to_owned();
    let pairs = digits.chunks(2).map(|pair| {
        let value = |c: char| c.to_digit(16);
        match pair {
            [high, low] => Some((value(*high)? * 16 + value(*low)?) as u8),
            _ => None,
        }
    });
    pairs.collect::<Option<_>>().map(Bytes).ok_or_else(wrong)
}

/// Bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use kmip::types::{CryptographicAlgorithm, CryptographicUsageMask, HashingAlgorithm, State};

    use super::*;

    #[test]
    fn names_are_found_whatever_their_case_and_punctuation() {
        for text in ["SHA-256", "SHA_256", "sha256", "0x6"] {
            assert_eq!(enumeration(text), Ok(HashingAlgorithm::SHA_256), "{text}");
        }
        assert_eq!(enumeration("aes"), Ok(CryptographicAlgorithm::AES));
        let both = CryptographicUsageMask::WRAP_KEY | CryptographicUsageMask::ENCRYPT;
        assert_eq!(mask("encrypt, wrap-key"), Ok(both));
        assert!(enumeration::<State>("Alive").is_err_and(|error| error.contains("Pre-Active")));
        assert!(mask::<CryptographicUsageMask>("fly").is_err());
        assert!(mask::<CryptographicUsageMask>(" ").is_err());
    }

    #[test]
    fn digits_are_read() {
        assert_eq!(
            hex("00:fF 1"),
            Err("write pairs of hexadecimal digits".to_owned())
        );
        assert_eq!(hex("00:fF 10"), Ok(Bytes(vec![0, 255, 16])));
        assert!(hex("0g").is_err());
    }
}
