//! Certificates that the server issues.

mod common;

use common::{World, pair};
use kmip::ProtocolVersion;
use kmip::types::{
    AddAttributeRequest, Attribute, AttributeValue, Certificate, CertificateRequestType,
    CertificateType, CertifyRequest, CryptographicAlgorithm, CryptographicUsageMask, DateTime,
    GetRequest, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, Link, LinkType, ManagedObject,
    ObjectType, PrivateKey, ReCertifyRequest, RegisterRequest, ResultReason, Secret, SecretData,
    SecretDataType, UniqueIdentifier, ValidateRequest, ValidityIndicator,
};
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Name, X509Req};

type Identifier = UniqueIdentifier<'static>;

fn content(world: &World, version: ProtocolVersion, object: &Identifier) -> ManagedObject<'static> {
    let request = GetRequest {
        unique_identifier: Some(object.clone()),
        ..GetRequest::default()
    };
    world.call(version, request).expect("get").managed_object
}

fn private_key(world: &World, version: ProtocolVersion, object: &Identifier) -> PKey<Private> {
    let ManagedObject::PrivateKey(key) = content(world, version, object) else {
        panic!("no private key");
    };
    let value = key.key_block.key_value.expect("a value");
    PKey::private_key_from_der(value.as_bytes().expect("bytes")).expect("a key")
}

fn certificate(world: &World, version: ProtocolVersion, object: &Identifier) -> X509 {
    let ManagedObject::Certificate(certificate) = content(world, version, object) else {
        panic!("no certificate");
    };
    X509::from_der(&certificate.certificate_value).expect("a certificate")
}

fn request_for(key: &PKey<Private>, signed_with: &PKey<Private>) -> Vec<u8> {
    let mut subject = X509Name::builder().expect("a name");
    subject
        .append_entry_by_text("CN", "Client")
        .expect("a name");
    let mut request = X509Req::builder().expect("a request");
    request.set_subject_name(&subject.build()).expect("a name");
    request.set_pubkey(key).expect("a key");
    request
        .sign(signed_with, MessageDigest::sha256())
        .expect("a signature");
    request.build().to_der().expect("DER")
}

fn certify(key: &Identifier, request: Option<Vec<u8>>) -> CertifyRequest<'static> {
    CertifyRequest {
        unique_identifier: Some(key.clone()),
        certificate_request_type: request.is_some().then_some(CertificateRequestType::PKCS_10),
        certificate_request_value: request.map(Into::into),
        ..CertifyRequest::default()
    }
}

#[test]
fn a_key_gets_a_certificate_and_another_one() {
    let world = World::new();
    let version = ProtocolVersion::V2_1;
    let (private, public) = pair(&world, version);
    let key = private_key(&world, version, &private);
    let request = certify(&public, Some(request_for(&key, &key)));
    let first = world
        .call(version, request)
        .expect("a certificate")
        .unique_identifier;
    let issued = certificate(&world, version, &first);
    assert!(issued.public_key().expect("a key").public_eq(&key));
    let subject = issued.subject_name().entries().next().expect("a name");
    assert_eq!(subject.data().as_slice(), b"Client");

    let again = ReCertifyRequest {
        unique_identifier: Some(first.clone()),
        ..ReCertifyRequest::default()
    };
    let second = world
        .call(version, again.clone())
        .expect("another")
        .unique_identifier;
    let renewed = certificate(&world, version, &second);
    assert!(renewed.public_key().expect("a key").public_eq(&key));
    assert_ne!(
        issued.serial_number().to_bn().expect("a number"),
        renewed.serial_number().to_bn().expect("a number")
    );
    // The same authority has issued both.
    let issuer = |certificate: &X509| certificate.issuer_name().to_der().expect("DER");
    assert_eq!(issuer(&issued), issuer(&renewed));
    let refused = world.call(version, again).expect_err("replaced already");
    assert_eq!(refused, common::wrong_state(version));

    // What is not the owner's wish is refused.
    let stranger =
        PKey::from_rsa(openssl::rsa::Rsa::generate(2048).expect("a key")).expect("a key");
    for request in [
        request_for(&stranger, &stranger),
        request_for(&key, &stranger),
        b"no request".to_vec(),
    ] {
        let refused = world.call(version, certify(&public, Some(request)));
        assert_eq!(refused.expect_err("refused"), ResultReason::INVALID_CSR);
    }
    let refused = world.call(version, certify(&private, None));
    assert_eq!(
        refused.expect_err("refused"),
        ResultReason::INVALID_OBJECT_TYPE
    );
}

#[test]
fn chains_are_validated() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let authority = test_support::Authority::new("root");
    let x509 = |certificate: &X509| Certificate {
        certificate_type: CertificateType::X_509,
        certificate_value: certificate.to_der().expect("DER").into(),
        ..Certificate::default()
    };
    let client = authority.client("client").certificate;
    let expired = test_support::Request::new("old").expired();
    let expired = expired.signed_by(&authority).certificate;
    let root = x509(authority.certificate());
    // Of the same name, but not the one that has signed.
    let impostor = x509(test_support::Authority::new("root").certificate());
    for (chain, expected) in [
        (vec![x509(&client), root.clone()], ValidityIndicator::VALID),
        (vec![root.clone(), x509(&client)], ValidityIndicator::VALID),
        (vec![x509(&client)], ValidityIndicator::UNKNOWN),
        (vec![x509(&client), impostor], ValidityIndicator::INVALID),
        (vec![x509(&expired), root], ValidityIndicator::INVALID),
    ] {
        let request = ValidateRequest {
            certificate: chain,
            validity_date: Some(DateTime::now()),
            ..ValidateRequest::default()
        };
        let answer = world.call(version, request).expect("an answer");
        assert_eq!(answer.validity_indicator, expected);
    }
    let nothing = world.call(version, ValidateRequest::default());
    assert_eq!(nothing.expect_err("refused"), ResultReason::INVALID_FIELD);
}

#[test]
fn a_key_comes_with_its_certificate_as_pkcs12() {
    let world = World::new();
    let version = ProtocolVersion::V2_1;
    let (private, public) = pair(&world, version);
    let key = private_key(&world, version, &private);
    let certified = world
        .call(version, certify(&public, None))
        .expect("a certificate");
    let as_pkcs12 = GetRequest {
        unique_identifier: Some(private.clone()),
        key_format_type: Some(KeyFormatType::PKCS_12),
        ..GetRequest::default()
    };
    let without = world.call(version, as_pkcs12.clone());
    let expected = ResultReason::BAD_PASSWORD;
    assert_eq!(without.expect_err("no password"), expected);

    let password = RegisterRequest {
        object_type: ObjectType::SECRET_DATA,
        attributes: [
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::DERIVE_KEY),
            Attribute::activation_date(common::NOW),
        ]
        .into(),
        managed_object: Some(ManagedObject::SecretData(SecretData {
            secret_data_type: SecretDataType::PASSWORD,
            key_block: KeyBlock {
                key_format_type: KeyFormatType::OPAQUE,
                key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
                    b"secret".to_vec(),
                )))),
                ..KeyBlock::default()
            },
            ..SecretData::default()
        })),
        ..RegisterRequest::default()
    };
    let password = world.call(version, password).expect("a password");
    for (link_type, target) in [
        (LinkType::PKCS_12_PASSWORD_LINK, password.unique_identifier),
        (
            LinkType::PKCS_12_CERTIFICATE_LINK,
            certified.unique_identifier,
        ),
    ] {
        let link = Attribute::from(AttributeValue::Link(Link {
            link_type,
            linked_object_identifier: target,
            ..Link::default()
        }));
        let request = AddAttributeRequest {
            unique_identifier: Some(private.clone()),
            new_attribute: Some(link),
            ..AddAttributeRequest::default()
        };
        world.call(version, request).expect("a link");
    }
    let got = world
        .call(version, as_pkcs12.clone())
        .expect("PKCS#12")
        .managed_object;
    let ManagedObject::PrivateKey(got) = got else {
        panic!("no private key");
    };
    let value = got.key_block.key_value.expect("a value");
    let pkcs12 = Pkcs12::from_der(value.as_bytes().expect("bytes")).expect("PKCS#12");
    assert!(pkcs12.parse2("wrong").is_err());
    let parsed = pkcs12.parse2("secret").expect("the password");
    assert!(parsed.pkey.expect("a key").public_eq(&key));
    let certificate = parsed.cert.expect("a certificate");
    assert!(certificate.public_key().expect("a key").public_eq(&key));

    let name = AttributeValue::Pkcs12FriendlyName("own\0name".into());
    let request = AddAttributeRequest {
        unique_identifier: Some(private.clone()),
        new_attribute: Some(name.into()),
        ..AddAttributeRequest::default()
    };
    world.call(version, request).expect("a name");
    let refused = world.call(version, as_pkcs12);
    assert_eq!(refused.expect_err("a NUL"), ResultReason::INVALID_FIELD);
}

#[test]
fn a_request_brings_its_key_along() {
    let key = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).expect("a key")).expect("a key");
    for version in [ProtocolVersion::V1_0, ProtocolVersion::V2_1] {
        let world = World::new();
        let request = CertifyRequest {
            certificate_request_type: Some(CertificateRequestType::PKCS_10),
            certificate_request_value: Some(request_for(&key, &key).into()),
            ..CertifyRequest::default()
        };
        let made = world.call(version, request).expect("a certificate");
        let issued = certificate(&world, version, &made.unique_identifier);
        assert!(issued.public_key().expect("a key").public_eq(&key));
        let attributes = world.attributes(version, &made.unique_identifier, &[]);
        // The server has no object to link with.
        assert_eq!(attributes.expect("attributes").link(), None);
    }
}

#[test]
fn a_key_that_comes_as_pkcs12_is_opened_with_its_password() {
    let key = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).expect("a key")).expect("a key");
    let mut builder = Pkcs12::builder();
    builder.pkey(&key);
    let form = builder.build2("secret").expect("PKCS#12").to_der();
    let form = form.expect("DER");
    for version in [ProtocolVersion::V1_4, ProtocolVersion::V2_1] {
        let world = World::new();
        let block = |format, bytes: &[u8]| KeyBlock {
            key_format_type: format,
            key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
                bytes.to_vec(),
            )))),
            ..KeyBlock::default()
        };
        let password = |text: &str| {
            let request = RegisterRequest {
                object_type: ObjectType::SECRET_DATA,
                attributes: [Attribute::activation_date(common::NOW)].into(),
                managed_object: Some(ManagedObject::SecretData(SecretData {
                    secret_data_type: SecretDataType::PASSWORD,
                    key_block: block(KeyFormatType::OPAQUE, text.as_bytes()),
                    ..SecretData::default()
                })),
                ..RegisterRequest::default()
            };
            let made = world.call(version, request).expect("a password");
            Attribute::from(AttributeValue::Link(Link {
                link_type: LinkType::PKCS_12_PASSWORD_LINK,
                linked_object_identifier: made.unique_identifier,
                ..Link::default()
            }))
        };
        let register = |links: Vec<Attribute<'static>>| {
            let mut attributes = links;
            attributes.push(Attribute::cryptographic_usage_mask(
                CryptographicUsageMask::SIGN,
            ));
            let request = RegisterRequest {
                object_type: ObjectType::PRIVATE_KEY,
                attributes: attributes.into(),
                managed_object: Some(ManagedObject::PrivateKey(PrivateKey {
                    key_block: block(KeyFormatType::PKCS_12, &form),
                    ..PrivateKey::default()
                })),
                ..RegisterRequest::default()
            };
            world.call(version, request)
        };
        let refused = match common::is_2x(version) {
            true => ResultReason::BAD_PASSWORD,
            false => ResultReason::INVALID_FIELD,
        };
        for links in [
            vec![],
            vec![password("another")],
            vec![password("secret\0")],
            vec![password("secret"), password("secret")],
        ] {
            assert_eq!(register(links).expect_err("refused"), refused, "{version}");
        }
        let made = register(vec![password("secret")]).expect("a key");
        let attributes = world.attributes(version, &made.unique_identifier, &[]);
        let attributes = attributes.expect("attributes");
        let rsa = CryptographicAlgorithm::RSA;
        assert_eq!(attributes.cryptographic_algorithm(), Some(&rsa));
        assert_eq!(attributes.cryptographic_length(), Some(&2048));
    }
}
