//! Tickets: what they are good for and when they end, at whichever server of a store.

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod later;
mod shared;

use std::sync::Arc;

use common::conflicts::ConflictingStore;
use common::{Identifier, World, attributes_of, peer, send};
use kmip::ProtocolVersion;
use kmip::server::Peer;
use kmip::types::{
    Attribute, BlockCipherMode, CertificateRequest, CertificateRequestType, Credential,
    CryptographicParameters, Data, DelegatedLoginRequest, EncryptRequest, GetAttributesRequest,
    GetRequest, Interval, LoginRequest, LogoutRequest, ManagedObject, Objects, Operation,
    OperationRequest, Operations, ReProvisionRequest, RequestMessage, ResponseBatchItem,
    ResponsePayload, ResultReason, ResultStatus, RevocationReasonCode, Right, Rights, SecretText,
    Ticket, UniqueIdentifier, UsageLimits, UsageLimitsUnit,
};
use kmip_server::{Configuration, MemoryStore, SqliteStore, Store, User};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509ReqBuilder};
use test_support::Authority;

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

fn with_ticket<'a, R: OperationRequest<'a>>(
    world: &World,
    ticket: &Ticket<'static>,
    request: R,
) -> Result<(), Option<ResultReason>> {
    let item = send(world, VERSION, request, |message| {
        message.request_header.authentication = Some(Credential::ticket(ticket.clone()).into());
    });
    match item.result_status {
        ResultStatus::SUCCESS => Ok(()),
        _ => Err(item.result_reason),
    }
}

fn login(world: &World, request: LoginRequest<'static>) -> Ticket<'static> {
    world.call(VERSION, request).expect("login").ticket
}

fn for_requests(count: i32) -> LoginRequest<'static> {
    LoginRequest {
        request_count: Some(count),
        ..LoginRequest::default()
    }
}

const ENDED: Result<(), Option<ResultReason>> = Err(Some(ResultReason::INVALID_TICKET));
const USED_UP: Result<(), Option<ResultReason>> = Err(Some(ResultReason::USAGE_LIMIT_EXCEEDED));

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
        let request = common::encrypt(key, BlockCipherMode::ECB, 16 * blocks);
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
