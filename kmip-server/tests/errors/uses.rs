//! Cryptography with keys.

use super::*;

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
