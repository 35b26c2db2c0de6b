//! Result reasons as the tables of each version have them.

mod common;

use common::{World, is_2x};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, Attributes, BlockCipherMode, CreateSplitKeyRequest, CryptographicParameters,
    CryptographicUsageMask, Data, DerivationMethod, DeriveKeyRequest, Enumeration, HashRequest,
    HashingAlgorithm, ObjectType, ResultReason, SplitKeyMethod,
};

/// The versions that have all operations of this file.
const VERSIONS: [ProtocolVersion; 4] = [
    ProtocolVersion::V1_3,
    ProtocolVersion::V1_4,
    ProtocolVersion::V2_0,
    ProtocolVersion::V2_1,
];

#[test]
fn what_the_server_cannot_compute_is_a_cryptographic_failure_before_2_0() {
    for version in VERSIONS {
        let world = World::new();
        let expected = match is_2x(version) {
            true => ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS,
            false => ResultReason::CRYPTOGRAPHIC_FAILURE,
        };
        let key = world.create(version, []);
        world.activate(version, &key).unwrap();
        let encrypt = common::encrypt(&key, BlockCipherMode::PCBC, 16);
        assert_eq!(world.call(version, encrypt).unwrap_err(), expected);
        let hash = HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::TIGER),
                ..CryptographicParameters::default()
            },
            data: Some(Data::from(vec![0; 16])),
            ..HashRequest::default()
        };
        assert_eq!(world.call(version, hash).unwrap_err(), expected);
    }
}

#[test]
fn a_correlation_value_of_nothing_is_not_found() {
    for version in VERSIONS {
        let world = World::new();
        let expected = match is_2x(version) {
            true => ResultReason::INVALID_CORRELATION_VALUE,
            false => ResultReason::ITEM_NOT_FOUND,
        };
        let hash = HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            },
            data: Some(Data::from(vec![0; 16])),
            correlation_value: Some(vec![1, 2, 3].into()),
            final_indicator: Some(true),
            ..HashRequest::default()
        };
        assert_eq!(world.call(version, hash).unwrap_err(), expected);
    }
}

#[test]
fn methods_that_the_server_lacks_are_invalid_fields() {
    for version in VERSIONS {
        let world = World::new();
        let derive = CryptographicUsageMask::DERIVE_KEY;
        let mut request = common::create([]);
        request.attributes = request
            .attributes
            .list
            .into_iter()
            .map(|own| {
                match own.reference() == Attribute::cryptographic_usage_mask(derive).reference() {
                    true => Attribute::cryptographic_usage_mask(derive),
                    false => own,
                }
            })
            .collect();
        let key = world.call(version, request).unwrap().unique_identifier;
        world.activate(version, &key).unwrap();
        let split = CreateSplitKeyRequest {
            object_type: ObjectType::SPLIT_KEY,
            unique_identifier: Some(key.clone()),
            split_key_parts: 3,
            split_key_threshold: 2,
            split_key_method: SplitKeyMethod::new(0x8000_0001),
            ..CreateSplitKeyRequest::default()
        };
        let refused = world.call(version, split).unwrap_err();
        assert_eq!(refused, ResultReason::INVALID_FIELD, "{version}");
        let derive = DeriveKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: vec![key],
            derivation_method: DerivationMethod::new(0x8000_0001),
            attributes: Attributes::from([
                Attribute::cryptographic_algorithm(kmip::types::CryptographicAlgorithm::AES),
                Attribute::cryptographic_length(128),
            ]),
            ..DeriveKeyRequest::default()
        };
        let refused = world.call(version, derive).unwrap_err();
        assert_eq!(refused, ResultReason::INVALID_FIELD, "{version}");
    }
}
