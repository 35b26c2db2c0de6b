//! Well-formed TTLV: items of any tag and type at any place of the batch items.

#![no_main]

use kmip_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    check!(ttlv, RequestMessage, &kmip_fuzz::message(input, true));
    check!(ttlv, ResponseMessage, &kmip_fuzz::message(input, false));
});
