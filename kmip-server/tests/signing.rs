//! Keys that stay on the server sign for X.509; the program `openssl` is the judge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kmip::ProtocolVersion as V;
use kmip::client::{Client, NewKeyPair, Problem, RemoteKey, SignatureScheme, Signer};
use kmip::types::{Operation, RecommendedCurve};
use kmip_server::testing::Server;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private, Public};
use openssl::x509::extension::{AuthorityKeyIdentifier, BasicConstraints, CrlNumber};
use openssl::x509::{
    X509, X509Builder, X509Crl, X509CrlBuilder, X509Name, X509Req, X509RevokedBuilder,
};
use tempfile::TempDir;

/// Runs `openssl` and returns what it prints. It has to succeed.
fn openssl(arguments: &[&str], files: &[&Path]) -> String {
    let ended = Command::new("openssl")
        .args(arguments)
        .args(files)
        .output()
        .expect("the program openssl");
    let text = [&ended.stdout[..], &ended.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(ended.status.success(), "{arguments:?}: {text}");
    text
}

fn written(directory: &TempDir, name: &str, pem: &[u8]) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, pem).unwrap();
    path
}

fn named(text: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", text).unwrap();
    name.build()
}

/// A key of the same kind as a key on the server, to be thrown away.
fn thrown_away(public: &PKey<Public>) -> PKey<Private> {
    match public.rsa() {
        Ok(_) => PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap(),
        Err(_) => {
            let public = public.ec_key().unwrap();
            let key = openssl::ec::EcKey::generate(public.group()).unwrap();
            PKey::from_ec_key(key).unwrap()
        }
    }
}

/// A certificate by which `issuer` vouches for a key, made by OpenSSL but for its signature.
fn certificate(
    signer: &Signer,
    issuer: &str,
    subject: &str,
    key: &PKey<Public>,
    is_authority: bool,
    digest: MessageDigest,
) -> X509 {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(if is_authority { 1 } else { 2 }).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_issuer_name(&named(issuer)).unwrap();
    builder.set_subject_name(&named(subject)).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(30).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    if is_authority {
        let constraints = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(constraints).unwrap();
    }
    builder
        .sign(&thrown_away(signer.key().public_key()), digest)
        .unwrap();
    let unsigned = builder.build().to_der().unwrap();
    X509::from_der(&signer.resign_x509(&unsigned).unwrap()).unwrap()
}

fn remote(client: &mut Client, pair: NewKeyPair<'_>) -> RemoteKey {
    let pair = client.generate_key_pair(pair.active()).unwrap();
    client.remote_key(pair.private, &pair.public).unwrap()
}

#[test]
fn openssl_accepts_requests_and_chains_that_keys_on_the_server_have_signed() {
    let server = Server::start();
    for (version, pair, digest) in [
        (V::V1_2, NewKeyPair::rsa(2048), MessageDigest::sha256()),
        (
            V::V1_4,
            NewKeyPair::elliptic_curve(RecommendedCurve::P_256),
            MessageDigest::sha256(),
        ),
        (
            V::V2_1,
            NewKeyPair::elliptic_curve(RecommendedCurve::P_384),
            MessageDigest::sha384(),
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut client = server.client().version(version).connect().unwrap();
        let (authority, leaf) = (remote(&mut client, pair.clone()), remote(&mut client, pair));
        let request = client
            .certification_request(&leaf, &named("a leaf"))
            .unwrap();
        let request = X509Req::from_der(&request).unwrap().to_pem().unwrap();
        let request = written(&directory, "leaf.csr", &request);
        let told = openssl(
            &["req", "-verify", "-noout", "-subject", "-in"],
            &[&request],
        );
        assert!(told.contains("OK") && told.contains("a leaf"), "{told}");

        let signer = Signer::new(client, authority);
        let root_key = signer.key().public_key().clone();
        let root = certificate(&signer, "the root", "the root", &root_key, true, digest);
        let leaf = certificate(
            &signer,
            "the root",
            "a leaf",
            leaf.public_key(),
            false,
            digest,
        );
        let root = written(&directory, "root.pem", &root.to_pem().unwrap());
        let leaf = written(&directory, "leaf.pem", &leaf.to_pem().unwrap());
        let told = openssl(&["verify", "-CAfile"], &[&root, &root, &leaf]);
        assert_eq!(told.matches(": OK").count(), 2, "{told}");
    }
}

#[test]
fn a_request_signed_with_pss_is_accepted_by_openssl() {
    let server = Server::start();
    let mut client = server.client().connect().unwrap();
    let key = remote(&mut client, NewKeyPair::rsa(2048));
    let key = key.signing_with(SignatureScheme::RsaPssSha384);
    let request = client
        .certification_request(&key, &named("a leaf"))
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let request = X509Req::from_der(&request).unwrap().to_pem().unwrap();
    let request = written(&directory, "pss.csr", &request);
    let told = openssl(&["req", "-verify", "-noout", "-text", "-in"], &[&request]);
    assert!(told.contains("rsassaPss") && told.contains("OK"), "{told}");
}

#[test]
fn only_what_is_of_x509_and_of_the_same_algorithm_is_signed_again() {
    let server = Server::start();
    let mut client = server.client().connect().unwrap();
    let key = remote(
        &mut client,
        NewKeyPair::elliptic_curve(RecommendedCurve::P_256),
    );
    let local = thrown_away(key.public_key());
    let signed = |digest| {
        let mut request = X509Req::builder().unwrap();
        request.set_pubkey(key.public_key()).unwrap();
        request.sign(&local, digest).unwrap();
        request.build().to_der().unwrap()
    };
    let right = signed(MessageDigest::sha256());
    let again = client.resign_x509(&key, &right).unwrap();
    let again = X509Req::from_der(&again).unwrap();
    assert!(again.verify(key.public_key()).unwrap());
    let other_hash = signed(MessageDigest::sha512());
    for wrong in [&other_hash[..], &right[..right.len() - 1], b"", b"text"] {
        let error = client.resign_x509(&key, wrong).unwrap_err();
        assert!(matches!(error.problem(), Problem::NotX509), "{error:?}");
        assert_eq!(error.operation(), Some(Operation::SIGN));
    }
}

/// A list of the certificates with these serial numbers that are revoked.
fn revocation_list(
    signer: &Signer,
    issuer: &X509,
    revoked: &[u32],
    digest: MessageDigest,
) -> X509Crl {
    let mut builder = X509CrlBuilder::new().unwrap();
    builder.set_issuer_name(issuer.subject_name()).unwrap();
    let list = X509::builder().unwrap();
    let context = list.x509v3_context(Some(issuer), None);
    let authority = AuthorityKeyIdentifier::new().issuer(true).build(&context);
    builder.append_extension(authority.unwrap()).unwrap();
    let number = CrlNumber::new(BigNum::from_u32(1).unwrap()).unwrap();
    builder.append_extension(number.build().unwrap()).unwrap();
    let day = |days| Asn1Time::days_from_now(days).unwrap();
    builder.set_last_update(&day(0)).unwrap();
    builder.set_next_update(&day(7)).unwrap();
    for serial in revoked {
        let mut entry = X509RevokedBuilder::new().unwrap();
        let serial = BigNum::from_u32(*serial)
            .unwrap()
            .to_asn1_integer()
            .unwrap();
        entry.set_serial_number(&serial).unwrap();
        entry.set_revocation_date(&day(0)).unwrap();
        builder.add_revoked(entry.build()).unwrap();
    }
    builder
        .sign(&thrown_away(signer.key().public_key()), digest)
        .unwrap();
    let unsigned = builder.build().unwrap().to_der().unwrap();
    X509Crl::from_der(&signer.resign_x509(&unsigned).unwrap()).unwrap()
}

#[test]
fn openssl_heeds_revocation_lists_that_keys_on_the_server_have_signed() {
    let server = Server::start();
    for (pair, digest) in [
        (NewKeyPair::rsa(2048), MessageDigest::sha256()),
        (
            NewKeyPair::elliptic_curve(RecommendedCurve::P_384),
            MessageDigest::sha384(),
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut client = server.client().connect().unwrap();
        let (authority, leaf) = (remote(&mut client, pair.clone()), remote(&mut client, pair));
        let signer = Signer::new(client, authority);
        let root_key = signer.key().public_key().clone();
        let root = certificate(&signer, "the root", "the root", &root_key, true, digest);
        let leaf = leaf.public_key();
        let leaf = certificate(&signer, "the root", "a leaf", leaf, false, digest);
        let root_file = written(&directory, "root.pem", &root.to_pem().unwrap());
        let leaf_file = written(&directory, "leaf.pem", &leaf.to_pem().unwrap());
        let verify = |revoked: &[u32]| {
            let list = revocation_list(&signer, &root, revoked, digest);
            assert!(list.verify(&root_key).unwrap());
            let list = written(&directory, "root.crl", &list.to_pem().unwrap());
            Command::new("openssl")
                .args(["verify", "-crl_check", "-CAfile"])
                .arg(&root_file)
                .arg("-CRLfile")
                .arg(&list)
                .arg(&leaf_file)
                .output()
                .expect("the program openssl")
        };
        let fine = verify(&[7]);
        assert!(fine.status.success(), "{fine:?}");
        // The leaf has the number 2.
        let revoked = verify(&[7, 2]);
        assert!(!revoked.status.success());
        let told = String::from_utf8_lossy(&revoked.stderr).into_owned();
        assert!(told.contains("certificate revoked"), "{told}");
    }
}
