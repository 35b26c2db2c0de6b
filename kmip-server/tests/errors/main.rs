//! The tables of errors: for each operation, what can be wrong, and the reason that each version has for
//! it (KMIP 1.0 to 1.4, section 11; 2.0 and 2.1, "Error Handling" of each operation in section 6, and the
//! meanings of the reasons in section 11).

mod attributes;
#[path = "../common/mod.rs"]
mod common;
mod create;
mod derived;
mod life;
mod retrieval;
mod uses;

use common::{Identifier, NOW, World, create, name};
use kmip::ProtocolVersion;
use kmip::types::{
    AddAttributeRequest, AdjustAttributeRequest, AdjustmentType, ArchiveRequest, Attribute,
    AttributeReference, AttributeValue, Attributes, CancelRequest, CertificateRequestType,
    CertifyRequest, CheckRequest, CreateKeyPairRequest, CreateSplitKeyRequest,
    CryptographicAlgorithm, CryptographicUsageMask, Data, DateTime, DeleteAttributeRequest,
    DerivationMethod, DerivationParameters, DeriveKeyRequest, EncryptRequest,
    EncryptionKeyInformation, GetAttributesRequest, GetRequest, GetUsageAllocationRequest,
    ImportRequest, Interval, JoinSplitKeyRequest, KeyBlock, KeyCompressionType, KeyFormatType,
    KeyMaterial, KeyValue, KeyWrappingSpecification, LocateRequest, ManagedObject,
    ModifyAttributeRequest, ObjectType, ObtainLeaseRequest, OpaqueObject, PollRequest,
    ReKeyKeyPairRequest, ReKeyRequest, RegisterRequest, ResultReason, RevocationReasonCode, Secret,
    SecretData, SecretDataType, SetAttributeRequest, SignRequest, SplitKeyMethod, SymmetricKey,
    Tag, UsageLimits, UsageLimitsUnit, ValidateRequest, WrappingMethod,
};

type Reason = ResultReason;
type Answer = Result<(), Reason>;

/// What can be wrong, with the reasons until 1.4, in 2.0 and in 2.1, and a request in which it is so.
struct Row {
    what: &'static str,
    since: ProtocolVersion,
    reasons: [Reason; 3],
    ask: fn(&World, ProtocolVersion) -> Answer,
}

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        let versions = ProtocolVersion::ALL.into_iter();
        for version in versions.filter(|version| *version >= row.since) {
            let expected = row.reasons[match version {
                ProtocolVersion::V2_1 => 2,
                ProtocolVersion::V2_0 => 1,
                _ => 0,
            }];
            let world = World::configured(|settings| {
                settings.lease_time = Some(Interval(60));
            });
            match (row.ask)(&world, version) {
                Err(reason) if reason == expected => {}
                answer => wrong.push(format!(
                    "{}, KMIP {version}: {expected:?} is right, the server says {answer:?}",
                    row.what
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const V1_0: ProtocolVersion = ProtocolVersion::V1_0;
const V1_1: ProtocolVersion = ProtocolVersion::V1_1;
const V1_2: ProtocolVersion = ProtocolVersion::V1_2;
const V1_4: ProtocolVersion = ProtocolVersion::V1_4;
const V2_0: ProtocolVersion = ProtocolVersion::V2_0;

const MISSING: [Reason; 3] = [
    Reason::ITEM_NOT_FOUND,
    Reason::OBJECT_NOT_FOUND,
    Reason::OBJECT_NOT_FOUND,
];
const ARCHIVED: [Reason; 3] = [Reason::OBJECT_ARCHIVED; 3];
const WRONG_STATE: [Reason; 3] = [
    Reason::PERMISSION_DENIED,
    Reason::PERMISSION_DENIED,
    Reason::WRONG_KEY_LIFECYCLE_STATE,
];
const WRONG_TYPE: [Reason; 3] = [
    Reason::ILLEGAL_OPERATION,
    Reason::INVALID_OBJECT_TYPE,
    Reason::INVALID_OBJECT_TYPE,
];
const NAME_IN_USE: [Reason; 3] = [
    Reason::INVALID_FIELD,
    Reason::NON_UNIQUE_NAME_ATTRIBUTE,
    Reason::NON_UNIQUE_NAME_ATTRIBUTE,
];

fn nobody() -> Option<Identifier> {
    Some("nobody".to_owned().into())
}

fn active(world: &World, version: ProtocolVersion) -> Identifier {
    world.create(version, [Attribute::activation_date(NOW)])
}

fn archived(world: &World, version: ProtocolVersion) -> Option<Identifier> {
    let key = world.create(version, []);
    let request = ArchiveRequest {
        unique_identifier: Some(key.clone()),
        ..ArchiveRequest::default()
    };
    world.call(version, request).expect("archived");
    Some(key)
}

fn opaque(world: &World, version: ProtocolVersion) -> Identifier {
    let request = RegisterRequest {
        object_type: ObjectType::OPAQUE_OBJECT,
        managed_object: Some(ManagedObject::OpaqueObject(OpaqueObject {
            opaque_data_value: Secret::owned(vec![1, 2, 3]),
            ..OpaqueObject::default()
        })),
        ..RegisterRequest::default()
    };
    let made = world.call(version, request).expect("an opaque object");
    made.unique_identifier
}

fn key_block(length: usize) -> KeyBlock<'static> {
    KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(vec![
            7;
            length
        ])))),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        cryptographic_length: i32::try_from(length * 8).ok(),
        ..KeyBlock::default()
    }
}

fn symmetric(block: KeyBlock<'static>) -> ManagedObject<'static> {
    ManagedObject::SymmetricKey(SymmetricKey {
        key_block: block,
        ..SymmetricKey::default()
    })
}

fn register(block: KeyBlock<'static>, usage: CryptographicUsageMask) -> RegisterRequest<'static> {
    RegisterRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [
            Attribute::cryptographic_usage_mask(usage),
            Attribute::activation_date(NOW),
        ]
        .into(),
        managed_object: Some(symmetric(block)),
        ..RegisterRequest::default()
    }
}

fn registered(
    world: &World,
    version: ProtocolVersion,
    usage: CryptographicUsageMask,
) -> Identifier {
    let made = world.call(version, register(key_block(16), usage));
    made.expect("a key").unique_identifier
}

/// A key whose value is elsewhere.
fn hollow(world: &World, version: ProtocolVersion, usage: CryptographicUsageMask) -> Identifier {
    let mut block = key_block(16);
    block.key_value = None;
    let made = world.call(version, register(block, usage));
    made.expect("a key").unique_identifier
}

fn add(
    world: &World,
    version: ProtocolVersion,
    to: Option<Identifier>,
    new: Attribute<'static>,
) -> Answer {
    let request = AddAttributeRequest {
        unique_identifier: to,
        new_attribute: Some(new),
        ..AddAttributeRequest::default()
    };
    world.call(version, request).map(drop)
}

fn modify(
    world: &World,
    version: ProtocolVersion,
    of: Option<Identifier>,
    new: Attribute<'static>,
) -> Answer {
    let request = ModifyAttributeRequest {
        unique_identifier: of,
        new_attribute: new,
        ..ModifyAttributeRequest::default()
    };
    world.call(version, request).map(drop)
}

fn delete(world: &World, version: ProtocolVersion, of: Option<Identifier>, tag: Tag) -> Answer {
    let request = DeleteAttributeRequest {
        unique_identifier: of,
        attribute_reference: Some(tag.into()),
        ..DeleteAttributeRequest::default()
    };
    world.call(version, request).map(drop)
}

fn get(world: &World, version: ProtocolVersion, of: Option<Identifier>) -> Answer {
    let request = GetRequest {
        unique_identifier: of,
        ..GetRequest::default()
    };
    world.call(version, request).map(drop)
}

fn wrapped(world: &World, version: ProtocolVersion, by: Identifier) -> Answer {
    let request = GetRequest {
        unique_identifier: Some(world.create(version, [])),
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: WrappingMethod::ENCRYPT,
            encryption_key_information: Some(EncryptionKeyInformation {
                unique_identifier: by,
                ..EncryptionKeyInformation::default()
            }),
            ..KeyWrappingSpecification::default()
        }),
        ..GetRequest::default()
    };
    world.call(version, request).map(drop)
}

fn encrypt(world: &World, version: ProtocolVersion, with: Option<Identifier>) -> Answer {
    let request = EncryptRequest {
        unique_identifier: with,
        data: Some(Data::from(vec![0; 16])),
        ..EncryptRequest::default()
    };
    world.call(version, request).map(drop)
}

fn limits(total: i64) -> Attribute<'static> {
    AttributeValue::UsageLimits(UsageLimits {
        usage_limits_total: total,
        usage_limits_count: Some(total),
        usage_limits_unit: UsageLimitsUnit::BYTE,
        ..UsageLimits::default()
    })
    .into()
}

fn state() -> Attribute<'static> {
    AttributeValue::State(kmip::types::State::ACTIVE).into()
}

fn contact() -> Attribute<'static> {
    AttributeValue::ContactInformation("somebody".into()).into()
}
