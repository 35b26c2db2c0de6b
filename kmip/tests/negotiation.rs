//! Finding the protocol version with servers that differ as real ones do.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmip::client::{Client, ClientBuilder, Problem};
use kmip::server::Engine;
use kmip::types::{
    DiscoverVersionsResponse, Operation, ProtocolVersion, QueryResponse, RequestMessage,
    ResponseBatchItem, ResponseMessage, ResultReason,
};
use support::{Store, answering, failure, in_memory, response};

use ProtocolVersion as V;

const PYKMIP: [V; 6] = [V::V2_0, V::V1_4, V::V1_3, V::V1_2, V::V1_1, V::V1_0];

fn versions(list: &[V]) -> ResponseBatchItem<'static> {
    ResponseBatchItem::success(DiscoverVersionsResponse {
        protocol_version: list.to_vec(),
        ..DiscoverVersionsResponse::default()
    })
}

/// What a server that knows `known` answers to a request in one of these versions.
fn known(request: &RequestMessage<'_>, known: &[V]) -> ResponseMessage<'static> {
    let version = request.request_header.protocol_version;
    match request.batch_item[0].operation {
        Operation::DISCOVER_VERSIONS if version > V::V1_0 => {
            response(version, vec![versions(known)])
        }
        Operation::QUERY => {
            let answer = ResponseBatchItem::success(QueryResponse::default());
            response(version, vec![answer])
        }
        operation => {
            let reason = ResultReason::OPERATION_NOT_SUPPORTED;
            response(version, vec![failure(Some(operation), reason)])
        }
    }
}

fn agreed(builder: ClientBuilder) -> V {
    builder
        .connect()
        .unwrap_or_else(|error| panic!("{error}"))
        .version()
}

#[test]
fn the_newest_common_version_is_spoken() {
    let engine = Arc::new(Engine::new(Store::default()));
    assert_eq!(agreed(in_memory(&engine)), V::V2_1);
    assert_eq!(
        agreed(in_memory(&engine).versions(V::V1_0, V::V1_3)),
        V::V1_3
    );
    assert_eq!(agreed(in_memory(&engine).version(V::V1_1)), V::V1_1);
}

#[test]
fn a_server_that_answers_unknown_versions_in_1_0_without_operation() {
    let server = || {
        answering(|request| {
            Some(match request.request_header.protocol_version {
                V::V2_1 => response(V::V1_0, vec![failure(None, ResultReason::INVALID_MESSAGE)]),
                _ => known(request, &PYKMIP),
            })
        })
    };
    assert_eq!(agreed(server()), V::V2_0);
    assert_eq!(agreed(server().versions(V::V1_0, V::V1_4)), V::V1_4);
}

#[test]
fn a_server_that_closes_on_unknown_versions() {
    let connections = Arc::new(AtomicUsize::new(0));
    let server = answering({
        let connections = connections.clone();
        move |request| {
            connections.fetch_add(1, Ordering::SeqCst);
            let version = request.request_header.protocol_version;
            (version <= V::V1_1).then(|| known(request, &[V::V1_1, V::V1_0]))
        }
    });
    assert_eq!(agreed(server), V::V1_1);
    assert!(connections.load(Ordering::SeqCst) <= 7);
}

#[test]
fn a_server_that_fails_in_general_above_1_2() {
    let server = answering(|request| {
        let version = request.request_header.protocol_version;
        Some(match version <= V::V1_2 {
            true => known(request, &[V::V1_2, V::V1_1, V::V1_0]),
            false => response(version, vec![failure(None, ResultReason::GENERAL_FAILURE)]),
        })
    });
    assert_eq!(agreed(server), V::V1_2);
}

#[test]
fn a_1_0_server_that_does_not_know_the_operation() {
    let server = answering(|request| {
        let operation = Some(request.batch_item[0].operation);
        let reason = ResultReason::OPERATION_NOT_SUPPORTED;
        Some(response(V::V1_0, vec![failure(operation, reason)]))
    });
    assert_eq!(agreed(server), V::V1_0);
}

#[test]
fn a_1_0_server_that_refuses_all_other_versions() {
    let server = answering(|request| {
        Some(match request.request_header.protocol_version {
            V::V1_0 => known(request, &[]),
            _ => response(V::V1_0, vec![failure(None, ResultReason::INVALID_MESSAGE)]),
        })
    });
    assert_eq!(agreed(server), V::V1_0);
}

#[test]
fn nothing_in_common_shows_what_the_server_has() {
    let server = answering(|request| Some(known(request, &[V::new(3, 0), V::V1_2])));
    let error = server.versions(V::V2_0, V::V2_1).connect().unwrap_err();
    assert!(matches!(error.problem(), Problem::NoCommonVersion { .. }));
    let text = error.to_string();
    assert!(
        text.contains("3.0, 1.2") && text.contains("in.memory:5696"),
        "{text}"
    );
}

#[test]
fn a_server_that_understands_nothing_shows_all_attempts() {
    let server = answering(|request| {
        let version = request.request_header.protocol_version;
        Some(response(
            version,
            vec![failure(None, ResultReason::INVALID_MESSAGE)],
        ))
    });
    let error = server.connect().unwrap_err();
    let Problem::NoCommonVersion { attempts, .. } = error.problem() else {
        panic!("{error:?}");
    };
    let tried: Vec<V> = attempts.iter().map(|attempt| attempt.version).collect();
    let order = [
        V::V2_1,
        V::V1_2,
        V::V1_4,
        V::V2_0,
        V::V1_3,
        V::V1_1,
        V::V1_0,
    ];
    assert_eq!(tried, order);
    assert!(
        !error.to_string().contains('\n'),
        "a server's text must stay on its line"
    );
}

#[test]
fn a_refused_credential_is_not_taken_for_a_matter_of_versions() {
    let requests = Arc::new(AtomicUsize::new(0));
    let server = answering({
        let requests = requests.clone();
        move |request| {
            requests.fetch_add(1, Ordering::SeqCst);
            let version = request.request_header.protocol_version;
            let reason = ResultReason::AUTHENTICATION_NOT_SUCCESSFUL;
            Some(response(version, vec![failure(None, reason)]))
        }
    });
    let error = server.connect().unwrap_err();
    assert!(error.is_permission_denied());
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[test]
fn the_client_can_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Client>();
}
