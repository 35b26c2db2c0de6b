//! Properties files: whatever is read is written so that it reads the same, with and without a
//! hash.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use zkey_kmip::properties::{Integrity, Properties};

fuzz_target!(|content: &[u8]| {
    let path = Path::new("fuzz.conf");
    // Only the absence of panics is asked of the hash check itself.
    let _ = Properties::parse(content, path, Integrity::Hashed);
    let Ok(read) = Properties::parse(content, path, Integrity::Plain) else {
        return;
    };
    for integrity in [Integrity::Plain, Integrity::Hashed] {
        let written = read.to_bytes(integrity);
        let again = Properties::parse(&written, path, integrity)
            .unwrap_or_else(|error| panic!("own output is refused: {error}"));
        assert_eq!(again.len(), read.len());
        assert_eq!(again.to_bytes(integrity), written);
        for (name, value) in read.iter() {
            assert_eq!(again.get(name), Some(value));
        }
    }
});
