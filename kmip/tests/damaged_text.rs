//! Damaged JSON and XML: every cut is noticed, and no changed byte leads to a panic or is lost.

use kmip::codec::{Options, Result};
use kmip::types::{
    Attribute, CreateRequest, CryptographicAlgorithm, CryptographicUsageMask, DateTime, ObjectType,
    RequestMessage,
};
use kmip::{ProtocolVersion, json, xml};

/// What takes the place of a byte, two of them in turn.
const BYTES: [u8; 8] = *b"\"<&{0\\\0\xFF";

type Encode = fn(&RequestMessage<'_>, &mut Vec<u8>) -> Result<()>;
type Decode = for<'a> fn(&'a [u8], &Options) -> Result<RequestMessage<'a>>;
type Codec = (&'static str, Encode, Decode);

const CODECS: [Codec; 4] = [
    ("JSON", |m, b| json::encode(m, b), |t, o| json::decode(t, o)),
    ("XML", |m, b| xml::encode(m, b), |t, o| xml::decode(t, o)),
    (
        "indented JSON",
        |m, b| json::encode_indented(m, b),
        |t, o| json::decode(t, o),
    ),
    (
        "indented XML",
        |m, b| xml::encode_indented(m, b),
        |t, o| xml::decode(t, o),
    ),
];

fn request() -> RequestMessage<'static> {
    let create = CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(
                CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
            ),
            Attribute::activation_date(DateTime(0)),
            Attribute::custom("x", "note", "a \"<&>\" \u{e9}\n"),
        ]
        .into(),
        ..CreateRequest::default()
    };
    RequestMessage::single(ProtocolVersion::V1_4, create)
}

#[test]
fn every_cut_is_noticed() {
    for (name, encode, decode) in CODECS {
        let mut text = Vec::new();
        encode(&request(), &mut text).expect(name);
        assert_eq!(decode(&text, &Options::strict()), Ok(request()), "{name}");
        let length = text.trim_ascii_end().len();
        for end in 0..length {
            let error = decode(&text[..end], &Options::default()).expect_err(name);
            let offset = error.offset().expect("an offset");
            assert!(offset <= end, "{name} cut at {end}: {error}");
        }
    }
}

#[test]
fn a_changed_byte_is_an_error_or_another_message() {
    for (name, encode, decode) in CODECS {
        let mut text = Vec::new();
        encode(&request(), &mut text).expect(name);
        for at in 0..text.len() {
            let right = text[at];
            for byte in [BYTES[at % 8], BYTES[(at + 3) % 8]] {
                text[at] = byte;
                match decode(&text, &Options::default()) {
                    Err(error) => assert!(error.offset() <= Some(text.len()), "{error}"),
                    Ok(message) => survives(name, &message, encode, decode),
                }
            }
            text[at] = right;
        }
    }
}

fn survives(name: &str, message: &RequestMessage<'_>, encode: Encode, decode: Decode) {
    let mut again = Vec::new();
    // A changed tag or version can leave a message that no version has.
    if encode(message, &mut again).is_ok() {
        let decoded = decode(&again, &Options::default()).expect(name);
        assert_eq!(&decoded, message, "{name}");
    } else {
        assert!(again.is_empty(), "{name}");
    }
}
