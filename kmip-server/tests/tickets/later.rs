//! Tickets and what is processed asynchronously.

use kmip::types::{
    AsynchronousIndicator, CancelRequest, PollRequest, ProcessRequest, ProcessingStage,
    QueryAsynchronousRequestsRequest,
};

use super::*;

type Answer = Result<(), Option<ResultReason>>;

const REFUSED: Answer = Err(Some(ResultReason::NOT_AUTHORISED));
/// What waits has no reason.
const PENDING: Answer = Err(None);

/// A ticket for these operations, on whatever object, to protect once.
fn ticket_for(world: &World, operations: &[Operation]) -> Ticket<'static> {
    let right = Right {
        operations: Some(Operations {
            operation: operations.to_vec(),
            ..Operations::default()
        }),
        usage_limits: Some(limit(UsageLimitsUnit::OBJECT, 1)),
        ..Right::default()
    };
    let login = DelegatedLoginRequest {
        rights: Rights {
            right: vec![right],
            ..Rights::default()
        },
        ..DelegatedLoginRequest::default()
    };
    world.call(VERSION, login).expect("login").ticket
}

/// Asks for something later, with a ticket or as the client itself.
fn later<'a, R: OperationRequest<'a>>(
    world: &World,
    ticket: Option<&Ticket<'static>>,
    request: R,
) -> ResponseBatchItem<'static> {
    send(world, VERSION, request, |message| {
        let header = &mut message.request_header;
        header.asynchronous_indicator = Some(AsynchronousIndicator::MANDATORY);
        header.authentication = ticket.map(|own| Credential::ticket(own.clone()).into());
    })
}

fn poll(correlation: &[u8]) -> PollRequest<'static> {
    PollRequest {
        asynchronous_correlation_value: correlation.to_vec().into(),
        ..PollRequest::default()
    }
}

#[test]
fn a_limited_ticket_does_not_get_beyond_its_limits_later() {
    let world = World::new();
    let key = world.create(VERSION, []);
    world.activate(VERSION, &key).unwrap();
    let ticket = ticket_for(&world, &[Operation::ENCRYPT]);
    let encrypt = crate::common::encrypt(&key, BlockCipherMode::ECB, 16);
    for _ in 0..2 {
        let answer = later(&world, Some(&ticket), encrypt.clone());
        assert_eq!(answer.result_status, ResultStatus::OPERATION_FAILED);
        assert_eq!(answer.result_reason, Some(ResultReason::NOT_AUTHORISED));
    }
    let query = QueryAsynchronousRequestsRequest::default();
    let waiting = world.call(VERSION, query).unwrap().asynchronous_request;
    assert_eq!(waiting, []);
    assert_eq!(with_ticket(&world, &ticket, encrypt.clone()), Ok(()));
    assert_eq!(with_ticket(&world, &ticket, encrypt.clone()), USED_UP);
    // One without limits is as good as the client.
    let free = login(&world, LoginRequest::default());
    let answer = later(&world, Some(&free), encrypt);
    assert_eq!(answer.result_status, ResultStatus::OPERATION_PENDING);
}

#[test]
fn with_a_limited_ticket_what_its_client_has_deferred_stays_as_it_is() {
    let world = World::new();
    let key = world.create(VERSION, []);
    let answer = later(&world, None, attributes_of(&key));
    let correlation = answer.asynchronous_correlation_value.unwrap().into_owned();
    let process = || ProcessRequest {
        asynchronous_correlation_value: correlation.clone().into(),
        ..ProcessRequest::default()
    };
    let cancel = || CancelRequest {
        asynchronous_correlation_value: correlation.clone().into(),
        ..CancelRequest::default()
    };
    let stage = || {
        let query = QueryAsynchronousRequestsRequest::default();
        let waiting = world.call(VERSION, query).unwrap().asynchronous_request;
        waiting[0].processing_stage
    };

    let for_a_while = login(&world, for_requests(10));
    // The client itself has logged in meanwhile, and its request was performed before that.
    assert_eq!(stage(), ProcessingStage::COMPLETED);
    let polls = ticket_for(&world, &[Operation::POLL]);
    let reads = ticket_for(&world, &[Operation::POLL, Operation::GET_ATTRIBUTES]);
    let encrypts = ticket_for(&world, &[Operation::ENCRYPT]);
    for ticket in [&polls, &encrypts] {
        assert_eq!(with_ticket(&world, ticket, poll(&correlation)), REFUSED);
    }
    assert_eq!(with_ticket(&world, &encrypts, cancel()), REFUSED);
    assert_eq!(with_ticket(&world, &reads, poll(&correlation)), Ok(()));

    let answer = later(&world, None, attributes_of(&key));
    let correlation = answer.asynchronous_correlation_value.unwrap().into_owned();
    let process_this = ProcessRequest {
        asynchronous_correlation_value: correlation.clone().into(),
        ..process()
    };
    let ask = || attributes_of(&key);
    assert_eq!(with_ticket(&world, &for_a_while, ask()), Ok(()));
    assert_eq!(with_ticket(&world, &for_a_while, process_this), REFUSED);
    let polled = with_ticket(&world, &for_a_while, poll(&correlation));
    assert_eq!(polled, PENDING);
    assert_eq!(stage(), ProcessingStage::SUBMITTED);
    world.call(VERSION, ask()).unwrap();
    assert_eq!(stage(), ProcessingStage::COMPLETED);
}
