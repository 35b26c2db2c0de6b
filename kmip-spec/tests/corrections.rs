//! What the tables say where the published ones are wrong or silent, and what must stay secret.

use std::collections::BTreeSet;

use kmip_spec::model::{Choice, ItemKind, Required, layout};
use kmip_spec::names::normalise;
use kmip_spec::{Spec, Version};

fn spec() -> Spec {
    Spec::load().unwrap()
}

/// The XML name that is written for a value in a version.
fn written(spec: &Spec, enumeration: &str, value: u32, version: Version) -> String {
    let enumeration = spec.enumeration(enumeration).unwrap();
    let mut values = enumeration.values.iter();
    normalise(values.find(|v| v.value == value).unwrap().spelling(version))
}

/// Official XML test messages use exactly these names.
#[test]
fn values_are_written_as_official_messages_spell_them() {
    let spec = spec();
    for version in [Version::V1_4, Version::V2_0, Version::V2_1] {
        assert_eq!(written(&spec, "Mask Generator", 1, version), "MGF1");
        assert_eq!(
            written(&spec, "Cryptographic Usage Mask", 0x400, version),
            "ContentCommitment"
        );
    }
    assert_eq!(
        written(&spec, "Hashing Algorithm", 0xE, Version::V1_4),
        "SHA_3_224"
    );
    assert_eq!(
        written(&spec, "Hashing Algorithm", 0xE, Version::V2_0),
        "SHA3_224"
    );
    let signature = |version| written(&spec, "Digital Signature Algorithm", 5, version);
    assert_eq!(
        signature(Version::V1_4),
        "SHA_256WithRSAEncryptionPKCS_1V1_5"
    );
    assert_eq!(signature(Version::V2_0), "SHA_256WithRSAEncryption");
}

#[test]
fn spellings_of_the_field_are_understood() {
    let spec = spec();
    for (enumeration, value, spelling) in [
        ("Mask Generator", 1, "MFG1"),
        (
            "Cryptographic Usage Mask",
            0x400,
            "ContentCommitmentNonRepudiation",
        ),
        ("Result Reason", 0x39, "NotAuthorized"),
        ("Hashing Algorithm", 0xE, "SHA_3_224"),
        ("Hashing Algorithm", 0xE, "SHA3_224"),
    ] {
        let values = &spec.enumeration(enumeration).unwrap().values;
        let found = values.iter().find(|candidate| {
            let spellings = candidate.spellings.iter().map(|(_, spelling)| spelling);
            let mut all = spellings.chain(&candidate.aliases).chain([&candidate.name]);
            all.any(|s| normalise(s) == spelling)
        });
        assert_eq!(
            found.map(|found| found.value),
            Some(value),
            "{enumeration} {spelling}"
        );
    }
}

/// Required fields that official messages leave out, and no others.
#[test]
fn missing_fields_are_tolerated_where_official_messages_lack_them() {
    let spec = spec();
    let structures = spec.structures.iter().map(|s| (s.name.clone(), &s.fields));
    let payloads = spec.operations.iter().flat_map(|operation| {
        let exchange = operation.client_to_server.as_ref();
        let messages = exchange.map(|exchange| {
            [
                ("request", &exchange.request),
                ("response", &exchange.response),
            ]
        });
        messages
            .into_iter()
            .flatten()
            .filter_map(|(message, payload)| {
                payload
                    .as_ref()
                    .map(|p| (format!("{} {message}", operation.name), &p.fields))
            })
    });
    let tolerated: BTreeSet<String> = structures
        .chain(payloads)
        .flat_map(|(owner, fields)| {
            fields
                .iter()
                .filter(|row| row.tolerate_missing)
                .map(move |row| {
                    assert_eq!(row.required, Required::Yes, "{owner}: nothing to tolerate");
                    format!("{owner}: {} ({})", row.name, row.range)
                })
        })
        .collect();
    let expected = [
        "Add Attribute request: New Attribute (2.0-)",
        "Attribute: Attribute Name (1.0-1.4)",
        "Create Split Key response: Object Type (1.2)",
        "Join Split Key response: Object Type (1.2)",
        "MAC Verify response: Validity Indicator (1.3-1.4)",
        "Query response: Protection Storage Masks (2.0-)",
        "Set Constraints request: Constraints (2.1-)",
        "Signature Verify response: Validity Indicator (1.3-1.4)",
        "Usage Limits: Usage Limits Count (1.0-)",
    ];
    assert_eq!(tolerated, expected.map(str::to_owned).into());
}

#[test]
fn pkcs11_items_are_bare_on_the_wire() {
    let spec = spec();
    let exchange = spec
        .operation("PKCS#11")
        .unwrap()
        .client_to_server
        .as_ref()
        .unwrap();
    for payload in [&exchange.request, &exchange.response] {
        for row in &payload.as_ref().unwrap().fields {
            assert!(!row.kinds.contains(&ItemKind::Structure), "{}", row.name);
        }
    }
    let bare = spec
        .structures
        .iter()
        .filter(|structure| structure.bare_item);
    assert!(
        bare.clone()
            .all(|structure| structure.name.starts_with("PKCS#11 "))
    );
    assert_eq!(bare.count(), 5);
}

#[test]
fn pgp_keys_can_be_registered_since_they_exist() {
    let spec = spec();
    for (operation, request) in [("Register", true), ("Get", false), ("Import", true)] {
        let exchange = spec
            .operation(operation)
            .unwrap()
            .client_to_server
            .as_ref()
            .unwrap();
        let payload = if request {
            &exchange.request
        } else {
            &exchange.response
        };
        let payload = payload.as_ref().unwrap();
        for version in Version::ALL
            .into_iter()
            .filter(|&version| payload.contains(version))
        {
            let object = layout(&payload.fields, version).find(|row| row.name == "Managed Object");
            let Some(Choice::OneOf(objects)) = &object.unwrap().choice else {
                panic!("{operation} {version}: no choice of objects")
            };
            let has_pgp = objects.iter().any(|object| object == "PGP Key");
            assert_eq!(has_pgp, version >= Version::V1_2, "{operation} {version}");
        }
    }
}

/// A structure is described wherever a field has one, except where its content is free.
#[test]
fn structures_of_fields_are_described() {
    let spec = spec();
    let free = [
        "Request Payload",
        "Response Payload",
        "Vendor Extension",
        "Server Information",
    ];
    let all_fields = spec
        .structures
        .iter()
        .flat_map(|structure| &structure.fields)
        .chain(spec.operations.iter().flat_map(|operation| {
            let exchanges = [&operation.client_to_server, &operation.server_to_client];
            let payloads = exchanges
                .into_iter()
                .flatten()
                .flat_map(|e| [&e.request, &e.response]);
            payloads.flatten().flat_map(|payload| &payload.fields)
        }));
    for row in all_fields.filter(|row| row.kinds.contains(&ItemKind::Structure)) {
        let tags = match (&row.tag, &row.choice) {
            (Some(tag), _) => std::slice::from_ref(tag),
            (None, Some(Choice::OneOf(tags))) => tags,
            _ => continue,
        };
        for tag in tags.iter().filter(|tag| !free.contains(&tag.as_str())) {
            let is_structure = spec.tag(tag).unwrap().kinds.contains(&ItemKind::Structure);
            for version in row.range.versions().filter(|_| is_structure) {
                let described = spec
                    .structures
                    .iter()
                    .any(|s| s.tag_name == *tag && s.range.contains(version));
                assert!(described, "{tag} in {version}");
            }
        }
    }
}

#[test]
fn secrets_are_marked_and_what_identifies_or_dates_them_is_not() {
    let spec = spec();
    let secret = |name: &str| spec.tag(name).unwrap().secret;
    for name in [
        "Key Material",
        "Key",
        "Password",
        "Private Exponent",
        "D",
        "X",
        "CRT Coefficient",
        "Data",
        "Derivation Data",
        "Ticket Value",
        "One Time Password",
        "Opaque Data Value",
    ] {
        assert!(secret(name), "{name}");
    }
    for name in [
        "Unique Identifier",
        "Activation Date",
        "Modulus",
        "Public Exponent",
        "Username",
        "Key Format Type",
        "Key Part Identifier",
        "Digest Value",
        "Certificate Value",
    ] {
        assert!(!secret(name), "{name}");
    }
    for tag in spec.tags.iter().filter(|tag| tag.secret) {
        let opaque = [
            ItemKind::TextString,
            ItemKind::ByteString,
            ItemKind::BigInteger,
        ];
        assert!(
            tag.kinds.iter().any(|kind| opaque.contains(kind)),
            "{} holds no secret",
            tag.name
        );
    }
}
