//! The client against servers that answer, fail, and misbehave.

mod support;

use std::error::Error as _;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kmip::client::{Batch, Client, ClientBuilder, Problem, ResponseFault, is_repeatable};
use kmip::server::Engine;
use kmip::transport::{Cause, Timeouts};
use kmip::types::{
    ActivateRequest, Attribute, AttributeReference, BatchErrorContinuationOption, CreateRequest,
    CryptographicUsageMask, GetAttributesRequest, IntoOwned, LocateRequest, LocateResponse,
    ObjectType, Operation, ProtocolVersion, QueryFunction, RequestMessage, RequestPayload,
    ResponseBatchItem, ResponseMessage, ResultReason, ResultStatus, State, Tag,
};
use support::{Store, answer_all, answering, connecting, failure, in_memory, response};
use test_support::ScriptedServer;

use ProtocolVersion as V;

fn create(length: Option<i32>) -> CreateRequest<'static> {
    CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: length
            .into_iter()
            .map(Attribute::cryptographic_length)
            .collect(),
        ..CreateRequest::default()
    }
}

fn located(request: &RequestMessage<'_>) -> ResponseMessage<'static> {
    let version = request.request_header.protocol_version;
    let item = ResponseBatchItem::success(LocateResponse::default());
    response(version, vec![item])
}

/// A client in 1.2 of a server whose first answer to Locate is changed by `change`.
fn disturbed(change: impl Fn(&mut ResponseMessage<'static>) + Send + Sync + 'static) -> Client {
    let server = answering(move |request| {
        let mut response = located(request);
        change(&mut response);
        Some(response)
    });
    server.version(V::V1_2).connect().unwrap()
}

#[test]
fn a_key_lives_and_dies_in_every_version() {
    for version in V::ALL {
        let store = Arc::new(Engine::new(Store::default()));
        let mut client = in_memory(&store).version(version).connect().unwrap();
        let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
        let custom = Attribute::custom("x", "purpose", "disks");
        let key = client.create_symmetric_key(256, usage, [custom]).unwrap();
        assert_eq!(client.locate([], None).unwrap(), std::slice::from_ref(&key));
        client.activate(&key).unwrap();
        let attributes = client.get_attributes(&key, []).unwrap();
        let length = AttributeReference::from(Tag::CRYPTOGRAPHIC_LENGTH);
        assert!(
            attributes.find(&length).is_some(),
            "{version}: {attributes:?}"
        );
        let purpose = attributes.custom("x", "purpose");
        assert_eq!(
            purpose.and_then(|purpose| purpose.as_text()),
            Some("disks"),
            "{version}"
        );
        client.destroy(&key).unwrap();
        let error = client.get_attributes(&key, []).unwrap_err();
        assert!(error.is_not_found(), "{version}: {error}");
        let vendor = client
            .query([QueryFunction::QUERY_SERVER_INFORMATION])
            .unwrap();
        assert_eq!(vendor.vendor_identification.as_deref(), Some("test"));
    }
}

#[test]
fn a_failure_tells_server_operation_reason_and_message() {
    let store = Arc::new(Engine::new(Store::default()));
    let mut client = in_memory(&store).connect().unwrap();
    let error = client.call(create(None)).unwrap_err();
    assert_eq!(error.server(), "in.memory:5696");
    assert_eq!(error.operation(), Some(Operation::CREATE));
    assert_eq!(error.result_status(), Some(ResultStatus::OPERATION_FAILED));
    assert_eq!(error.result_reason(), Some(ResultReason::INVALID_FIELD));
    assert_eq!(error.result_message(), Some("a key needs a length"));
    let text = error.to_string();
    for part in [
        "in.memory:5696",
        "Create",
        "Invalid Field",
        "a key needs a length",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_batch_chains_its_items_by_the_id_placeholder() {
    for version in [V::V1_0, V::V1_4, V::V2_1] {
        let store = Arc::new(Engine::new(Store::default()));
        let mut client = in_memory(&store).version(version).connect().unwrap();
        let batch = (create(Some(256)), ActivateRequest::default());
        let (created, activated) = client.call_batch(batch).unwrap();
        let key = created.unwrap().unique_identifier;
        assert_eq!(activated.unwrap().unique_identifier, key);
        let state = store.handler().state(key.as_text().unwrap());
        assert_eq!(state, Some(State::ACTIVE));
    }
}

#[test]
fn a_batch_stops_continues_or_is_undone() {
    let store = Arc::new(Engine::new(Store::default()));
    let mut client = in_memory(&store).connect().unwrap();
    let mut run = |option: BatchErrorContinuationOption, last: bool| {
        let batch = Batch::new().with(create(Some(128))).with(create(None));
        let batch = match last {
            true => batch.with(create(Some(256))),
            false => batch,
        };
        let before = store.handler().len();
        let results = client.send_batch(batch.on_error(option)).unwrap();
        (results, store.handler().len() - before)
    };
    let (results, made) = run(BatchErrorContinuationOption::STOP, true);
    assert!(results[0].is_ok() && results[1].is_err());
    let last = results[2].as_ref().unwrap_err();
    assert!(matches!(last.problem(), Problem::NotProcessed));
    assert_eq!(made, 1);
    let (results, made) = run(BatchErrorContinuationOption::CONTINUE, true);
    assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok());
    assert_eq!(made, 2);
    let (results, made) = run(BatchErrorContinuationOption::UNDO, false);
    let first = results[0].as_ref().unwrap_err();
    assert_eq!(first.result_status(), Some(ResultStatus::OPERATION_UNDONE));
    assert_eq!(made, 0);
}

#[test]
fn answers_are_matched_by_item_id_and_not_by_place() {
    let server = answering(|request| {
        let mut items: Vec<ResponseBatchItem<'static>> = request
            .batch_item
            .iter()
            .map(|item| ResponseBatchItem {
                unique_batch_item_id: item.unique_batch_item_id.clone().into_owned(),
                ..match item.operation {
                    Operation::LOCATE => ResponseBatchItem::success(LocateResponse::default()),
                    other => failure(Some(other), ResultReason::ITEM_NOT_FOUND),
                }
            })
            .collect();
        items.reverse();
        Some(response(request.request_header.protocol_version, items))
    });
    let mut client = server.version(V::V1_4).connect().unwrap();
    let batch = (LocateRequest::default(), GetAttributesRequest::default());
    let (located, attributes) = client.call_batch(batch).unwrap();
    assert!(located.is_ok());
    assert!(attributes.unwrap_err().is_not_found());
}

#[test]
fn all_objects_are_found_page_by_page() {
    let objects: Vec<String> = (0..25).map(|number| format!("key-{number}")).collect();
    for knows_offset in [true, false] {
        let all = objects.clone();
        let server = answering(move |request| {
            let RequestPayload::Locate(locate) = &request.batch_item[0].request_payload else {
                return None;
            };
            let offset = match knows_offset {
                true => locate.offset_items.unwrap_or(0) as usize,
                false => 0,
            };
            let page = locate.maximum_items.unwrap_or(i32::MAX) as usize;
            let found = all.iter().skip(offset).take(page);
            let item = ResponseBatchItem::success(LocateResponse {
                unique_identifier: found.map(|object| object.clone().into()).collect(),
                ..LocateResponse::default()
            });
            Some(response(
                request.request_header.protocol_version,
                vec![item],
            ))
        });
        let mut client = server.version(V::V1_4).connect().unwrap();
        let found = client.locate_all([], 10).unwrap();
        let expected = if knows_offset { 25 } else { 10 };
        assert_eq!(found.len(), expected, "and it ends");
        assert_eq!(found[0].as_text(), Some("key-0"));
    }
}

#[test]
fn messages_can_be_observed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let engine = Arc::new(Engine::new(Store::default()));
    let observe = {
        let seen = seen.clone();
        move |message: kmip::client::Message<'_>| {
            let mut seen = seen.lock().unwrap();
            seen.push((message.is_request, message.bytes[..4].to_vec()));
        }
    };
    let builder = in_memory(&engine).version(V::V1_4).on_message(observe);
    builder.connect().unwrap().locate([], None).unwrap();
    let expected = [
        (true, b"\x42\x00\x78\x01".to_vec()),
        (false, b"\x42\x00\x7B\x01".to_vec()),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn an_item_without_an_answer_is_noticed() {
    let server = answering(|request| Some(located(request)));
    let mut client = server.version(V::V1_4).connect().unwrap();
    let error = client
        .call_batch((LocateRequest::default(), LocateRequest::default()))
        .unwrap_err();
    let missing = ResponseFault::MissingItem(1);
    assert!(matches!(error.problem(), Problem::Response(fault) if *fault == missing));
}

#[test]
fn a_whole_batch_that_is_refused_fails_in_each_item() {
    let server = answering(|request| {
        let version = request.request_header.protocol_version;
        Some(response(
            version,
            vec![failure(None, ResultReason::INVALID_MESSAGE)],
        ))
    });
    let mut client = server.version(V::V1_4).connect().unwrap();
    let (one, two) = client
        .call_batch((create(None), ActivateRequest::default()))
        .unwrap();
    for error in [one.unwrap_err(), two.unwrap_err()] {
        assert_eq!(error.result_reason(), Some(ResultReason::INVALID_MESSAGE));
    }
}

#[test]
fn responses_that_do_not_belong_to_the_request_are_refused() {
    let fault = |mut client: Client| {
        let error = client.locate([], None).unwrap_err();
        match error.problem() {
            Problem::Response(fault) => fault.clone(),
            _ => panic!("{error:?}"),
        }
    };
    let double = disturbed(|response| {
        let item = response.batch_item[0].clone();
        response.batch_item.push(item);
    });
    assert_eq!(fault(double), ResponseFault::ExtraItem);
    let other = disturbed(|response| {
        let activated = kmip::types::ActivateResponse::default();
        response.batch_item[0] = ResponseBatchItem::success(activated);
    });
    assert!(matches!(fault(other), ResponseFault::Operation { .. }));
    let empty = disturbed(|response| response.batch_item[0].response_payload = None);
    assert_eq!(fault(empty), ResponseFault::Payload);
}

#[test]
fn after_a_strange_response_the_connection_is_not_used_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let server = connecting({
        let connections = connections.clone();
        move |stream, number| {
            connections.fetch_add(1, Ordering::SeqCst);
            answer_all(stream, &|request: &RequestMessage<'_>| {
                let mut response = located(request);
                if number == 0 {
                    response.batch_item.push(response.batch_item[0].clone());
                }
                Some(response)
            });
        }
    });
    let mut client = server.version(V::V1_2).connect().unwrap();
    client.locate([], None).unwrap_err();
    client.locate([], None).unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[test]
fn a_request_that_the_version_cannot_express_is_not_sent() {
    let store = Arc::new(Engine::new(Store::default()));
    let mut client = in_memory(&store).version(V::V1_0).connect().unwrap();
    let described = create(Some(256))
        .attributes
        .with(Attribute::description("since 1.4"));
    let request = CreateRequest {
        attributes: described,
        ..create(None)
    };
    let error = client.call(request).unwrap_err();
    assert!(matches!(error.problem(), Problem::Encode(_)));
    assert!(
        error.source().unwrap().to_string().contains("Description"),
        "{error:?}"
    );
    assert_eq!(store.handler().performed.load(Ordering::SeqCst), 0);
}

/// A server that closes its connections after one answer, or the first one instead of the second
/// answer; and the news that it has closed one.
fn closing(instead: bool, requests: &Arc<AtomicUsize>) -> (ClientBuilder, Receiver<()>) {
    let requests = requests.clone();
    let (close, closed) = channel();
    let close = Mutex::new(close);
    let builder = connecting(move |stream, number| {
        let answered = AtomicUsize::new(0);
        let first = number == 0;
        let requests = requests.clone();
        let answer = |request: &RequestMessage<'_>| {
            requests.fetch_add(1, Ordering::SeqCst);
            let again = answered.fetch_add(1, Ordering::SeqCst) > 0;
            if first && again {
                return None;
            }
            let version = request.request_header.protocol_version;
            Some(match request.batch_item[0].operation {
                Operation::LOCATE => located(request),
                other => response(
                    version,
                    vec![failure(Some(other), ResultReason::PERMISSION_DENIED)],
                ),
            })
        };
        if instead {
            answer_all(stream, &answer);
        } else {
            support::answer_one(stream, &answer);
        }
        let _ = close.lock().unwrap().send(());
    });
    (builder.version(V::V1_2), closed)
}

#[test]
fn a_connection_closed_while_idle_is_replaced_for_any_operation() {
    let requests = Arc::new(AtomicUsize::new(0));
    let (builder, closed) = closing(false, &requests);
    let mut client = builder.connect().unwrap();
    client.locate([], None).unwrap();
    closed.recv_timeout(Duration::from_secs(10)).unwrap();
    let error = client.call(create(Some(256))).unwrap_err();
    assert!(error.is_permission_denied(), "{error}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[test]
fn only_harmless_operations_are_repeated_when_the_answer_is_lost() {
    let requests = Arc::new(AtomicUsize::new(0));
    let (builder, _closed) = closing(true, &requests);
    let mut client = builder.connect().unwrap();
    client.locate([], None).unwrap();
    client.locate([], None).unwrap();
    assert_eq!(
        requests.load(Ordering::SeqCst),
        3,
        "one answered, one lost, one repeated"
    );

    let requests = Arc::new(AtomicUsize::new(0));
    let (builder, _closed) = closing(true, &requests);
    let mut client = builder.connect().unwrap();
    client.locate([], None).unwrap();
    let error = client.call(create(Some(256))).unwrap_err();
    assert!(matches!(
        error.problem(),
        Problem::Transport(error) if matches!(error.cause(), Cause::Closed { .. })
    ));
    assert_eq!(
        requests.load(Ordering::SeqCst),
        2,
        "Create is not sent twice"
    );
    assert!(!is_repeatable(Operation::CREATE) && is_repeatable(Operation::GET));
}

#[test]
fn a_server_that_stalls_is_left_in_time_with_an_error_that_names_all() {
    let server = ScriptedServer::stalling();
    let address = server.address().to_string();
    let limit = Duration::from_millis(200);
    let mut client = Client::builder(address.parse().unwrap())
        .without_tls()
        .timeouts(Timeouts::default().with_operation(limit))
        .version(V::V1_4)
        .connect()
        .unwrap();
    let started = Instant::now();
    let error = client.call(create(Some(256))).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(error.is_timeout(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("Create"), "{text}");
}

#[test]
fn garbage_is_an_error_with_server_and_operation() {
    let server = ScriptedServer::start(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
    });
    let address = server.address().to_string();
    let error = Client::builder(address.parse().unwrap())
        .without_tls()
        .connect()
        .unwrap_err();
    let chain = format!("{error}: {}", error.source().unwrap().source().unwrap());
    assert!(
        chain.contains(&address) && chain.contains("HTTP"),
        "{chain}"
    );
}

#[test]
fn the_next_server_is_used_when_the_first_is_not_there() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unreachable = gone.local_addr().unwrap().to_string();
    drop(gone);
    let server = ScriptedServer::stalling();
    let address = server.address().to_string();
    let builder = || {
        Client::builder(unreachable.parse().unwrap())
            .without_tls()
            .version(V::V1_4)
    };
    let client = builder()
        .fallback_server(address.parse().unwrap())
        .connect()
        .unwrap();
    assert_eq!(client.server(), address);
    let error = builder()
        .fallback_server(unreachable.parse().unwrap())
        .connect()
        .unwrap_err();
    assert!(matches!(error.problem(), Problem::NoServer(errors) if errors.len() == 2));
    assert!(error.to_string().contains(&unreachable));
}
