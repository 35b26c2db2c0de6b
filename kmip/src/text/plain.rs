//! Texts that mostly stand for themselves.

use super::steps;

/// Bytes that are looked at together, which compilers turn into few instructions.
const CHUNK: usize = 32;

/// How many bytes stand before the first one that is `special`: all, if none is. The question is to
/// be asked without branches.
pub(crate) fn plain_length(bytes: &[u8], special: impl Fn(u8) -> bool) -> usize {
    let any = |chunk: &[u8]| chunk.iter().fold(false, |any, byte| any | special(*byte));
    let chunks = bytes.chunks_exact(CHUNK);
    let whole = CHUNK * chunks.take_while(|chunk| !any(chunk)).count();
    let rest = &bytes[whole..];
    let length = whole
        + rest
            .iter()
            .position(|byte| special(*byte))
            .unwrap_or(rest.len());
    steps::count(length + 1);
    length
}

#[cfg(test)]
mod tests {
    use super::plain_length;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_is() {
        for length in [0, 1, 31, 32, 33, 64, 100] {
            let plain = vec![b'x'; length];
            assert_eq!(plain_length(&plain, |byte| byte == b'y'), length);
            for at in 0..length {
                let mut bytes = plain.clone();
                bytes[at] = b'y';
                bytes[length - 1] = b'y';
                assert_eq!(plain_length(&bytes, |byte| byte == b'y'), at);
            }
        }
    }
}
