//! Numbers and bytes as digits.

use crate::codec::ErrorKind;

const LOWER: &[u8; 16] = b"0123456789abcdef";

/// Value of a hexadecimal digit; 0xFF for anything else.
const VALUES: [u8; 256] = {
    let mut values = [0xFF; 256];
    let mut digit = 0;
    while digit < 16 {
        values[LOWER[digit] as usize] = digit as u8;
        values[LOWER[digit].to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    values
};

/// The two digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [LOWER[byte >> 4], LOWER[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Whether a text begins with `0x`.
pub(super) fn has_prefix(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

/// Appends bytes as pairs of hexadecimal digits.
pub(crate) fn push_hex(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let start = buffer.len();
    buffer.resize(start + bytes.len() * 2, 0);
    for (pair, byte) in buffer[start..].chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&PAIRS[usize::from(*byte)]);
    }
}

/// Appends a 32-bit word as `0x` and eight digits.
pub(crate) fn push_hex_word(buffer: &mut Vec<u8>, word: u32) {
    buffer.extend_from_slice(b"0x");
    push_hex(buffer, &word.to_be_bytes());
}

/// Appends a number in decimal digits.
pub(crate) fn push_decimal(buffer: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        buffer.push(b'-');
    }
    buffer.extend_from_slice(&digits[at..]);
}

/// The bytes that hexadecimal digits stand for; half a byte is missing in front of an odd number
/// of them.
pub(crate) fn bytes_from_hex(digits: &str) -> Result<Vec<u8>, ErrorKind> {
    let digits = digits.as_bytes();
    let mut bytes = vec![0; digits.len().div_ceil(2)];
    let (head, pairs) = digits.split_at(digits.len() % 2);
    let mut seen = 0;
    if let [digit] = head {
        bytes[0] = VALUES[usize::from(*digit)];
        seen |= bytes[0];
    }
    let whole = &mut bytes[head.len()..];
    for (byte, pair) in whole.iter_mut().zip(pairs.chunks_exact(2)) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        seen |= high | low;
        *byte = high << 4 | low & 15;
    }
    if seen > 15 {
        return Err(not_a_digit(digits));
    }
    Ok(bytes)
}

/// Names only the character at fault, since the rest may be a key.
#[cold]
fn not_a_digit(digits: &[u8]) -> ErrorKind {
    let mut positions = digits.iter().enumerate();
    let (position, byte) = positions
        .find(|(_, byte)| VALUES[usize::from(**byte)] > 15)
        .unwrap_or((0, &0));
    let shown = format!("`{}` at digit {position}", byte.escape_ascii());
    ErrorKind::InvalidValue(shown, "hexadecimal digit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_as_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut digits = Vec::new();
        push_hex(&mut digits, &bytes);
        let digits = String::from_utf8(digits).expect("ASCII");
        assert_eq!(bytes_from_hex(&digits), Ok(bytes.clone()));
        assert_eq!(bytes_from_hex(&digits.to_uppercase()), Ok(bytes));
        assert_eq!(bytes_from_hex("f01"), Ok(vec![0x0F, 0x01]));
        assert_eq!(bytes_from_hex(""), Ok(vec![]));
    }

    #[test]
    fn a_wrong_digit_is_named_without_the_others() {
        for digits in ["0g", "g0", "g", "0g0", "0\u{e9}"] {
            let error = bytes_from_hex(digits).expect_err(digits).to_string();
            assert!(
                error.ends_with("is not a valid hexadecimal digit"),
                "{error}"
            );
        }
    }

    #[test]
    fn decimals_of_all_sizes() {
        for value in [0, 9, 10, -1, i64::MAX, i64::MIN] {
            let mut buffer = Vec::new();
            push_decimal(&mut buffer, value);
            assert_eq!(buffer, value.to_string().into_bytes());
        }
    }
}
