//! Re-Provision: a client gets a new certificate, with which it is the same client.

mod common;

use common::process::{Process, World, create, key_bytes};
use kmip::client::{Client, Error};
use kmip::transport::tls::{ClientTls, Identity};
use kmip::types::{
    Certificate, CertificateRequest, CertificateRequestType, CertificateType, CertifyRequest,
    CreateKeyPairRequest, GetRequest, LinkType, ManagedObject, ReProvisionRequest, ResultReason,
    RevocationReason, RevocationReasonCode, RevokeRequest, UniqueIdentifier,
};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name, X509NameBuilder, X509Req, X509ReqBuilder};

fn new_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

fn request(key: &PKey<Private>, subject: Option<&X509Name>, signer: &PKey<Private>) -> X509Req {
    let mut builder = X509ReqBuilder::new().unwrap();
    builder.set_pubkey(key).unwrap();
    if let Some(subject) = subject {
        builder.set_subject_name(subject).unwrap();
    }
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn asking(request: &X509Req) -> ReProvisionRequest<'static> {
    ReProvisionRequest {
        certificate_request: Some(CertificateRequest {
            certificate_request_type: CertificateRequestType::PKCS_10,
            certificate_request_value: request.to_der().unwrap().into(),
            ..CertificateRequest::default()
        }),
        ..ReProvisionRequest::default()
    }
}

fn content(client: &mut Client, object: &UniqueIdentifier<'static>) -> ManagedObject<'static> {
    let get = GetRequest {
        unique_identifier: Some(object.clone()),
        ..GetRequest::default()
    };
    client.call(get).unwrap().managed_object
}

fn certificate(client: &mut Client, object: &UniqueIdentifier<'static>) -> X509 {
    match content(client, object) {
        ManagedObject::Certificate(certificate) => {
            X509::from_der(&certificate.certificate_value).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// Connects with a certificate.
fn connect(
    world: &World,
    process: &Process,
    key: PKey<Private>,
    certificate: X509,
) -> Result<Client, Error> {
    let identity = Identity::new(key, certificate, Vec::new()).unwrap();
    let tls = ClientTls::new()
        .ca_certificate(world.authority.certificate().clone())
        .identity(identity);
    Client::builder(process.address.parse().unwrap())
        .tls(tls)
        .connect()
}

fn revoke(object: &UniqueIdentifier<'static>) -> RevokeRequest<'static> {
    RevokeRequest {
        unique_identifier: Some(object.clone()),
        revocation_reason: RevocationReason {
            revocation_reason_code: RevocationReasonCode::CESSATION_OF_OPERATION,
            ..RevocationReason::default()
        },
        ..RevokeRequest::default()
    }
}

#[test]
fn a_new_certificate_makes_the_same_client_until_it_is_revoked() {
    let world = World::new();
    let store = world.path("keys.sqlite");
    let store = store.to_str().unwrap().to_owned();
    let start = || world.start(&["--provision", "--store", &store]);
    let process = start();
    let mut alice = world.client(&process, "alice");
    let disk = alice.call(create("disk")).unwrap().unique_identifier;
    let bytes = key_bytes(&mut alice, &disk).unwrap();

    let key = new_key();
    let asked = asking(&request(&key, None, &key));
    let provisioned = alice.call(asked).unwrap().unique_identifier.unwrap();
    let first = certificate(&mut alice, &provisioned);
    let mut again = connect(&world, &process, key.clone(), first.clone()).unwrap();
    assert_eq!(key_bytes(&mut again, &disk).unwrap(), bytes);
    // Another client does not get it by this.
    let mut bob = world.client(&process, "bob");
    assert!(key_bytes(&mut bob, &disk).is_err());

    // From there to the next one, with a key of the server; and after a restart.
    let next = again.call(ReProvisionRequest::default()).unwrap();
    let next = next.unique_identifier.unwrap();
    let second = certificate(&mut again, &next);
    let links = again.get_attributes(&next, []).unwrap();
    let private = links
        .list
        .iter()
        .find_map(|attribute| match &attribute.value {
            kmip::types::AttributeValue::Link(link)
                if link.link_type == LinkType::PRIVATE_KEY_LINK =>
            {
                Some(link.linked_object_identifier.clone())
            }
            _ => None,
        });
    let ManagedObject::PrivateKey(private) = content(&mut again, &private.unwrap()) else {
        panic!("no private key");
    };
    let der = private.key_block.key_value.unwrap();
    let private = Rsa::private_key_from_der(der.as_bytes().unwrap()).unwrap();
    let private = PKey::from_rsa(private).unwrap();
    drop((again, alice, bob, process));
    let process = start();
    let mut client = connect(&world, &process, private, second).unwrap();
    assert_eq!(key_bytes(&mut client, &disk).unwrap(), bytes);

    // Once it is revoked, the first one is good for nothing.
    client.call(revoke(&provisioned)).unwrap();
    let refused = connect(&world, &process, key, first)
        .and_then(|mut client| key_bytes(&mut client, &disk))
        .unwrap_err();
    let reason = ResultReason::AUTHENTICATION_NOT_SUCCESSFUL;
    assert_eq!(refused.result_reason(), Some(reason), "{refused:?}");
}

/// The authority certifies any key under any name (Certify). That must make nobody a client.
#[test]
fn a_certificate_that_was_not_issued_for_a_client_lets_nobody_in() {
    let world = World::new();
    let process = world.start(&["--provision"]);
    let mut mallory = world.client(&process, "mallory");
    let common = kmip::types::Attributes::from([
        kmip::types::Attribute::cryptographic_algorithm(kmip::types::CryptographicAlgorithm::RSA),
        kmip::types::Attribute::cryptographic_length(2048),
        kmip::types::Attribute::cryptographic_usage_mask(
            kmip::types::CryptographicUsageMask::SIGN | kmip::types::CryptographicUsageMask::VERIFY,
        ),
    ]);
    let pair = CreateKeyPairRequest {
        common_attributes: Some(common),
        ..CreateKeyPairRequest::default()
    };
    let pair = mallory.call(pair).unwrap();
    let certify = CertifyRequest {
        unique_identifier: Some(pair.public_key_unique_identifier),
        ..CertifyRequest::default()
    };
    let certified = mallory.call(certify).unwrap().unique_identifier;
    let certified = certificate(&mut mallory, &certified);
    let ManagedObject::PrivateKey(private) =
        content(&mut mallory, &pair.private_key_unique_identifier)
    else {
        panic!("no private key");
    };
    let der = private.key_block.key_value.unwrap();
    let private = Rsa::private_key_from_der(der.as_bytes().unwrap()).unwrap();
    let private = PKey::from_rsa(private).unwrap();
    let refused = connect(&world, &process, private, certified)
        .and_then(|mut client| client.call(create("stolen")).map(drop))
        .unwrap_err();
    let reason = ResultReason::AUTHENTICATION_NOT_SUCCESSFUL;
    assert_eq!(refused.result_reason(), Some(reason), "{refused:?}");
}

#[test]
fn requests_for_others_are_refused() {
    let world = World::new();
    let process = world.start(&["--provision"]);
    let mut alice = world.client(&process, "alice");
    let mut refused = |request| alice.call(request).unwrap_err().result_reason();
    let key = new_key();
    let mut other = X509NameBuilder::new().unwrap();
    other.append_entry_by_text("CN", "bob").unwrap();
    let other = other.build();
    let invalid = Some(ResultReason::INVALID_FIELD);
    let request_is = Some(ResultReason::INVALID_CSR);
    let for_bob = request(&key, Some(&other), &key);
    assert_eq!(refused(asking(&for_bob)), request_is);
    let of_another = request(&key, None, &new_key());
    assert_eq!(refused(asking(&of_another)), request_is);
    // A certificate of somebody else.
    let bob = world.authority.client("bob").certificate.to_der().unwrap();
    let given = |der: Vec<u8>| Certificate {
        certificate_type: CertificateType::X_509,
        certificate_value: der.into(),
        ..Certificate::default()
    };
    let with = |der| ReProvisionRequest {
        certificate: Some(given(der)),
        ..ReProvisionRequest::default()
    };
    assert_eq!(refused(with(bob)), invalid);
    assert_eq!(refused(with(vec![1, 2, 3])), invalid);
    let mut both = asking(&request(&key, None, &key));
    both.certificate = Some(given(vec![]));
    assert_eq!(refused(both), invalid);
}

#[test]
fn a_server_that_issues_none_takes_note_of_a_renewed_certificate_only() {
    let world = World::new();
    let process = world.start(&[]);
    let mut alice = world.client(&process, "alice");
    let key = new_key();
    for request in [
        ReProvisionRequest::default(),
        asking(&request(&key, None, &key)),
    ] {
        let refused = alice.call(request).unwrap_err().result_reason();
        assert_eq!(refused, Some(ResultReason::FEATURE_NOT_SUPPORTED));
    }
    let renewed = world.authority.client("alice");
    let with = ReProvisionRequest {
        certificate: Some(Certificate {
            certificate_type: CertificateType::X_509,
            certificate_value: renewed.certificate.to_der().unwrap().into(),
            ..Certificate::default()
        }),
        ..ReProvisionRequest::default()
    };
    let noted = alice.call(with).unwrap().unique_identifier.unwrap();
    let mut again = connect(&world, &process, renewed.key, renewed.certificate).unwrap();
    assert!(matches!(
        content(&mut again, &noted),
        ManagedObject::Certificate(_)
    ));
}
