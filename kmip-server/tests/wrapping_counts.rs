//! Whoever has keys wrapped uses other keys for it: within their Usage Limits and those of the ticket, and
//! with the same rights as for the operations.

mod common;

use common::wrapping::specification;
use common::{Identifier, World, peer};
use kmip::ProtocolVersion;
use kmip::server::Peer;
use kmip::types::{
    Attribute, AttributeValue, Attributes, Credential, CryptographicAlgorithm,
    CryptographicUsageMask, DelegatedLoginRequest, ExportRequest, GetRequest,
    KeyWrappingSpecification, LoginRequest, Operation, Operations, RequestMessage, RequestPayload,
    ResultReason, ResultStatus, Right, Rights, Ticket, UsageLimits, UsageLimitsUnit,
    WrappingMethod,
};
use kmip_server::Policies;
use test_support::Authority;

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;
const METHODS: [WrappingMethod; 4] = [
    WrappingMethod::ENCRYPT,
    WrappingMethod::MAC_SIGN,
    WrappingMethod::ENCRYPT_THEN_MAC_SIGN,
    WrappingMethod::MAC_SIGN_THEN_ENCRYPT,
];

type Outcome = Result<(), ResultReason>;

struct Keys {
    key: Identifier,
    kek: Identifier,
    mac: Identifier,
}

impl Keys {
    /// A key, one that wraps and one that makes MACs, both with these attributes.
    fn new(world: &World, more: &[Attribute<'static>]) -> Self {
        let aes = CryptographicAlgorithm::AES;
        let with = |usage| {
            let mut attributes = Attributes::from([Attribute::cryptographic_usage_mask(usage)]);
            attributes.list.extend(more.iter().cloned());
            attributes
        };
        let wraps = with(CryptographicUsageMask::WRAP_KEY);
        let macs = with(CryptographicUsageMask::MAC_GENERATE);
        let hmac = CryptographicAlgorithm::HMAC_SHA256;
        let keys = Keys {
            key: world.create(VERSION, []),
            kek: world.register_key(VERSION, aes, &[1; 32], wraps),
            mac: world.register_key(VERSION, hmac, &[2; 32], macs),
        };
        for key in [&keys.kek, &keys.mac] {
            world.activate(VERSION, key).unwrap();
        }
        keys
    }

    fn specification(&self, method: WrappingMethod) -> KeyWrappingSpecification<'static> {
        specification(method, &self.kek, &self.mac)
    }

    fn get(&self, method: WrappingMethod) -> RequestPayload<'static> {
        GetRequest {
            unique_identifier: Some(self.key.clone()),
            key_wrapping_specification: Some(self.specification(method)),
            ..GetRequest::default()
        }
        .into()
    }

    fn export(&self, method: WrappingMethod) -> RequestPayload<'static> {
        ExportRequest {
            unique_identifier: Some(self.key.clone()),
            key_wrapping_specification: Some(self.specification(method)),
            ..ExportRequest::default()
        }
        .into()
    }
}

fn send(
    world: &World,
    peer: &Peer,
    ticket: Option<&Ticket<'static>>,
    request: RequestPayload<'static>,
) -> Outcome {
    let mut message = RequestMessage::single(VERSION, request);
    message.request_header.authentication =
        ticket.map(|ticket| Credential::ticket(ticket.clone()).into());
    let item = world.exchange(peer, &message).batch_item.remove(0);
    match item.result_status {
        ResultStatus::SUCCESS => Ok(()),
        _ => Err(item.result_reason.expect("a reason")),
    }
}

fn limit(unit: UsageLimitsUnit, total: i64) -> UsageLimits<'static> {
    UsageLimits {
        usage_limits_total: total,
        usage_limits_count: Some(total),
        usage_limits_unit: unit,
        ..UsageLimits::default()
    }
}

#[test]
fn keys_wrap_and_authenticate_as_often_as_their_usage_limits_allow() {
    let refused = Err(ResultReason::PERMISSION_DENIED);
    for method in METHODS {
        let world = World::new();
        let limits = AttributeValue::UsageLimits(limit(UsageLimitsUnit::OBJECT, 2));
        let keys = Keys::new(&world, &[limits.into()]);
        let send = |request| send(&world, &world.peer, None, request);
        assert_eq!(send(keys.get(method)), Ok(()), "{method:?}");
        assert_eq!(send(keys.export(method)), Ok(()), "{method:?}");
        assert_eq!(send(keys.get(method)), refused, "{method:?}");
        assert_eq!(send(keys.export(method)), refused, "{method:?}");
    }
    // By the byte: the key has 32, and in a wrapped one there are eight more.
    let world = World::new();
    let limits = AttributeValue::UsageLimits(limit(UsageLimitsUnit::BYTE, 39));
    let keys = Keys::new(&world, &[limits.into()]);
    let send = |method| send(&world, &world.peer, None, keys.get(method));
    assert_eq!(send(WrappingMethod::ENCRYPT_THEN_MAC_SIGN), refused);
    // Nothing was counted of what was refused.
    assert_eq!(send(WrappingMethod::MAC_SIGN_THEN_ENCRYPT), Ok(()));
    assert_eq!(send(WrappingMethod::MAC_SIGN), refused);
}

#[test]
fn tickets_pay_for_wrapping() {
    let world = World::new();
    let keys = Keys::new(&world, &[]);
    let login = |total| {
        let request = LoginRequest {
            usage_limits: Some(limit(UsageLimitsUnit::OBJECT, total)),
            ..LoginRequest::default()
        };
        world.call(VERSION, request).expect("login").ticket
    };
    let used_up = Err(ResultReason::USAGE_LIMIT_EXCEEDED);
    for (method, uses) in METHODS.into_iter().zip([1, 1, 2, 2]) {
        let ticket = login(uses);
        let send = || send(&world, &world.peer, Some(&ticket), keys.get(method));
        assert_eq!(send(), Ok(()), "{method:?}");
        assert_eq!(send(), used_up, "{method:?}");
        let ticket = login(uses - 1);
        let sent = self::send(&world, &world.peer, Some(&ticket), keys.get(method));
        assert_eq!(sent, used_up, "{method:?}");
    }
}

#[test]
fn a_ticket_for_get_makes_no_macs_in_passing() {
    let world = World::new();
    let keys = Keys::new(&world, &[]);
    let login = |operations: &[Operation]| {
        let request = DelegatedLoginRequest {
            rights: Rights {
                right: vec![Right {
                    operations: Some(Operations {
                        operation: operations.to_vec(),
                        ..Operations::default()
                    }),
                    ..Right::default()
                }],
                ..Rights::default()
            },
            ..DelegatedLoginRequest::default()
        };
        world.call(VERSION, request).expect("login").ticket
    };
    let (bare, both) = (
        login(&[Operation::GET]),
        login(&[Operation::GET, Operation::MAC]),
    );
    for method in METHODS {
        let send = |ticket| send(&world, &world.peer, Some(ticket), keys.get(method));
        let expected = match method == WrappingMethod::ENCRYPT {
            true => Ok(()),
            false => Err(ResultReason::NOT_AUTHORISED),
        };
        assert_eq!(send(&bare), expected, "{method:?}");
        assert_eq!(send(&both), Ok(()), "{method:?}");
    }
}

#[test]
fn a_policy_for_get_makes_no_macs_with_keys_of_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.json");
    let mallory = peer(&Authority::new("tests"), "mallory");
    for (rules, allowed) in [
        (r#""GET": "ALLOW_ALL""#, false),
        (r#""GET": "ALLOW_ALL", "SIGN": "ALLOW_ALL""#, false),
        (r#""GET": "ALLOW_ALL", "MAC": "ALLOW_ALL""#, true),
    ] {
        let policy = format!(r#"{{"default": {{"preset": {{"SYMMETRIC_KEY": {{{rules}}}}}}}}}"#);
        std::fs::write(&path, policy).unwrap();
        let policies = Policies::read(&path).unwrap();
        let world = World::configured(|configuration| configuration.policies = policies);
        let keys = Keys::new(&world, &[]);
        for method in METHODS {
            let expected = match allowed || method == WrappingMethod::ENCRYPT {
                true => Ok(()),
                false => Err(ResultReason::PERMISSION_DENIED),
            };
            let sent = send(&world, &mallory, None, keys.get(method));
            assert_eq!(sent, expected, "{method:?} with {rules}");
        }
    }
}
