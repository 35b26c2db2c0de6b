//! What a version does not have yet, in a message of that version: kept as raw items, and encoded as
//! it came.

use kmip::codec::{ErrorKind, Mode, Options, RawValue};
use kmip::ttlv::{self, Writer};
use kmip::types::{
    KeyBlock, KeyFormatType, KeyMaterial, KeyValue, Operation, RequestMessage, RequestPayload, Tag,
};
use kmip::{Encoding, ProtocolVersion};

const V1_0: ProtocolVersion = ProtocolVersion::V1_0;

/// A request of 1.0 for an operation, with a payload of one item.
fn request(operation: Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let message = writer.begin(Tag::REQUEST_MESSAGE);
    let header = writer.begin(Tag::REQUEST_HEADER);
    let version = writer.begin(Tag::PROTOCOL_VERSION);
    writer.integer(Tag::PROTOCOL_VERSION_MAJOR, V1_0.major);
    writer.integer(Tag::PROTOCOL_VERSION_MINOR, V1_0.minor);
    writer.end(version).expect("a length");
    writer.integer(Tag::BATCH_COUNT, 1);
    writer.end(header).expect("a length");
    let item = writer.begin(Tag::BATCH_ITEM);
    writer.enumeration(Tag::OPERATION, operation.0);
    let payload = writer.begin(Tag::REQUEST_PAYLOAD);
    writer
        .text_string(Tag::UNIQUE_IDENTIFIER, "a key")
        .expect("a length");
    writer.end(payload).expect("a length");
    writer.end(item).expect("a length");
    writer.end(message).expect("a length");
    bytes
}

#[test]
fn payloads_of_newer_operations_pass_through_all_encodings() {
    // Operations of 1.1, 1.2, 1.4, 2.0 and 2.1.
    for operation in [
        Operation::RE_KEY_KEY_PAIR,
        Operation::ENCRYPT,
        Operation::IMPORT,
        Operation::LOG,
        Operation::PING,
    ] {
        let bytes = request(operation);
        let lenient = Options::default();
        let message: RequestMessage<'_> = ttlv::decode(&bytes, &lenient).expect("lenient");
        let RequestPayload::Unknown {
            operation: found,
            payload: RawValue::Structure(items),
        } = &message.batch_item[0].request_payload
        else {
            panic!("{message:?}");
        };
        assert_eq!((*found, items.len()), (operation, 1));
        for encoding in Encoding::ALL {
            let mut encoded = Vec::new();
            encoding.encode(&message, &mut encoded).expect("encoding");
            let again: RequestMessage<'_> = encoding.decode(&encoded, &lenient).expect("decoding");
            assert_eq!(again, message);
            let mut again_in_ttlv = Vec::new();
            ttlv::encode(&again, &mut again_in_ttlv).expect("encoding");
            assert_eq!(again_in_ttlv, bytes);
        }
        let error = ttlv::decode::<RequestMessage<'_>>(&bytes, &Options::strict());
        assert_eq!(
            error.expect_err("too new").kind(),
            &ErrorKind::OperationNotInVersion(operation, V1_0)
        );
    }
}

/// What the version has stays typed.
#[test]
fn payloads_of_the_version_are_typed() {
    let bytes = request(Operation::GET);
    for options in [Options::default(), Options::strict()] {
        let message: RequestMessage<'_> = ttlv::decode(&bytes, &options).expect("a Get");
        let payload = &message.batch_item[0].request_payload;
        assert!(matches!(payload, RequestPayload::Get(_)), "{payload:?}");
    }
}

#[test]
fn key_material_of_a_newer_form_is_kept() {
    let format = KeyFormatType::TRANSPARENT_EC_PRIVATE_KEY;
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let block = writer.begin(Tag::KEY_BLOCK);
    writer.enumeration(Tag::KEY_FORMAT_TYPE, format.0);
    let value = writer.begin(Tag::KEY_VALUE);
    let material = writer.begin(Tag::KEY_MATERIAL);
    writer.enumeration(Tag::RECOMMENDED_CURVE, 1);
    writer.big_integer(Tag::D, &[1; 8]).expect("a length");
    writer.end(material).expect("a length");
    writer.end(value).expect("a length");
    writer.end(block).expect("a length");
    let decode = |version, mode| {
        let options = Options {
            mode,
            ..Options::default()
        };
        ttlv::decode_item::<KeyBlock<'_>>(&bytes, Tag::KEY_BLOCK, version, &options)
    };
    let newer = ProtocolVersion::V1_4;
    for (version, raw) in [(V1_0, true), (newer, false)] {
        let decoded = decode(version, Mode::Lenient).expect("a key block");
        let Some(KeyValue::Plain(plain)) = &decoded.key_value else {
            panic!("{decoded:?}");
        };
        assert_eq!(matches!(plain.key_material, KeyMaterial::Raw(_)), raw);
        let mut again = Vec::new();
        ttlv::encode_item(&decoded, Tag::KEY_BLOCK, version, &mut again).expect("the same");
        assert_eq!(again, bytes);
    }
    assert!(decode(newer, Mode::Strict).is_ok());
}
