//! What lasts longer than a message: asynchronous requests, tickets, and who a client is.

mod common;

use common::{World, create, name};
use kmip::ProtocolVersion;
use kmip::types::{
    AsynchronousIndicator, Authentication, BlockCipherMode, CancelRequest, CancellationResult,
    CreateRequest, Credential, CredentialType, CredentialValue, CryptographicParameters, Data,
    DelegatedLoginRequest, DeviceCredential, EncryptRequest, GetAttributesRequest, GetRequest,
    Interval, LocateRequest, LoginRequest, LogoutRequest, Objects, Operation, OperationRequest,
    Operations, PollRequest, ProcessRequest, ProcessingStage, QueryAsynchronousRequestsRequest,
    RequestMessage, ResponseBatchItem, ResponsePayload, ResultReason, ResultStatus, Right, Rights,
    RngSeedRequest, Ticket, TicketCredential, UniqueIdentifier, UsageLimits, UsageLimitsUnit,
};
use kmip_server::SeedPolicy;

fn send<'a, R: OperationRequest<'a>>(
    world: &World,
    version: ProtocolVersion,
    request: R,
    change: impl FnOnce(&mut RequestMessage<'a>),
) -> ResponseBatchItem<'static> {
    let mut message = RequestMessage::single(version, request);
    change(&mut message);
    world.exchange(&world.peer, &message).batch_item.remove(0)
}

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

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

fn with_ticket<'a, R: OperationRequest<'a>>(
    world: &World,
    ticket: &Ticket<'static>,
    request: R,
) -> Result<(), Option<ResultReason>> {
    let credential = CredentialValue::Ticket(TicketCredential {
        ticket: ticket.clone(),
        ..TicketCredential::default()
    });
    let item = send(world, VERSION, request, |message| {
        message.request_header.authentication = Some(given(CredentialType::TICKET, credential));
    });
    match item.result_status {
        ResultStatus::SUCCESS => Ok(()),
        _ => Err(item.result_reason),
    }
}

fn given(kind: CredentialType, value: CredentialValue<'_>) -> Authentication<'_> {
    Authentication {
        credential: vec![Credential {
            credential_type: kind,
            credential_value: value,
            ..Credential::default()
        }],
        ..Authentication::default()
    }
}

fn attributes_of(object: &UniqueIdentifier<'static>) -> GetAttributesRequest<'static> {
    GetAttributesRequest {
        unique_identifier: Some(object.clone()),
        ..GetAttributesRequest::default()
    }
}

#[test]
fn a_ticket_stands_for_its_client_until_it_ends() {
    let world = World::new();
    let key = world.create(VERSION, []);
    let login = LoginRequest {
        lease_time: Some(Interval(60)),
        request_count: Some(2),
        ..LoginRequest::default()
    };
    let ticket = world.call(VERSION, login.clone()).expect("login").ticket;
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&key)), Ok(()));
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&key)), Ok(()));
    let used_up = with_ticket(&world, &ticket, attributes_of(&key));
    assert_eq!(used_up, Err(Some(ResultReason::USAGE_LIMIT_EXCEEDED)));

    let ticket = world.call(VERSION, login).expect("login").ticket;
    world.clock.advance(61);
    let late = with_ticket(&world, &ticket, attributes_of(&key));
    assert_eq!(late, Err(Some(ResultReason::INVALID_TICKET)));

    let ticket = world
        .call(VERSION, LoginRequest::default())
        .expect("login")
        .ticket;
    let logout = LogoutRequest {
        ticket: ticket.clone(),
        ..LogoutRequest::default()
    };
    world.call(VERSION, logout).expect("logout");
    let out = with_ticket(&world, &ticket, attributes_of(&key));
    assert_eq!(out, Err(Some(ResultReason::INVALID_TICKET)));
}

#[test]
fn a_limited_ticket_does_not_buy_another() {
    let world = World::new();
    let anything = DelegatedLoginRequest {
        rights: Rights {
            right: vec![Right::default()],
            ..Rights::default()
        },
        ..DelegatedLoginRequest::default()
    };
    let delegated = world.call(VERSION, anything.clone());
    let mut tickets = vec![delegated.expect("a delegated login").ticket];
    for limited in [
        LoginRequest {
            lease_time: Some(Interval(60)),
            ..LoginRequest::default()
        },
        LoginRequest {
            request_count: Some(5),
            ..LoginRequest::default()
        },
        LoginRequest {
            usage_limits: Some(limit(UsageLimitsUnit::BYTE, 100)),
            ..LoginRequest::default()
        },
    ] {
        tickets.push(world.call(VERSION, limited).expect("login").ticket);
    }
    let refused = Err(Some(ResultReason::NOT_AUTHORISED));
    for ticket in tickets {
        let again = with_ticket(&world, &ticket, LoginRequest::default());
        assert_eq!(again, refused);
        let again = with_ticket(&world, &ticket, anything.clone());
        assert_eq!(again, refused);
    }
    let free = world.call(VERSION, LoginRequest::default()).expect("login");
    let again = with_ticket(&world, &free.ticket, LoginRequest::default());
    assert_eq!(again, Ok(()));
}

#[test]
fn a_delegated_ticket_allows_what_its_rights_name() {
    let world = World::new();
    let (mine, other) = (world.create(VERSION, []), world.create(VERSION, []));
    let right = Right {
        operations: Some(Operations {
            operation: vec![Operation::GET_ATTRIBUTES],
            ..Operations::default()
        }),
        objects: Some(Objects {
            unique_identifier: vec![mine.clone()],
            ..Objects::default()
        }),
        ..Right::default()
    };
    let login = DelegatedLoginRequest {
        rights: Rights {
            right: vec![right],
            ..Rights::default()
        },
        ..DelegatedLoginRequest::default()
    };
    let ticket = world.call(VERSION, login).expect("login").ticket;
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&mine)), Ok(()));
    let refused = Err(Some(ResultReason::NOT_AUTHORISED));
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&other)), refused);
    let get = GetRequest {
        unique_identifier: Some(mine),
        ..GetRequest::default()
    };
    assert_eq!(with_ticket(&world, &ticket, get), refused);
    let nothing = GetAttributesRequest::default();
    assert_eq!(with_ticket(&world, &ticket, nothing), refused);
}

fn limit(unit: UsageLimitsUnit, total: i64) -> UsageLimits<'static> {
    UsageLimits {
        usage_limits_total: total,
        usage_limits_unit: unit,
        // What the client says has no effect.
        usage_limits_count: Some(1_000_000),
        ..UsageLimits::default()
    }
}

#[test]
fn usage_limits_of_tickets_and_their_rights_are_kept() {
    let world = World::new();
    let [mine, other] = [0, 1].map(|_| {
        let key = world.create(VERSION, []);
        world.activate(VERSION, &key).unwrap();
        key
    });
    let encrypt = |ticket: &Ticket<'static>, key: &UniqueIdentifier<'static>, blocks: usize| {
        let request = EncryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::ECB),
                ..CryptographicParameters::default()
            }),
            data: Some(Data::from(vec![0; 16 * blocks])),
            ..EncryptRequest::default()
        };
        with_ticket(&world, ticket, request)
    };
    let exceeded = Err(Some(ResultReason::USAGE_LIMIT_EXCEEDED));

    let login = LoginRequest {
        usage_limits: Some(limit(UsageLimitsUnit::BYTE, 48)),
        ..LoginRequest::default()
    };
    let ticket = world.call(VERSION, login).expect("login").ticket;
    assert_eq!(encrypt(&ticket, &mine, 2), Ok(()));
    assert_eq!(encrypt(&ticket, &mine, 2), exceeded);
    assert_eq!(encrypt(&ticket, &mine, 1), Ok(()));
    assert_eq!(encrypt(&ticket, &mine, 1), exceeded);
    // To ask protects nothing.
    assert_eq!(with_ticket(&world, &ticket, attributes_of(&mine)), Ok(()));

    let right = Right {
        usage_limits: Some(limit(UsageLimitsUnit::OBJECT, 1)),
        objects: Some(Objects {
            unique_identifier: vec![mine.clone()],
            ..Objects::default()
        }),
        ..Right::default()
    };
    let login = DelegatedLoginRequest {
        rights: Rights {
            right: vec![right],
            ..Rights::default()
        },
        ..DelegatedLoginRequest::default()
    };
    let ticket = world.call(VERSION, login.clone()).expect("login").ticket;
    assert_eq!(encrypt(&ticket, &mine, 1), Ok(()));
    assert_eq!(encrypt(&ticket, &mine, 1), exceeded);
    let refused = Err(Some(ResultReason::NOT_AUTHORISED));
    assert_eq!(encrypt(&ticket, &other, 1), refused);
    // Another ticket has limits of its own.
    let ticket = world.call(VERSION, login).expect("login").ticket;
    assert_eq!(encrypt(&ticket, &mine, 1), Ok(()));

    let negative = LoginRequest {
        usage_limits: Some(limit(UsageLimitsUnit::BYTE, -1)),
        ..LoginRequest::default()
    };
    let refused = world.call(VERSION, negative).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_FIELD);
}

#[test]
fn a_made_up_ticket_is_refused() {
    let world = World::new();
    let key = world.create(VERSION, []);
    let made_up = with_ticket(&world, &Ticket::default(), attributes_of(&key));
    assert_eq!(made_up, Err(Some(ResultReason::INVALID_TICKET)));
}

#[test]
fn devices_do_not_see_each_others_objects() {
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let as_device = |serial: &'static str, object: Option<&UniqueIdentifier<'static>>| {
        let device = CredentialValue::Device(DeviceCredential {
            device_serial_number: Some(serial.into()),
            ..DeviceCredential::default()
        });
        let authentication = Some(given(CredentialType::DEVICE, device));
        match object {
            None => send(&world, version, create([]), |message| {
                message.request_header.authentication = authentication;
            }),
            Some(object) => send(&world, version, attributes_of(object), |message| {
                message.request_header.authentication = authentication;
            }),
        }
    };
    let made = as_device("one", None);
    let Some(ResponsePayload::Create(made)) = made.response_payload else {
        panic!("no key was made");
    };
    let key = made.unique_identifier;
    let seen = as_device("one", Some(&key));
    assert_eq!(seen.result_status, ResultStatus::SUCCESS);
    let refused = as_device("two", Some(&key));
    assert_eq!(refused.result_reason, Some(ResultReason::PERMISSION_DENIED));
}

#[test]
fn seeds_are_taken_as_the_configuration_says() {
    for (policy, expected) in [
        (SeedPolicy::Accept, Ok(32)),
        (SeedPolicy::Partial, Ok(16)),
        (SeedPolicy::Ignore, Ok(0)),
        (SeedPolicy::Deny, Err(ResultReason::PERMISSION_DENIED)),
    ] {
        let world = World::configured(|configuration| configuration.seed_policy = policy);
        let request = RngSeedRequest {
            data: vec![7; 32].into(),
            ..RngSeedRequest::default()
        };
        let taken = world
            .call(VERSION, request)
            .map(|answer| answer.data_length);
        assert_eq!(taken, expected, "{policy:?}");
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
