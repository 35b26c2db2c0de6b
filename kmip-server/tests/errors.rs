//! The tables of errors: for each operation, what can be wrong, and the reason that each version has for
//! it (KMIP 1.0 to 1.4, section 11; 2.0 and 2.1, "Error Handling" of each operation in section 6, and the
//! meanings of the reasons in section 11).

mod common;

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

#[test]
fn create_and_register() {
    check(&[
        Row {
            what: "Create, Object Type that is not created",
            since: V1_0,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::INVALID_OBJECT_TYPE,
                Reason::INVALID_OBJECT_TYPE,
            ],
            ask: |world, version| {
                let mut request = create([]);
                request.object_type = ObjectType::CERTIFICATE;
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Create, template that does not exist",
            since: V1_0,
            // There are none in 2.x, where the name is an attribute of another kind.
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::INVALID_FIELD,
                Reason::INVALID_FIELD,
            ],
            ask: |world, version| {
                if version >= V2_0 {
                    return Err(Reason::INVALID_FIELD);
                }
                let mut request = create([]);
                request.attributes.names.push(kmip::types::Name {
                    name_value: "nothing".into(),
                    name_type: kmip::types::NameType::UNINTERPRETED_TEXT_STRING,
                    ..kmip::types::Name::default()
                });
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Create, wrong value of an attribute",
            since: V1_0,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::INVALID_ATTRIBUTE_VALUE,
                Reason::INVALID_ATTRIBUTE_VALUE,
            ],
            ask: |world, version| {
                let mut request = create([]);
                request.attributes = [
                    Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
                    Attribute::cryptographic_length(100),
                    Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
                ]
                .into();
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Create, Name in use",
            since: V1_0,
            reasons: NAME_IN_USE,
            ask: |world, version| {
                world.create(version, [name("one")]);
                world.call(version, create([name("one")])).map(drop)
            },
        },
        Row {
            what: "Create Key Pair, Name in use",
            since: V1_0,
            reasons: NAME_IN_USE,
            ask: |world, version| {
                world.create(version, [name("one")]);
                let common = [
                    Attribute::cryptographic_algorithm(CryptographicAlgorithm::EC),
                    Attribute::cryptographic_length(256),
                    Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN),
                ];
                let request = CreateKeyPairRequest {
                    common_attributes: Some(common.into()),
                    private_key_attributes: Some([name("one")].into()),
                    ..CreateKeyPairRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Register, Object Type is not that of the object",
            since: V1_0,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::INVALID_OBJECT_TYPE,
                Reason::INVALID_OBJECT_TYPE,
            ],
            ask: |world, version| {
                let mut request = register(key_block(16), CryptographicUsageMask::ENCRYPT);
                request.object_type = ObjectType::SECRET_DATA;
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Register, Name in use",
            since: V1_0,
            reasons: NAME_IN_USE,
            ask: |world, version| {
                world.create(version, [name("one")]);
                let mut request = register(key_block(16), CryptographicUsageMask::ENCRYPT);
                request.attributes.push(name("one"));
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Register, PKCS#12 without a password",
            since: V1_4,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::BAD_PASSWORD,
                Reason::BAD_PASSWORD,
            ],
            ask: |world, version| {
                let mut block = key_block(64);
                block.key_format_type = KeyFormatType::PKCS_12;
                let mut request = register(block.clone(), CryptographicUsageMask::SIGN);
                request.object_type = ObjectType::PRIVATE_KEY;
                request.managed_object = Some(ManagedObject::PrivateKey(kmip::types::PrivateKey {
                    key_block: block,
                    ..kmip::types::PrivateKey::default()
                }));
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Import, identifier in use",
            since: V1_4,
            reasons: [Reason::OBJECT_ALREADY_EXISTS; 3],
            ask: |world, version| {
                let request = ImportRequest {
                    unique_identifier: world.create(version, []),
                    object_type: Some(ObjectType::SYMMETRIC_KEY).filter(|_| version >= V2_0),
                    attributes: Attributes::from([contact()]),
                    managed_object: symmetric(key_block(16)),
                    ..ImportRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
    ]);
}

#[test]
fn attributes() {
    check(&[
        Row {
            what: "Get Attributes, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| {
                let request = GetAttributesRequest {
                    unique_identifier: nobody(),
                    ..GetAttributesRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get Attributes, the same name twice",
            since: V1_0,
            reasons: [Reason::INVALID_MESSAGE; 3],
            ask: |world, version| {
                let twice: AttributeReference<'static> = Tag::STATE.into();
                let request = GetAttributesRequest {
                    unique_identifier: Some(world.create(version, [])),
                    attribute_reference: vec![twice.clone(), twice],
                    ..GetAttributesRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Add Attribute, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| add(world, version, nobody(), contact()),
        },
        Row {
            what: "Add Attribute, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| add(world, version, archived(world, version), contact()),
        },
        Row {
            what: "Add Attribute, read-only",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::READ_ONLY_ATTRIBUTE,
                Reason::READ_ONLY_ATTRIBUTE,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                add(world, version, Some(key), state())
            },
        },
        Row {
            what: "Add Attribute, exists already",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::ATTRIBUTE_SINGLE_VALUED,
                Reason::ATTRIBUTE_SINGLE_VALUED,
            ],
            ask: |world, version| {
                let key = world.create(version, [contact()]);
                add(world, version, Some(key), contact())
            },
        },
        Row {
            what: "Add Attribute, Name in use",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
            ],
            ask: |world, version| {
                world.create(version, [name("one")]);
                let key = world.create(version, []);
                add(world, version, Some(key), name("one"))
            },
        },
        Row {
            what: "Modify Attribute, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| modify(world, version, nobody(), contact()),
        },
        Row {
            what: "Modify Attribute, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| modify(world, version, archived(world, version), contact()),
        },
        Row {
            what: "Modify Attribute, the object does not have it",
            since: V1_0,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::ATTRIBUTE_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                modify(world, version, Some(key), contact())
            },
        },
        Row {
            what: "Modify Attribute, not this instance",
            since: V1_0,
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::ATTRIBUTE_INSTANCE_NOT_FOUND,
                Reason::ATTRIBUTE_INSTANCE_NOT_FOUND,
            ],
            ask: |world, version| {
                let request = ModifyAttributeRequest {
                    unique_identifier: Some(world.create(version, [name("one")])),
                    current_attribute: Some(name("two")).filter(|_| version >= V2_0),
                    new_attribute: Attribute {
                        index: Some(3).filter(|_| version < V2_0),
                        ..name("three")
                    },
                    ..ModifyAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Modify Attribute, read-only",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::ATTRIBUTE_READ_ONLY,
                Reason::ATTRIBUTE_READ_ONLY,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                modify(world, version, Some(key), state())
            },
        },
        Row {
            what: "Modify Attribute, Name in use",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
            ],
            ask: |world, version| {
                world.create(version, [name("one")]);
                let key = world.create(version, [name("two")]);
                modify(world, version, Some(key), name("one"))
            },
        },
        Row {
            what: "Delete Attribute, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| delete(world, version, nobody(), Tag::CONTACT_INFORMATION),
        },
        Row {
            what: "Delete Attribute, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let key = archived(world, version);
                delete(world, version, key, Tag::CONTACT_INFORMATION)
            },
        },
        Row {
            what: "Delete Attribute, read-only",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::ATTRIBUTE_READ_ONLY,
                Reason::ATTRIBUTE_READ_ONLY,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                delete(world, version, Some(key), Tag::STATE)
            },
        },
        Row {
            what: "Delete Attribute, the object does not have it",
            since: V1_0,
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                delete(world, version, Some(key), Tag::CONTACT_INFORMATION)
            },
        },
        Row {
            what: "Set Attribute, read-only",
            since: V2_0,
            reasons: [Reason::READ_ONLY_ATTRIBUTE; 3],
            ask: |world, version| {
                let request = SetAttributeRequest {
                    unique_identifier: Some(world.create(version, [])),
                    new_attribute: state(),
                    ..SetAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Set Attribute, several values",
            since: V2_0,
            reasons: [Reason::MULTI_VALUED_ATTRIBUTE; 3],
            ask: |world, version| {
                let request = SetAttributeRequest {
                    unique_identifier: Some(world.create(version, [name("one"), name("two")])),
                    new_attribute: name("three"),
                    ..SetAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Adjust Attribute, neither a number nor a boolean",
            since: V2_0,
            reasons: [Reason::INVALID_DATA_TYPE; 3],
            ask: |world, version| {
                let request = AdjustAttributeRequest {
                    unique_identifier: Some(world.create(version, [contact()])),
                    attribute_reference: Tag::CONTACT_INFORMATION.into(),
                    adjustment_type: AdjustmentType::INCREMENT,
                    ..AdjustAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
    ]);
}

#[test]
fn life() {
    check(&[
        Row {
            what: "Activate, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| world.activate(version, &nobody().expect("an identifier")),
        },
        Row {
            what: "Activate, active",
            since: V1_0,
            reasons: WRONG_STATE,
            ask: |world, version| {
                let key = active(world, version);
                world.activate(version, &key)
            },
        },
        Row {
            what: "Activate, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let key = archived(world, version).expect("a key");
                world.activate(version, &key)
            },
        },
        Row {
            what: "Revoke, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| {
                let key = nobody().expect("an identifier");
                world.revoke(version, &key, RevocationReasonCode::SUPERSEDED)
            },
        },
        Row {
            what: "Revoke, reason of no table",
            since: V1_0,
            reasons: [Reason::INVALID_FIELD; 3],
            ask: |world, version| {
                let key = active(world, version);
                let code = kmip::types::Enumeration::new(0x4000_0000);
                world.revoke(version, &key, code)
            },
        },
        Row {
            what: "Destroy, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| world.destroy(version, &nobody().expect("an identifier")),
        },
        Row {
            what: "Destroy, active",
            since: V1_0,
            reasons: WRONG_STATE,
            ask: |world, version| {
                let key = active(world, version);
                world.destroy(version, &key)
            },
        },
        Row {
            what: "Destroy, destroyed",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::OBJECT_DESTROYED,
                Reason::OBJECT_DESTROYED,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                world.destroy(version, &key)?;
                world.destroy(version, &key)
            },
        },
        Row {
            what: "Destroy, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let key = archived(world, version).expect("a key");
                world.destroy(version, &key)
            },
        },
        Row {
            what: "Archive, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let request = ArchiveRequest {
                    unique_identifier: archived(world, version),
                    ..ArchiveRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Obtain Lease, compromised",
            since: V1_0,
            reasons: [Reason::PERMISSION_DENIED; 3],
            ask: |world, version| {
                let key = active(world, version);
                world.revoke(version, &key, RevocationReasonCode::KEY_COMPROMISE)?;
                let request = ObtainLeaseRequest {
                    unique_identifier: Some(key),
                    ..ObtainLeaseRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get Usage Allocation, no Usage Limits",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::ATTRIBUTE_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
            ],
            ask: |world, version| {
                let request = GetUsageAllocationRequest {
                    unique_identifier: Some(active(world, version)),
                    usage_limits_count: 1,
                    ..GetUsageAllocationRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get Usage Allocation, too much",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::USAGE_LIMIT_EXCEEDED,
                Reason::USAGE_LIMIT_EXCEEDED,
            ],
            ask: |world, version| {
                let key = [Attribute::activation_date(NOW), limits(10)];
                let request = GetUsageAllocationRequest {
                    unique_identifier: Some(world.create(version, key)),
                    usage_limits_count: 11,
                    ..GetUsageAllocationRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Check, Cryptographic Usage Mask",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
            ],
            ask: |world, version| {
                let request = CheckRequest {
                    unique_identifier: Some(active(world, version)),
                    cryptographic_usage_mask: Some(CryptographicUsageMask::SIGN),
                    ..CheckRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Poll, nothing waits",
            since: V1_0,
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE,
                Reason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE,
            ],
            ask: |world, version| {
                let mut message = kmip::types::RequestMessage::single(
                    version,
                    PollRequest {
                        asynchronous_correlation_value: vec![1, 2].into(),
                        ..PollRequest::default()
                    },
                );
                message.batch_item[0].unique_batch_item_id = None;
                let answer = world.exchange(&world.peer, &message);
                Err(answer.batch_item[0].result_reason.expect("a reason"))
            },
        },
        Row {
            what: "Cancel, nothing waits",
            since: V2_0,
            reasons: [Reason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE; 3],
            ask: |world, version| {
                let request = CancelRequest {
                    asynchronous_correlation_value: vec![1, 2].into(),
                    ..CancelRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
    ]);
}

#[test]
fn get_and_locate() {
    check(&[
        Row {
            what: "Get, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| get(world, version, nobody()),
        },
        Row {
            what: "Get, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| get(world, version, archived(world, version)),
        },
        Row {
            what: "Get, Key Format Type that the key does not have",
            since: V1_0,
            reasons: [Reason::KEY_FORMAT_TYPE_NOT_SUPPORTED; 3],
            ask: |world, version| {
                let request = GetRequest {
                    unique_identifier: Some(world.create(version, [])),
                    key_format_type: Some(KeyFormatType::PKCS_1),
                    ..GetRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get, Key Compression Type",
            since: V1_0,
            reasons: [Reason::KEY_COMPRESSION_TYPE_NOT_SUPPORTED; 3],
            ask: |world, version| {
                let compressed = KeyCompressionType::EC_PUBLIC_KEY_TYPE_X9_62_COMPRESSED_PRIME;
                let request = GetRequest {
                    unique_identifier: Some(world.create(version, [])),
                    key_compression_type: Some(compressed),
                    ..GetRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get, wrapping key does not exist",
            since: V1_0,
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::WRAPPING_OBJECT_NOT_FOUND,
                Reason::WRAPPING_OBJECT_NOT_FOUND,
            ],
            ask: |world, version| wrapped(world, version, nobody().expect("an identifier")),
        },
        Row {
            what: "Get, wrapping key is archived",
            since: V2_0,
            reasons: [Reason::WRAPPING_OBJECT_ARCHIVED; 3],
            ask: |world, version| {
                let key = archived(world, version).expect("a key");
                wrapped(world, version, key)
            },
        },
        Row {
            what: "Get, wrapping key is destroyed",
            since: V2_0,
            reasons: [Reason::WRAPPING_OBJECT_DESTROYED; 3],
            ask: |world, version| {
                let key = world.create(version, []);
                world.destroy(version, &key)?;
                wrapped(world, version, key)
            },
        },
        Row {
            what: "Get, wrapping key is no key",
            since: V1_0,
            reasons: WRONG_TYPE,
            ask: |world, version| {
                let object = opaque(world, version);
                wrapped(world, version, object)
            },
        },
        Row {
            what: "Get, wrapping key may not wrap",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
            ],
            ask: |world, version| {
                let key = active(world, version);
                wrapped(world, version, key)
            },
        },
        Row {
            what: "Get, sensitive",
            since: V1_4,
            reasons: [Reason::SENSITIVE; 3],
            ask: |world, version| {
                let sensitive = AttributeValue::Sensitive(true).into();
                let key = world.create(version, [sensitive]);
                get(world, version, Some(key))
            },
        },
        Row {
            what: "Get, not extractable",
            since: V1_4,
            reasons: [Reason::NOT_EXTRACTABLE; 3],
            ask: |world, version| {
                let extractable = AttributeValue::Extractable(false).into();
                let key = world.create(version, [extractable]);
                get(world, version, Some(key))
            },
        },
        Row {
            what: "Locate, attribute that there is not",
            since: V1_0,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::INVALID_FIELD,
                Reason::INVALID_FIELD,
            ],
            ask: |world, version| {
                let nameless =
                    AttributeValue::Absent(AttributeReference::from_name("Colour".into()));
                let request = LocateRequest {
                    attributes: [nameless.into()].into(),
                    ..LocateRequest::default()
                };
                if version >= V2_0 {
                    // Without a value, it cannot be expressed there.
                    return Err(Reason::INVALID_FIELD);
                }
                world.call(version, request).map(drop)
            },
        },
    ]);
}

#[test]
fn keys_from_keys() {
    check(&[
        Row {
            what: "Re-key, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| {
                let request = ReKeyRequest {
                    unique_identifier: nobody(),
                    ..ReKeyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Re-key, an object that has no successor",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::INVALID_OBJECT_TYPE,
                Reason::INVALID_OBJECT_TYPE,
            ],
            ask: |world, version| {
                let request = ReKeyRequest {
                    unique_identifier: Some(opaque(world, version)),
                    ..ReKeyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Re-key, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let request = ReKeyRequest {
                    unique_identifier: archived(world, version),
                    ..ReKeyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Re-key, both Offset and dates",
            since: V1_0,
            reasons: [Reason::INVALID_MESSAGE; 3],
            ask: |world, version| {
                let request = ReKeyRequest {
                    unique_identifier: Some(active(world, version)),
                    offset: Some(Interval(10)),
                    attributes: Some([Attribute::activation_date(NOW)].into()),
                    ..ReKeyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Re-key, Offset but no Activation Date to count from",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::INVALID_FIELD,
                Reason::INVALID_FIELD,
            ],
            ask: |world, version| {
                let later = DateTime(NOW.0 + 100);
                let dates = [AttributeValue::DeactivationDate(later).into()];
                let request = ReKeyRequest {
                    unique_identifier: Some(world.create(version, dates)),
                    offset: Some(Interval(10)),
                    ..ReKeyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Re-key, the value is elsewhere",
            since: V1_2,
            reasons: [Reason::KEY_VALUE_NOT_PRESENT; 3],
            ask: |world, version| {
                let key = hollow(world, version, CryptographicUsageMask::ENCRYPT);
                let request = ReKeyRequest {
                    unique_identifier: Some(key),
                    ..ReKeyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Re-key Key Pair, no private key",
            since: V1_1,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::INVALID_OBJECT_TYPE,
                Reason::INVALID_OBJECT_TYPE,
            ],
            ask: |world, version| {
                let request = ReKeyKeyPairRequest {
                    private_key_unique_identifier: Some(world.create(version, [])),
                    ..ReKeyKeyPairRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Derive Key, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| derive(world, version, nobody().expect("an identifier"), 128),
        },
        Row {
            what: "Derive Key, more than the method gives",
            since: V1_0,
            reasons: [Reason::CRYPTOGRAPHIC_FAILURE; 3],
            ask: |world, version| {
                let key = registered(world, version, CryptographicUsageMask::DERIVE_KEY);
                derive(world, version, key, 4096)
            },
        },
        Row {
            what: "Derive Key, the value is elsewhere",
            since: V1_2,
            reasons: [Reason::KEY_VALUE_NOT_PRESENT; 3],
            ask: |world, version| {
                let key = hollow(world, version, CryptographicUsageMask::DERIVE_KEY);
                derive(world, version, key, 128)
            },
        },
        Row {
            what: "Certify, no public key",
            since: V1_1,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::INVALID_OBJECT_TYPE,
                Reason::INVALID_OBJECT_TYPE,
            ],
            ask: |world, version| {
                let request = CertifyRequest {
                    unique_identifier: Some(world.create(version, [])),
                    ..CertifyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Certify, no certificate request in its place",
            since: V1_0,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::INVALID_CSR,
                Reason::INVALID_CSR,
            ],
            ask: |world, version| {
                let public = elliptic(world, version);
                let request = CertifyRequest {
                    unique_identifier: Some(public),
                    certificate_request_type: Some(CertificateRequestType::PKCS_10),
                    certificate_request_value: Some(vec![1, 2, 3].into()),
                    ..CertifyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Validate, nothing",
            since: V1_0,
            reasons: [
                Reason::INVALID_MESSAGE,
                Reason::INVALID_FIELD,
                Reason::INVALID_FIELD,
            ],
            ask: |world, version| world.call(version, ValidateRequest::default()).map(drop),
        },
        Row {
            what: "Join Split Key, too few parts",
            since: V1_2,
            reasons: [Reason::CRYPTOGRAPHIC_FAILURE; 3],
            ask: |world, version| {
                let request = CreateSplitKeyRequest {
                    object_type: ObjectType::SPLIT_KEY,
                    unique_identifier: Some(world.create(version, [])),
                    split_key_parts: 3,
                    split_key_threshold: 2,
                    split_key_method: SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8,
                    ..CreateSplitKeyRequest::default()
                };
                let mut parts = world.call(version, request)?.unique_identifier;
                parts.truncate(1);
                let request = JoinSplitKeyRequest {
                    object_type: ObjectType::SYMMETRIC_KEY,
                    unique_identifier: parts,
                    ..JoinSplitKeyRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
    ]);
}

/// A public key that is quickly made.
fn elliptic(world: &World, version: ProtocolVersion) -> Identifier {
    let common = [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::ECDSA),
        Attribute::cryptographic_length(256),
        Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN),
    ];
    let request = CreateKeyPairRequest {
        common_attributes: Some(common.into()),
        ..CreateKeyPairRequest::default()
    };
    let made = world.call(version, request).expect("a key pair");
    made.public_key_unique_identifier
}

fn derive(world: &World, version: ProtocolVersion, from: Identifier, length: i32) -> Answer {
    let request = DeriveKeyRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        unique_identifier: vec![from],
        derivation_method: DerivationMethod::HMAC,
        derivation_parameters: DerivationParameters {
            cryptographic_parameters: Some(kmip::types::CryptographicParameters {
                hashing_algorithm: Some(kmip::types::HashingAlgorithm::SHA_256),
                ..kmip::types::CryptographicParameters::default()
            }),
            derivation_data: vec![Secret::owned(vec![1])],
            ..DerivationParameters::default()
        },
        attributes: Attributes::from([
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(length),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
        ]),
        ..DeriveKeyRequest::default()
    };
    world.call(version, request).map(drop)
}

#[test]
fn use_of_keys() {
    check(&[
        Row {
            what: "Encrypt, no such object",
            since: V1_2,
            reasons: MISSING,
            ask: |world, version| encrypt(world, version, nobody()),
        },
        Row {
            what: "Encrypt, archived",
            since: V1_2,
            reasons: ARCHIVED,
            ask: |world, version| encrypt(world, version, archived(world, version)),
        },
        Row {
            what: "Encrypt, not yet active",
            since: V1_2,
            reasons: WRONG_STATE,
            ask: |world, version| {
                let key = world.create(version, []);
                encrypt(world, version, Some(key))
            },
        },
        Row {
            what: "Encrypt, not for encryption",
            since: V1_2,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
            ],
            ask: |world, version| {
                let key = registered(world, version, CryptographicUsageMask::SIGN);
                encrypt(world, version, Some(key))
            },
        },
        Row {
            what: "Encrypt, the value is elsewhere",
            since: V1_2,
            reasons: [Reason::KEY_VALUE_NOT_PRESENT; 3],
            ask: |world, version| {
                let key = hollow(world, version, CryptographicUsageMask::ENCRYPT);
                encrypt(world, version, Some(key))
            },
        },
        Row {
            what: "Encrypt, more than the Usage Limits",
            since: V1_2,
            // So it is in all versions of the official cases (CS-BC-M-7).
            reasons: [Reason::PERMISSION_DENIED; 3],
            ask: |world, version| {
                let key = [Attribute::activation_date(NOW), limits(15)];
                let key = world.create(version, key);
                encrypt(world, version, Some(key))
            },
        },
        Row {
            what: "Sign, no private key",
            since: V1_2,
            reasons: WRONG_TYPE,
            ask: |world, version| {
                let secret = RegisterRequest {
                    object_type: ObjectType::SECRET_DATA,
                    attributes: [
                        Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN),
                        Attribute::activation_date(NOW),
                    ]
                    .into(),
                    managed_object: Some(ManagedObject::SecretData(SecretData {
                        secret_data_type: SecretDataType::PASSWORD,
                        key_block: KeyBlock {
                            cryptographic_algorithm: None,
                            cryptographic_length: None,
                            key_format_type: KeyFormatType::OPAQUE,
                            ..key_block(16)
                        },
                        ..SecretData::default()
                    })),
                    ..RegisterRequest::default()
                };
                let secret = world.call(version, secret)?.unique_identifier;
                let request = SignRequest {
                    unique_identifier: Some(secret),
                    data: Some(Data::from(vec![1, 2, 3])),
                    ..SignRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
    ]);
}
