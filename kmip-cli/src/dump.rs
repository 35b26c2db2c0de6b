//! Hexadecimal digits as people and programs write them: plain, with separators, or as dumps with
//! offsets and characters.

/// Whether a text may be hexadecimal digits.
pub(crate) fn looks_like_hex(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next().is_some_and(|line| {
        let (_, digits) = columns(line, has_offsets(line));
        words(digits).map(str::len).sum::<usize>() >= 2 && words(digits).all(is_hex)
    })
}

/// The bytes of a dump. Fails with what is wrong and where.
pub(crate) fn from_hex(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = String::from_utf8_lossy(text);
    let mut bytes = Vec::new();
    let mut half = None;
    let offsets = has_offsets(&text);
    for (number, line) in text.lines().enumerate() {
        let (offset, digits) = columns(line.trim(), offsets);
        if let Some(offset) = offset {
            // The last line of a dump may hold only the length.
            if digits.is_empty() && offset == bytes.len() {
                continue;
            }
            if offset != bytes.len() {
                return Err(format!(
                    "line {} of the dump begins at byte {offset}, after {} bytes: a part is missing",
                    number + 1,
                    bytes.len()
                ));
            }
        }
        for word in words(digits) {
            for digit in word.bytes() {
                let Some(value) = char::from(digit).to_digit(16) else {
                    return Err(format!(
                        "`{}` in line {} is not a hexadecimal digit (byte {} of the message)",
                        digit.escape_ascii(),
                        number + 1,
                        bytes.len()
                    ));
                };
                match half.take() {
                    None => half = Some(value as u8),
                    Some(high) => bytes.push(high << 4 | value as u8),
                }
            }
        }
    }
    match half {
        None => Ok(bytes),
        Some(_) => Err(format!(
            "the hexadecimal digits end in the middle of byte {}",
            bytes.len()
        )),
    }
}

/// Digits between white space and punctuation, without `0x`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let separates = |c: char| c.is_ascii_whitespace() || matches!(c, ':' | ',' | '-' | '.');
    text.split(separates)
        .map(|word| word.strip_prefix("0x").unwrap_or(word))
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether the lines begin with offsets: the first is 0, and no message begins so.
fn has_offsets(text: &str) -> bool {
    let first = text.trim_start().split([' ', ':']).next();
    first.is_some_and(|word| matches!(word.len(), 4 | 6 | 8) && word.bytes().all(|b| b == b'0'))
}

/// The offset in front of a line, if the dump has them, and the digits without the characters behind
/// them.
fn columns(line: &str, offsets: bool) -> (Option<usize>, &str) {
    // hexdump -C: characters between bars.
    let line = match line.split_once('|') {
        Some((digits, _)) => digits.trim_end(),
        None => line,
    };
    if !offsets {
        return (None, line);
    }
    let (first, rest) = line.split_once([' ', ':']).unwrap_or((line, ""));
    let Ok(offset) = usize::from_str_radix(first, 16) else {
        return (None, line);
    };
    // xxd: the characters stand behind two blanks.
    let digits = rest.trim_start();
    let digits = match line
        .contains(": ")
        .then(|| digits.split_once("  "))
        .flatten()
    {
        Some((digits, _)) => digits,
        None => digits,
    };
    (Some(offset), wireshark(digits))
}

/// Wireshark puts three blanks in front of the characters.
fn wireshark(digits: &str) -> &str {
    match digits.split_once("   ") {
        Some((digits, _)) => digits,
        None => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 20] = [
        0x42, 0, 0x78, 1, 0, 0, 0, 8, 0x42, 0, 0x0D, 2, 0, 0, 0, 4, 0, 0, 0, 7,
    ];

    #[test]
    fn dumps_of_all_programs() {
        let dumps = [
            "4200780100000008 42000D0200000004 00000007",
            "0x4200780100000008\n0x42000d02\n00000004\n00000007\n",
            "42:00:78:01:00:00:00:08:42:00:0d:02:00:00:00:04:00:00:00:07",
            "0x42, 0x00, 0x78, 0x01, 0x00, 0x00, 0x00, 0x08, 0x42,0x00, 0x0D, 0x02, 0 0 00 00 04 00000007",
            "00000000: 4200 7801 0000 0008 4200 0d02 0000 0004  B.x.....B.......\n00000010: 0000 0007                                ....\n",
            "00000000  42 00 78 01 00 00 00 08  42 00 0d 02 00 00 00 04  |B.x.....B.......|\n00000010  00 00 00 07                                       |....|\n00000014\n",
            "0000   42 00 78 01 00 00 00 08 42 00 0d 02 00 00 00 04   B.x.....B.......\n0010   00 00 00 07                                       ....\n",
        ];
        for dump in dumps {
            assert!(looks_like_hex(dump.as_bytes()), "{dump}");
            assert_eq!(from_hex(dump.as_bytes()), Ok(BYTES.to_vec()), "{dump}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            (
                "42007",
                "the hexadecimal digits end in the middle of byte 2",
            ),
            (
                "4200\n7x",
                "`x` in line 2 is not a hexadecimal digit (byte 2 of the message)",
            ),
            (
                "00000000: 4200 7801\n00000010: 0000",
                "line 2 of the dump begins at byte 16, after 4 bytes: a part is missing",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(from_hex(text.as_bytes()), Err(expected.to_owned()));
        }
    }
}
