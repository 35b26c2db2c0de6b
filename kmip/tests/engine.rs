//! The engine on raw requests, right, wrong and damaged.

mod support;

use std::sync::Arc;

use kmip::codec::Options;
use kmip::server::{Call, Engine, Failure, Handler, Peer};
use kmip::types::{
    ActivateRequest, AsynchronousIndicator, Attribute, Authentication,
    BatchErrorContinuationOption, CreateRequest, DateTime, DiscoverVersionsRequest,
    GetAttributesRequest, IntoOwned, LocateRequest, MessageExtension, ObjectType, PingRequest,
    ProtocolVersion, QueryFunction, QueryRequest, RequestBatchItem, RequestMessage, RequestPayload,
    ResponseMessage, ResponsePayload, ResultReason, ResultStatus, UniqueIdentifier,
    UniqueIdentifierEnumeration,
};
use support::{Store, in_memory};

use ProtocolVersion as V;

fn engine() -> Engine<Store> {
    Engine::new(Store::default())
}

fn create() -> CreateRequest<'static> {
    CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [Attribute::cryptographic_length(256)].into(),
        ..CreateRequest::default()
    }
}

fn batch(version: V, payloads: Vec<RequestPayload<'static>>) -> RequestMessage<'static> {
    let mut request = RequestMessage::single(version, LocateRequest::default());
    request.request_header.batch_count = payloads.len() as i32;
    request.batch_item = payloads.into_iter().map(RequestBatchItem::new).collect();
    request
}

fn encoded(request: &RequestMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    kmip::ttlv::encode(request, &mut bytes).unwrap();
    bytes
}

/// The response to raw bytes; it must be a strictly correct message.
fn respond<H: Handler>(engine: &Engine<H>, request: &[u8]) -> ResponseMessage<'static> {
    let mut response = Vec::new();
    engine.respond(&Peer::local(), request, &mut response);
    let message: ResponseMessage<'_> = kmip::ttlv::decode(&response, &Options::strict()).unwrap();
    assert_eq!(
        message.response_header.batch_count as usize,
        message.batch_item.len()
    );
    message.into_owned()
}

fn answer(request: &RequestMessage<'_>) -> ResponseMessage<'static> {
    respond(&engine(), &encoded(request))
}

/// The reason for which the first item failed.
fn reason(response: &ResponseMessage<'_>) -> ResultReason {
    assert_eq!(
        response.batch_item[0].result_status,
        ResultStatus::OPERATION_FAILED
    );
    response.batch_item[0].result_reason.unwrap()
}

#[test]
fn headers_and_items_are_echoed() {
    for version in V::ALL {
        let mut request = batch(
            version,
            vec![create().into(), LocateRequest::default().into()],
        );
        request.batch_item[0].unique_batch_item_id = Some(b"first".to_vec().into());
        request.batch_item[1].unique_batch_item_id = Some(b"second".to_vec().into());
        if version >= V::V1_4 {
            request.request_header.client_correlation_value = Some("c-1".into());
        }
        let before = DateTime::now().0;
        let response = answer(&request);
        let header = &response.response_header;
        assert_eq!(header.protocol_version, version);
        assert!((before..before + 60).contains(&header.time_stamp.0));
        // It is for the server's logs.
        assert_eq!(header.client_correlation_value, None);
        for (asked, answered) in request.batch_item.iter().zip(&response.batch_item) {
            assert_eq!(answered.operation, Some(asked.operation));
            assert_eq!(answered.unique_batch_item_id, asked.unique_batch_item_id);
            assert_eq!(answered.result_status, ResultStatus::SUCCESS);
        }
    }
}

#[test]
fn discover_versions_lists_what_is_common_newest_first() {
    let discover = |list: &[V]| {
        let request = DiscoverVersionsRequest {
            protocol_version: list.to_vec(),
            ..DiscoverVersionsRequest::default()
        };
        match answer(&RequestMessage::single(V::V1_2, request))
            .batch_item
            .remove(0)
            .response_payload
        {
            Some(ResponsePayload::DiscoverVersions(found)) => found.protocol_version,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(discover(&[])[..2], [V::V2_1, V::V2_0]);
    assert_eq!(
        discover(&[V::V1_0, V::new(3, 0), V::V1_4]),
        [V::V1_4, V::V1_0]
    );
    assert_eq!(discover(&[V::new(3, 0)]), []);
}

#[test]
fn an_unknown_version_is_answered_in_one_that_the_server_has() {
    let query = QueryRequest {
        query_function: vec![QueryFunction::QUERY_OPERATIONS],
        ..QueryRequest::default()
    };
    let mut bytes = encoded(&RequestMessage::single(V::V1_0, query));
    let minor = bytes
        .windows(4)
        .position(|tag| tag == b"\x42\x00\x6B\x02")
        .unwrap()
        + 11;
    bytes[minor - 16] = 9;
    bytes[minor] = 9;
    let response = respond(&engine(), &bytes);
    assert_eq!(response.response_header.protocol_version, V::V2_1);
    assert_eq!(
        reason(&response),
        ResultReason::UNSUPPORTED_PROTOCOL_VERSION
    );
    bytes[minor - 16] = 0;
    let response = respond(&engine(), &bytes);
    assert_eq!(response.response_header.protocol_version, V::V1_0);
    assert_eq!(reason(&response), ResultReason::INVALID_MESSAGE);
}

#[test]
fn every_damaged_request_is_answered_with_a_correct_message() {
    let bytes = encoded(&batch(
        V::V1_4,
        vec![create().into(), LocateRequest::default().into()],
    ));
    let engine = engine();
    for end in 0..bytes.len() {
        let response = respond(&engine, &bytes[..end]);
        assert_eq!(reason(&response), ResultReason::INVALID_MESSAGE);
    }
    for position in 0..bytes.len() {
        for value in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            respond(&engine, &damaged);
        }
    }
}

#[test]
fn a_malformed_request_is_refused_in_its_own_version() {
    for version in V::ALL {
        let mut bytes = encoded(&RequestMessage::single(version, create()));
        let object_type = bytes
            .windows(4)
            .position(|tag| tag == b"\x42\x00\x57\x05")
            .unwrap();
        bytes[object_type + 3] = 0x0C;
        let response = respond(&engine(), &bytes);
        assert_eq!(response.response_header.protocol_version, version);
        assert_eq!(reason(&response), ResultReason::INVALID_MESSAGE);
        assert_eq!(response.batch_item[0].operation, None);
    }
}

#[test]
fn a_wrong_batch_count_and_repeated_item_ids_are_refused() {
    let mut request = batch(V::V1_2, vec![create().into(), create().into()]);
    request.request_header.batch_count = 3;
    assert_eq!(reason(&answer(&request)), ResultReason::INVALID_MESSAGE);
    request.request_header.batch_count = 2;
    for item in &mut request.batch_item {
        item.unique_batch_item_id = Some(b"same".to_vec().into());
    }
    assert_eq!(reason(&answer(&request)), ResultReason::INVALID_MESSAGE);
}

#[test]
fn what_the_server_cannot_do_is_refused_before_anything_is_done() {
    let engine = engine();
    let mut request = batch(V::V2_1, vec![create().into()]);
    request.request_header.asynchronous_indicator = Some(AsynchronousIndicator::MANDATORY);
    let response = respond(&engine, &encoded(&request));
    assert_eq!(reason(&response), ResultReason::FEATURE_NOT_SUPPORTED);

    let mut request = batch(
        V::V2_1,
        vec![create().into(), ActivateRequest::default().into()],
    );
    let undo = BatchErrorContinuationOption::UNDO;
    request.request_header.batch_error_continuation_option = Some(undo);
    let response = respond(&engine, &encoded(&request));
    assert_eq!(reason(&response), ResultReason::FEATURE_NOT_SUPPORTED);

    let mut request = batch(V::V2_1, vec![create().into()]);
    let extension = |critical| MessageExtension {
        vendor_identification: Some("somebody".into()),
        criticality_indicator: Some(critical),
        vendor_extension: Some(kmip::types::RawValue::Structure(Vec::new())),
        ..MessageExtension::default()
    };
    request.batch_item[0].message_extension = vec![extension(true)];
    let response = respond(&engine, &encoded(&request));
    assert_eq!(reason(&response), ResultReason::FEATURE_NOT_SUPPORTED);
    assert_eq!(engine.handler().len(), 0);

    // Nor is anything done that stands before it.
    let mut second = batch(V::V2_1, vec![create().into(), create().into()]);
    second.batch_item[1].message_extension = vec![extension(true)];
    let response = respond(&engine, &encoded(&second));
    assert_eq!(reason(&response), ResultReason::FEATURE_NOT_SUPPORTED);
    assert_eq!(engine.handler().len(), 0);

    request.batch_item[0].message_extension = vec![extension(false)];
    let response = respond(&engine, &encoded(&request));
    assert_eq!(response.batch_item[0].result_status, ResultStatus::SUCCESS);
}

#[test]
fn a_response_that_is_too_large_says_so_and_absurd_limits_are_ignored() {
    let mut request = batch(V::V1_4, vec![create().into()]);
    request.request_header.maximum_response_size = Some(64);
    assert_eq!(reason(&answer(&request)), ResultReason::RESPONSE_TOO_LARGE);
    for unlimited in [0, -1] {
        request.request_header.maximum_response_size = Some(unlimited);
        let response = answer(&request);
        assert_eq!(response.batch_item[0].result_status, ResultStatus::SUCCESS);
    }
}

#[test]
fn unknown_operations_and_failing_handlers_do_not_end_the_batch_run() {
    let mut request = batch(
        V::V2_1,
        vec![
            RequestPayload::from(GetAttributesRequest::default()),
            PingRequest::default().into(),
            LocateRequest::default().into(),
        ],
    );
    let option = BatchErrorContinuationOption::CONTINUE;
    request.request_header.batch_error_continuation_option = Some(option);
    let response = answer(&request);
    let reasons: Vec<_> = response
        .batch_item
        .iter()
        .map(|item| item.result_reason)
        .collect();
    let expected = [
        Some(ResultReason::ITEM_NOT_FOUND),
        Some(ResultReason::GENERAL_FAILURE),
        None,
    ];
    assert_eq!(reasons, expected);
    let message = response.batch_item[1].result_message.as_deref().unwrap();
    assert!(!message.contains("mistake"), "internals leak: {message}");

    let mut bytes = encoded(&RequestMessage::single(V::V1_0, ActivateRequest::default()));
    let operation = bytes
        .windows(4)
        .position(|tag| tag == b"\x42\x00\x5C\x05")
        .unwrap()
        + 10;
    bytes[operation..operation + 2].copy_from_slice(&[0x7F, 0xFF]);
    let response = respond(&engine(), &bytes);
    assert_eq!(reason(&response), ResultReason::OPERATION_NOT_SUPPORTED);
}

#[test]
fn reasons_of_2_x_are_not_told_to_clients_of_1_x() {
    let get = GetAttributesRequest {
        unique_identifier: Some("nothing".into()),
        ..GetAttributesRequest::default()
    };
    let old = answer(&RequestMessage::single(V::V1_4, get.clone()));
    assert_eq!(reason(&old), ResultReason::ITEM_NOT_FOUND);
    let new = answer(&RequestMessage::single(V::V2_0, get));
    assert_eq!(reason(&new), ResultReason::OBJECT_NOT_FOUND);
}

#[test]
fn items_can_refer_to_the_objects_of_earlier_items() {
    let get = |identifier: UniqueIdentifier<'static>| {
        RequestPayload::from(GetAttributesRequest {
            unique_identifier: Some(identifier),
            ..GetAttributesRequest::default()
        })
    };
    let by = |meant| UniqueIdentifier::Enumeration(meant);
    let request = batch(
        V::V2_1,
        vec![
            create().into(),
            create().into(),
            get(UniqueIdentifier::Integer(0)),
            get(UniqueIdentifier::Integer(-2)),
            get(by(UniqueIdentifierEnumeration::ID_PLACEHOLDER)),
            get(by(UniqueIdentifierEnumeration::CREATE)),
        ],
    );
    let found: Vec<String> = answer(&request)
        .batch_item
        .into_iter()
        .map(|item| match item.response_payload {
            Some(ResponsePayload::Create(made)) => made.unique_identifier.to_string(),
            Some(ResponsePayload::GetAttributes(found)) => found.unique_identifier.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        found,
        ["key-0", "key-1", "key-0", "key-1", "key-1", "key-1"]
    );
    let beyond = batch(V::V2_1, vec![get(UniqueIdentifier::Integer(7))]);
    assert_eq!(reason(&answer(&beyond)), ResultReason::ITEM_NOT_FOUND);
}

/// A server whose handler needs a password.
#[derive(Debug)]
struct Guarded;

impl Handler for Guarded {
    fn authenticate(
        &self,
        _peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        match credentials {
            Some(_) => Ok(Some("somebody".to_owned())),
            None => Err(Failure::new(
                ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
                "who are you?",
            )),
        }
    }

    fn handle(
        &self,
        call: &Call<'_>,
        _request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        assert_eq!(call.user(), Some("somebody"));
        Err(Failure::new(ResultReason::PERMISSION_DENIED, "no"))
    }
}

#[test]
fn nothing_is_performed_for_a_client_that_is_not_authenticated() {
    let engine = Arc::new(Engine::new(Guarded));
    let error = in_memory(&engine).connect().unwrap_err();
    assert_eq!(
        error.result_reason(),
        Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL)
    );
    let mut client = in_memory(&engine)
        .username_and_password("somebody", "secret")
        .connect()
        .unwrap();
    let error = client.locate([], None).unwrap_err();
    assert_eq!(error.result_reason(), Some(ResultReason::PERMISSION_DENIED));
}
