//! Keys that are made from keys.

use super::*;

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
