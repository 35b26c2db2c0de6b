//! XML as it comes: what the decoder accepts survives encoding, and is the same in TTLV.

#![no_main]

use kmip_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check!(xml, RequestMessage, bytes);
    check!(xml, ResponseMessage, bytes);
});
