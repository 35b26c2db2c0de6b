//! What lenient decoding makes of items that are not where, or what, the specification says.

use kmip::ProtocolVersion;
use kmip::codec::{ErrorKind, Options};
use kmip::ttlv::{self, Writer};
use kmip::types::{
    GetRequest, KeyFormatType, LocateResponse, Operation, ResponseBatchItem, Tag, UniqueIdentifier,
};

use crate::get_payload;

/// A tag of a vendor.
const VENDOR: Tag = Tag(0x54_0ABC);

fn decode_get<'a>(
    bytes: &'a [u8],
    version: ProtocolVersion,
    options: &Options,
) -> kmip::codec::Result<GetRequest<'a>> {
    ttlv::decode_item(bytes, Tag::REQUEST_PAYLOAD, version, options)
}

#[test]
fn unknown_items_are_kept_where_they_stood() {
    let bytes = get_payload(|writer| {
        writer.integer(VENDOR, 1);
        writer
            .text_string(Tag::UNIQUE_IDENTIFIER, "id")
            .expect("a text");
        writer.integer(VENDOR, 2);
        writer.enumeration(Tag::KEY_FORMAT_TYPE, 1);
        writer
            .text_string(Tag::UNIQUE_IDENTIFIER, "a second one")
            .expect("a text");
    });
    let get = decode_get(&bytes, ProtocolVersion::V1_4, &Options::default()).expect("a payload");
    assert_eq!(get.unique_identifier, Some("id".into()));
    assert!(get.key_format_type.is_some());
    let kept: Vec<Tag> = get.extra.iter().map(|item| item.tag).collect();
    assert_eq!(kept, [VENDOR, VENDOR, Tag::UNIQUE_IDENTIFIER]);
    let mut again = Vec::new();
    ttlv::encode_item(
        &get,
        Tag::REQUEST_PAYLOAD,
        ProtocolVersion::V1_4,
        &mut again,
    )
    .expect("what was decoded can be encoded");
    assert_eq!(again, bytes);
    let error = decode_get(&bytes, ProtocolVersion::V1_4, &Options::strict());
    let error = error.expect_err("unknown items");
    assert_eq!(
        (error.kind(), error.offset()),
        (&ErrorKind::UnexpectedItem(VENDOR), Some(8))
    );
}

#[test]
fn known_items_in_another_order_are_typed() {
    let bytes = get_payload(|writer| {
        writer.enumeration(Tag::KEY_FORMAT_TYPE, 1);
        writer
            .text_string(Tag::UNIQUE_IDENTIFIER, "id")
            .expect("a text");
    });
    let get = decode_get(&bytes, ProtocolVersion::V1_4, &Options::default()).expect("a payload");
    assert_eq!(get.unique_identifier, Some("id".into()));
    assert!(get.extra.is_empty());
    assert!(decode_get(&bytes, ProtocolVersion::V1_4, &Options::strict()).is_err());
}

#[test]
fn a_field_that_decides_the_type_of_another_comes_before_it() {
    for between in [false, true] {
        let mut buffer = Vec::new();
        let mut writer = Writer::new(&mut buffer);
        let item = writer.begin(Tag::BATCH_ITEM);
        writer.enumeration(Tag::RESULT_STATUS, 0);
        let payload = writer.begin(Tag::RESPONSE_PAYLOAD);
        writer.end(payload).expect("a payload");
        if between {
            writer.integer(VENDOR, 1);
        }
        writer.enumeration(Tag::OPERATION, Operation::ACTIVATE.0);
        writer.end(item).expect("an item");
        let offset = buffer.len() - 16;
        let error = ttlv::decode_item::<ResponseBatchItem<'_>>(
            &buffer,
            Tag::BATCH_ITEM,
            ProtocolVersion::V1_4,
            &Options::default(),
        );
        let error = error.expect_err("the payload was read as one of no operation");
        assert_eq!(
            (error.kind(), error.offset()),
            (&ErrorKind::LateSelector(Tag::OPERATION), Some(offset))
        );
    }
}

#[test]
fn a_second_item_of_a_field_stays_behind_the_first() {
    let bytes = get_payload(|writer| {
        writer.enumeration(Tag::KEY_FORMAT_TYPE, 1);
        writer.integer(VENDOR, 1);
        writer.enumeration(Tag::KEY_FORMAT_TYPE, 2);
        let identifier = writer.text_string(Tag::UNIQUE_IDENTIFIER, "id");
        identifier.expect("a text");
    });
    let get = decode_get(&bytes, ProtocolVersion::V1_4, &Options::default()).expect("a payload");
    assert_eq!(get.key_format_type, Some(KeyFormatType::RAW));
    let kept: Vec<Tag> = get.extra.iter().map(|item| item.tag).collect();
    assert_eq!(kept, [VENDOR, Tag::KEY_FORMAT_TYPE]);
    let mut again = Vec::new();
    let tag = Tag::REQUEST_PAYLOAD;
    ttlv::encode_item(&get, tag, ProtocolVersion::V1_4, &mut again).expect("a payload");
    let decoded = decode_get(&again, ProtocolVersion::V1_4, &Options::default());
    assert_eq!(decoded, Ok(get));
}

#[test]
fn a_repeated_field_takes_all_its_runs() {
    let bytes = get_payload(|writer| {
        for name in ["a", "b", "", "c"] {
            if name.is_empty() {
                writer.integer(VENDOR, 1);
                continue;
            }
            let identifier = writer.text_string(Tag::UNIQUE_IDENTIFIER, name);
            identifier.expect("a text");
        }
    });
    let (tag, version) = (Tag::REQUEST_PAYLOAD, ProtocolVersion::V1_4);
    let found: LocateResponse<'_> =
        ttlv::decode_item(&bytes, tag, version, &Options::default()).expect("a payload");
    let identifiers = ["a", "b", "c"].map(UniqueIdentifier::from);
    assert_eq!(found.unique_identifier, identifiers);
    assert_eq!(found.extra.iter().count(), 1);
    let mut again = Vec::new();
    ttlv::encode_item(&found, tag, version, &mut again).expect("a payload");
    assert_eq!(again, bytes);
}

#[test]
fn no_digits_are_the_number_zero() {
    let zero = get_payload(|writer| writer.big_integer(VENDOR, &[]).expect("a number"));
    let whole = decode_get(&zero, ProtocolVersion::V1_4, &Options::default());
    // The same without the digits.
    let mut bytes = zero[..16].to_vec();
    (bytes[7], bytes[15]) = (8, 0);
    let empty = decode_get(&bytes, ProtocolVersion::V1_4, &Options::default());
    assert_eq!(empty, whole);
    assert_eq!(empty.expect("a payload").extra.iter().count(), 1);
}

#[test]
fn items_of_a_newer_version_are_kept_raw() {
    let bytes = get_payload(|writer| {
        writer
            .text_string(Tag::UNIQUE_IDENTIFIER, "id")
            .expect("a text");
        writer.enumeration(Tag::KEY_WRAP_TYPE, 1);
    });
    let newer = decode_get(&bytes, ProtocolVersion::V1_4, &Options::strict()).expect("a payload");
    assert!(newer.key_wrap_type.is_some());
    let older = decode_get(&bytes, ProtocolVersion::V1_3, &Options::default()).expect("a payload");
    assert_eq!(older.key_wrap_type, None);
    assert_eq!(older.extra.iter().count(), 1);
    let error = decode_get(&bytes, ProtocolVersion::V1_3, &Options::strict());
    let kind = ErrorKind::NotInVersion(Tag::KEY_WRAP_TYPE, ProtocolVersion::V1_3);
    assert_eq!(error.expect_err("a newer item").kind(), &kind);
}
