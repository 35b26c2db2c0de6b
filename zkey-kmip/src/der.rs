//! The little DER that certificates, requests and signatures need here.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The context-specific constructed tag `number`.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// An encoded value.
pub(crate) fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut encoded = vec![tag];
    if length < 0x80 {
        encoded.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
        encoded.push(0x80 | (bytes.len() - skipped) as u8);
        encoded.extend(&bytes[skipped..]);
    }
    for part in parts {
        encoded.extend_from_slice(part);
    }
    encoded
}

/// A positive INTEGER, from its bytes.
pub(crate) fn positive(bytes: &[u8]) -> Vec<u8> {
    let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[skipped..];
    match bytes.first() {
        Some(first) if *first < 0x80 => encode(INTEGER, &[bytes]),
        _ => encode(INTEGER, &[&[0], bytes]),
    }
}

/// One value of an encoding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// With tag and length.
    pub(crate) whole: &'a [u8],
}

/// The values in `bytes`; `None` if they are not DER.
pub(crate) fn values(mut bytes: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (value, rest) = split(bytes)?;
        values.push(value);
        bytes = rest;
    }
    Some(values)
}

/// The only value in `bytes`, if it has this tag.
pub(crate) fn single(bytes: &[u8], tag: u8) -> Option<Value<'_>> {
    match values(bytes)?[..] {
        [value] if value.tag == tag => Some(value),
        _ => None,
    }
}

fn split(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    // Tags of several bytes do not occur.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || count > rest.len() {
            return None;
        }
        let (digits, rest) = rest.split_at(count);
        let length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        (length, rest)
    };
    if length > rest.len() {
        return None;
    }
    let (content, rest) = rest.split_at(length);
    let whole = &bytes[..bytes.len() - rest.len()];
    Some((
        Value {
            tag: *tag,
            content,
            whole,
        },
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_sizes_are_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 65535, 65536] {
            let content = vec![7; length];
            let encoded = encode(OCTET_STRING, &[&content]);
            let value = single(&encoded, OCTET_STRING).unwrap();
            assert_eq!(value.content, content);
            assert_eq!(value.whole, encoded);
            assert!(single(&encoded[..encoded.len() - 1], OCTET_STRING).is_none());
        }
        assert!(values(&[0x30, 0x80, 0, 0]).is_none());
        assert!(values(&[0x30, 0x85, 1, 1, 1, 1, 1]).is_none());
        assert!(values(&[0x1f, 0x81, 0]).is_none());
    }

    #[test]
    fn positive_integers_have_no_sign() {
        assert_eq!(positive(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(positive(&[0x7f]), [2, 1, 0x7f]);
        assert_eq!(positive(&[]), [2, 1, 0]);
    }
}
