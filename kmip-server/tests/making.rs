//! What the server makes of what a client gives for a new object: formats, uses, places, links and limits.

mod common;

use common::{Identifier, World, create, in_use, is_2x, name};
use kmip::ProtocolVersion;
use kmip::types::{
    AddAttributeRequest, Attribute, AttributeValue, Attributes, BlockCipherMode,
    CreateKeyPairRequest, CreateRequest, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, Data, DeleteAttributeRequest, EncodingOption, EncryptRequest,
    EncryptionKeyInformation, ExportRequest, GetRequest, GetUsageAllocationRequest, ImportRequest,
    KeyBlock, KeyFormatType, KeyMaterial, KeyValue, KeyWrapType, KeyWrappingSpecification, Link,
    LinkType, ManagedObject, ModifyAttributeRequest, ObjectType, ProtectionStorageMask,
    ProtectionStorageMasks, RegisterRequest, RequestPayload, ResponsePayload, ResultReason,
    ResultStatus, RevocationReasonCode, Secret, SymmetricKey, Tag, UniqueIdentifier,
    UniqueIdentifierEnumeration, UsageLimits, UsageLimitsUnit, WrappingMethod,
};

fn versions_2x() -> impl Iterator<Item = ProtocolVersion> {
    ProtocolVersion::ALL.into_iter().filter(|v| is_2x(*v))
}

fn get(world: &World, version: ProtocolVersion, key: &Identifier) -> KeyBlock<'static> {
    let request = GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    };
    block(world.call(version, request).unwrap().managed_object)
}

fn block(object: ManagedObject<'static>) -> KeyBlock<'static> {
    match object {
        ManagedObject::SymmetricKey(key) => key.key_block,
        ManagedObject::PrivateKey(key) => key.key_block,
        ManagedObject::PublicKey(key) => key.key_block,
        other => panic!("{other:?}"),
    }
}

/// The formats of which an object has a digest.
fn digests(world: &World, version: ProtocolVersion, key: &Identifier) -> Vec<KeyFormatType> {
    let attributes = world.attributes(version, key, &[Tag::DIGEST.into()]);
    let attributes = attributes.unwrap();
    let format = |value: &AttributeValue<'_>| match value {
        AttributeValue::Digest(digest) => digest.key_format_type.unwrap(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|own| format(&own.value)).collect()
}

#[test]
fn a_key_is_made_in_the_format_that_the_client_wants() {
    let transparent = KeyFormatType::TRANSPARENT_SYMMETRIC_KEY;
    for version in versions_2x() {
        let world = World::new();
        let format = |format| Attribute::from(AttributeValue::KeyFormatType(format));
        let key = world.create(version, [format(transparent)]);
        assert_eq!(get(&world, version, &key).key_format_type, transparent);
        let own = world.attributes(version, &key, &[]).unwrap();
        assert_eq!(own.key_format_type(), Some(&transparent));
        let both = [transparent, KeyFormatType::RAW];
        assert_eq!(digests(&world, version, &key), both);
        // What it cannot have fails.
        assert_eq!(
            world.call(version, create([format(KeyFormatType::PKCS_8)])),
            Err(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED)
        );
        let rsa = |wanted| -> Attributes<'static> {
            [
                Attribute::cryptographic_algorithm(CryptographicAlgorithm::RSA),
                Attribute::cryptographic_length(2048),
                format(wanted),
            ]
            .into()
        };
        let request = CreateKeyPairRequest {
            private_key_attributes: Some(rsa(KeyFormatType::PKCS_8)),
            public_key_attributes: Some(rsa(KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY)),
            ..CreateKeyPairRequest::default()
        };
        let pair = world.call(version, request).unwrap();
        let (private, public) = (
            pair.private_key_unique_identifier,
            pair.public_key_unique_identifier,
        );
        for (key, format, usage) in [
            (private, KeyFormatType::PKCS_8, CryptographicUsageMask::SIGN),
            (
                public,
                KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
                CryptographicUsageMask::VERIFY,
            ),
        ] {
            assert_eq!(get(&world, version, &key).key_format_type, format);
            assert_eq!(
                digests(&world, version, &key),
                [format, KeyFormatType::PKCS_1]
            );
            // The client has said nothing about its use.
            let own = world.attributes(version, &key, &[]).unwrap();
            assert_eq!(own.cryptographic_usage_mask(), Some(&usage));
        }
    }
}

#[test]
fn what_a_client_omits_is_supplied_since_2_0() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let bare = CreateRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            ..CreateRequest::default()
        };
        let made = world.call(version, bare).map(|made| made.unique_identifier);
        let register = RegisterRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            managed_object: Some(aes_key(&[7; 16])),
            ..RegisterRequest::default()
        };
        let registered = world.call(version, register);
        let registered = registered.map(|made| made.unique_identifier);
        if !is_2x(version) {
            assert_eq!(made, Err(ResultReason::INVALID_MESSAGE), "{version}");
            assert_eq!(registered, Err(ResultReason::INVALID_MESSAGE), "{version}");
            continue;
        }
        for key in [made.unwrap(), registered.unwrap()] {
            let own = world.attributes(version, &key, &[]).unwrap();
            let aes = CryptographicAlgorithm::AES;
            assert_eq!(own.cryptographic_algorithm(), Some(&aes));
            let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
            assert_eq!(own.cryptographic_usage_mask(), Some(&usage));
        }
    }
}

fn aes_key(bytes: &[u8]) -> ManagedObject<'static> {
    ManagedObject::SymmetricKey(SymmetricKey {
        key_block: KeyBlock {
            key_format_type: KeyFormatType::RAW,
            key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
                bytes.to_vec(),
            )))),
            cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
            cryptographic_length: Some(bytes.len() as i32 * 8),
            ..KeyBlock::default()
        },
        ..SymmetricKey::default()
    })
}

#[test]
fn common_attributes_of_a_pair_come_in_addition_to_those_of_its_keys() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let group = |name: &'static str| Attribute::from(AttributeValue::ObjectGroup(name.into()));
        let common = [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::EC),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN),
            group("both"),
        ];
        let request = CreateKeyPairRequest {
            common_attributes: Some(common.into()),
            private_key_attributes: Some([group("private")].into()),
            ..CreateKeyPairRequest::default()
        };
        let pair = world.call(version, request).unwrap();
        let groups = |key: &Identifier| -> Vec<String> {
            let own = world.attributes(version, key, &[]).unwrap();
            let own = own.iter().filter_map(|own| match &own.value {
                AttributeValue::ObjectGroup(group) => Some(group.to_string()),
                _ => None,
            });
            own.collect()
        };
        let private = groups(&pair.private_key_unique_identifier);
        assert_eq!(private, ["private", "both"], "{version}");
        assert_eq!(groups(&pair.public_key_unique_identifier), ["both"]);
    }
}

#[test]
fn objects_are_kept_as_the_client_demands_or_not_at_all() {
    let both = ProtectionStorageMask::SOFTWARE | ProtectionStorageMask::ON_SYSTEM;
    for version in versions_2x() {
        let world = World::configured(|configuration| {
            configuration.query.protection_storage_masks = Some(masks(&[both]));
        });
        let request = |acceptable: &[ProtectionStorageMask]| CreateRequest {
            protection_storage_masks: Some(masks(acceptable)),
            ..create([])
        };
        let hardware = ProtectionStorageMask::HARDWARE;
        let on_system = ProtectionStorageMask::ON_SYSTEM;
        let made = world.call(version, request(&[hardware | on_system, on_system]));
        let own = world.attributes(version, &made.unwrap().unique_identifier, &[]);
        assert_eq!(own.unwrap().protection_storage_mask(), Some(&on_system));
        assert_eq!(
            world.call(version, request(&[hardware | on_system])),
            Err(ResultReason::PROTECTION_STORAGE_UNAVAILABLE)
        );
        let common = [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::EC),
            Attribute::cryptographic_length(256),
        ];
        let pair = CreateKeyPairRequest {
            common_attributes: Some(common.into()),
            common_protection_storage_masks: Some(masks(&[on_system])),
            public_protection_storage_masks: Some(masks(&[hardware])),
            ..CreateKeyPairRequest::default()
        };
        assert_eq!(
            world.call(version, pair),
            Err(ResultReason::PUBLIC_PROTECTION_STORAGE_UNAVAILABLE)
        );
    }
}

fn masks(masks: &[ProtectionStorageMask]) -> ProtectionStorageMasks<'static> {
    ProtectionStorageMasks {
        protection_storage_mask: masks.to_vec(),
        ..ProtectionStorageMasks::default()
    }
}

#[test]
fn a_wrapped_key_is_linked_with_its_wrapping_key_and_imported_plain() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let usage = CryptographicUsageMask::WRAP_KEY | CryptographicUsageMask::UNWRAP_KEY;
    let wrapping = world.register_key(
        version,
        CryptographicAlgorithm::AES,
        &[1; 16],
        in_use(usage),
    );
    let plain = world.register_key(
        version,
        CryptographicAlgorithm::AES,
        &[2; 16],
        in_use(CryptographicUsageMask::ENCRYPT),
    );
    let request = GetRequest {
        unique_identifier: Some(plain),
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: WrappingMethod::ENCRYPT,
            encryption_key_information: Some(EncryptionKeyInformation {
                unique_identifier: wrapping.clone(),
                cryptographic_parameters: Some(CryptographicParameters {
                    block_cipher_mode: Some(BlockCipherMode::NISTKEYWRAP),
                    ..CryptographicParameters::default()
                }),
                ..EncryptionKeyInformation::default()
            }),
            encoding_option: Some(EncodingOption::NO_ENCODING),
            ..KeyWrappingSpecification::default()
        }),
        ..GetRequest::default()
    };
    let wrapped = world.call(version, request).unwrap().managed_object;
    let request = RegisterRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: in_use(CryptographicUsageMask::ENCRYPT),
        managed_object: Some(wrapped.clone()),
        ..RegisterRequest::default()
    };
    let registered = world.call(version, request).unwrap().unique_identifier;
    let own = world.attributes(version, &registered, &[]).unwrap();
    let links: Vec<_> = own.values(Tag::LINK).collect();
    let [AttributeValue::Link(link)] = links[..] else {
        panic!("{links:?}");
    };
    assert_eq!(link.link_type, LinkType::WRAPPING_KEY_LINK);
    assert_eq!(link.linked_object_identifier, wrapping);

    let import = |name: &'static str, how| ImportRequest {
        unique_identifier: name.into(),
        object_type: Some(ObjectType::SYMMETRIC_KEY),
        key_wrap_type: how,
        attributes: in_use(CryptographicUsageMask::ENCRYPT),
        managed_object: wrapped.clone(),
        ..ImportRequest::default()
    };
    world.call(version, import("as it is", None)).unwrap();
    let not_wrapped = Some(KeyWrapType::NOT_WRAPPED);
    world.call(version, import("plain", not_wrapped)).unwrap();
    let as_it_is = get(&world, version, &"as it is".into());
    assert!(as_it_is.key_wrapping_data.is_some());
    let plain = get(&world, version, &"plain".into());
    assert_eq!(plain.key_wrapping_data, None);
    assert_eq!(plain.key_value.unwrap().as_bytes(), Some(&[2; 16][..]));
    // Without the wrapping key the plain key is not to be had.
    let reason = RevocationReasonCode::CESSATION_OF_OPERATION;
    world.revoke(version, &wrapping, reason).unwrap();
    world.destroy(version, &wrapping).unwrap();
    assert!(world.call(version, import("late", not_wrapped)).is_err());
}

#[test]
fn of_a_destroyed_key_all_is_exported_but_its_value() {
    for version in ProtocolVersion::ALL {
        if version < ProtocolVersion::V1_4 {
            continue;
        }
        let world = World::new();
        let key = world.create(version, [name("gone")]);
        world.destroy(version, &key).unwrap();
        let request = ExportRequest {
            unique_identifier: Some(key),
            ..ExportRequest::default()
        };
        let exported = world.call(version, request).unwrap();
        assert_eq!(exported.attributes.name().unwrap().name_value, "gone");
        let block = block(exported.managed_object);
        assert_eq!(block.key_value, None);
        assert_eq!(block.cryptographic_length, Some(256));
    }
}

#[test]
fn a_link_may_name_its_object_by_its_place_in_the_batch() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let link = AttributeValue::Link(Link {
        link_type: LinkType::PARENT_LINK,
        linked_object_identifier: UniqueIdentifier::Enumeration(
            UniqueIdentifierEnumeration::CREATE,
        ),
        ..Link::default()
    });
    let add = AddAttributeRequest {
        new_attribute: Some(Attribute::from(link.clone())),
        ..AddAttributeRequest::default()
    };
    let requests: Vec<RequestPayload<'_>> =
        vec![create([]).into(), create([link.into()]).into(), add.into()];
    let items = world.batch(version, requests);
    let made = |at: usize| match items[at].response_payload.as_ref().unwrap() {
        ResponsePayload::Create(made) => made.unique_identifier.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(items[2].result_status, ResultStatus::SUCCESS);
    let own = world.attributes(version, &made(1), &[]).unwrap();
    let linked = own.values(Tag::LINK).map(|value| match value {
        AttributeValue::Link(link) => link.linked_object_identifier.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(linked.collect::<Vec<_>>(), [made(0), made(1)]);
}

fn limits(total: i64, count: i64) -> Attribute<'static> {
    Attribute::usage_limits(UsageLimits {
        usage_limits_total: total,
        usage_limits_count: Some(count),
        usage_limits_unit: UsageLimitsUnit::BYTE,
        ..UsageLimits::default()
    })
}

/// How much of the Usage Limits of a key is left, and of how much.
fn left(world: &World, version: ProtocolVersion, key: &Identifier) -> Option<(i64, i64)> {
    let own = world.attributes(version, key, &[Tag::USAGE_LIMITS.into()]);
    let own = own.unwrap();
    let limits = own.usage_limits()?;
    Some((limits.usage_limits_count?, limits.usage_limits_total))
}

#[test]
fn clients_set_the_total_of_usage_limits_until_some_are_used_and_never_what_is_left() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, [limits(100, 1_000_000)]);
        world.activate(version, &key).unwrap();
        assert_eq!(left(&world, version, &key), Some((100, 100)));
        let modify = |total, count| {
            let request = ModifyAttributeRequest {
                unique_identifier: Some(key.clone()),
                new_attribute: limits(total, count),
                ..ModifyAttributeRequest::default()
            };
            world.call(version, request).map(drop)
        };
        modify(50, 1_000_000).unwrap();
        assert_eq!(left(&world, version, &key), Some((50, 50)));
        let request = GetUsageAllocationRequest {
            unique_identifier: Some(key.clone()),
            usage_limits_count: 20,
            ..GetUsageAllocationRequest::default()
        };
        world.call(version, request).unwrap();
        let read_only = match is_2x(version) {
            true => ResultReason::ATTRIBUTE_READ_ONLY,
            false => ResultReason::PERMISSION_DENIED,
        };
        assert_eq!(modify(50, 50), Err(read_only), "{version}");
        let delete = |key: &Identifier| {
            let request = DeleteAttributeRequest {
                unique_identifier: Some(key.clone()),
                attribute_reference: Some(Tag::USAGE_LIMITS.into()),
                ..DeleteAttributeRequest::default()
            };
            world.call(version, request).map(drop)
        };
        assert_eq!(delete(&key), Err(read_only), "{version}");
        assert_eq!(left(&world, version, &key), Some((30, 50)));
        // Another attribute does not give back what is used.
        let request = AddAttributeRequest {
            unique_identifier: Some(key.clone()),
            new_attribute: Some(name("used")),
            ..AddAttributeRequest::default()
        };
        world.call(version, request).unwrap();
        assert_eq!(left(&world, version, &key), Some((30, 50)));

        let unused = world.create(version, []);
        let request = AddAttributeRequest {
            unique_identifier: Some(unused.clone()),
            new_attribute: Some(limits(10, 1_000_000)),
            ..AddAttributeRequest::default()
        };
        world.call(version, request).unwrap();
        assert_eq!(left(&world, version, &unused), Some((10, 10)));
        delete(&unused).unwrap();
        assert_eq!(left(&world, version, &unused), None);
    }
}

#[test]
fn an_unrestricted_key_serves_for_everything_since_2_0() {
    for version in ProtocolVersion::ALL {
        if version < ProtocolVersion::V1_2 {
            continue;
        }
        let world = World::new();
        let key = world.register_key(
            version,
            CryptographicAlgorithm::AES,
            &[3; 16],
            in_use(CryptographicUsageMask::UNRESTRICTED),
        );
        let request = EncryptRequest {
            unique_identifier: Some(key),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::ECB),
                ..CryptographicParameters::default()
            }),
            data: Some(Data::from(vec![0; 16])),
            ..EncryptRequest::default()
        };
        let expected = match is_2x(version) {
            true => Ok(()),
            false => Err(ResultReason::PERMISSION_DENIED),
        };
        assert_eq!(
            world.call(version, request).map(drop),
            expected,
            "{version}"
        );
    }
}
