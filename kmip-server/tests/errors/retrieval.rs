//! Get and Locate.

use super::*;

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
