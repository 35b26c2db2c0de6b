//! As much DER as signatures of X.509 need.

const SEQUENCE: u8 = 0x30;

pub(super) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

/// An element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ ..0x80) => out.push(short),
        _ => {
            let length = content.len().to_be_bytes();
            let length = &length[content.len().leading_zeros() as usize / 8..];
            out.push(0x80 | length.len() as u8);
            out.extend_from_slice(length);
        }
    }
    out.extend_from_slice(content);
    out
}

/// The first part of a structure that was signed with this algorithm, which is its second part
/// (RFC 5280, 4.1 and 5.1; RFC 2986, 4.2).
pub(super) fn to_be_signed<'a>(signed: &'a [u8], algorithm: &[u8]) -> Option<&'a [u8]> {
    let (whole, rest) = split(signed)?;
    if whole[0] != SEQUENCE || !rest.is_empty() {
        return None;
    }
    let (first, rest) = split(content(whole)?)?;
    let (second, _) = split(rest)?;
    (first[0] == SEQUENCE && second == algorithm).then_some(first)
}

/// The element at the begin, and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = header(bytes)?;
    bytes.split_at_checked(length.0.checked_add(length.1)?)
}

fn content(element: &[u8]) -> Option<&[u8]> {
    element.get(header(element)?.0..)
}

/// Lengths of the header and the content of an element.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(1)? {
        short @ ..0x80 => Some((2, usize::from(short))),
        long => {
            let digits = bytes.get(2..2 + usize::from(long & 0x7F))?;
            if digits.is_empty() || digits.len() > size_of::<u32>() {
                return None;
            }
            let length = digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            Some((2 + digits.len(), length))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_found_whatever_its_length() {
        let algorithm = sequence(&[&element(0x06, &[1, 2, 3])]);
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let first = element(SEQUENCE, &vec![7; length]);
            let signed = sequence(&[&first, &algorithm, &element(0x03, &[0; 9])]);
            assert_eq!(
                to_be_signed(&signed, &algorithm),
                Some(&first[..]),
                "{length}"
            );
            assert_eq!(to_be_signed(&signed, &[]), None);
            for end in (0..signed.len()).step_by(1 + length / 100) {
                assert_eq!(to_be_signed(&signed[..end], &algorithm), None);
            }
            let longer = [&signed[..], &[0]].concat();
            assert_eq!(to_be_signed(&longer, &algorithm), None);
        }
        assert_eq!(
            to_be_signed(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], &algorithm),
            None
        );
        assert_eq!(to_be_signed(&[0x30, 0x80, 0, 0], &algorithm), None);
    }
}
