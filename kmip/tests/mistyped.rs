//! Attributes to which a server gives another type than the specification.

use kmip::codec::{Options, RawItem, RawValue};
use kmip::types::{
    Attribute, Attributes, GetAttributesResponse, Operation, ResponseBatchItem, ResponseHeader,
    ResponseMessage, ResponsePayload, State, Tag,
};
use kmip::{Encoding, ProtocolVersion};

#[test]
fn one_of_another_type_does_not_hide_the_others() {
    let odd = RawItem {
        tag: Tag::SHORT_UNIQUE_IDENTIFIER,
        value: RawValue::from("18e2f4a0-no-bytes"),
    };
    let mut attributes = Attributes::from(vec![Attribute::unique_identifier("id")]);
    attributes.extra.push(odd.clone());
    attributes.push(Attribute::state(State::ACTIVE));
    let payload = GetAttributesResponse {
        unique_identifier: "id".into(),
        attributes,
        ..GetAttributesResponse::default()
    };
    let message = ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: ProtocolVersion::V2_1,
            batch_count: 1,
            ..ResponseHeader::default()
        },
        batch_item: vec![ResponseBatchItem {
            operation: Some(Operation::GET_ATTRIBUTES),
            response_payload: Some(payload.into()),
            ..ResponseBatchItem::default()
        }],
        ..ResponseMessage::default()
    };
    for encoding in Encoding::ALL {
        let mut bytes = Vec::new();
        encoding.encode(&message, &mut bytes).unwrap();
        let decoded: ResponseMessage<'_> = encoding.decode(&bytes, &Options::default()).unwrap();
        let Some(ResponsePayload::GetAttributes(response)) =
            &decoded.batch_item[0].response_payload
        else {
            panic!("{encoding:?}: {decoded:?}");
        };
        let list = &response.attributes.list;
        assert!(
            list.contains(&Attribute::state(State::ACTIVE)),
            "{encoding:?}: {list:?}"
        );
        assert_eq!(list.len(), 2, "{encoding:?}");
        let kept: Vec<_> = response.attributes.extra.iter().collect();
        assert_eq!(kept, [&odd], "{encoding:?}");
        let strict = encoding.decode::<ResponseMessage<'_>>(&bytes, &Options::strict());
        let error = strict.unwrap_err().to_string();
        assert!(
            error.contains("ShortUniqueIdentifier"),
            "{encoding:?}: {error}"
        );
    }
}
