//! Characters that an attribute's value cannot hold as they are (XML 1.0, sections 2.2, 3.3.3
//! and 4.6).

use crate::codec::ErrorKind;
use crate::text::{plain_length, steps};

/// Appends what an attribute's value stands for. Fails with what is wrong.
pub(super) fn unescape(text: &str, output: &mut String) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| !is_plain(c)) {
        steps::count(at + 1);
        let (plain, special) = rest.split_at(at);
        output.push_str(plain);
        rest = match special.as_bytes()[0] {
            b'&' => {
                let end = special.find(';');
                steps::count(end.unwrap_or(special.len()));
                let end = end.ok_or_else(|| "an `&` without `;`".to_owned())?;
                output.push(reference(&special[1..end])?);
                &special[end + 1..]
            }
            // White space in an attribute's value counts as blanks.
            b'\r' => {
                output.push(' ');
                special.strip_prefix("\r\n").unwrap_or(&special[1..])
            }
            b'\n' | b'\t' => {
                output.push(' ');
                &special[1..]
            }
            b'<' => return Err("`<` in an attribute's value".to_owned()),
            _ => {
                let shown = special.chars().next().map_or(0, u32::from);
                return Err(format!("the character U+{shown:04X}"));
            }
        };
    }
    steps::count(rest.len());
    output.push_str(rest);
    Ok(())
}

/// The character that a reference means.
fn reference(name: &str) -> Result<char, String> {
    let digits = match name.strip_prefix('#') {
        None => {
            return match name {
                "amp" => Ok('&'),
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "quot" => Ok('"'),
                "apos" => Ok('\''),
                _ => Err("an entity that is not declared".to_owned()),
            };
        }
        Some(digits) => digits,
    };
    let (digits, radix) = match digits.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let signed = digits.starts_with('+');
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| !signed);
    code.and_then(char::from_u32)
        .filter(|c| is_character(*c))
        .ok_or_else(|| "a reference to a character that XML does not have".to_owned())
}

fn is_plain(c: char) -> bool {
    !matches!(c, '&' | '<' | '\n' | '\r' | '\t') && is_character(c)
}

fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..) && !matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// Appends a text as an attribute's value.
pub(super) fn escape(buffer: &mut Vec<u8>, text: &str) -> Result<(), ErrorKind> {
    let special = |byte: u8| {
        let markup = (byte == b'&') | (byte == b'<') | (byte == b'>') | (byte == b'"');
        markup | (byte < b' ') | (byte == 0xEF)
    };
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_length(rest, special);
        buffer.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let Some((byte, behind)) = rest.split_first() else {
            return Ok(());
        };
        let escaped: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\t' => b"&#9;",
            b'\n' => b"&#10;",
            b'\r' => b"&#13;",
            0..=0x1F => return Err(no_character(u32::from(*byte))),
            // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
            _ => match behind {
                [0xBF, last @ (0xBE | 0xBF), ..] => {
                    return Err(no_character(0xFFC0 + u32::from(last & 0x3F)));
                }
                _ => &[0xEF],
            },
        };
        buffer.extend_from_slice(escaped);
        rest = behind;
    }
}

#[cold]
fn no_character(code: u32) -> ErrorKind {
    ErrorKind::InvalidValue(format!("U+{code:04X}"), "character of XML")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str) -> Result<String, String> {
        let mut output = String::new();
        unescape(text, &mut output).map(|()| output)
    }

    #[test]
    fn every_text_survives() {
        for text in [
            "",
            "a<b>&\"c'\t\r\n \u{e9}\u{FFFD}\u{1F511}",
            "&amp;",
            "\u{EFFF}",
        ] {
            let mut buffer = Vec::new();
            assert_eq!(escape(&mut buffer, text), Ok(()));
            let written = String::from_utf8(buffer).expect("UTF-8");
            assert_eq!(unescaped(&written).as_deref(), Ok(text), "{written}");
        }
    }

    #[test]
    fn what_xml_does_not_have_is_refused_both_ways() {
        for (text, shown) in [
            ("\0", "U+0000"),
            ("a\u{1F}", "U+001F"),
            ("\u{FFFE}", "U+FFFE"),
            ("\u{FFFF}", "U+FFFF"),
        ] {
            let error = escape(&mut Vec::new(), text).expect_err(shown).to_string();
            assert!(error.starts_with(shown), "{error}");
            assert!(unescaped(text).is_err(), "{shown}");
        }
        for text in [
            "&", "&;", "&amp", "&nbsp;", "&#0;", "&#xFFFF;", "&#xD800;", "&#+9;", "&#x;", "&#X41;",
            "<",
        ] {
            assert!(unescaped(text).is_err(), "{text}");
        }
    }

    #[test]
    fn white_space_counts_as_blanks() {
        assert_eq!(unescaped("a\r\nb\rc\nd\te").as_deref(), Ok("a b c d e"));
        assert_eq!(unescaped("&#x41;&#66;").as_deref(), Ok("AB"));
    }
}
