//! What the fuzz targets share: what holds for any message, and well-formed TTLV from any bytes.

mod tree;

pub use tree::message;

/// Decodes bytes in the encoding of module `$encoding` as one kind of message, and asserts what
/// holds whatever they are.
#[macro_export]
macro_rules! check {
    ($encoding:ident, $message:ident, $bytes:expr) => {{
        use kmip::codec::Options;
        use kmip::types::$message;
        use kmip::$encoding::{decode, encode};

        let bytes: &[u8] = $bytes;
        let lenient = decode::<$message<'_>>(bytes, &Options::default());
        if let Ok(strict) = decode::<$message<'_>>(bytes, &Options::strict()) {
            assert_eq!(lenient.as_ref(), Ok(&strict), "the modes differ");
            let encoded = $crate::encoded(|buffer| kmip::ttlv::encode(&strict, buffer));
            let encoded = encoded.expect("a strictly decoded message can be encoded");
            let again = kmip::ttlv::decode::<$message<'_>>(&encoded, &Options::strict());
            assert_eq!(
                again.as_ref(),
                Ok(&strict),
                "a strictly decoded message changes"
            );
        }
        match &lenient {
            Ok(message) => {
                let _ = format!("{message:?}");
                if let Ok(encoded) = $crate::encoded(|buffer| encode(message, buffer)) {
                    let again = decode::<$message<'_>>(&encoded, &Options::default());
                    assert_eq!(again.as_ref(), Ok(message), "a decoded message changes");
                }
            }
            Err(error) => {
                let _ = format!("{error} {error:?}");
            }
        }
    }};
}

/// What is written to a buffer.
pub fn encoded(
    encode: impl FnOnce(&mut Vec<u8>) -> kmip::codec::Result<()>,
) -> kmip::codec::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    encode(&mut buffer)?;
    Ok(buffer)
}
