//! Messages in whatever form they come.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::arguments::{Form, InputOptions};
use crate::failure::Failure;

/// How much is read at most: a dump is several times as long as its message.
const MAX_BYTES: u64 = 256 << 20;

/// A message as it came, without what was around it.
#[derive(Debug)]
pub(crate) struct Input {
    /// Where it came from, for people.
    pub(crate) name: String,
    /// What it was, such as `HTTP, TTLV`.
    pub(crate) forms: Vec<Form>,
    /// The encoding and the bytes.
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Vec<u8>,
}

/// How the message itself is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Ttlv,
    Json,
    Xml,
}

/// Reads what an argument means: a file, standard input, or the message itself.
pub(crate) fn read(argument: Option<&str>, options: &InputOptions) -> Result<Input, Failure> {
    let (name, bytes) = match argument {
        None | Some("-") => {
            crate::files::announce_terminal();
            let name = "standard input".to_owned();
            (name, read_all(io::stdin().lock(), "-")?)
        }
        Some(text) if Path::new(text).exists() => {
            let file = fs::File::open(text).map_err(Failure::reading(Path::new(text)))?;
            (text.to_owned(), read_all(file, text)?)
        }
        Some(text) if looks_like_path(text) => {
            let missing = io::Error::from(io::ErrorKind::NotFound);
            return Err(Failure::reading(Path::new(text))(missing));
        }
        Some(text) => ("argument".to_owned(), text.as_bytes().to_vec()),
    };
    unwrap(name, bytes, options.form)
}

/// Messages in text are no names of files.
fn looks_like_path(text: &str) -> bool {
    let digits = |c: char| c.is_ascii_hexdigit() || c.is_ascii_whitespace();
    let plain = text.trim_start();
    let message = plain.starts_with(['{', '<']) || text.chars().all(digits);
    let base64 = from_base64(text.as_bytes()).is_some_and(|bytes| is_ttlv(&bytes));
    !message && !base64 && !plain.starts_with("0x")
}

fn read_all(source: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(Failure::reading(Path::new(name)))?;
    Ok(bytes)
}

/// Takes off one layer after the other until a message is left.
fn unwrap(name: String, mut bytes: Vec<u8>, forced: Option<Form>) -> Result<Input, Failure> {
    let mut forms = Vec::new();
    let mut form = forced.or_else(|| guess(&bytes));
    loop {
        let Some(found) = form else {
            return Err(Failure::no_message(&name, unknown(&bytes)));
        };
        forms.push(found);
        let inner = match found {
            Form::Ttlv if forced != Some(Form::Ttlv) && !begins_with_tag(&bytes) => {
                return Err(Failure::no_message(&name, unknown(&bytes)));
            }
            Form::Ttlv | Form::Json | Form::Xml => {
                let encoding = match found {
                    Form::Json => Encoding::Json,
                    Form::Xml => Encoding::Xml,
                    _ => Encoding::Ttlv,
                };
                return Ok(Input {
                    name,
                    forms,
                    encoding,
                    bytes,
                });
            }
            Form::Hex => crate::dump::from_hex(&bytes),
            Form::Base64 => from_base64(&bytes).ok_or_else(|| "this is not base64".to_owned()),
            Form::Http => http_body(&bytes),
        };
        bytes = inner.map_err(|what| Failure::no_message(&name, what))?;
        form = guess(&bytes)
            .or(Some(Form::Ttlv))
            .filter(|_| forms.len() < 4);
    }
}

fn guess(bytes: &[u8]) -> Option<Form> {
    if is_ttlv(bytes) {
        return Some(Form::Ttlv);
    }
    if bytes.starts_with(b"POST ") || bytes.starts_with(b"HTTP/") {
        return Some(Form::Http);
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = text.trim_ascii();
    match text.first()? {
        b'{' | b'[' => return Some(Form::Json),
        b'<' => return Some(Form::Xml),
        _ => {}
    }
    if crate::dump::looks_like_hex(text) {
        return Some(Form::Hex);
    }
    let inside = from_base64(text)?;
    let message = begins_with_tag(&inside) || inside.starts_with(b"{") || inside.starts_with(b"<");
    message.then_some(Form::Base64)
}

/// Whether the first byte is that of a tag.
fn begins_with_tag(bytes: &[u8]) -> bool {
    matches!(bytes, [0x42 | 0x54, ..])
}

/// Whether an item begins here: a tag, an item type, and a length that is not absurd.
fn is_ttlv(bytes: &[u8]) -> bool {
    matches!(bytes, [0x42 | 0x54, _, _, 1..=11, 0..=0x3F, ..])
}

fn unknown(bytes: &[u8]) -> String {
    let begin = &bytes[..bytes.len().min(16)];
    if begin.is_empty() {
        return "there is nothing".to_owned();
    }
    format!(
        "this is no KMIP message in TTLV, JSON, XML, HTTP, hexadecimal digits or base64: \
         at byte 0 stands `{}`",
        begin.escape_ascii()
    )
}

/// Standard and URL-safe alphabet, with white space anywhere.
fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let padding = digits
        .iter()
        .rev()
        .take_while(|byte| **byte == b'=')
        .count();
    let digits = &digits[..digits.len() - padding.min(2)];
    if digits.is_empty() || digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let mut word = 0_u32;
        for digit in chunk {
            word = word << 6 | u32::from(base64_value(*digit)?);
        }
        let bits = chunk.len() * 6;
        let whole = bits / 8;
        word >>= bits % 8;
        bytes.extend_from_slice(&word.to_be_bytes()[4 - whole..]);
    }
    Some(bytes)
}

fn base64_value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// The body of an HTTP request or response.
fn http_body(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let ends: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];
    let found = ends.iter().filter_map(|end| {
        let at = bytes.windows(end.len()).position(|window| window == *end)?;
        Some((at, at + end.len()))
    });
    let (head, body) = found
        .min()
        .ok_or("the head of the HTTP message does not end")?;
    let head = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let body = &bytes[body..];
    if head.contains("transfer-encoding: chunked") {
        return dechunk(body);
    }
    Ok(body.to_vec())
}

fn dechunk(mut rest: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let line = rest.iter().position(|byte| *byte == b'\n');
        let line = line.ok_or("an HTTP chunk has no length")?;
        let digits = String::from_utf8_lossy(&rest[..line]);
        let digits = digits.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16)
            .map_err(|_| format!("`{digits}` is not the length of an HTTP chunk"))?;
        rest = &rest[line + 1..];
        if length == 0 {
            return Ok(body);
        }
        let chunk = rest.get(..length);
        body.extend_from_slice(chunk.ok_or("the HTTP message ends inside a chunk")?);
        rest = rest[length..].trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_all_lengths() {
        let cases = [
            ("QgB4AQ==", vec![0x42, 0, 0x78, 1]),
            ("QgB4", vec![0x42, 0, 0x78]),
            ("QgA", vec![0x42, 0]),
            ("_-8\n=", vec![0xFF, 0xEF]),
        ];
        for (text, bytes) in cases {
            assert_eq!(from_base64(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in ["", "Q", "Qg!A", "===="] {
            assert_eq!(from_base64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(
            dechunk(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"),
            Ok(b"abcde".to_vec())
        );
        assert!(dechunk(b"5\r\nabc").is_err());
    }
}
