//! What a careless caller may encode.

use kmip::ProtocolVersion;
use kmip::codec::{ErrorKind, Options, RawItem, RawValue};
use kmip::ttlv;
use kmip::types::{Attribute, EncryptRequest, RequestMessage, RequestPayload, Tag};

use crate::{create, decode};

#[test]
fn nothing_is_left_out_that_the_version_does_not_have() {
    let refused = |message: &RequestMessage<'_>| {
        let mut buffer = b"before".to_vec();
        let error = ttlv::encode(message, &mut buffer).expect_err("not in the version");
        assert_eq!(buffer, b"before");
        error
    };
    let version = ProtocolVersion::V1_3;
    let mut message = create(version);
    message.request_header.client_correlation_value = Some("trace".into());
    let error = refused(&message);
    let tag = Tag::CLIENT_CORRELATION_VALUE;
    assert_eq!(error.kind(), &ErrorKind::NotInVersion(tag, version));
    assert_eq!(
        error.to_string(),
        "KMIP 1.3 has no field ClientCorrelationValue here at \
         RequestMessage/RequestHeader/ClientCorrelationValue"
    );

    let message = RequestMessage::single(ProtocolVersion::V1_0, EncryptRequest::default());
    let error = refused(&message);
    assert!(
        matches!(error.kind(), ErrorKind::OperationNotInVersion(..)),
        "{error}"
    );

    let mut message = create(version);
    if let RequestPayload::Create(create) = &mut message.batch_item[0].request_payload {
        create.attributes.push(Attribute::sensitive(true));
    }
    let error = refused(&message);
    assert_eq!(
        error.kind(),
        &ErrorKind::NotInVersion(Tag::SENSITIVE, version)
    );

    let mut message = create(ProtocolVersion::V2_0);
    if let RequestPayload::Create(create) = &mut message.batch_item[0].request_payload {
        create.attributes.list[0].index = Some(0);
    }
    assert!(matches!(
        refused(&message).kind(),
        ErrorKind::NotExpressible { .. }
    ));
}

#[test]
fn raw_items_go_wherever_they_are_put() {
    let mut message = create(ProtocolVersion::V1_2);
    let item = RawItem {
        tag: Tag(0x54_0001),
        value: RawValue::from("kept"),
    };
    message.batch_item[0].extra.push(item.clone());
    let mut bytes = Vec::new();
    ttlv::encode(&message, &mut bytes).expect("a raw item fits anywhere");
    let decoded = decode(&bytes, &Options::default()).expect("a message");
    let kept: Vec<&RawItem<'_>> = decoded.batch_item[0].extra.iter().collect();
    assert_eq!(kept, [&item]);
}
