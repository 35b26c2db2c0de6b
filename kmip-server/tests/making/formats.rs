//! In which format a new key is, and what of it can be had.

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, AttributeValue, Attributes, BlockCipherMode, CreateKeyPairRequest,
    CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask, EncodingOption,
    EncryptionKeyInformation, ExportRequest, GetRequest, ImportRequest, KeyFormatType, KeyWrapType,
    KeyWrappingSpecification, LinkType, ObjectType, RegisterRequest, ResultReason,
    RevocationReasonCode, Tag, WrappingMethod,
};

use super::{block, get, versions_2x};
use crate::common::{Identifier, World, create, in_use, name};

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
