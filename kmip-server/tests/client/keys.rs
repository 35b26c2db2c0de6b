//! Keys that leave the server wrapped, and pairs.

use kmip::ProtocolVersion as V;
use kmip::client::{Client, NewKey, NewKeyPair, NewObject, Search};
use kmip::types::{
    Attribute, CryptographicAlgorithm, CryptographicUsageMask, HashingAlgorithm,
    KeyWrappingSpecification, State,
};
use openssl::encrypt::Decrypter;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::{Padding, Rsa};

use crate::client;

#[test]
fn a_key_is_fetched_wrapped() {
    let mut client = client(V::V1_4);
    let usage = CryptographicUsageMask::WRAP_KEY | CryptographicUsageMask::UNWRAP_KEY;
    let wrapping = client
        .create(NewKey::aes(256).usage(usage).active())
        .unwrap();
    let key = client.create(NewKey::aes(256).active()).unwrap();
    let specification = KeyWrappingSpecification::aes_key_wrap(&wrapping);
    let wrapped = client.get_key(&key, specification).unwrap();
    let clear = client.get_key(&key, None).unwrap();
    let wrapping = client.get_key(&wrapping, None).unwrap();
    let unwrapping = openssl::aes::AesKey::new_decrypt(wrapping.expose()).unwrap();
    let mut unwrapped = [0; 32];
    openssl::aes::unwrap_key(&unwrapping, None, &mut unwrapped, wrapped.expose()).unwrap();
    assert_eq!(unwrapped, clear.expose());
}

/// Opens what the server has wrapped with the public key.
type Open = fn(&mut Decrypter<'_>) -> Result<(), ErrorStack>;

#[test]
fn a_key_is_fetched_wrapped_with_an_rsa_key() {
    let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    for version in [V::V1_1, V::V1_4, V::V2_1] {
        let mut client = client(version);
        let key = client.create(NewKey::aes(256).active()).unwrap();
        let clear = client.get_key(&key, None).unwrap();
        let public = NewObject::public_key(rsa.public_key_to_der().unwrap())
            .usage(CryptographicUsageMask::WRAP_KEY)
            .active();
        let public = client.store(public).unwrap();
        let oaep = |hash| KeyWrappingSpecification::rsa_oaep(&public, hash);
        let ways: [(_, Open); 3] = [
            (KeyWrappingSpecification::rsa_pkcs1(&public), |open| {
                open.set_rsa_padding(Padding::PKCS1)
            }),
            (oaep(HashingAlgorithm::SHA_1), |open| {
                open.set_rsa_padding(Padding::PKCS1_OAEP)?;
                open.set_rsa_oaep_md(MessageDigest::sha1())
            }),
            (oaep(HashingAlgorithm::SHA_256), |open| {
                open.set_rsa_padding(Padding::PKCS1_OAEP)?;
                open.set_rsa_oaep_md(MessageDigest::sha256())
            }),
        ];
        for (specification, set) in ways {
            let wrapped = client.get_key(&key, specification).unwrap();
            let mut open = Decrypter::new(&rsa).unwrap();
            set(&mut open).unwrap();
            let mut opened = vec![0; 256];
            let length = open.decrypt(wrapped.expose(), &mut opened).unwrap();
            assert_eq!(&opened[..length], clear.expose(), "{version}");
        }
    }
}

#[test]
fn both_keys_of_a_pair_get_what_is_for_them() {
    let mut client = client(V::V2_1);
    let pair = NewKeyPair::ed25519()
        .name("signer")
        .private_attribute(Attribute::sensitive(true))
        .public_attribute(Attribute::comment("for everybody"))
        .active();
    let pair = client.generate_key_pair(pair).unwrap();
    let private = client.get_attributes(&pair.private, []).unwrap();
    let public = client.get_attributes(&pair.public, []).unwrap();
    for attributes in [&private, &public] {
        let algorithm = attributes.cryptographic_algorithm();
        assert_eq!(algorithm, Some(&CryptographicAlgorithm::ED25519));
        assert_eq!(attributes.state(), Some(&State::ACTIVE));
    }
    assert_eq!(private.sensitive(), Some(&true));
    assert_ne!(public.sensitive(), Some(&true));
    assert_eq!(private.comment(), None);
    assert_eq!(public.comment().unwrap(), "for everybody");
    let found: Result<Vec<_>, _> = client
        .search(Search::new().name("signer (public)"))
        .collect();
    assert_eq!(found.unwrap(), std::slice::from_ref(&pair.public));

    let signature = client.sign(&pair.private, None, b"a message").unwrap();
    let is_valid = |client: &mut Client, message: &[u8]| {
        client
            .verify(&pair.public, None, message, &signature)
            .unwrap()
    };
    assert!(is_valid(&mut client, b"a message"));
    assert!(!is_valid(&mut client, b"another message"));
}
