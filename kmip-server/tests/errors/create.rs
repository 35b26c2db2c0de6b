//! Create, Register and their relatives.

use super::*;

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
