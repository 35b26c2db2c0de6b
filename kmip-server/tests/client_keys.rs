//! Keys and certificates between the server and OpenSSL: from PEM, as objects, and where they sign and
//! wrap.

use kmip::ProtocolVersion as V;
use kmip::client::{
    Client, NewKey, NewKeyPair, NewObject, Problem, ResponseFault, SignatureScheme,
};
use kmip::keys::{KeyError, Pem, PemError};
use kmip::types::{
    Attribute, CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask, DateTime,
    GetRequest, HashingAlgorithm, KeyFormatType, KeyWrappingData, KeyWrappingSpecification,
    ManagedObject, ObjectType, PaddingMethod, RecommendedCurve, RevocationReason,
    RevocationReasonCode, Tag,
};
use kmip_server::testing::Server;
use openssl::ec::{EcGroup, EcKey};
use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Verifier;
use test_support::Authority;

fn rsa() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

fn elliptic() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn same(key: &PKey<Private>, other: &PKey<Private>) -> bool {
    key.private_key_to_pkcs8().unwrap() == other.private_key_to_pkcs8().unwrap()
}

#[test]
fn a_private_key_in_pem_is_stored_and_comes_back_as_the_same_key() {
    let server = Server::start();
    let (rsa, elliptic) = (rsa(), elliptic());
    // As `openssl ecparam -genkey` writes it.
    let mut with_parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC \
                                PARAMETERS-----\n"
        .to_vec();
    with_parameters.extend(elliptic.ec_key().unwrap().private_key_to_pem().unwrap());
    for version in V::ALL {
        let mut client = server.client().version(version).connect().unwrap();
        for (key, pem, format) in [
            (
                &rsa,
                rsa.private_key_to_pem_pkcs8().unwrap(),
                KeyFormatType::PKCS_8,
            ),
            (
                &rsa,
                rsa.rsa().unwrap().private_key_to_pem().unwrap(),
                KeyFormatType::PKCS_1,
            ),
            (
                &elliptic,
                elliptic.private_key_to_pem_pkcs8().unwrap(),
                KeyFormatType::PKCS_8,
            ),
            (
                &elliptic,
                with_parameters.clone(),
                KeyFormatType::ECPRIVATEKEY,
            ),
        ] {
            let stored = client.store(NewObject::from_pem(&pem).unwrap()).unwrap();
            let got = client.get(&stored).unwrap();
            let ManagedObject::PrivateKey(there) = &got.managed_object else {
                panic!("{got:?}");
            };
            assert_eq!(there.key_block.key_format_type, format, "{version}");
            assert!(same(&client.get_private_key(&stored).unwrap(), key));
            let attributes = client.get_attributes(&stored, []).unwrap();
            let length = attributes.cryptographic_length();
            assert_eq!(length, Some(&(key.bits() as i32)), "{version}");
            // It is no public key, and no certificate.
            let error = client.get_certificate(&stored).unwrap_err();
            assert!(
                matches!(
                    error.problem(),
                    Problem::Key(KeyError::OtherObject(ObjectType::PRIVATE_KEY))
                ),
                "{error:?}"
            );
        }
    }
}

#[test]
fn public_keys_and_certificates_come_back_as_they_were() {
    let server = Server::start();
    let rsa = rsa();
    let authority = Authority::new("An authority");
    let certificate = authority.certificate();
    let public = PKey::public_key_from_der(&rsa.public_key_to_der().unwrap()).unwrap();
    for version in V::ALL {
        let mut client = server.client().version(version).connect().unwrap();
        for pem in [
            public.public_key_to_pem().unwrap(),
            rsa.rsa().unwrap().public_key_to_pem_pkcs1().unwrap(),
        ] {
            let stored = client.store(NewObject::from_pem(&pem).unwrap()).unwrap();
            assert!(client.get_public_key(&stored).unwrap().public_eq(&public));
        }
        let pem = certificate.to_pem().unwrap();
        let stored = client.store(NewObject::from_pem(&pem).unwrap()).unwrap();
        assert_eq!(&client.get_certificate(&stored).unwrap(), certificate);
        let key = client.get_public_key(&stored).unwrap();
        assert!(key.public_eq(&certificate.public_key().unwrap()));
        let error = client.get_private_key(&stored).unwrap_err();
        assert!(
            matches!(
                error.problem(),
                Problem::Key(KeyError::OtherObject(ObjectType::CERTIFICATE))
            ),
            "{error:?}"
        );
    }
}

#[test]
fn transparent_keys_can_be_used_and_wrapped_ones_are_told() {
    let server = Server::start();
    let mut client = server.client().connect().unwrap();
    for (key, format) in [
        (rsa(), KeyFormatType::TRANSPARENT_RSA_PRIVATE_KEY),
        (elliptic(), KeyFormatType::TRANSPARENT_EC_PRIVATE_KEY),
    ] {
        let pem = key.private_key_to_pem_pkcs8().unwrap();
        let stored = client.store(NewObject::from_pem(&pem).unwrap()).unwrap();
        let request = GetRequest {
            unique_identifier: Some((&stored).into()),
            key_format_type: Some(format),
            ..GetRequest::default()
        };
        let ManagedObject::PrivateKey(got) = client.call(request).unwrap().managed_object else {
            panic!("no private key");
        };
        assert!(same(&got.key_block.to_private_key().unwrap(), &key));
        let error = got.key_block.to_public_key().unwrap_err();
        assert!(
            matches!(error, KeyError::Format(found) if found == format),
            "{error}"
        );
        // Wrapped, it is not to be used, whatever its bytes look like.
        let mut wrapped = got.key_block;
        wrapped.key_wrapping_data = Some(KeyWrappingData::default());
        let error = wrapped.to_private_key().unwrap_err();
        assert!(matches!(error, KeyError::Wrapped), "{error}");
    }
    let mut damaged = match NewObject::private_key(vec![1, 2, 3]).into() {
        kmip::types::RegisterRequest {
            managed_object: Some(ManagedObject::PrivateKey(key)),
            ..
        } => key.key_block,
        other => panic!("{other:?}"),
    };
    let error = damaged.to_private_key().unwrap_err();
    assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
    damaged.key_value = None;
    let error = damaged.to_private_key().unwrap_err();
    assert!(matches!(error, KeyError::Missing), "{error}");
}

#[test]
fn what_is_no_key_in_pem_is_refused() {
    let error = |text: &[u8]| NewObject::from_pem(text).unwrap_err();
    assert_eq!(error(b""), PemError::Missing);
    assert_eq!(error(b"\xFF\xFE"), PemError::Missing);
    assert_eq!(error(b"-----BEGIN "), PemError::Missing);
    let locked = elliptic()
        .private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_256_cbc(), b"secret")
        .unwrap();
    let label = PemError::Label("ENCRYPTED PRIVATE KEY".to_owned());
    assert_eq!(error(&locked), label);
    let damaged = b"-----BEGIN PRIVATE KEY-----\nno base64!\n-----END PRIVATE KEY-----\n";
    assert_eq!(error(damaged), PemError::Base64);
    // And what is one comes out as it went in.
    let pem = rsa().private_key_to_pem_pkcs8().unwrap();
    let read = Pem::read(&pem).unwrap();
    assert_eq!(read.kind(), Some((CryptographicAlgorithm::RSA, 2048)));
    assert_eq!(read.write().unwrap().as_bytes(), &pem[..]);
    let no_label = Pem {
        object_type: ObjectType::SYMMETRIC_KEY,
        ..read
    };
    assert_eq!((no_label.write(), no_label.kind()), (None, None));
    assert!(
        !format!("{no_label:?}").contains("48"),
        "the key is not shown"
    );
}

fn hashed(
    hash: HashingAlgorithm,
    padding: Option<PaddingMethod>,
) -> CryptographicParameters<'static> {
    CryptographicParameters {
        hashing_algorithm: Some(hash),
        padding_method: padding,
        ..CryptographicParameters::default()
    }
}

#[test]
fn digests_are_signed_and_verified_on_the_server() {
    let server = Server::start();
    let digest = openssl::sha::sha256(b"data");
    for version in [V::V1_4, V::V2_1] {
        let mut client = server.client().version(version).connect().unwrap();
        for (pair, padding) in [
            (NewKeyPair::rsa(2048), Some(PaddingMethod::PKCS1_V1_5)),
            (NewKeyPair::elliptic_curve(RecommendedCurve::P_256), None),
        ] {
            let pair = client.generate_key_pair(pair.active()).unwrap();
            let parameters = || hashed(HashingAlgorithm::SHA_256, padding);
            let signature = client
                .sign_digest(&pair.private, parameters(), &digest)
                .unwrap();
            let key = client.get_public_key(&pair.public).unwrap();
            let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
            assert!(verifier.verify_oneshot(&signature, b"data").unwrap());
            let verify = |client: &mut Client, digest: &[u8]| {
                client.verify_digest(&pair.public, parameters(), digest, &signature)
            };
            assert!(verify(&mut client, &digest).unwrap());
            assert!(!verify(&mut client, &openssl::sha::sha256(b"other")).unwrap());
        }
    }
    let mut old = server.client().version(V::V1_3).connect().unwrap();
    let error = old.sign_digest("key", None, &digest).unwrap_err();
    assert!(matches!(error.problem(), Problem::Encode(_)), "{error:?}");
    let error = old
        .verify_digest("key", None, &digest, b"signature")
        .unwrap_err();
    assert!(matches!(error.problem(), Problem::Encode(_)), "{error:?}");
}

#[test]
fn each_key_of_a_pair_has_attributes_of_its_own() {
    let server = Server::start();
    let mut client = server.client().connect().unwrap();
    let pair = NewKeyPair::ed25519()
        .private_attribute(Attribute::contact_information("keeper"))
        .public_attribute(Attribute::comment("give it away"))
        .attribute(Attribute::object_group("both"));
    let pair = client.generate_key_pair(pair.active()).unwrap();
    let private = client.get_attributes(&pair.private, []).unwrap();
    let public = client.get_attributes(&pair.public, []).unwrap();
    let has =
        |attributes: &kmip::types::Attributes<'_>, tag| attributes.values(tag).next().is_some();
    assert!(has(&private, Tag::CONTACT_INFORMATION) && !has(&public, Tag::CONTACT_INFORMATION));
    assert!(has(&public, Tag::COMMENT) && !has(&private, Tag::COMMENT));
    assert!(has(&private, Tag::OBJECT_GROUP) && has(&public, Tag::OBJECT_GROUP));
    let (sign, verify) = (CryptographicUsageMask::SIGN, CryptographicUsageMask::VERIFY);
    assert_eq!(private.cryptographic_usage_mask(), Some(&sign));
    assert_eq!(public.cryptographic_usage_mask(), Some(&verify));
    let signature = client.sign(&pair.private, None, b"data").unwrap();
    let key = client.get_public_key(&pair.public).unwrap();
    assert_eq!(key.id(), openssl::pkey::Id::ED25519);
    let mut verifier = Verifier::new_without_digest(&key).unwrap();
    assert!(verifier.verify_oneshot(&signature, b"data").unwrap());
}

#[test]
fn keys_are_wrapped_for_the_owner_of_an_rsa_key() {
    let server = Server::start();
    let owner = rsa();
    for version in V::ALL.into_iter().filter(|version| *version > V::V1_0) {
        let mut client = server.client().version(version).connect().unwrap();
        let pem = owner.public_key_to_pem().unwrap();
        let kek = NewObject::from_pem(&pem).unwrap();
        let kek = kek.usage(CryptographicUsageMask::WRAP_KEY).active();
        let kek = client.store(kek).unwrap();
        let key = client.store(NewObject::aes_key(vec![7; 32])).unwrap();
        for (wrapping, digest) in [
            (
                KeyWrappingSpecification::rsa_oaep(&kek, HashingAlgorithm::SHA_1),
                Some(MessageDigest::sha1()),
            ),
            (
                KeyWrappingSpecification::rsa_oaep(&kek, HashingAlgorithm::SHA_256),
                Some(MessageDigest::sha256()),
            ),
            (KeyWrappingSpecification::rsa_pkcs1(&kek), None),
        ] {
            let wrapped = client.get_key(&key, wrapping).unwrap();
            let mut decrypter = Decrypter::new(&owner).unwrap();
            match digest {
                None => decrypter.set_rsa_padding(Padding::PKCS1).unwrap(),
                Some(digest) => {
                    decrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
                    decrypter.set_rsa_oaep_md(digest).unwrap();
                }
            }
            let mut clear = vec![0; decrypter.decrypt_len(wrapped.expose()).unwrap()];
            let length = decrypter.decrypt(wrapped.expose(), &mut clear).unwrap();
            assert_eq!(&clear[..length], &[7; 32], "{version}");
        }
    }
}

#[test]
fn the_public_key_of_a_remote_key_is_found_by_its_link() {
    let server = Server::start();
    let mut client = server.client().connect().unwrap();
    let pair = NewKeyPair::elliptic_curve(RecommendedCurve::P_384).active();
    let pair = client.generate_key_pair(pair).unwrap();
    let key = client.linked_remote_key(pair.private.clone()).unwrap();
    assert_eq!(key.scheme(), SignatureScheme::EcdsaSha384);
    assert_eq!(key.identifier(), &pair.private);
    client.sign_with(&key, b"data").unwrap();
    let pem = elliptic().private_key_to_pem_pkcs8().unwrap();
    let alone = client.store(NewObject::from_pem(&pem).unwrap()).unwrap();
    let error = client.linked_remote_key(alone).unwrap_err();
    let fault = ResponseFault::Field("Link to the public key");
    assert!(matches!(error.problem(), Problem::Response(found) if *found == fault));
    assert!(
        client
            .linked_remote_key("nothing")
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn a_revoked_key_says_why() {
    let server = Server::start();
    for version in V::ALL {
        let mut client = server.client().version(version).connect().unwrap();
        let key = client.create(NewKey::aes(256).active()).unwrap();
        let code = RevocationReasonCode::KEY_COMPROMISE;
        let reason = RevocationReason::new(code, "lost in a train");
        client.revoke(&key, reason.clone(), DateTime(1)).unwrap();
        let attributes = client.get_attributes(&key, []).unwrap();
        assert_eq!(attributes.revocation_reason(), Some(&reason), "{version}");
    }
}
