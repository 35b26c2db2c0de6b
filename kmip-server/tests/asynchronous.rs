//! Requests that are processed asynchronously, by whichever server the client asks.

mod common;

use std::sync::Arc;

use common::conflicts::ConflictingStore;
use common::{World, create, name, peer, send};
use kmip::ProtocolVersion;
use kmip::types::{
    AsynchronousIndicator, BatchErrorContinuationOption, CancelRequest, CancellationResult,
    CreateRequest, GetAttributesRequest, GetRequest, LocateRequest, Operation, OperationRequest,
    Operations, PollRequest, ProcessRequest, ProcessingStage, QueryAsynchronousRequestsRequest,
    RequestBatchItem, RequestMessage, RequestPayload, ResponseBatchItem, ResponsePayload,
    ResultReason, ResultStatus,
};
use kmip_server::{MemoryStore, Store};
use test_support::Authority;

fn deferred<'a, R: OperationRequest<'a>>(
    world: &World,
    version: ProtocolVersion,
    request: R,
) -> ResponseBatchItem<'static> {
    send(world, version, request, |message| {
        message.request_header.asynchronous_indicator = Some(match common::is_2x(version) {
            true => AsynchronousIndicator::MANDATORY,
            false => AsynchronousIndicator::OPTIONAL,
        });
    })
}

fn poll(
    world: &World,
    version: ProtocolVersion,
    pending: &ResponseBatchItem<'static>,
) -> ResponseBatchItem<'static> {
    let request = PollRequest {
        asynchronous_correlation_value: correlation(pending).into(),
        ..PollRequest::default()
    };
    send(world, version, request, |_| {})
}

fn correlation(pending: &ResponseBatchItem<'static>) -> Vec<u8> {
    assert_eq!(pending.result_status, ResultStatus::OPERATION_PENDING);
    let value = pending.asynchronous_correlation_value.clone();
    value.expect("a correlation value").into_owned()
}

#[test]
fn what_is_asked_for_asynchronously_is_polled() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let pending = deferred(&world, version, create([name("later")]));
        assert_eq!(pending.operation, Some(Operation::CREATE));
        let done = poll(&world, version, &pending);
        assert_eq!(done.operation, Some(Operation::CREATE), "{version}");
        assert_eq!(done.result_status, ResultStatus::SUCCESS);
        let Some(ResponsePayload::Create(created)) = done.response_payload else {
            panic!("no key was made");
        };
        let found = world.call(version, named("later")).expect("locate");
        assert_eq!(found.unique_identifier, [created.unique_identifier]);
        // The result is given once.
        let again = poll(&world, version, &pending);
        assert_eq!(again.result_status, ResultStatus::OPERATION_FAILED);
    }
}

#[test]
fn what_fails_later_is_told_when_polled() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let pending = deferred(&world, version, CreateRequest::default());
    let failed = poll(&world, version, &pending);
    assert_eq!(failed.operation, Some(Operation::CREATE));
    assert_eq!(failed.result_reason, Some(ResultReason::INVALID_MESSAGE));
}

#[test]
fn what_is_cancelled_is_not_done_but_what_comes_before_other_requests_is() {
    for version in [ProtocolVersion::V1_0, ProtocolVersion::V2_1] {
        let world = World::new();
        let cancel = |pending: &ResponseBatchItem<'static>| {
            let request = CancelRequest {
                asynchronous_correlation_value: correlation(pending).into(),
                ..CancelRequest::default()
            };
            let answer = world.call(version, request).expect("cancel");
            answer.cancellation_result
        };
        let pending = deferred(&world, version, create([name("never")]));
        assert_eq!(cancel(&pending), CancellationResult::CANCELED);
        let found = world.call(version, named("never")).expect("locate");
        assert!(found.unique_identifier.is_empty());
        let pending = deferred(&world, version, create([name("now")]));
        let found = world.call(version, named("now")).expect("locate");
        assert_eq!(found.unique_identifier.len(), 1);
        assert_eq!(cancel(&pending), CancellationResult::COMPLETED);
    }
}

#[test]
fn nobody_polls_what_another_client_asked_for() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let pending = deferred(&world, version, create([]));
    let authority = test_support::Authority::new("tests");
    let request = PollRequest {
        asynchronous_correlation_value: correlation(&pending).into(),
        ..PollRequest::default()
    };
    let message = RequestMessage::single(version, request);
    let answer = world.exchange(&common::peer(&authority, "other"), &message);
    let reason = answer.batch_item[0].result_reason;
    let expected = ResultReason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE;
    assert_eq!(reason, Some(expected));
}

fn named(text: &str) -> LocateRequest<'static> {
    LocateRequest {
        attributes: [name(text)].into(),
        ..LocateRequest::default()
    }
}

#[test]
fn a_client_can_ask_what_it_has_not_polled() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let query = |operations: &[Operation]| {
        let request = QueryAsynchronousRequestsRequest {
            operations: (!operations.is_empty()).then(|| Operations {
                operation: operations.to_vec(),
                ..Operations::default()
            }),
            ..QueryAsynchronousRequestsRequest::default()
        };
        world.call(version, request).unwrap().asynchronous_request
    };
    assert_eq!(query(&[]), []);
    let pending = deferred(&world, version, create([]));
    let value = correlation(&pending);
    let [waiting] = &query(&[Operation::CREATE])[..] else {
        panic!("one request waits");
    };
    assert_eq!(*waiting.asynchronous_correlation_value, value[..]);
    assert_eq!(waiting.processing_stage, ProcessingStage::SUBMITTED);
    assert_eq!(waiting.submission_date.0, common::NOW.0 * 1_000_000);
    assert_eq!(query(&[Operation::DESTROY]), []);
    let process = |value: &[u8]| ProcessRequest {
        asynchronous_correlation_value: value.to_vec().into(),
        ..ProcessRequest::default()
    };
    world.call(version, process(&value)).unwrap();
    assert_eq!(query(&[])[0].processing_stage, ProcessingStage::COMPLETED);
    // Others know nothing of it.
    let authority = test_support::Authority::new("CA");
    let other = common::peer(&authority, "other");
    let all = QueryAsynchronousRequestsRequest::default();
    let told = world.call_as(&other, version, all).unwrap();
    assert_eq!(told.asynchronous_request, []);
    let refused = world.call_as(&other, version, process(&value));
    let reason = ResultReason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE;
    assert_eq!(refused.unwrap_err(), reason);
    assert_eq!(
        poll(&world, version, &pending).result_status,
        ResultStatus::SUCCESS
    );
    assert_eq!(query(&[]), []);
}

/// Two servers with one store.
fn two(store: &Arc<ConflictingStore>) -> [World; 2] {
    [0, 1].map(|_| {
        World::with(store.clone(), |configuration| {
            // The database is away now and then.
            configuration.report = Arc::new(|_| {});
        })
    })
}

#[test]
fn the_other_server_performs_what_one_has_accepted() {
    for version in [ProtocolVersion::V1_0, ProtocolVersion::V2_1] {
        let store = ConflictingStore::new();
        let [one, other] = two(&store);
        let pending = deferred(&one, version, create([name("later")]));
        store.conflict(3);
        let done = poll(&other, version, &pending);
        assert_eq!(done.result_status, ResultStatus::SUCCESS, "{version}");
        assert!(store.is_through());
        store.begun();
        let done = deferred(&one, version, create([name("done")]));
        one.call(version, named("done")).expect("locate");
        // Accepted, begun, created and done.
        assert_eq!(store.begun(), 4, "{version}");
        poll(&other, version, &done);
        assert_eq!(store.begun(), 1, "{version}");
        // The first one has no reason any more to do it.
        let found = one.call(version, named("later")).expect("locate");
        assert_eq!(found.unique_identifier.len(), 1, "{version}");
        let again = poll(&one, version, &pending);
        assert_eq!(again.result_status, ResultStatus::OPERATION_FAILED);
    }
}

#[test]
fn the_other_server_tells_and_cancels_what_one_has_accepted() {
    let version = ProtocolVersion::V2_1;
    let [one, other] = two(&ConflictingStore::new());
    let query = || {
        let request = QueryAsynchronousRequestsRequest::default();
        other.call(version, request).unwrap().asynchronous_request
    };
    let [first, second] = [(), ()].map(|()| deferred(&one, version, create([])));
    let told: Vec<_> = query()
        .iter()
        .map(|told| told.asynchronous_correlation_value.to_vec())
        .collect();
    assert_eq!(told, [correlation(&first), correlation(&second)]);
    let cancel = CancelRequest {
        asynchronous_correlation_value: correlation(&first).into(),
        ..CancelRequest::default()
    };
    let cancelled = other.call(version, cancel).unwrap();
    assert_eq!(cancelled.cancellation_result, CancellationResult::CANCELED);
    let process = ProcessRequest {
        asynchronous_correlation_value: correlation(&second).into(),
        ..ProcessRequest::default()
    };
    other.call(version, process).unwrap();
    assert_eq!(query()[0].processing_stage, ProcessingStage::COMPLETED);
    // What was cancelled is not done by the server that has accepted it.
    let found = one.call(version, LocateRequest::default()).unwrap();
    assert_eq!(found.unique_identifier.len(), 1);
}

/// A server that is gone has perhaps performed what it had begun. Nobody does it again, and the client is
/// told some time.
#[test]
fn what_a_server_has_begun_is_not_done_again() {
    let version = ProtocolVersion::V2_1;
    let store = ConflictingStore::new();
    let [one, other] = two(&store);
    let pending = deferred(&one, version, create([]));
    // Begin, Create, and then the result.
    store.go_away_at(3);
    one.call(version, LocateRequest::default()).unwrap();
    assert!(store.is_through());
    store.begun();
    for world in [&one, &other] {
        let again = poll(world, version, &pending);
        assert_eq!(again.result_status, ResultStatus::OPERATION_PENDING);
        // Nobody else has to wait for a client that asks again and again.
        assert_eq!(store.begun(), 0);
        let found = world.call(version, LocateRequest::default()).unwrap();
        assert_eq!(found.unique_identifier.len(), 1);
    }
    other.clock.advance(601);
    let lost = poll(&other, version, &pending);
    assert_eq!(lost.operation, Some(Operation::CREATE));
    assert_eq!(lost.result_reason, Some(ResultReason::GENERAL_FAILURE));
    let again = poll(&other, version, &pending);
    let reason = ResultReason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE;
    assert_eq!(again.result_reason, Some(reason));
}

#[test]
fn a_client_leaves_so_much_and_that_for_a_day() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    for _ in 0..256 {
        deferred(&world, version, LocateRequest::default());
    }
    let refused = deferred(&world, version, LocateRequest::default());
    let reason = ResultReason::SERVER_LIMIT_EXCEEDED;
    assert_eq!(refused.result_reason, Some(reason));
    world.clock.advance(86_400);
    let pending = deferred(&world, version, LocateRequest::default());
    assert_eq!(pending.result_status, ResultStatus::OPERATION_PENDING);
}

/// What it polls at another server is not in the store any more, but the one that has accepted it still
/// takes it for waiting.
#[test]
fn a_client_does_not_take_the_places_of_others() {
    for (version, reason) in [
        (ProtocolVersion::V1_4, ResultReason::GENERAL_FAILURE),
        (ProtocolVersion::V2_1, ResultReason::SERVER_LIMIT_EXCEEDED),
    ] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let [mut one, other] = [(), ()].map(|()| World::with(store.clone(), |_| {}));
        for _ in 0..256 {
            let pending = deferred(&one, version, LocateRequest::default());
            let done = poll(&other, version, &pending);
            assert_eq!(done.result_status, ResultStatus::SUCCESS, "{version}");
        }
        let refused = deferred(&one, version, LocateRequest::default());
        assert_eq!(refused.result_reason, Some(reason), "{version}");
        let greedy = one.peer.clone();
        one.peer = peer(&Authority::new("tests"), "other");
        correlation(&deferred(&one, version, LocateRequest::default()));
        // Anything else that the client asks for tells the server what has been done.
        one.peer = greedy;
        one.call(version, LocateRequest::default()).unwrap();
        correlation(&deferred(&one, version, LocateRequest::default()));
    }
}

#[test]
fn a_client_that_cancels_takes_no_place() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    for _ in 0..1100 {
        let pending = deferred(&world, version, LocateRequest::default());
        let request = CancelRequest {
            asynchronous_correlation_value: correlation(&pending).into(),
            ..CancelRequest::default()
        };
        let answer = world.call(version, request).expect("cancel");
        assert_eq!(answer.cancellation_result, CancellationResult::CANCELED);
    }
}

#[test]
fn after_a_day_nothing_is_performed_told_or_given() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let waiting = deferred(&world, version, create([name("never")]));
    world.clock.advance(86_400);
    let query = QueryAsynchronousRequestsRequest::default();
    let told = world.call(version, query).unwrap().asynchronous_request;
    assert_eq!(told, []);
    let done = deferred(&world, version, create([name("done")]));
    let found = world.call(version, LocateRequest::default()).unwrap();
    assert_eq!(found.unique_identifier.len(), 1);
    world.clock.advance(86_400);
    for pending in [&waiting, &done] {
        let late = poll(&world, version, pending);
        let reason = ResultReason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE;
        assert_eq!(late.result_reason, Some(reason));
    }
    let found = world.call(version, named("never")).unwrap();
    assert!(found.unique_identifier.is_empty());
}

#[test]
fn what_has_ended_does_not_stay_until_its_client_comes_again() {
    let version = ProtocolVersion::V2_1;
    let store = Arc::new(MemoryStore::new());
    let mut world = World::with(store.clone(), |_| {});
    let kept = || store.view().unwrap().list(None, 100).unwrap().len();
    for _ in 0..3 {
        deferred(&world, version, LocateRequest::default());
    }
    world.peer = common::peer(&test_support::Authority::new("tests"), "other");
    world.clock.advance(86_399);
    deferred(&world, version, LocateRequest::default());
    assert_eq!(kept(), 4);
    world.clock.advance(86_399);
    deferred(&world, version, LocateRequest::default());
    assert_eq!(kept(), 2);
}

/// A batch that is undone if it fails.
fn undone_if_it_fails(
    world: &World,
    version: ProtocolVersion,
    requests: Vec<RequestPayload<'_>>,
) -> Vec<ResultStatus> {
    let mut message = RequestMessage::default();
    let header = &mut message.request_header;
    header.protocol_version = version;
    header.batch_count = requests.len() as i32;
    header.batch_error_continuation_option = Some(BatchErrorContinuationOption::UNDO);
    for (number, request) in requests.into_iter().enumerate() {
        let mut item = RequestBatchItem::new(request);
        item.unique_batch_item_id = Some(vec![number as u8].into());
        message.batch_item.push(item);
    }
    let answers = world.exchange(&world.peer, &message).batch_item;
    answers.iter().map(|answer| answer.result_status).collect()
}

#[test]
fn what_a_batch_causes_to_be_performed_has_no_part_in_it() {
    let version = ProtocolVersion::V2_1;
    let [one, other] = two(&ConflictingStore::new());
    let made = deferred(&one, version, create([name("later")]));
    let placeholder = deferred(&one, version, GetAttributesRequest::default());
    let process = |pending| ProcessRequest {
        asynchronous_correlation_value: correlation(pending).into(),
        ..ProcessRequest::default()
    };
    let missing = GetRequest {
        unique_identifier: Some("missing".to_owned().into()),
        ..GetRequest::default()
    };
    let batch = vec![
        create([name("own")]).into(),
        process(&made).into(),
        process(&placeholder).into(),
        missing.into(),
    ];
    let (undone, failed) = (
        ResultStatus::OPERATION_UNDONE,
        ResultStatus::OPERATION_FAILED,
    );
    let statuses = undone_if_it_fails(&other, version, batch);
    assert_eq!(statuses, [undone, undone, undone, failed]);
    let found = |text| {
        let found = other.call(version, named(text)).expect("locate");
        found.unique_identifier
    };
    assert!(found("own").is_empty());
    let Some(ResponsePayload::Create(created)) = poll(&other, version, &made).response_payload
    else {
        panic!("no key was made");
    };
    assert_eq!(found("later"), [created.unique_identifier]);
    // It stood alone in its message.
    let answer = poll(&other, version, &placeholder);
    assert_eq!(answer.result_reason, Some(ResultReason::ITEM_NOT_FOUND));
}
