//! TTLV as it comes: what the decoder accepts survives encoding, strictly to the byte.

#![no_main]

use kmip::codec::Options;
use kmip::ttlv;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip_fuzz::{check, encoded};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check!(ttlv, RequestMessage, bytes);
    check!(ttlv, ResponseMessage, bytes);
    if let Ok(message) = ttlv::decode::<RequestMessage<'_>>(bytes, &Options::strict()) {
        assert_eq!(
            encoded(|buffer| ttlv::encode(&message, buffer)).as_deref(),
            Ok(bytes)
        );
    }
    if let Ok(message) = ttlv::decode::<ResponseMessage<'_>>(bytes, &Options::strict()) {
        assert_eq!(
            encoded(|buffer| ttlv::encode(&message, buffer)).as_deref(),
            Ok(bytes)
        );
    }
});
