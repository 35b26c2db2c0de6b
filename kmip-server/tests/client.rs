//! The comfortable part of the client against the reference server: what it builds is accepted, and
//! what comes back can be used.

mod support {
    //! A client of a server in the same process.

    use std::sync::Arc;
    use std::thread;

    use kmip::ProtocolVersion;
    use kmip::client::Client;
    use kmip::server::{Engine, Peer, ServeOptions, serve_connection};
    use kmip::transport::{Deadline, ServerAddress, Stream, memory};
    use kmip_server::{Configuration, KeyServer, MemoryStore};

    pub(crate) fn client(version: ProtocolVersion) -> Client {
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
}

use std::collections::HashSet;

use kmip::ProtocolVersion as V;
use kmip::client::{
    NewKey, NewKeyPair, NewObject, Problem, Sealed, Search, SignatureScheme, Signer,
};
use kmip::types::{
    Attribute, AttributeReference, BlockCipherMode, CryptographicAlgorithm,
    CryptographicParameters, CryptographicUsageMask, DecryptRequest, EncryptRequest, HashRequest,
    HashingAlgorithm, KeyWrappingSpecification, ObjectType, PaddingMethod, RecommendedCurve,
    SplitKeyMethod, State, Tag, UniqueIdentifier,
};
use openssl::x509::{X509Name, X509Req};
use support::client;

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

fn cbc() -> CryptographicParameters<'static> {
    CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::CBC),
        padding_method: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    }
}

#[test]
fn data_is_processed_in_one_part_and_in_several() {
    for version in [V::V1_3, V::V1_4, V::V2_1] {
        let mut client = client(version);
        let key = client.create(NewKey::aes(256).active()).unwrap();
        let (iv, text) = (
            [9; 16],
            b"a text that is longer than one block of the cipher",
        );
        let whole = client.encrypt(&key, cbc(), text, Some(&iv)).unwrap();
        let whole = whole.data.unwrap().as_bytes().unwrap().to_vec();
        let request = EncryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: Some(cbc()),
            iv_counter_nonce: Some(iv.to_vec().into()),
            ..EncryptRequest::default()
        };
        let mut parts = Vec::new();
        let mut stream = client.stream(request);
        for part in text[..40].chunks(16) {
            let answer = stream.part(part).unwrap();
            parts.extend_from_slice(
                answer
                    .data
                    .as_ref()
                    .and_then(|d| d.as_bytes())
                    .unwrap_or(&[]),
            );
        }
        let answer = stream.last(&text[40..]).unwrap();
        parts.extend_from_slice(
            answer
                .data
                .as_ref()
                .and_then(|d| d.as_bytes())
                .unwrap_or(&[]),
        );
        assert_eq!(parts, whole, "{version}");
        let clear = client.decrypt(&key, cbc(), &whole, Some(&iv)).unwrap();
        assert_eq!(clear.expose(), text);
        // All in one part is no stream.
        let request = DecryptRequest {
            unique_identifier: Some(key),
            cryptographic_parameters: Some(cbc()),
            iv_counter_nonce: Some(iv.to_vec().into()),
            ..DecryptRequest::default()
        };
        let answer = client.stream(request).last(&whole).unwrap();
        assert_eq!(answer.data.unwrap().as_bytes(), Some(&text[..]));

        let request = HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            },
            ..HashRequest::default()
        };
        let mut stream = client.stream(request);
        stream.part(&text[..20]).unwrap();
        let digest = stream.last(&text[20..]).unwrap().data.unwrap();
        let expected = openssl::sha::sha256(text);
        assert_eq!(digest.as_bytes(), Some(&expected[..]));
        assert_eq!(
            client.hash(HashingAlgorithm::SHA_256, text).unwrap(),
            expected
        );

        let key = client.create(NewKey::hmac_sha256().active()).unwrap();
        let mac = client.mac(&key, None, text).unwrap();
        assert!(client.verify_mac(&key, None, text, &mac).unwrap());
        assert!(!client.verify_mac(&key, None, b"another", &mac).unwrap());
        assert_eq!(client.random(20).unwrap().len(), 20);
    }
}

#[test]
fn streams_are_not_begun_where_the_version_does_not_have_them() {
    let mut client = client(V::V1_2);
    let key = client.create(NewKey::aes(256).active()).unwrap();
    let request = EncryptRequest {
        unique_identifier: Some(key),
        ..EncryptRequest::default()
    };
    let error = client.stream(request).part(b"part").unwrap_err();
    assert!(matches!(error.problem(), Problem::Encode(_)), "{error:?}");
}

#[test]
fn sealed_data_opens_with_its_context_only() {
    let mut client = client(V::V1_4);
    let key = client.create(NewKey::aes(256).active()).unwrap();
    let sealed = client.seal(&key, b"row 17", b"secret").unwrap();
    let again = client.seal(&key, b"row 17", b"secret").unwrap();
    assert_ne!(sealed.nonce, again.nonce);
    let stored = Sealed::from_bytes(&sealed.to_bytes()).unwrap();
    assert_eq!(stored, sealed);
    assert_eq!(Sealed::from_bytes(&[0; 27]), None);
    assert_eq!(
        client.open(&key, b"row 17", &stored).unwrap().expose(),
        b"secret"
    );
    client.open(&key, b"row 18", &stored).unwrap_err();
    let mut changed = sealed;
    changed.ciphertext[0] ^= 1;
    client.open(&key, b"row 17", &changed).unwrap_err();

    let mut old = support::client(V::V1_3);
    let error = old.seal("a key", b"", b"secret").unwrap_err();
    assert!(matches!(error.problem(), Problem::Version { .. }));
    assert!(error.to_string().contains("needs KMIP 1.4"), "{error}");
}

#[test]
fn a_certification_request_is_signed_by_a_key_that_stays_on_the_server() {
    for pair in [
        NewKeyPair::elliptic_curve(RecommendedCurve::P_256),
        NewKeyPair::elliptic_curve(RecommendedCurve::P_384),
        NewKeyPair::rsa(2048),
    ] {
        let mut client = client(V::V1_4);
        let pair = client.generate_key_pair(pair.active()).unwrap();
        let key = client.remote_key(pair.private, &pair.public).unwrap();
        let signer = Signer::new(client, key);
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "keys.example.com").unwrap();
        let request = signer.certification_request(&name.build()).unwrap();
        let request = X509Req::from_der(&request).unwrap();
        assert!(request.verify(signer.key().public_key()).unwrap());
        assert!(
            request
                .public_key()
                .unwrap()
                .public_eq(signer.key().public_key())
        );
        let subject = request.subject_name().entries().next().unwrap();
        assert_eq!(subject.data().to_string().unwrap(), "keys.example.com");
    }
}

#[test]
fn an_rsa_key_on_the_server_signs_with_every_padding_and_hash() {
    use SignatureScheme as Scheme;

    for version in [V::V1_2, V::V1_4, V::V2_1] {
        let mut client = client(version);
        let pair = client.generate_key_pair(NewKeyPair::rsa(2048).active());
        let pair = pair.unwrap();
        let key = client.remote_key(pair.private, &pair.public).unwrap();
        assert_eq!(key.scheme(), Scheme::RsaSha256);
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "keys.example.com").unwrap();
        let name = name.build();
        for (scheme, algorithm, salt) in [
            (Scheme::RsaSha256, "sha256WithRSAEncryption", None),
            (Scheme::RsaSha384, "sha384WithRSAEncryption", None),
            (Scheme::RsaSha512, "sha512WithRSAEncryption", None),
            (
                Scheme::RsaPssSha256,
                "mgf1 with sha256",
                Some("Salt Length: 0x20"),
            ),
            (
                Scheme::RsaPssSha384,
                "mgf1 with sha384",
                Some("Salt Length: 0x30"),
            ),
            (
                Scheme::RsaPssSha512,
                "mgf1 with sha512",
                Some("Salt Length: 0x40"),
            ),
        ] {
            let key = key.clone().signing_with(scheme);
            let request = client.certification_request(&key, &name).unwrap();
            let request = X509Req::from_der(&request).unwrap();
            // OpenSSL takes padding, hash and salt from the request.
            assert!(request.verify(key.public_key()).unwrap(), "{scheme:?}");
            let text = String::from_utf8(request.to_text().unwrap()).unwrap();
            for part in [Some(algorithm), salt].into_iter().flatten() {
                assert!(text.contains(part), "{scheme:?}: {text}");
            }
            assert_eq!(text.contains("rsassaPss"), salt.is_some(), "{text}");
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
