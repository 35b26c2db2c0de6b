/// Where the search for a name begins. The generator and what it generates must agree.
pub(crate) fn name_hash(name: &str) -> usize {
    let mix = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ mixed >> 32
    };
    let bytes = name.as_bytes();
    let mut hash = bytes.len() as u64;
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*word));
        rest = behind;
    }
    match bytes.last_chunk() {
        // The end, with some of what stands before it.
        Some(word) => hash = mix(hash, u64::from_le_bytes(*word)),
        None => {
            let word = rest
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte));
            hash = mix(hash, word);
        }
    }
    hash as usize
}
