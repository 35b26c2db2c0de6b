//! TTLV as it comes: what both modes of the decoder accept survives encoding.

#![no_main]

use kmip_fuzz::check_ttlv;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check_ttlv!(RequestMessage, bytes);
    check_ttlv!(ResponseMessage, bytes);
});
