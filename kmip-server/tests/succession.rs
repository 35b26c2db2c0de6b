//! Objects that come from other objects: replaced, derived, split, exported; and what else happens
//! to objects: archives, leases, checks.

mod common;

use common::{Identifier, NOW, World, create, is_2x, name, peer, wrong_state};
use kmip::ProtocolVersion;
use kmip::types::{
    ArchiveRequest, Attribute, AttributeValue, Attributes, CheckRequest, CreateKeyPairRequest,
    CreateSplitKeyRequest, CryptographicAlgorithm, CryptographicUsageMask, DateTime,
    DerivationMethod, DerivationParameters, DeriveKeyRequest, ExportRequest, GetRequest,
    GetUsageAllocationRequest, ImportRequest, Interval, JoinSplitKeyRequest, KeyBlock,
    KeyFormatType, KeyMaterial, KeyValue, LinkType, ManagedObject, ObjectType, ObtainLeaseRequest,
    ReKeyKeyPairRequest, ReKeyRequest, RecoverRequest, RegisterRequest, ResultReason,
    RevocationReasonCode, Secret, SecretData, SecretDataType, SplitKeyMethod, State, Tag,
    UsageLimits, UsageLimitsUnit,
};
use test_support::Authority;

fn get(world: &World, version: ProtocolVersion, key: &Identifier) -> Result<Vec<u8>, ResultReason> {
    let request = GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    };
    let block = match world.call(version, request)?.managed_object {
        ManagedObject::SymmetricKey(key) => key.key_block,
        ManagedObject::PrivateKey(key) => key.key_block,
        ManagedObject::SplitKey(key) => key.key_block,
        other => panic!("{other:?}"),
    };
    Ok(block.key_value.unwrap().as_bytes().unwrap().to_vec())
}

fn linked(attributes: &Attributes<'_>, link_type: LinkType) -> Option<String> {
    attributes
        .iter()
        .find_map(|attribute| match &attribute.value {
            AttributeValue::Link(link) if link.link_type == link_type => {
                link.linked_object_identifier.as_text().map(str::to_owned)
            }
            _ => None,
        })
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let old = world.create(version, [name("disk"), Attribute::activation_date(NOW)]);
        world.clock.advance(1000);
        let request = ReKeyRequest {
            unique_identifier: Some(old.clone()),
            offset: Some(Interval(60)),
            ..ReKeyRequest::default()
        };
        let new = world
            .call(version, request.clone())
            .unwrap()
            .unique_identifier;
        let before = world.attributes(version, &old, &[]).unwrap();
        let after = world.attributes(version, &new, &[]).unwrap();
        assert_ne!(get(&world, version, &old), get(&world, version, &new));
        assert_eq!(before.name(), None);
        assert_eq!(after.name().unwrap().name_value, "disk");
        assert_eq!(after.cryptographic_length(), Some(&256));
        let text = |identifier: &Identifier| identifier.as_text().map(str::to_owned);
        assert_eq!(
            linked(&before, LinkType::REPLACEMENT_OBJECT_LINK),
            text(&new)
        );
        assert_eq!(linked(&after, LinkType::REPLACED_OBJECT_LINK), text(&old));
        assert_eq!(before.state(), Some(&State::ACTIVE));
        assert_eq!(after.state(), Some(&State::PRE_ACTIVE));
        assert_eq!(after.activation_date(), Some(&DateTime(NOW.0 + 1060)));
        assert_eq!(after.initial_date(), Some(&DateTime(NOW.0 + 1000)));
        // There is only one successor.
        assert_eq!(
            world.call(version, request).unwrap_err(),
            wrong_state(version)
        );
    }
}

#[test]
fn a_new_pair_takes_the_place_of_the_old_one() {
    for version in &ProtocolVersion::ALL[1..] {
        let version = *version;
        let world = World::new();
        let common = [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::EC),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN),
        ];
        let request = CreateKeyPairRequest {
            common_attributes: Some(common.into()),
            private_key_attributes: Some([name("private")].into()),
            public_key_attributes: Some([name("public")].into()),
            ..CreateKeyPairRequest::default()
        };
        let old = world.call(version, request).unwrap();
        let request = ReKeyKeyPairRequest {
            private_key_unique_identifier: Some(old.private_key_unique_identifier.clone()),
            ..ReKeyKeyPairRequest::default()
        };
        let new = world.call(version, request).unwrap();
        let (old, new) = (old.private_key_unique_identifier, new);
        let private = new.private_key_unique_identifier;
        assert_ne!(get(&world, version, &old), get(&world, version, &private));
        let attributes = world.attributes(version, &private, &[]).unwrap();
        let public = linked(&attributes, LinkType::PUBLIC_KEY_LINK);
        assert_eq!(
            public.as_deref(),
            new.public_key_unique_identifier.as_text()
        );
        let replaced = linked(&attributes, LinkType::REPLACED_OBJECT_LINK);
        assert_eq!(replaced.as_deref(), old.as_text());
        assert_eq!(attributes.name().unwrap().name_value, "private");
    }
}

/// RFC 6070, test case 2 (PBKDF2), RFC 5869, test case 1 (HKDF).
#[test]
fn derived_keys_are_the_published_ones() {
    let hex = |text: &str| -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    };
    let pbkdf2 = DerivationParameters {
        salt: Some(b"salt".to_vec().into()),
        iteration_count: Some(2),
        ..DerivationParameters::default()
    };
    let hkdf = DerivationParameters {
        salt: Some(hex("000102030405060708090a0b0c").into()),
        derivation_data: vec![Secret::owned(hex("f0f1f2f3f4f5f6f7f8f9"))],
        ..DerivationParameters::default()
    };
    let cases = [
        (
            DerivationMethod::PBKDF2,
            pbkdf2,
            b"password".to_vec(),
            "ea6c014dc72d6f8ccd1ed92ace1d41f0",
        ),
        (
            DerivationMethod::HKDF,
            hkdf,
            vec![0x0b; 22],
            "3cb25f25faacd57a90434f64d0362f2a",
        ),
    ];
    let version = ProtocolVersion::V2_1;
    for (method, parameters, secret, expected) in cases {
        let world = World::new();
        let request = RegisterRequest {
            object_type: ObjectType::SECRET_DATA,
            attributes: [
                Attribute::cryptographic_usage_mask(CryptographicUsageMask::DERIVE_KEY),
                Attribute::activation_date(NOW),
            ]
            .into(),
            managed_object: Some(ManagedObject::SecretData(SecretData {
                secret_data_type: SecretDataType::PASSWORD,
                key_block: KeyBlock {
                    key_format_type: KeyFormatType::OPAQUE,
                    key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(secret)))),
                    ..KeyBlock::default()
                },
                ..SecretData::default()
            })),
            ..RegisterRequest::default()
        };
        let base = world.call(version, request).unwrap().unique_identifier;
        let mut attributes = create([]).attributes;
        attributes.list[1] = Attribute::cryptographic_length(128);
        let request = DeriveKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: vec![base.clone()],
            derivation_method: method,
            derivation_parameters: parameters,
            attributes,
            ..DeriveKeyRequest::default()
        };
        let derived = world.call(version, request).unwrap().unique_identifier;
        let start = &hex(expected)[..];
        assert_eq!(get(&world, version, &derived).unwrap(), start, "{method:?}");
        let attributes = world.attributes(version, &derived, &[]).unwrap();
        let link = linked(&attributes, LinkType::DERIVATION_BASE_OBJECT_LINK);
        assert_eq!(link.as_deref(), base.as_text());
    }
}

#[test]
fn parts_of_a_key_are_joined_again() {
    for version in &ProtocolVersion::ALL[2..] {
        let version = *version;
        for (method, threshold) in [
            (SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8, 2),
            (SplitKeyMethod::XOR, 3),
        ] {
            let world = World::new();
            let key = world.create(version, []);
            let request = CreateSplitKeyRequest {
                object_type: ObjectType::SPLIT_KEY,
                unique_identifier: Some(key.clone()),
                split_key_parts: 3,
                split_key_threshold: threshold,
                split_key_method: method,
                ..CreateSplitKeyRequest::default()
            };
            let parts = world.call(version, request).unwrap().unique_identifier;
            assert_eq!(parts.len(), 3);
            let join = |parts: &[Identifier]| {
                let request = JoinSplitKeyRequest {
                    object_type: ObjectType::SYMMETRIC_KEY,
                    unique_identifier: parts.to_vec(),
                    ..JoinSplitKeyRequest::default()
                };
                world
                    .call(version, request)
                    .map(|joined| joined.unique_identifier)
            };
            let enough = &parts[3 - threshold as usize..];
            let joined = join(enough).unwrap();
            assert_eq!(get(&world, version, &joined), get(&world, version, &key));
            let failed = Err(ResultReason::CRYPTOGRAPHIC_FAILURE);
            assert_eq!(join(&parts[..1]), failed);
            assert_eq!(join(&[parts[0].clone(), parts[0].clone()]), failed);
        }
    }
}

#[test]
fn a_key_that_is_split_from_the_beginning_is_joined() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let request = |attributes: &[Attribute<'static>]| CreateSplitKeyRequest {
        object_type: ObjectType::SPLIT_KEY,
        split_key_parts: 3,
        split_key_threshold: 2,
        split_key_method: SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8,
        attributes: attributes.to_vec().into(),
        ..CreateSplitKeyRequest::default()
    };
    let algorithm = Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES);
    let length = Attribute::cryptographic_length(192);
    // What kind of key is to be known.
    assert_eq!(
        world.call(version, request(std::slice::from_ref(&length))),
        Err(ResultReason::INVALID_MESSAGE)
    );
    let parts = world.call(version, request(&[algorithm, length]));
    let parts = parts.unwrap().unique_identifier;
    assert_eq!(parts.len(), 3);
    let joined = |parts: &[Identifier]| {
        let request = JoinSplitKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: parts.to_vec(),
            ..JoinSplitKeyRequest::default()
        };
        let joined = world.call(version, request).unwrap().unique_identifier;
        get(&world, version, &joined).unwrap()
    };
    let whole = joined(&parts[..2]);
    assert_eq!(whole.len(), 24);
    assert_eq!(joined(&parts[1..]), whole);
}

#[test]
fn a_sensitive_key_cannot_be_read_from_its_parts() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let key = world.create(version, [Attribute::sensitive(true)]);
    let request = CreateSplitKeyRequest {
        object_type: ObjectType::SPLIT_KEY,
        unique_identifier: Some(key),
        split_key_parts: 2,
        split_key_threshold: 2,
        split_key_method: SplitKeyMethod::XOR,
        attributes: [Attribute::sensitive(false)].into(),
        ..CreateSplitKeyRequest::default()
    };
    let parts = world.call(version, request).unwrap().unique_identifier;
    let sensitive = Err(ResultReason::SENSITIVE);
    assert_eq!(get(&world, version, &parts[0]), sensitive);
    let request = JoinSplitKeyRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        unique_identifier: parts,
        ..JoinSplitKeyRequest::default()
    };
    let joined = world.call(version, request).unwrap().unique_identifier;
    assert_eq!(get(&world, version, &joined), sensitive);
}

#[test]
fn an_exported_object_is_the_same_when_it_is_imported() {
    for version in [
        ProtocolVersion::V1_4,
        ProtocolVersion::V2_0,
        ProtocolVersion::V2_1,
    ] {
        let (here, there) = (World::new(), World::new());
        let key = here.create(version, [name("disk"), name("volume")]);
        here.activate(version, &key).unwrap();
        let request = ExportRequest {
            unique_identifier: Some(key.clone()),
            ..ExportRequest::default()
        };
        let exported = here.call(version, request).unwrap();
        there.clock.advance(100);
        let import = |replace| ImportRequest {
            unique_identifier: key.clone(),
            object_type: is_2x(version).then_some(ObjectType::SYMMETRIC_KEY),
            replace_existing: Some(replace),
            attributes: exported.attributes.clone(),
            managed_object: exported.managed_object.clone(),
            ..ImportRequest::default()
        };
        there.call(version, import(false)).unwrap();
        let attributes = there.attributes(version, &key, &[]).unwrap();
        assert_eq!(attributes.state(), Some(&State::ACTIVE));
        assert_eq!(attributes.initial_date(), Some(&NOW));
        assert_eq!(attributes.values(Tag::NAME).count(), 2);
        assert_eq!(get(&there, version, &key), get(&here, version, &key));
        let exists = there.call(version, import(false)).unwrap_err();
        assert_eq!(exists, ResultReason::OBJECT_ALREADY_EXISTS);
        there.call(version, import(true)).unwrap();
        // But not by somebody else.
        let stranger = peer(&Authority::new("Test CA"), "stranger");
        let exists = there.call_as(&stranger, version, import(true)).unwrap_err();
        assert_eq!(exists, ResultReason::OBJECT_ALREADY_EXISTS);
    }
}

#[test]
fn archived_objects_are_out_of_reach_until_they_are_recovered() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, []);
        let id = || Some(key.clone());
        let archive = ArchiveRequest {
            unique_identifier: id(),
            ..ArchiveRequest::default()
        };
        world.call(version, archive).unwrap();
        let archived = Err(ResultReason::OBJECT_ARCHIVED);
        assert_eq!(get(&world, version, &key).map(drop), archived);
        assert_eq!(world.activate(version, &key), archived);
        let attributes = world.attributes(version, &key, &[]).unwrap();
        assert_eq!(attributes.archive_date(), Some(&NOW));
        let recover = RecoverRequest {
            unique_identifier: id(),
            ..RecoverRequest::default()
        };
        world.call(version, recover).unwrap();
        get(&world, version, &key).unwrap();
    }
}

#[test]
fn leases_are_given_for_keys_that_may_be_used() {
    let world = World::configured(|configuration| configuration.lease_time = Some(Interval(600)));
    for version in ProtocolVersion::ALL {
        let key = world.create(version, []);
        let obtain = || ObtainLeaseRequest {
            unique_identifier: Some(key.clone()),
            ..ObtainLeaseRequest::default()
        };
        assert_eq!(
            world.call(version, obtain()).unwrap().lease_time,
            Interval(600)
        );
        let compromise = RevocationReasonCode::KEY_COMPROMISE;
        world.revoke(version, &key, compromise).unwrap();
        let refused = world.call(version, obtain()).unwrap_err();
        assert_eq!(refused, ResultReason::PERMISSION_DENIED);
    }
}

#[test]
fn checks_and_allocations_know_the_limits() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let limits = Attribute::usage_limits(UsageLimits {
            usage_limits_total: 1000,
            // Set by the server; clients of 1.0 to 1.2 may not leave it out.
            usage_limits_count: Some(1000),
            usage_limits_unit: UsageLimitsUnit::BYTE,
            ..UsageLimits::default()
        });
        let key = world.create(version, [limits]);
        world.activate(version, &key).unwrap();
        let check = |count, mask| {
            let request = CheckRequest {
                unique_identifier: Some(key.clone()),
                usage_limits_count: count,
                cryptographic_usage_mask: mask,
                ..CheckRequest::default()
            };
            world.call(version, request).map(drop)
        };
        let allocate = |count| {
            let request = GetUsageAllocationRequest {
                unique_identifier: Some(key.clone()),
                usage_limits_count: count,
                ..GetUsageAllocationRequest::default()
            };
            world.call(version, request).map(drop)
        };
        check(Some(600), Some(CryptographicUsageMask::ENCRYPT)).unwrap();
        assert!(check(None, Some(CryptographicUsageMask::SIGN)).is_err());
        assert!(check(Some(1001), None).is_err());
        allocate(600).unwrap();
        assert!(check(Some(600), None).is_err());
        let exceeded = match is_2x(version) {
            true => ResultReason::USAGE_LIMIT_EXCEEDED,
            false => ResultReason::PERMISSION_DENIED,
        };
        assert_eq!(allocate(600), Err(exceeded));
        assert_eq!(allocate(-1), Err(exceeded));
        allocate(400).unwrap();
    }
}
