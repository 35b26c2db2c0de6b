//! What a broken or hostile peer may send.

mod careless;
mod kept;

use kmip::ProtocolVersion;
use kmip::codec::{ErrorKind, Limits, Mode, Options, RawValue};
use kmip::ttlv::{self, Writer};
use kmip::types::{
    Attribute, CreateRequest, CryptographicAlgorithm, ItemType, Name, NameType, ObjectType,
    RequestMessage, ResponseMessage, Tag,
};

pub(crate) fn create(version: ProtocolVersion) -> RequestMessage<'static> {
    let payload = CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(256),
            Attribute::name(Name {
                name_value: "a key".into(),
                name_type: NameType::UNINTERPRETED_TEXT_STRING,
                ..Name::default()
            }),
            Attribute::custom("x", "purpose", "tests"),
        ]
        .into(),
        ..CreateRequest::default()
    };
    RequestMessage::single(version, payload)
}

fn encoded(version: ProtocolVersion) -> Vec<u8> {
    let mut bytes = Vec::new();
    ttlv::encode(&create(version), &mut bytes).expect("a valid message");
    bytes
}

pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    options: &Options,
) -> kmip::codec::Result<RequestMessage<'a>> {
    ttlv::decode(bytes, options)
}

/// Where an item begins, by its tag.
fn find(bytes: &[u8], tag: Tag) -> usize {
    let wanted = &tag.0.to_be_bytes()[1..];
    let mut items = bytes.windows(3).enumerate();
    let found = items.find(|(at, window)| at % 8 == 0 && *window == wanted);
    found.expect("the item").0
}

#[test]
fn every_cut_is_an_error_with_a_place() {
    for version in ProtocolVersion::ALL {
        let bytes = encoded(version);
        for length in 0..bytes.len() {
            for options in [Options::default(), Options::strict()] {
                let error = decode(&bytes[..length], &options).expect_err("a cut message");
                assert!(
                    matches!(error.kind(), ErrorKind::Truncated { .. }),
                    "{error}"
                );
                assert!(
                    error.offset().is_some_and(|offset| offset <= length),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn any_byte_may_be_anything() {
    for version in [ProtocolVersion::V1_2, ProtocolVersion::V2_1] {
        let bytes = encoded(version);
        for at in 0..bytes.len() {
            for value in [0, 1, 2, 7, 8, 0x42, 0x7F, 0x80, 0xFF] {
                let mut broken = bytes.clone();
                broken[at] = value;
                let strict = decode(&broken, &Options::strict());
                let Ok(message) = decode(&broken, &Options::default()) else {
                    assert!(strict.is_err(), "strict takes what lenient refuses at {at}");
                    continue;
                };
                // What was understood can be written, and means the same again.
                let mut again = Vec::new();
                if ttlv::encode(&message, &mut again).is_ok() {
                    let decoded = decode(&again, &Options::default());
                    assert_eq!(decoded.as_ref(), Ok(&message), "byte {at} = {value}");
                }
            }
        }
    }
}

#[test]
fn a_length_is_believed_only_as_far_as_there_are_bytes() {
    let bytes = encoded(ProtocolVersion::V1_2);
    let item = find(&bytes, Tag::NAME_VALUE);
    for length in [4096, 0x7FFF_FFF8, u32::MAX - 7, u32::MAX] {
        let mut broken = bytes.clone();
        broken[item + 4..item + 8].copy_from_slice(&length.to_be_bytes());
        let error = decode(&broken, &Options::default()).expect_err("too long");
        assert!(
            matches!(error.kind(), ErrorKind::Truncated { .. }),
            "{error}"
        );
        assert_eq!(error.offset(), Some(item), "{error}");
        let path: Vec<String> = error.path().map(|step| step.tag.to_string()).collect();
        assert_eq!(
            path[..3],
            ["RequestMessage", "BatchItem", "RequestPayload"],
            "{error}"
        );
    }
}

#[test]
fn an_item_of_another_type_is_named_with_its_path() {
    let mut bytes = encoded(ProtocolVersion::V1_2);
    let item = find(&bytes, Tag::OBJECT_TYPE);
    bytes[item + 3] = 2;
    let error = decode(&bytes, &Options::default()).expect_err("another type");
    let (expected, found) = (ItemType::ENUMERATION, ItemType::INTEGER);
    assert_eq!(error.kind(), &ErrorKind::UnexpectedType { expected, found });
    assert_eq!(
        error.to_string(),
        format!(
            "expected Enumeration, found Integer at \
             RequestMessage/BatchItem[0]/RequestPayload/ObjectType, byte {item}"
        )
    );
}

#[test]
fn padding_matters_to_the_strict_only() {
    let mut bytes = encoded(ProtocolVersion::V1_2);
    let item = find(&bytes, Tag::NAME_VALUE);
    bytes[item + 8 + 5] = 1;
    assert_eq!(
        decode(&bytes, &Options::default()),
        Ok(create(ProtocolVersion::V1_2))
    );
    let error = decode(&bytes, &Options::strict()).expect_err("padding");
    assert_eq!(
        (error.kind(), error.offset()),
        (&ErrorKind::NonZeroPadding, Some(item))
    );
}

#[test]
fn values_that_their_type_does_not_have_are_refused() {
    let mut buffer = Vec::new();
    Writer::new(&mut buffer).boolean(Tag::SENSITIVE, true);
    buffer[15] = 2;
    let item = |buffer: &[u8]| {
        let version = ProtocolVersion::V2_1;
        let options = Options::default();
        ttlv::decode_item::<RawValue<'_>>(buffer, Tag::SENSITIVE, version, &options)
            .map(|_| ())
            .expect_err("a bad value")
    };
    assert_eq!(item(&buffer).kind(), &ErrorKind::InvalidBoolean(2));

    buffer[3] = 7;
    buffer[8] = 0xC0;
    assert_eq!(item(&buffer).kind(), &ErrorKind::InvalidUtf8);

    buffer[3] = 12;
    assert_eq!(item(&buffer).kind(), &ErrorKind::InvalidType(12));

    buffer[..4].copy_from_slice(&[0, 0, 0, 6]);
    assert_eq!(item(&buffer).kind(), &ErrorKind::InvalidTag(0));

    for (item_type, length) in [(2, 8), (3, 4), (5, 0), (6, 7), (9, 16), (10, 5), (4, 9)] {
        let mut buffer = vec![0x42, 0x01, 0x20, item_type, 0, 0, 0, length];
        buffer.resize(32, 0);
        buffer.truncate(8 + usize::from(length).next_multiple_of(8));
        let error = item_error(&buffer);
        let length = usize::from(length);
        let item_type = ItemType(u32::from(item_type));
        assert_eq!(
            error.kind(),
            &ErrorKind::InvalidLength { item_type, length }
        );
    }
}

fn item_error(buffer: &[u8]) -> kmip::codec::Error {
    let options = Options::default();
    ttlv::decode_item::<RawValue<'_>>(buffer, Tag::SENSITIVE, ProtocolVersion::V2_1, &options)
        .map(|_| ())
        .expect_err("a bad item")
}

#[test]
fn nesting_ends_at_the_limit_and_not_with_the_stack() {
    let depth = 100_000;
    let mut buffer = Vec::new();
    let mut writer = Writer::new(&mut buffer);
    let starts: Vec<usize> = (0..depth).map(|_| writer.begin(Tag(0x54_0001))).collect();
    for start in starts.into_iter().rev() {
        writer.end(start).expect("a length");
    }
    let version = ProtocolVersion::V1_4;
    let tag = Tag(0x54_0001);
    let read = |options: &Options| {
        ttlv::decode_item::<RawValue<'_>>(&buffer, tag, version, options).map(|_| ())
    };
    let error = read(&Options::default()).expect_err("too deep");
    assert_eq!(error.kind(), &ErrorKind::TooDeep(32));
    assert_eq!(error.path().count(), 33);
}

#[test]
fn limits_can_be_set() {
    let bytes = encoded(ProtocolVersion::V1_2);
    let with = |limits: Limits| {
        let mode = Mode::Lenient;
        decode(&bytes, &Options { mode, limits }).map(|_| ())
    };
    let default = Limits::default();
    assert_eq!(with(default), Ok(()));
    let kind = |limits: Limits| with(limits).expect_err("a limit").kind().clone();
    let limit = bytes.len() - 1;
    assert_eq!(
        kind(Limits {
            message_bytes: limit,
            ..default
        }),
        ErrorKind::TooLong {
            length: bytes.len(),
            limit
        }
    );
    assert_eq!(
        kind(Limits {
            depth: 4,
            ..default
        }),
        ErrorKind::TooDeep(4)
    );
    assert_eq!(
        kind(Limits {
            items: 5,
            ..default
        }),
        ErrorKind::TooManyItems(5)
    );
    assert_eq!(
        kind(Limits {
            batch_items: 0,
            ..default
        }),
        ErrorKind::TooManyItems(0)
    );
    assert!(matches!(
        kind(Limits {
            text_bytes: 4,
            ..default
        }),
        ErrorKind::TooLong { limit: 4, .. }
    ));
}

#[test]
fn nothing_may_follow_a_message() {
    let message = encoded(ProtocolVersion::V1_2);
    // Another message, less than a header, headers of no type and of no end.
    for behind in [
        message.as_slice(),
        &[0],
        &[0xFF; 8],
        &[0x42, 0, 0x78, 1, 0xFF, 0xFF, 0xFF, 0xF8],
    ] {
        let bytes = [&message, behind].concat();
        let error = decode(&bytes, &Options::default()).expect_err("more than a message");
        assert_eq!(error.kind(), &ErrorKind::TrailingBytes(behind.len()));
        assert_eq!(error.offset(), Some(message.len()));
    }
}

/// A reader that failed is at the end of its structure; whoever goes on reads no other item.
#[test]
fn a_reader_survives_its_errors() {
    let mut bytes = encoded(ProtocolVersion::V1_2);
    let header = find(&bytes, Tag::BATCH_COUNT);
    bytes[header + 4..header + 8].fill(0xFF);
    let mut reader = ttlv::Reader::new(&bytes).expect("a message");
    let message = reader.enter().expect("a structure");
    let request_header = reader.enter().expect("a structure");
    assert!(reader.skip().is_err());
    assert_eq!(reader.tag(), None);
    assert!(reader.integer().is_err() && reader.text_string().is_err());
    assert!(reader.enter().is_err());
    assert_eq!(reader.skip(), Ok(()));
    assert_eq!(reader.item_bytes(), [0_u8; 0]);
    reader.leave(request_header).expect("the batch item");
    assert_eq!(reader.tag(), Some(Tag::BATCH_ITEM));
    reader.leave(message).expect("the end");
    assert_eq!((reader.tag(), reader.offset()), (None, bytes.len()));
}

#[test]
fn a_response_is_no_request() {
    let bytes = encoded(ProtocolVersion::V1_2);
    let error = ttlv::decode::<ResponseMessage<'_>>(&bytes, &Options::default());
    let (expected, found) = (Tag::RESPONSE_MESSAGE, Tag::REQUEST_MESSAGE);
    let kind = ErrorKind::UnexpectedRoot { expected, found };
    assert_eq!(error.expect_err("a request").kind(), &kind);
}

/// A Get payload with items in any order.
pub(crate) fn get_payload(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut writer = Writer::new(&mut buffer);
    let start = writer.begin(Tag::REQUEST_PAYLOAD);
    write(&mut writer);
    writer.end(start).expect("a length");
    buffer
}

#[test]
fn a_missing_field_is_named() {
    let mut message = create(ProtocolVersion::V1_2);
    message.batch_item.clear();
    let error = ttlv::encode(&message, &mut Vec::new()).expect_err("no batch item");
    assert_eq!(error.kind(), &ErrorKind::MissingField(Tag::BATCH_ITEM));

    let bytes = get_payload(|_| ());
    let options = Options::default();
    let version = ProtocolVersion::V1_2;
    let error =
        ttlv::decode_item::<CreateRequest<'_>>(&bytes, Tag::REQUEST_PAYLOAD, version, &options);
    let error = error.expect_err("an empty Create");
    assert_eq!(error.kind(), &ErrorKind::MissingField(Tag::OBJECT_TYPE));
}
