//! Making objects, their states, and what the server knows of them, in every version.

mod common;

use common::{NOW, World, create, is_2x, name, not_found, peer, wrong_state};
use kmip::ProtocolVersion;
use kmip::types::{
    ActivateRequest, Attribute, AttributeReference, CreateKeyPairRequest, CryptographicAlgorithm,
    CryptographicUsageMask, DateTime, GetRequest, HashingAlgorithm, KeyFormatType, LinkType,
    ManagedObject, ObjectType, ResponsePayload, ResultReason, ResultStatus, RevocationReasonCode,
    State, Tag, UniqueIdentifier,
};
use openssl::sha::sha256;
use test_support::Authority;

fn get(object: &UniqueIdentifier<'static>) -> GetRequest<'static> {
    GetRequest {
        unique_identifier: Some(object.clone()),
        ..GetRequest::default()
    }
}

fn key_bytes(object: &ManagedObject<'_>) -> Vec<u8> {
    let ManagedObject::SymmetricKey(key) = object else {
        panic!("no symmetric key: {object:?}");
    };
    let value = key.key_block.key_value.as_ref().expect("key value");
    value.as_bytes().expect("bytes").to_vec()
}

#[test]
fn a_created_key_has_the_attributes_of_its_version() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, [name("disk")]);
        let attributes = world.attributes(version, &key, &[]).unwrap();
        assert_eq!(attributes.unique_identifier(), Some(&key));
        assert_eq!(attributes.object_type(), Some(&ObjectType::SYMMETRIC_KEY));
        assert_eq!(attributes.state(), Some(&State::PRE_ACTIVE));
        assert_eq!(attributes.initial_date(), Some(&NOW));
        assert_eq!(attributes.last_change_date(), Some(&NOW));
        assert_eq!(attributes.name().unwrap().name_value, "disk");

        let answer = world.call(version, get(&key)).unwrap();
        let bytes = key_bytes(&answer.managed_object);
        assert_eq!(bytes.len(), 32);
        let digest = attributes.digest().unwrap();
        assert_eq!(digest.hashing_algorithm, HashingAlgorithm::SHA_256);
        assert_eq!(digest.digest_value.as_deref(), Some(&sha256(&bytes)[..]));
        let format = Some(KeyFormatType::RAW).filter(|_| version > ProtocolVersion::V1_0);
        assert_eq!(digest.key_format_type, format);

        let since = |first| (version >= first).then_some(true);
        assert_eq!(attributes.fresh().copied(), since(ProtocolVersion::V1_1));
        let creation = attributes.original_creation_date().copied();
        assert_eq!(creation, since(ProtocolVersion::V1_2).map(|_| NOW));
        let generator = attributes.random_number_generator().map(|_| true);
        assert_eq!(generator, since(ProtocolVersion::V1_3));
        let extractable = attributes.extractable().copied();
        assert_eq!(extractable, since(ProtocolVersion::V1_4));
        let sensitive = attributes.always_sensitive().copied();
        assert_eq!(sensitive, since(ProtocolVersion::V1_4).map(|_| false));
        let short = attributes.short_unique_identifier().map(|_| true);
        assert_eq!(short, since(ProtocolVersion::V2_0));

        let fresh = [AttributeReference::Standard(Tag::FRESH)];
        let later = world.attributes(version, &key, &fresh).unwrap();
        let used = since(ProtocolVersion::V1_1).map(|_| false);
        assert_eq!(later.fresh().copied(), used);
    }
}

#[test]
fn two_keys_differ() {
    let world = World::new();
    let version = ProtocolVersion::V1_4;
    let keys = [world.create(version, []), world.create(version, [])];
    let bytes = keys.map(|key| key_bytes(&world.call(version, get(&key)).unwrap().managed_object));
    assert_ne!(bytes[0], bytes[1]);
    assert_ne!(bytes[0], [0; 32]);
}

#[test]
fn states_follow_each_other() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let state = |key| {
            *world
                .attributes(version, key, &[])
                .unwrap()
                .state()
                .unwrap()
        };
        let wrong = Err(wrong_state(version));
        let superseded = RevocationReasonCode::SUPERSEDED;

        let key = world.create(version, []);
        assert_eq!(world.revoke(version, &key, superseded), wrong);
        world.activate(version, &key).unwrap();
        assert_eq!(state(&key), State::ACTIVE);
        assert_eq!(world.activate(version, &key), wrong);
        assert_eq!(world.destroy(version, &key), wrong);
        world.clock.advance(60);
        world.revoke(version, &key, superseded).unwrap();
        assert_eq!(state(&key), State::DEACTIVATED);
        assert_eq!(world.revoke(version, &key, superseded), wrong);
        let attributes = world.attributes(version, &key, &[]).unwrap();
        let later = DateTime(NOW.0 + 60);
        assert_eq!(attributes.activation_date(), Some(&NOW));
        assert_eq!(attributes.deactivation_date(), Some(&later));
        assert_eq!(attributes.last_change_date(), Some(&later));
        let reason = attributes.revocation_reason().unwrap();
        assert_eq!(reason.revocation_reason_code, superseded);

        world.destroy(version, &key).unwrap();
        assert_eq!(state(&key), State::DESTROYED);
        let gone = match is_2x(version) {
            true => ResultReason::OBJECT_DESTROYED,
            false => ResultReason::ITEM_NOT_FOUND,
        };
        assert_eq!(world.call(version, get(&key)).unwrap_err(), gone);
        let twice = match is_2x(version) {
            true => ResultReason::OBJECT_DESTROYED,
            false => ResultReason::PERMISSION_DENIED,
        };
        assert_eq!(world.destroy(version, &key).unwrap_err(), twice);
        // A destroyed key can still turn out to have been compromised.
        let compromise = RevocationReasonCode::KEY_COMPROMISE;
        world.revoke(version, &key, compromise).unwrap();
        assert_eq!(state(&key), State::DESTROYED_COMPROMISED);
    }
}

#[test]
fn a_compromised_key_is_destroyed_as_such() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let key = world.create(version, []);
    world
        .revoke(version, &key, RevocationReasonCode::KEY_COMPROMISE)
        .unwrap();
    let attributes = world.attributes(version, &key, &[]).unwrap();
    assert_eq!(attributes.state(), Some(&State::COMPROMISED));
    assert_eq!(attributes.compromise_date(), Some(&NOW));
    world.destroy(version, &key).unwrap();
    let attributes = world.attributes(version, &key, &[]).unwrap();
    assert_eq!(attributes.state(), Some(&State::DESTROYED_COMPROMISED));
    assert_eq!(attributes.destroy_date(), Some(&NOW));
}

#[test]
fn dates_change_the_state_when_they_come() {
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let key = world.create(
        version,
        [
            Attribute::activation_date(DateTime(NOW.0 + 10)),
            Attribute::deactivation_date(DateTime(NOW.0 + 20)),
        ],
    );
    let state = || {
        *world
            .attributes(version, &key, &[])
            .unwrap()
            .state()
            .unwrap()
    };
    assert_eq!(state(), State::PRE_ACTIVE);
    world.clock.advance(10);
    assert_eq!(state(), State::ACTIVE);
    assert_eq!(world.destroy(version, &key), Err(wrong_state(version)));
    world.clock.advance(10);
    assert_eq!(state(), State::DEACTIVATED);
    world.destroy(version, &key).unwrap();
}

#[test]
fn the_id_placeholder_carries_a_new_key_through_a_batch() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let items = world.batch(
            version,
            vec![create([]).into(), ActivateRequest::default().into()],
        );
        let [
            Some(ResponsePayload::Create(created)),
            Some(ResponsePayload::Activate(activated)),
        ] = [&items[0].response_payload, &items[1].response_payload]
        else {
            panic!("{items:?}");
        };
        assert_eq!(created.unique_identifier, activated.unique_identifier);
        let attributes = world.attributes(version, &created.unique_identifier, &[]);
        assert_eq!(attributes.unwrap().state(), Some(&State::ACTIVE));
    }
}

#[test]
fn what_is_missing_is_named() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let mut request = create([]);
        request.attributes.list.remove(0);
        // Since 2.0 the server supplies it.
        if !is_2x(version) {
            let refused = world.call(version, request).unwrap_err();
            assert_eq!(refused, ResultReason::INVALID_MESSAGE);
        }
        let nobody = UniqueIdentifier::from("no such object");
        let refused = world.call(version, get(&nobody)).unwrap_err();
        assert_eq!(refused, not_found(version));
        let items = world.batch(version, vec![ActivateRequest::default().into()]);
        assert_eq!(items[0].result_status, ResultStatus::OPERATION_FAILED);
        assert_eq!(items[0].result_reason, Some(ResultReason::ITEM_NOT_FOUND));
    }
}

#[test]
fn lengths_that_an_algorithm_does_not_have_are_refused() {
    let world = World::new();
    for length in [0, -1, 8, 127, 129, 257, 512 * 8, i32::MAX, i32::MIN] {
        let mut request = create([]);
        request.attributes.list[1] = Attribute::cryptographic_length(length);
        let refused = world.call(ProtocolVersion::V1_4, request).unwrap_err();
        assert_eq!(refused, ResultReason::INVALID_FIELD, "{length}");
    }
}

#[test]
fn key_pairs_are_linked() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let request = CreateKeyPairRequest {
            common_attributes: Some(
                [
                    Attribute::cryptographic_algorithm(CryptographicAlgorithm::RSA),
                    Attribute::cryptographic_length(2048),
                ]
                .into(),
            ),
            private_key_attributes: Some(
                [
                    name("private"),
                    Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN),
                ]
                .into(),
            ),
            public_key_attributes: Some(
                [
                    name("public"),
                    Attribute::cryptographic_usage_mask(CryptographicUsageMask::VERIFY),
                ]
                .into(),
            ),
            ..CreateKeyPairRequest::default()
        };
        let pair = world.call(version, request).unwrap();
        let (private, public) = (
            pair.private_key_unique_identifier,
            pair.public_key_unique_identifier,
        );
        let attributes = world.attributes(version, &private, &[]).unwrap();
        let link = attributes.link().unwrap();
        assert_eq!(link.link_type, LinkType::PUBLIC_KEY_LINK);
        assert_eq!(link.linked_object_identifier, public);
        assert_eq!(attributes.name().unwrap().name_value, "private");
        let attributes = world.attributes(version, &public, &[]).unwrap();
        let link = attributes.link().unwrap();
        assert_eq!(link.link_type, LinkType::PRIVATE_KEY_LINK);
        assert_eq!(link.linked_object_identifier, private);

        let answer = world.call(version, get(&private)).unwrap();
        let ManagedObject::PrivateKey(key) = answer.managed_object else {
            panic!("no private key");
        };
        let der = key.key_block.key_value.unwrap();
        let rsa = openssl::rsa::Rsa::private_key_from_der(der.as_bytes().unwrap()).unwrap();
        let answer = world.call(version, get(&public)).unwrap();
        let ManagedObject::PublicKey(key) = answer.managed_object else {
            panic!("no public key");
        };
        let der = key.key_block.key_value.unwrap();
        assert_eq!(
            der.as_bytes().unwrap(),
            rsa.public_key_to_der_pkcs1().unwrap()
        );
    }
}

#[test]
fn clients_do_not_see_the_keys_of_others() {
    let authority = Authority::new("Test CA");
    let (alice, bob) = (peer(&authority, "alice"), peer(&authority, "bob"));
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world
            .call_as(&alice, version, create([name("disk")]))
            .unwrap()
            .unique_identifier;
        let refused = world.call_as(&bob, version, get(&key)).unwrap_err();
        assert_eq!(refused, ResultReason::PERMISSION_DENIED);
        let everything = kmip::types::LocateRequest::default();
        let found = world.call_as(&bob, version, everything.clone()).unwrap();
        assert_eq!(found.unique_identifier, []);
        let found = world.call_as(&alice, version, everything).unwrap();
        assert_eq!(found.unique_identifier, [key]);
        // The name is free for the other one.
        world
            .call_as(&bob, version, create([name("disk")]))
            .unwrap();
    }
    // Another authority can use the same names, but its clients are others.
    let world = World::new();
    let version = ProtocolVersion::V2_1;
    let key = world.call_as(&alice, version, create([])).unwrap();
    let impostor = peer(&Authority::new("Other CA"), "alice");
    let refused = world.call_as(&impostor, version, get(&key.unique_identifier));
    assert_eq!(refused.unwrap_err(), ResultReason::PERMISSION_DENIED);
    // A renewed certificate of the same client is the same client.
    let renewed = peer(&authority, "alice");
    world
        .call_as(&renewed, version, get(&key.unique_identifier))
        .unwrap();
}

#[test]
fn names_are_unique_until_their_object_is_destroyed() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, [name("disk")]);
        let taken = match is_2x(version) {
            true => ResultReason::NON_UNIQUE_NAME_ATTRIBUTE,
            false => ResultReason::INVALID_FIELD,
        };
        let again = create([name("disk")]);
        assert_eq!(world.call(version, again.clone()).unwrap_err(), taken);
        world.destroy(version, &key).unwrap();
        world.call(version, again).unwrap();
    }
}

#[test]
fn failed_items_leave_nothing_behind() {
    let world = World::new();
    let version = ProtocolVersion::V1_4;
    world.create(version, [name("public")]);
    let usage = Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN);
    let request = CreateKeyPairRequest {
        common_attributes: Some(
            [
                Attribute::cryptographic_algorithm(CryptographicAlgorithm::EC),
                Attribute::cryptographic_length(256),
                usage,
            ]
            .into(),
        ),
        private_key_attributes: Some([name("private")].into()),
        // This name is taken, after the private key was made.
        public_key_attributes: Some([name("public")].into()),
        ..CreateKeyPairRequest::default()
    };
    let refused = world.call(version, request).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_FIELD);
    let found = world
        .call(version, kmip::types::LocateRequest::default())
        .unwrap();
    assert_eq!(found.unique_identifier.len(), 1);
}
