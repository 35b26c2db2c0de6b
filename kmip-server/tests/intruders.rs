//! What a client tries with objects of another one: every operation that names an object, without
//! policies, and with one that allows a single operation.

mod common;

use common::{Identifier, World, name, pair, peer};
use kmip::ProtocolVersion;
use kmip::server::Peer;
use kmip::types::{
    ActivateRequest, AddAttributeRequest, AdjustAttributeRequest, AdjustmentType, ArchiveRequest,
    Attribute, Attributes, BatchErrorContinuationOption, BlockCipherMode, CertifyRequest,
    CheckRequest, CreateSplitKeyRequest, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, Data, DecryptRequest, DeleteAttributeRequest, DerivationMethod,
    DeriveKeyRequest, DestroyRequest, EncryptRequest, EncryptionKeyInformation, Enumeration,
    ExportRequest, GetAttributeListRequest, GetAttributesRequest, GetRequest,
    GetUsageAllocationRequest, Interval, IntoOwned, JoinSplitKeyRequest, KeyWrappingSpecification,
    LocateRequest, MacRequest, ModifyAttributeRequest, ObjectType, ObtainLeaseRequest, Operation,
    ReKeyKeyPairRequest, ReKeyRequest, RecoverRequest, RequestMessage, RequestPayload,
    ResponseBatchItem, ResultReason, ResultStatus, RevocationReason, RevocationReasonCode,
    RevokeRequest, SetAttributeRequest, SignRequest, SplitKeyMethod, State, Tag, ValidateRequest,
    WrappingMethod,
};
use kmip_server::Policies;
use test_support::Authority;

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

/// What belongs to somebody else.
struct Prey {
    /// A key that may do everything.
    key: Identifier,
    private: Identifier,
    public: Identifier,
}

fn prey(world: &World) -> Prey {
    let every = [
        CryptographicUsageMask::ENCRYPT,
        CryptographicUsageMask::DECRYPT,
        CryptographicUsageMask::MAC_GENERATE,
        CryptographicUsageMask::WRAP_KEY,
        CryptographicUsageMask::DERIVE_KEY,
    ];
    let every = every.into_iter().reduce(|all, one| all | one).unwrap();
    let mut request = common::create([name("prey")]);
    request.attributes = [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
        Attribute::cryptographic_length(256),
        Attribute::cryptographic_usage_mask(every),
        name("prey"),
    ]
    .into();
    let key = world.call(VERSION, request).unwrap().unique_identifier;
    world.activate(VERSION, &key).unwrap();
    let (private, public) = pair(world, VERSION);
    for key in [&private, &public] {
        world.activate(VERSION, key).unwrap();
    }
    Prey {
        key,
        private,
        public,
    }
}

fn ecb() -> Option<CryptographicParameters<'static>> {
    Some(CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::ECB),
        ..CryptographicParameters::default()
    })
}

/// A request of each operation that names an object. `own` is a key of the intruder.
fn attempts(prey: &Prey, own: &Identifier) -> Vec<RequestPayload<'static>> {
    let id = || Some(prey.key.clone());
    let algorithm = Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES);
    let aes = || {
        Attributes::from([
            algorithm.clone(),
            Attribute::cryptographic_length(128),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
        ])
    };
    let comment = || Attribute::comment("mine now");
    vec![
        ActivateRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        AddAttributeRequest {
            unique_identifier: id(),
            new_attribute: Some(name("stolen")),
            ..Default::default()
        }
        .into(),
        AdjustAttributeRequest {
            unique_identifier: id(),
            attribute_reference: Tag::CRYPTOGRAPHIC_LENGTH.into(),
            adjustment_type: AdjustmentType::INCREMENT,
            ..Default::default()
        }
        .into(),
        ArchiveRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        CertifyRequest {
            unique_identifier: Some(prey.public.clone()),
            ..Default::default()
        }
        .into(),
        CheckRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        CreateSplitKeyRequest {
            object_type: ObjectType::SPLIT_KEY,
            unique_identifier: id(),
            split_key_parts: 2,
            split_key_threshold: 2,
            split_key_method: SplitKeyMethod::XOR,
            ..Default::default()
        }
        .into(),
        DecryptRequest {
            unique_identifier: id(),
            cryptographic_parameters: ecb(),
            data: Some(Data::from(vec![0; 16])),
            ..Default::default()
        }
        .into(),
        DeleteAttributeRequest {
            unique_identifier: id(),
            attribute_reference: Some(Tag::NAME.into()),
            ..Default::default()
        }
        .into(),
        DeriveKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: vec![prey.key.clone()],
            derivation_method: DerivationMethod::HASH,
            attributes: aes(),
            ..Default::default()
        }
        .into(),
        // Behind a key of its own.
        DeriveKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: vec![own.clone(), prey.key.clone()],
            derivation_method: DerivationMethod::HASH,
            attributes: aes(),
            ..Default::default()
        }
        .into(),
        DestroyRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        EncryptRequest {
            unique_identifier: id(),
            cryptographic_parameters: ecb(),
            data: Some(Data::from(vec![0; 16])),
            ..Default::default()
        }
        .into(),
        ExportRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        GetRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        // Its own key, wrapped with that of another: pairs of plain and cipher text.
        GetRequest {
            unique_identifier: Some(own.clone()),
            key_wrapping_specification: Some(KeyWrappingSpecification {
                wrapping_method: WrappingMethod::ENCRYPT,
                encryption_key_information: Some(EncryptionKeyInformation {
                    unique_identifier: prey.key.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        }
        .into(),
        GetAttributeListRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        GetAttributesRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        GetUsageAllocationRequest {
            unique_identifier: id(),
            usage_limits_count: 1,
            ..Default::default()
        }
        .into(),
        JoinSplitKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: vec![prey.key.clone(), own.clone()],
            ..Default::default()
        }
        .into(),
        MacRequest {
            unique_identifier: id(),
            data: Some(Data::from(vec![0; 16])),
            ..Default::default()
        }
        .into(),
        ModifyAttributeRequest {
            unique_identifier: id(),
            new_attribute: name("stolen"),
            current_attribute: Some(name("prey")),
            ..Default::default()
        }
        .into(),
        ObtainLeaseRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        ReKeyRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        ReKeyKeyPairRequest {
            private_key_unique_identifier: Some(prey.private.clone()),
            ..Default::default()
        }
        .into(),
        RecoverRequest {
            unique_identifier: id(),
            ..Default::default()
        }
        .into(),
        RevokeRequest {
            unique_identifier: id(),
            revocation_reason: RevocationReason {
                revocation_reason_code: RevocationReasonCode::KEY_COMPROMISE,
                ..Default::default()
            },
            ..Default::default()
        }
        .into(),
        SetAttributeRequest {
            unique_identifier: id(),
            new_attribute: comment(),
            ..Default::default()
        }
        .into(),
        SignRequest {
            unique_identifier: Some(prey.private.clone()),
            data: Some(Data::from(vec![0; 16])),
            ..Default::default()
        }
        .into(),
        ValidateRequest {
            unique_identifier: vec![prey.public.clone()],
            ..Default::default()
        }
        .into(),
    ]
}

fn send(world: &World, peer: &Peer, request: RequestPayload<'_>) -> ResponseBatchItem<'static> {
    let mut message = RequestMessage::default();
    message.request_header.protocol_version = VERSION;
    message.request_header.batch_count = 1;
    message
        .batch_item
        .push(kmip::types::RequestBatchItem::new(request));
    world.exchange(peer, &message).batch_item.remove(0)
}

fn is_denied(answer: &ResponseBatchItem<'_>) -> bool {
    answer.result_reason == Some(ResultReason::PERMISSION_DENIED)
}

/// A key of the intruder, which it may use for everything.
fn own_key(world: &World, intruder: &Peer) -> Identifier {
    let mut request = common::create([]);
    request.attributes = [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
        Attribute::cryptographic_length(256),
        Attribute::cryptographic_usage_mask(
            CryptographicUsageMask::DERIVE_KEY | CryptographicUsageMask::ENCRYPT,
        ),
    ]
    .into();
    let key = world.call_as(intruder, VERSION, request).unwrap();
    let activate = ActivateRequest {
        unique_identifier: Some(key.unique_identifier.clone()),
        ..ActivateRequest::default()
    };
    world.call_as(intruder, VERSION, activate).unwrap();
    key.unique_identifier
}

#[test]
fn nothing_is_done_to_objects_of_others() {
    let world = World::configured(|configuration| configuration.lease_time = Some(Interval(60)));
    let prey = prey(&world);
    let before = world.attributes(VERSION, &prey.key, &[]).unwrap();
    let mallory = peer(&Authority::new("tests"), "mallory");
    let own = own_key(&world, &mallory);
    for attempt in attempts(&prey, &own) {
        let operation = attempt.operation();
        let answer = send(&world, &mallory, attempt.clone().into_owned());
        assert!(is_denied(&answer), "{operation:?}: {answer:?}");
        // Also as one that is done later, or in a batch that continues and is undone.
        let mut message = RequestMessage::default();
        let header = &mut message.request_header;
        header.protocol_version = VERSION;
        header.batch_count = 2;
        header.batch_error_continuation_option = Some(BatchErrorContinuationOption::CONTINUE);
        for (number, request) in [LocateRequest::default().into(), attempt]
            .into_iter()
            .enumerate()
        {
            let mut item = kmip::types::RequestBatchItem::new(request);
            item.unique_batch_item_id = Some(vec![number as u8].into());
            message.batch_item.push(item);
        }
        let answers = world.exchange(&mallory, &message).batch_item;
        assert!(is_denied(&answers[1]), "{operation:?}: {answers:?}");
    }
    let after = world.attributes(VERSION, &prey.key, &[]).unwrap();
    assert_eq!(before, after);
    assert_eq!(after.state(), Some(&State::ACTIVE));
    // By name it is not even there.
    let locate = LocateRequest {
        attributes: [name("prey")].into(),
        ..LocateRequest::default()
    };
    let found = world.call_as(&mallory, VERSION, locate).unwrap();
    assert_eq!(found.unique_identifier, []);
}

/// A policy that allows one operation allows that one, and nothing by way of it.
#[test]
fn what_a_policy_allows_is_all_that_it_allows() {
    let authority = Authority::new("tests");
    let mallory = peer(&authority, "mallory");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.json");
    for allowed in [
        Operation::GET,
        Operation::GET_ATTRIBUTES,
        Operation::ENCRYPT,
        Operation::DERIVE_KEY,
        Operation::MODIFY_ATTRIBUTE,
        Operation::CHECK,
        Operation::ADD_ATTRIBUTE,
    ] {
        let rule = Operation::TABLE.by_value(allowed.value()).unwrap().name;
        let rule = rule.to_uppercase().replace(' ', "_");
        let policy = format!(
            r#"{{"default": {{"preset": {{"SYMMETRIC_KEY": {{"{rule}": "ALLOW_ALL"}}}}}}}}"#
        );
        std::fs::write(&path, policy).unwrap();
        let policies = Policies::read(&path).unwrap();
        let world = World::configured(|configuration| {
            configuration.policies = policies;
            configuration.lease_time = Some(Interval(60));
        });
        let prey = prey(&world);
        let own = own_key(&world, &mallory);
        let mut done = 0;
        for attempt in attempts(&prey, &own) {
            let operation = attempt.operation();
            let answer = send(&world, &mallory, attempt);
            match operation == allowed {
                true => {
                    assert!(!is_denied(&answer), "{operation:?}: {answer:?}");
                    done += usize::from(answer.result_status == ResultStatus::SUCCESS);
                }
                false => assert!(
                    is_denied(&answer),
                    "{operation:?} by {allowed:?}: {answer:?}"
                ),
            }
        }
        assert!(done > 0, "{allowed:?}");
        // The key is still its owner's.
        let state = world.attributes(VERSION, &prey.key, &[]).unwrap();
        assert_eq!(state.state(), Some(&State::ACTIVE), "{allowed:?}");
    }
}
