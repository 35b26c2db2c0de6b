//! Messages of any items through JSON and XML: what can be written there reads as it was.

#![no_main]

use kmip::codec::Options;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip::{json, ttlv, xml};
use kmip_fuzz::encoded;
use libfuzzer_sys::fuzz_target;

macro_rules! through {
    ($encoding:ident, $message:ident, $bytes:expr) => {
        if let Ok(message) = ttlv::decode::<$message<'_>>($bytes, &Options::default()) {
            if let Ok(text) = encoded(|buffer| $encoding::encode(&message, buffer)) {
                let again = $encoding::decode::<$message<'_>>(&text, &Options::default());
                assert_eq!(
                    again.as_ref(),
                    Ok(&message),
                    "in {}",
                    String::from_utf8_lossy(&text)
                );
            }
        }
    };
}

fuzz_target!(|input: &[u8]| {
    let (request, response) = (
        kmip_fuzz::message(input, true),
        kmip_fuzz::message(input, false),
    );
    through!(json, RequestMessage, &request);
    through!(json, ResponseMessage, &response);
    through!(xml, RequestMessage, &request);
    through!(xml, ResponseMessage, &response);
});
