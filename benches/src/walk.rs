//! The least that any decoder has to do.

/// Visits every item of a TTLV message, and checks headers, lengths and padding. Returns the
/// number of items; `None` if something is wrong. Builds nothing: the limit for any decoder.
pub fn walk(message: &[u8]) -> Option<usize> {
    let mut count = 0;
    items(message, 0, &mut count)?;
    Some(count)
}

fn items(mut bytes: &[u8], depth: u32, count: &mut usize) -> Option<()> {
    if depth > 32 {
        return None;
    }
    while let Some((header, rest)) = bytes.split_first_chunk::<8>() {
        let word = u64::from_be_bytes(*header);
        let (item_type, length) = ((word >> 32) as u8, word as u32 as usize);
        let padded = length.checked_next_multiple_of(8)?;
        let (value, next) = rest.split_at_checked(padded)?;
        let fits = match item_type {
            1 | 4 => length % 8 == 0,
            2 | 5 | 10 => length == 4,
            3 | 6 | 9 | 11 => length == 8,
            7 | 8 => true,
            _ => false,
        };
        if !fits || word >> 40 == 0 || value[length..].iter().any(|byte| *byte != 0) {
            return None;
        }
        *count += 1;
        if item_type == 1 {
            items(value, depth + 1, count)?;
        }
        bytes = next;
    }
    bytes.is_empty().then_some(())
}
