//! What is done once is not done twice, whatever the operation; the table of `is_repeatable`.

#![cfg(feature = "arbitrary")]

#[path = "support/random.rs"]
mod random;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmip::ProtocolVersion as V;
use kmip::client::{Batch, Client, is_repeatable};
use kmip::types::{
    Enumeration, LocateRequest, LocateResponse, Operation, RequestMessage, ResponseBatchItem,
};
use random::{operations, pairs};
use support::{answer_all, connecting, response};

/// Operations that change nothing.
const HARMLESS: [Operation; 12] = [
    Operation::LOCATE,
    Operation::CHECK,
    Operation::GET,
    Operation::GET_ATTRIBUTES,
    Operation::GET_ATTRIBUTE_LIST,
    Operation::VALIDATE,
    Operation::QUERY,
    Operation::DISCOVER_VERSIONS,
    Operation::EXPORT,
    Operation::GET_CONSTRAINTS,
    Operation::QUERY_ASYNCHRONOUS_REQUESTS,
    Operation::PING,
];

/// A client whose server answers the first request, on its first connection, and after that performs
/// what it is asked for and closes the connection instead of answering.
fn forgetful(version: V, performed: &Arc<AtomicUsize>) -> Client {
    let performed = performed.clone();
    let server = connecting(move |stream, _| {
        answer_all(stream, &|request: &RequestMessage<'_>| {
            let first = performed.fetch_add(1, Ordering::SeqCst) == 0;
            first.then(|| {
                let version = request.request_header.protocol_version;
                let located = ResponseBatchItem::success(LocateResponse::default());
                response(version, vec![located])
            })
        });
    });
    let settings = server.version(version).sends_values_of_other_versions(true);
    let mut client = settings.connect().unwrap();
    client.call(LocateRequest::default()).unwrap();
    client
}

#[test]
fn only_operations_that_change_nothing_are_sent_again() {
    let mut seen = 0;
    for version in [V::V1_4, V::V2_1] {
        for (number, (request, _)) in pairs(version) {
            let operation = Operation(number);
            let harmless = HARMLESS.contains(&operation);
            assert_eq!(is_repeatable(operation), harmless, "{operation:?}");
            let performed = Arc::new(AtomicUsize::new(0));
            let mut client = forgetful(version, &performed);
            let error = client.send_batch(Batch::new().with(request)).unwrap_err();
            let sent = performed.load(Ordering::SeqCst) - 1;
            assert_eq!(sent, if harmless { 2 } else { 1 }, "{operation:?}: {error}");
            assert_eq!(error.operation(), Some(operation));
            assert_eq!(error.is_retryable(), harmless, "{error}");
            assert_eq!(error.may_have_been_performed(), !harmless, "{error}");
            let text = match harmless {
                true => "(can be tried again)",
                false => "(may have been performed)",
            };
            assert!(error.to_string().ends_with(text), "{error}");
            seen += 1;
        }
    }
    assert_eq!(seen, operations(V::V1_4).len() + operations(V::V2_1).len());
    let unknown = Operation(0x8000_0001);
    assert!(!is_repeatable(unknown), "nobody knows what it does");
}

#[test]
fn a_batch_is_sent_again_only_if_all_its_operations_are_harmless() {
    let pairs = pairs(V::V1_4);
    let request = |operation: Operation| pairs[&operation.value()].0.clone();
    for (operations, sent) in [
        ([Operation::GET, Operation::LOCATE], 2),
        ([Operation::LOCATE, Operation::CREATE], 1),
        ([Operation::DESTROY, Operation::LOCATE], 1),
    ] {
        let performed = Arc::new(AtomicUsize::new(0));
        let mut client = forgetful(V::V1_4, &performed);
        let [first, second] = operations.map(request);
        let batch = Batch::new().with(first).with(second);
        let error = client.send_batch(batch).unwrap_err();
        assert_eq!(performed.load(Ordering::SeqCst) - 1, sent, "{operations:?}");
        assert_eq!(error.is_retryable(), sent == 2, "{error}");
        assert_eq!(error.may_have_been_performed(), sent == 1, "{error}");
    }
}

#[test]
fn the_documentation_tells_of_each_operation() {
    let source = include_str!("../src/client/repeat.rs");
    let rows = source
        .lines()
        .filter_map(|line| line.strip_prefix("/// | "));
    let rows = rows.filter_map(|row| row.strip_suffix(" |"));
    let mut told = BTreeMap::new();
    for row in rows.skip(1) {
        let (operations, verdict) = (row.split(" | ").next(), row.ends_with(" | yes"));
        for operation in operations.unwrap_or_default().split(", ") {
            assert_eq!(told.insert(operation, verdict), None, "{operation} twice");
        }
    }
    let all = operations(V::LATEST).into_iter();
    let expected = all.map(|one| (one.name().unwrap(), is_repeatable(one)));
    assert_eq!(told, expected.collect());
}
