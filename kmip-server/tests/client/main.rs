//! The comfortable part of the client against the reference server: what it builds is accepted, and
//! what comes back can be used.

mod data;
mod keys;
mod signer;

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use kmip::ProtocolVersion as V;
use kmip::client::{Client, NewKey, NewKeyPair, NewObject, Search};
use kmip::server::{Engine, Peer, ServeOptions, serve_connection};
use kmip::transport::{Deadline, ServerAddress, Stream, memory};
use kmip::types::{
    Attribute, AttributeReference, CryptographicAlgorithm, CryptographicUsageMask, ObjectType,
    RecommendedCurve, SplitKeyMethod, State, Tag, UniqueIdentifier,
};
use kmip_server::{Configuration, KeyServer, MemoryStore};

/// A client of a server in this process.
pub(crate) fn client(version: V) -> Client {
    let server = KeyServer::new(Configuration::default(), Arc::new(MemoryStore::new()));
    let engine = Arc::new(Engine::new(server));
    Client::builder("in.memory".parse().unwrap())
        .version(version)
        .connect_with(move |_: &ServerAddress, _: Deadline| {
            let (near, far) = memory::pair();
            let engine = engine.clone();
            thread::spawn(move || {
                serve_connection(&engine, far, &Peer::local(), &ServeOptions::default())
            });
            Ok(Box::new(near) as Box<dyn Stream>)
        })
        .connect()
        .unwrap()
}

#[test]
fn what_the_builders_make_is_accepted_in_every_version() {
    for version in V::ALL {
        let mut client = client(version);
        let key = client
            .create(NewKey::aes(256).name("a key").active())
            .unwrap();
        let attributes = client.get_attributes(&key, []).unwrap();
        assert_eq!(attributes.state(), Some(&State::ACTIVE), "{version}");
        let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
        assert_eq!(attributes.cryptographic_usage_mask(), Some(&usage));
        let signing = NewKeyPair::elliptic_curve(RecommendedCurve::P_256).name("a pair");
        let pair = client.generate_key_pair(signing).unwrap();
        let usage = |client: &mut kmip::client::Client, key: &UniqueIdentifier<'static>| {
            let attributes = client.get_attributes(key, []).unwrap();
            *attributes.cryptographic_usage_mask().unwrap()
        };
        assert_eq!(
            usage(&mut client, &pair.private),
            CryptographicUsageMask::SIGN
        );
        assert_eq!(
            usage(&mut client, &pair.public),
            CryptographicUsageMask::VERIFY
        );

        let stored = client
            .store(NewObject::aes_key(vec![7; 32]).name("stored"))
            .unwrap();
        assert_eq!(client.get_key(&stored, None).unwrap().expose(), [7; 32]);
        let password = client
            .store(NewObject::password(b"open sesame".to_vec()))
            .unwrap();
        assert_eq!(
            client.get_key(&password, None).unwrap().expose(),
            b"open sesame"
        );
        let opaque = client
            .store(NewObject::opaque(b"anything".to_vec()))
            .unwrap();
        assert_eq!(client.get_key(&opaque, None).unwrap().expose(), b"anything");

        let found: Result<Vec<_>, _> = client.search(Search::new().name("stored")).collect();
        assert_eq!(found.unwrap(), [stored], "{version}");
        client.ping().unwrap();
    }
}

#[test]
fn keys_in_der_are_stored_with_algorithm_length_and_usage() {
    let mut client = client(V::V1_4);
    let key = openssl::rsa::Rsa::generate(2048).unwrap();
    let key = openssl::pkey::PKey::from_rsa(key).unwrap();
    let private = NewObject::private_key(key.private_key_to_pkcs8().unwrap());
    let public = NewObject::public_key(key.public_key_to_der().unwrap());
    let (private, public) = (
        client.store(private).unwrap(),
        client.store(public).unwrap(),
    );
    for (key, usage) in [
        (
            private,
            CryptographicUsageMask::SIGN | CryptographicUsageMask::DECRYPT,
        ),
        (
            public,
            CryptographicUsageMask::VERIFY | CryptographicUsageMask::ENCRYPT,
        ),
    ] {
        let attributes = client.get_attributes(&key, []).unwrap();
        let algorithm = attributes.cryptographic_algorithm();
        assert_eq!(algorithm, Some(&CryptographicAlgorithm::RSA));
        assert_eq!(attributes.cryptographic_length(), Some(&2048));
        assert_eq!(attributes.cryptographic_usage_mask(), Some(&usage));
    }
}

#[test]
fn searches_go_through_pages_and_end_where_they_are_told_to() {
    for version in [V::V1_2, V::V1_4, V::V2_1] {
        let mut client = client(version);
        let batch = (0..25).map(|_| kmip::types::CreateRequest::from(NewKey::aes(128)));
        let made: HashSet<UniqueIdentifier<'static>> = client
            .call_all(batch)
            .unwrap()
            .into_iter()
            .map(|made| made.unwrap().unique_identifier)
            .collect();
        let keys = || Search::new().object_type(ObjectType::SYMMETRIC_KEY);
        let found: Result<HashSet<_>, _> = client.search(keys().page(10)).collect();
        assert_eq!(found.unwrap(), made, "{version}");
        assert_eq!(client.search(keys().page(10).at_most(12)).count(), 12);
        assert_eq!(client.search(keys().at_most(3)).count(), 3);
        assert_eq!(client.search(keys().at_most(0)).count(), 0);
        assert_eq!(client.locate_all([], 10).unwrap().len(), 25);
        let length = AttributeReference::from(Tag::CRYPTOGRAPHIC_LENGTH);
        let listed = client.list(keys().page(10), [length]).unwrap();
        assert_eq!(listed.len(), 25);
        for (_, attributes) in listed {
            assert_eq!(attributes.unwrap().cryptographic_length(), Some(&128));
        }
    }
}

#[test]
fn keys_are_replaced_and_split_and_joined() {
    let mut client = client(V::V2_1);
    let key = client
        .create(NewKey::aes(256).name("rotating").active())
        .unwrap();
    let newer = client.rekey(&key, None).unwrap();
    assert_ne!(newer, key);
    let found: Result<Vec<_>, _> = client.search(Search::new().name("rotating")).collect();
    assert_eq!(found.unwrap(), [newer]);

    let described = || {
        [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
        ]
    };
    let parts = client.split_key(Some(key.clone()), 3, 3, SplitKeyMethod::XOR, described());
    let parts = parts.unwrap();
    assert_eq!(parts.len(), 3);
    let joined = client
        .join_key(ObjectType::SYMMETRIC_KEY, parts, described())
        .unwrap();
    let (joined, key) = (client.get_key(joined, None), client.get_key(key, None));
    assert_eq!(joined.unwrap().expose(), key.unwrap().expose());
}

#[test]
fn a_set_attribute_is_there_in_every_version() {
    for version in V::ALL {
        let mut client = client(version);
        let key = client.create(NewKey::aes(128)).unwrap();
        for contact in ["alice", "bob"] {
            let attribute = Attribute::contact_information(contact);
            client.set_attribute(&key, attribute).unwrap();
            let attributes = client.get_attributes(&key, []).unwrap();
            assert_eq!(
                attributes.contact_information().unwrap(),
                contact,
                "{version}"
            );
        }
    }
}
