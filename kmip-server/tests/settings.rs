//! What a client sets for its objects to come: defaults and constraints (KMIP 2.1).

mod common;

use std::sync::Arc;

use common::{NOW, World, create, peer};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, Attributes, Constraint, Constraints, CreateKeyPairRequest, CreateRequest,
    CryptographicAlgorithm, CryptographicUsageMask, DefaultsInformation, GetAttributesRequest,
    GetConstraintsRequest, GetConstraintsResponse, ImportRequest, KeyBlock, KeyFormatType,
    KeyMaterial, KeyValue, ManagedObject, ObjectDefaults, ObjectGroups, ObjectType, ObjectTypes,
    QueryFunction, QueryRequest, ResultReason, Secret, SetConstraintsRequest, SetDefaultsRequest,
    SymmetricKey,
};
use kmip_server::{MemoryStore, Store};
use test_support::Authority;

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

fn defaults(
    object_type: ObjectType,
    groups: &[&'static str],
    attributes: impl Into<Attributes<'static>>,
) -> SetDefaultsRequest<'static> {
    let object_groups = (!groups.is_empty()).then(|| group_list(groups));
    SetDefaultsRequest {
        defaults_information: Some(DefaultsInformation {
            object_defaults: vec![ObjectDefaults {
                object_types: Some(types(object_type)),
                attributes: attributes.into(),
                object_groups,
                ..ObjectDefaults::default()
            }],
            ..DefaultsInformation::default()
        }),
        ..SetDefaultsRequest::default()
    }
}

fn types(object_type: ObjectType) -> ObjectTypes<'static> {
    ObjectTypes {
        object_type: vec![object_type],
        ..ObjectTypes::default()
    }
}

fn group_list(groups: &[&'static str]) -> ObjectGroups<'static> {
    ObjectGroups {
        object_group: groups.iter().map(|group| (*group).into()).collect(),
        ..ObjectGroups::default()
    }
}

fn constraints(
    object_type: ObjectType,
    attributes: impl Into<Attributes<'static>>,
) -> SetConstraintsRequest<'static> {
    SetConstraintsRequest {
        constraints: Some(Constraints {
            constraint: vec![Constraint {
                object_types: Some(types(object_type)),
                attributes: Some(attributes.into()),
                ..Constraint::default()
            }],
            ..Constraints::default()
        }),
        ..SetConstraintsRequest::default()
    }
}

/// A request for a symmetric key that says nothing of it.
fn bare(more: impl Into<Attributes<'static>>) -> CreateRequest<'static> {
    CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: more.into(),
        ..CreateRequest::default()
    }
}

fn aes(length: i32) -> [Attribute<'static>; 2] {
    [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
        Attribute::cryptographic_length(length),
    ]
}

#[test]
fn defaults_stand_in_for_what_a_client_leaves_out() {
    let world = World::new();
    assert_eq!(made_length(&world, bare([])), 256, "that of the server");
    world
        .call(VERSION, defaults(ObjectType::SYMMETRIC_KEY, &[], aes(192)))
        .unwrap();
    assert_eq!(made_length(&world, bare([])), 192);
    // What the client gives counts.
    let own = bare([Attribute::cryptographic_length(128)]);
    assert_eq!(made_length(&world, own), 128);
    // They are for symmetric keys only.
    let pair = world.call(VERSION, CreateKeyPairRequest::default());
    let private = pair.unwrap().private_key_unique_identifier;
    let attributes = world.attributes(VERSION, &private, &[]).unwrap();
    let rsa = CryptographicAlgorithm::RSA;
    assert_eq!(attributes.cryptographic_algorithm(), Some(&rsa));
    // Without any, they are gone.
    world.call(VERSION, SetDefaultsRequest::default()).unwrap();
    assert_eq!(made_length(&world, bare([])), 256);
}

/// The length of the key that the server makes.
fn made_length(world: &World, request: CreateRequest<'static>) -> i32 {
    let key = world.call(VERSION, request).unwrap().unique_identifier;
    let attributes = world.attributes(VERSION, &key, &[]).unwrap();
    *attributes.cryptographic_length().unwrap()
}

#[test]
fn defaults_for_a_group_are_for_its_members() {
    let world = World::new();
    let set = defaults(ObjectType::SYMMETRIC_KEY, &["tapes"], aes(192));
    world.call(VERSION, set).unwrap();
    assert_eq!(made_length(&world, bare([])), 256);
    let other = bare([Attribute::object_group("disks")]);
    assert_eq!(made_length(&world, other), 256);
    let member = bare([Attribute::object_group("tapes")]);
    assert_eq!(made_length(&world, member), 192);
}

#[test]
fn query_tells_the_defaults() {
    let world = World::new();
    let query = || QueryRequest {
        query_function: vec![QueryFunction::QUERY_DEFAULTS_INFORMATION],
        ..QueryRequest::default()
    };
    assert_eq!(
        world.call(VERSION, query()).unwrap().defaults_information,
        None
    );
    let set = defaults(ObjectType::SYMMETRIC_KEY, &[], aes(192));
    world.call(VERSION, set.clone()).unwrap();
    let told = world.call(VERSION, query()).unwrap();
    assert_eq!(told.defaults_information, set.defaults_information);
}

#[test]
fn what_violates_a_constraint_is_not_made() {
    let world = World::new();
    let encrypt = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
    let rules = [
        Attribute::cryptographic_length(192),
        Attribute::cryptographic_length(256),
        Attribute::cryptographic_usage_mask(encrypt),
    ];
    world
        .call(VERSION, constraints(ObjectType::SYMMETRIC_KEY, rules))
        .unwrap();
    world.call(VERSION, create([])).expect("256 bits");
    let mut request = create([]);
    request.attributes = aes(128).into();
    let refused = world.call(VERSION, request).unwrap_err();
    assert_eq!(refused, ResultReason::CONSTRAINT_VIOLATION);
    let mut request = create([]);
    let wide = encrypt | CryptographicUsageMask::WRAP_KEY;
    request.attributes = [
        aes(256)[0].clone(),
        aes(256)[1].clone(),
        Attribute::cryptographic_usage_mask(wide),
    ]
    .into();
    let refused = world.call(VERSION, request.clone()).unwrap_err();
    assert_eq!(refused, ResultReason::CONSTRAINT_VIOLATION);
    // Older versions, which have no word for it, are no way around it.
    let refused = world.call(ProtocolVersion::V1_4, request).unwrap_err();
    assert_eq!(refused, ResultReason::PERMISSION_DENIED);
}

#[test]
fn an_import_is_no_way_around_a_constraint() {
    let world = World::new();
    let rules = [Attribute::cryptographic_length(256)];
    world
        .call(VERSION, constraints(ObjectType::SYMMETRIC_KEY, rules))
        .unwrap();
    let import = ImportRequest {
        unique_identifier: "mine".into(),
        object_type: Some(ObjectType::SYMMETRIC_KEY),
        managed_object: ManagedObject::SymmetricKey(SymmetricKey {
            key_block: KeyBlock {
                key_format_type: KeyFormatType::RAW,
                key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(vec![
                    7;
                    16
                ])))),
                cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
                cryptographic_length: Some(128),
                ..KeyBlock::default()
            },
            ..SymmetricKey::default()
        }),
        ..ImportRequest::default()
    };
    let refused = world.call(VERSION, import).unwrap_err();
    assert_eq!(refused, ResultReason::CONSTRAINT_VIOLATION);
}

#[test]
fn constraints_last_as_long_as_the_store_and_are_the_clients_own() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let world = World::with(store.clone(), |_| {});
    let authority = Authority::new("CA");
    let (anna, bert) = (peer(&authority, "anna"), peer(&authority, "bert"));
    let rules = constraints(
        ObjectType::SYMMETRIC_KEY,
        [Attribute::cryptographic_length(192)],
    );
    world.call_as(&anna, VERSION, rules.clone()).unwrap();
    let restarted = World::with(store, |configuration| {
        assert_eq!(configuration.clock.now(), NOW);
    });
    let get = GetConstraintsRequest::default;
    let told: GetConstraintsResponse<'_> = restarted.call_as(&anna, VERSION, get()).unwrap();
    assert_eq!(Some(told.constraints), rules.constraints);
    let refused = restarted.call_as(&anna, VERSION, create([])).unwrap_err();
    assert_eq!(refused, ResultReason::CONSTRAINT_VIOLATION);
    let told = restarted.call_as(&bert, VERSION, get()).unwrap();
    assert!(told.constraints.constraint.is_empty());
    restarted.call_as(&bert, VERSION, create([])).unwrap();
    // They are no objects.
    let found = restarted.call_as(&anna, VERSION, kmip::types::LocateRequest::default());
    assert!(found.unwrap().unique_identifier.is_empty());
}

#[test]
fn rules_about_attributes_of_the_server_are_refused() {
    let world = World::new();
    let state = Attribute::state(kmip::types::State::ACTIVE);
    let refused = world.call(
        VERSION,
        constraints(ObjectType::SYMMETRIC_KEY, [state.clone()]),
    );
    assert_eq!(refused.unwrap_err(), ResultReason::ATTRIBUTE_READ_ONLY);
    let refused = world.call(VERSION, defaults(ObjectType::SYMMETRIC_KEY, &[], [state]));
    assert_eq!(refused.unwrap_err(), ResultReason::ATTRIBUTE_READ_ONLY);
    let nothing = world.call(VERSION, GetAttributesRequest::default());
    assert!(nothing.is_err());
}

#[test]
fn rules_have_no_more_attributes_than_each_new_object_can_be_compared_with() {
    let world = World::new();
    let many = |count: usize| -> Vec<Attribute<'static>> {
        let groups = 0..count;
        groups
            .map(|number| Attribute::object_group(format!("group {number}")))
            .collect()
    };
    let key = ObjectType::SYMMETRIC_KEY;
    let refused = world.call(VERSION, constraints(key, many(1025)));
    assert_eq!(refused.unwrap_err(), ResultReason::INVALID_FIELD);
    let refused = world.call(VERSION, defaults(key, &[], many(1025)));
    assert_eq!(refused.unwrap_err(), ResultReason::INVALID_FIELD);
    // All rules count together.
    let mut set = constraints(key, many(600));
    let rules = &mut set.constraints.as_mut().unwrap().constraint;
    rules.push(rules[0].clone());
    let refused = world.call(VERSION, set);
    assert_eq!(refused.unwrap_err(), ResultReason::INVALID_FIELD);
    world.call(VERSION, constraints(key, many(1024))).unwrap();
    assert_eq!(
        world.call(VERSION, create([])).unwrap_err(),
        ResultReason::CONSTRAINT_VIOLATION
    );
    world.call(VERSION, create(many(1024))).unwrap();
}
