//! What a version does not have is not sent: operations, fields, attributes, and values of
//! enumerations and masks, for every operation and in every version.

#![cfg(feature = "arbitrary")]

#[path = "support/random.rs"]
mod random;
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kmip::ProtocolVersion as V;
use kmip::client::{Batch, Client, Error, NewKey, Problem, Search, Session};
use kmip::codec::{ErrorKind, Options};
use kmip::server::Engine;
use kmip::ttlv::Reader;
use kmip::types::{
    AddAttributeRequest, Attribute, AttributeReference, BlockCipherMode, Credential,
    CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask, DeviceCredential,
    EncryptRequest, GetRequest, HashingAlgorithm, ItemType, KeyFormatType, Mask, ObjectType,
    QueryFunction, RequestMessage, StorageStatusMask, Tag,
};
use random::{operations, requests};
use support::{Store, in_memory};

/// A client, and the server that it would send to.
struct World {
    store: Arc<Engine<Store>>,
    client: Client,
}

impl World {
    fn new(version: V) -> Self {
        let store = Arc::new(Engine::new(Store::default()));
        let client = in_memory(&store).version(version).connect().unwrap();
        World { store, client }
    }

    /// Whether a call was sent. What it was refused for is the text of an error that names the
    /// version.
    fn sends<T>(
        &mut self,
        call: impl FnOnce(&mut Client) -> Result<T, Error>,
    ) -> Result<(), String> {
        let performed = || self.store.handler().performed.load(Ordering::SeqCst);
        let before = performed();
        let outcome = call(&mut self.client);
        let sent = performed() > before;
        match outcome {
            Err(error) if matches!(error.problem(), Problem::Encode(_)) => {
                assert!(!sent, "{error:?}");
                assert!(!error.is_retryable() && !error.may_have_been_performed());
                let text = std::error::Error::source(&error).unwrap().to_string();
                let version = format!("KMIP {}", self.client.version());
                assert!(text.contains(&version), "{text}");
                Err(text)
            }
            _ => {
                assert!(sent);
                Ok(())
            }
        }
    }
}

/// An attribute whose value is an enumeration.
fn attribute(tag: Tag, value: u32) -> Attribute<'static> {
    let mut bytes = Vec::new();
    let mut writer = kmip::ttlv::Writer::new(&mut bytes);
    let open = writer.begin(Tag::NEW_ATTRIBUTE);
    writer.enumeration(tag, value);
    writer.end(open).unwrap();
    let item: Attribute<'_> =
        kmip::ttlv::decode_item(&bytes, Tag::NEW_ATTRIBUTE, V::V2_1, &Options::strict()).unwrap();
    kmip::types::IntoOwned::into_owned(item)
}

#[test]
fn each_value_of_each_attribute_is_sent_where_the_version_has_it() {
    let mut attributes = BTreeSet::new();
    let (mut sent, mut refused) = (0, 0);
    for version in V::ALL {
        let mut world = World::new(version);
        for tag in (Tag::ACTIVATION_DATE.0..0x42_0400).map(Tag) {
            let (Some(attribute_info), Some(table)) = (tag.attribute(), tag.enumeration()) else {
                continue;
            };
            // Those that 2.1 has not are made in no other way, and identifiers are no numbers in 1.x.
            if attribute_info.rules(V::V2_1).is_none() || tag == Tag::UNIQUE_IDENTIFIER {
                continue;
            }
            attributes.insert(tag);
            for value in table.values {
                let request = AddAttributeRequest {
                    unique_identifier: Some("key".into()),
                    new_attribute: Some(attribute(tag, value.value)),
                    ..AddAttributeRequest::default()
                };
                let outcome = world.sends(|client| client.call(request));
                let place = format!("{tag} {} in {version}: {outcome:?}", value.name);
                let attribute_is_there = attribute_info.rules(version).is_some();
                let expected = attribute_is_there && value.is_defined_in(version);
                assert_eq!(outcome.is_ok(), expected, "{place}");
                match outcome {
                    Ok(()) => sent += 1,
                    Err(text) => {
                        refused += 1;
                        let wanted = match attribute_is_there {
                            true => value.name,
                            false => "has no field",
                        };
                        assert!(text.contains(wanted), "{place}");
                    }
                }
            }
        }
    }
    for tag in [
        Tag::CRYPTOGRAPHIC_ALGORITHM,
        Tag::OBJECT_TYPE,
        Tag::STATE,
        Tag::KEY_FORMAT_TYPE,
    ] {
        assert!(attributes.contains(&tag), "{attributes:?}");
    }
    assert!(sent > 500 && refused > 200, "{sent} {refused}");
}

#[test]
fn each_bit_of_a_mask_is_sent_where_the_version_has_it() {
    for version in V::ALL {
        let mut world = World::new(version);
        for bit in CryptographicUsageMask::TABLE.values {
            let both = CryptographicUsageMask::SIGN | CryptographicUsageMask(bit.value);
            let outcome = world.sends(|client| client.create(NewKey::aes(256).usage(both)));
            assert_eq!(
                outcome.is_ok(),
                bit.is_defined_in(version),
                "{} in {version}: {outcome:?}",
                bit.name
            );
        }
        let destroyed = kmip::types::LocateRequest {
            storage_status_mask: Some(StorageStatusMask::DESTROYED_STORAGE),
            ..Default::default()
        };
        let outcome = world.sends(|client| client.call(destroyed));
        assert_eq!(
            outcome.is_ok(),
            version >= V::V2_0,
            "{version}: {outcome:?}"
        );
    }
}

#[test]
fn values_are_looked_for_in_all_of_a_message() {
    let mut world = World::new(V::V1_3);
    let deep = EncryptRequest {
        cryptographic_parameters: Some(CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::AEAD),
            ..CryptographicParameters::default()
        }),
        ..EncryptRequest::default()
    };
    let text = world.sends(|client| client.call(deep)).unwrap_err();
    let place = "RequestPayload/CryptographicParameters/BlockCipherMode";
    assert!(
        text.contains("KMIP 1.3 has no Block Cipher Mode AEAD"),
        "{text}"
    );
    assert!(text.contains(place), "{text}");
    let format = GetRequest {
        unique_identifier: Some("key".into()),
        key_format_type: Some(KeyFormatType::PKCS_12),
        ..GetRequest::default()
    };
    world.sends(|client| client.call(format)).unwrap_err();
    let hash = |client: &mut Client| client.hash(HashingAlgorithm::SHA3_256, b"data");
    world.sends(hash).unwrap_err();
    let asked = [
        QueryFunction::QUERY_OPERATIONS,
        QueryFunction::QUERY_CAPABILITIES,
    ];
    world.sends(|client| client.query(asked)).unwrap();
    let newer = [
        QueryFunction::QUERY_OPERATIONS,
        QueryFunction::QUERY_DEFAULTS_INFORMATION,
    ];
    world.sends(|client| client.query(newer)).unwrap_err();
    // Of a batch nothing is sent at all.
    let batch = Batch::new()
        .with(GetRequest::default())
        .with(kmip::types::CreateRequest::from(NewKey::new(
            CryptographicAlgorithm::CHACHA20,
            256,
        )));
    let text = world.sends(|client| client.send_batch(batch)).unwrap_err();
    assert!(text.contains("BatchItem[1]"), "{text}");

    // What belongs to 1.x only.
    let templates = || Search::new().object_type(ObjectType::TEMPLATE);
    let find = |client: &mut Client| client.list(templates(), []);
    World::new(V::V1_4).sends(find).unwrap();
    World::new(V::V2_0).sends(find).unwrap_err();

    // In the header.
    let device = Credential::device(DeviceCredential {
        device_serial_number: Some("1".into()),
        ..DeviceCredential::default()
    });
    for version in [V::V1_0, V::V1_1] {
        let store = Arc::new(Engine::new(Store::default()));
        let settings = in_memory(&store)
            .version(version)
            .credential(device.clone());
        let client = settings.connect().unwrap();
        let outcome = World { store, client }.sends(|client| client.locate([], None));
        assert_eq!(outcome.is_ok(), version >= V::V1_1, "{outcome:?}");
    }
}

#[test]
fn attributes_that_are_asked_for_by_name_are_those_of_the_version() {
    for (tag, since) in [
        (Tag::NAME, V::V1_0),
        (Tag::FRESH, V::V1_1),
        (Tag::SENSITIVE, V::V1_4),
        (Tag::PROTECTION_LEVEL, V::V2_0),
    ] {
        for version in V::ALL {
            let mut world = World::new(version);
            let reference = AttributeReference::from(tag);
            let outcome = world.sends(|client| client.get_attributes("key", [reference]));
            assert_eq!(
                outcome.is_ok(),
                version >= since,
                "{tag} in {version}: {outcome:?}"
            );
        }
    }
}

#[test]
fn values_of_vendors_and_unknown_ones_are_sent() {
    for version in [V::V1_0, V::V2_1] {
        let mut world = World::new(version);
        for number in [0x8000_0001, 0xFFFF_FFFF, 0x7F] {
            let key = NewKey::new(CryptographicAlgorithm(number), 256);
            world.sends(|client| client.create(key)).unwrap();
        }
        let usage = CryptographicUsageMask(0x8000_0000);
        world
            .sends(|client| client.create(NewKey::aes(256).usage(usage)))
            .unwrap();
    }
}

#[test]
fn values_of_other_versions_can_be_sent_on_purpose() {
    let store = Arc::new(Engine::new(Store::default()));
    let settings = in_memory(&store).version(V::V1_0);
    let client = settings.sends_values_of_other_versions(true).connect();
    let client = client.unwrap();
    let mut world = World { store, client };
    let key = NewKey::new(CryptographicAlgorithm::ED25519, 256);
    world.sends(|client| client.create(key)).unwrap();
}

/// The values in an encoded message that its version does not have.
fn foreign(message: &[u8], version: V) -> Vec<String> {
    let mut found = Vec::new();
    let mut reader = Reader::new(message).unwrap();
    let mut open = Vec::new();
    let mut attribute = None;
    loop {
        let Some(tag) = reader.tag() else {
            match open.pop() {
                Some(frame) => reader.leave(frame).unwrap(),
                None => return found,
            }
            continue;
        };
        let meaning = match tag {
            Tag::ATTRIBUTE_VALUE => attribute.unwrap_or(tag),
            tag => tag,
        };
        match reader.item_type() {
            ItemType::STRUCTURE => open.push(reader.enter().unwrap()),
            ItemType::ENUMERATION => {
                let value = reader.enumeration().unwrap();
                let known = meaning
                    .enumeration()
                    .and_then(|table| table.by_value(value));
                if known.is_some_and(|known| !known.is_defined_in(version)) {
                    found.push(format!("{meaning} {value}"));
                }
            }
            ItemType::TEXT_STRING => {
                let text = reader.text_string().unwrap();
                if tag == Tag::ATTRIBUTE_NAME {
                    attribute = match AttributeReference::from_name(text.into()) {
                        AttributeReference::Standard(tag) => Some(tag),
                        AttributeReference::Custom { .. } => None,
                    };
                }
            }
            _ => reader.skip().unwrap(),
        }
    }
}

#[test]
fn requests_of_each_operation_are_expressed_in_a_version_or_refused() {
    let mut expressed = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for (origin, seeds) in [(V::V2_1, 0..500), (V::V1_4, 0..300), (V::V1_0, 0..100)] {
        for payload in seeds.flat_map(|seed| requests(origin, seed)) {
            let operation = payload.operation();
            if !operations(V::LATEST).contains(&operation) {
                continue;
            }
            for version in V::ALL {
                let mut bytes = b"before".to_vec();
                let batch = Batch::new().with(payload.clone());
                let place = format!("{operation:?} of {origin} in {version}");
                match Session::new("server", version).encode(batch, &mut bytes) {
                    Ok(_) => {
                        expressed.insert((operation, version));
                        let message: Result<RequestMessage<'_>, _> =
                            kmip::ttlv::decode(&bytes[6..], &Options::default());
                        let found = &message.unwrap().batch_item[0].request_payload;
                        assert_eq!(found.operation(), operation, "{place}");
                        let foreign = foreign(&bytes[6..], version);
                        assert!(foreign.is_empty(), "{place}: {foreign:?}");
                    }
                    Err(error) => {
                        refused.insert((operation, version));
                        assert_eq!(bytes, b"before", "{place}");
                        assert_eq!(error.operation(), Some(operation), "{place}");
                        let Problem::Encode(error) = error.problem() else {
                            panic!("{place}: {error:?}");
                        };
                        let is_there = operations(version).contains(&operation);
                        if !is_there {
                            let missing =
                                matches!(error.kind(), ErrorKind::OperationNotInVersion(..));
                            assert!(missing, "{place}: {error}");
                        }
                    }
                }
            }
        }
    }
    for operation in operations(V::LATEST) {
        let in_version = |version: &V| operations(*version).contains(&operation);
        let mut where_expressed = V::ALL
            .into_iter()
            .filter(|version| expressed.contains(&(operation, *version)));
        assert!(
            where_expressed.clone().all(|version| in_version(&version)),
            "{operation:?}"
        );
        assert!(
            where_expressed.next().is_some(),
            "{operation:?} is never expressed"
        );
        for version in V::ALL.iter().filter(|version| !in_version(version)) {
            assert!(
                refused.contains(&(operation, *version)),
                "{operation:?} in {version}"
            );
        }
    }
}
