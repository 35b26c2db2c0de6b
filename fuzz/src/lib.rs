//! What the fuzz targets share: what holds for any message, and well-formed TTLV from any bytes.

mod tree;

pub use tree::{message, objects};

/// Decodes bytes as one kind of message, and asserts what holds whatever they are.
#[macro_export]
macro_rules! check_ttlv {
    ($message:ident, $bytes:expr) => {{
        use kmip::codec::Options;
        use kmip::ttlv::{decode, encode};
        use kmip::types::$message;

        let bytes: &[u8] = $bytes;
        let lenient = decode::<$message<'_>>(bytes, &Options::default());
        if let Ok(strict) = decode::<$message<'_>>(bytes, &Options::strict()) {
            assert_eq!(lenient.as_ref(), Ok(&strict), "the modes differ");
            let mut encoded = Vec::new();
            encode(&strict, &mut encoded).expect("a strictly decoded message can be encoded");
            assert_eq!(encoded, bytes, "a strictly decoded message changes");
        }
        match lenient {
            Ok(message) => {
                let _ = format!("{message:?}");
                let mut encoded = Vec::new();
                if encode(&message, &mut encoded).is_ok() {
                    let again = decode::<$message<'_>>(&encoded, &Options::default());
                    assert_eq!(again.as_ref(), Ok(&message), "a decoded message changes");
                }
            }
            Err(error) => {
                let _ = format!("{error} {error:?}");
            }
        }
    }};
}
