//! What the server makes of what a client gives for a new object.

#[path = "../common/mod.rs"]
mod common;
mod formats;
mod limits;
mod places;

use common::{Identifier, World, create, is_2x, symmetric_key};
use kmip::ProtocolVersion;
use kmip::types::{
    AddAttributeRequest, Attribute, AttributeValue, CreateKeyPairRequest, CreateRequest,
    CryptographicAlgorithm, CryptographicUsageMask, GetRequest, KeyBlock, Link, LinkType,
    ManagedObject, ObjectType, RegisterRequest, RequestPayload, ResponsePayload, ResultReason,
    ResultStatus, Tag, UniqueIdentifier, UniqueIdentifierEnumeration,
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
            managed_object: Some(symmetric_key(CryptographicAlgorithm::AES, &[7; 16])),
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
