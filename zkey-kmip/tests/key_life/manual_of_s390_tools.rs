//! What the manual page of the plugin in s390-tools has examples for, step by step with the program.

use std::fs;

use kmip::server::ServeOptions;
use kmip::types::{Attribute, AttributeValue, State};
use openssl::x509::{X509, X509Req};
use zkey_kmip::secure_key::CardType;

use crate::installation::Installation;
use crate::key_server::{Behaviour, KeyServer};
use crate::machine::PROFILE_2X;

const SUBJECT: &str = "CN=client.example;OU=Disks;C=DE";

fn subject_of_request(pem: &[u8]) -> Vec<u8> {
    let request = X509Req::from_pem(pem).unwrap();
    request.subject_name().to_der().unwrap()
}

#[test]
fn the_examples_of_s390_tools_work_too() {
    let own = Installation::new(CardType::Cca);
    own.machine.profile("used", PROFILE_2X);
    let authority = &own.machine.authority;
    let server = |options| {
        let clients = authority.certificate().clone();
        let behaviour = Behaviour::default();
        KeyServer::start_with(&authority.server(), clients, behaviour, options)
    };
    // All questions are whether it is meant so, but one whether to destroy a former wrapping key.
    let run = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let mut command = own.command(&words);
        command
            .current_dir(own.machine.directory.path())
            // The CA certificates of this system.
            .env("SSL_CERT_FILE", own.machine.path("ca.pem"));
        let outcome = crate::common::host::finish(command.spawn().unwrap(), "y\ny\ny\n");
        assert_eq!(
            outcome.code,
            Some(0),
            "{line}: {}{}",
            outcome.out,
            outcome.err
        );
        outcome.out
    };
    let read = |name: &str| fs::read(own.machine.path(name)).unwrap();

    assert!(run("kms plugins").contains("KMIP"));
    run("kms bind KMIP");
    let info = run("kms info");
    assert!(info.contains("(configuration required)"), "{info}");
    run("kms configure --apqns 03.004c");
    run("kms configure --gen-identity-key RSA:4096");
    assert!(run("kms info").contains("RSA (4096 bits)"));
    run("kms configure --gen-identity-key ECC:secp521r1");
    run(&format!(
        "kms configure --gen-csr csr.pem --cert-subject {SUBJECT}"
    ));
    let request = read("csr.pem");
    fs::write(
        own.machine.path("cert.pem"),
        authority.sign_request(&request),
    )
    .unwrap();
    run("kms configure --client-cert cert.pem");
    run("kms configure --gen-csr renewed.pem --renew-cert cert.pem");
    let renewed = read("renewed.pem");
    assert_eq!(subject_of_request(&renewed), subject_of_request(&request));
    run(&format!(
        "kms configure --gen-self-signed-cert self.pem --cert-subject {SUBJECT} \
         --cert-validity-days 50"
    ));
    let own_certificate = X509::from_pem(&read("self.pem")).unwrap();
    let valid = own_certificate
        .not_before()
        .diff(own_certificate.not_after());
    assert_eq!(valid.unwrap().days, 50);
    run(&format!(
        "kms configure --gen-self-signed-cert self.pem --cert-subject {SUBJECT} \
         --cert-extensions keyUsage=critical,digitalSignature,keyAgreement"
    ));
    let text = X509::from_pem(&read("self.pem"))
        .unwrap()
        .to_text()
        .unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    for expected in ["Key Agreement", "TLS Web Client Authentication", "DNS:"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    run("kms configure --client-cert cert.pem");

    let tls = server(ServeOptions::default());
    let https = server(ServeOptions::default().https("/kmip"));
    run(&format!("kms configure --kmip-server {}", tls.address()));
    run(&format!(
        "kms configure --kmip-server https://{}/kmip",
        https.address()
    ));
    run(&format!(
        "kms configure --kmip-server {} --profile used",
        tls.address()
    ));
    run(&format!(
        "kms configure --kmip-server {} --profile used --tls-pin-server-pubkey \
         --tls-verify-hostname",
        tls.address()
    ));
    let info = run("kms info");
    for expected in ["pinned", "must match the host name", "used"] {
        assert!(info.contains(expected), "{expected}: {info}");
    }
    run("kms configure --gen-wrapping-key --label wrapping");

    run("generate --name seckey --volumes /dev/dasdc1:encvol --label TEST --no-volume-check");
    run(
        "generate --name secpair --xts --volumes /dev/dasdc2:encpair --volume-type luks2 --label \
         LUKS2-1:LUKS2-2 --no-volume-check",
    );
    let before = [own.patterns("seckey"), own.patterns("secpair")];
    own.machine.master_keys().load_new().unwrap();
    run("kms reencipher --staged");
    own.machine.master_keys().set_new().unwrap();
    run("kms reencipher --complete");
    // Instead of `zkey reencipher`.
    run("kms refresh --name sec*");
    assert_eq!([own.patterns("seckey"), own.patterns("secpair")], before);

    let list = run("kms list");
    assert!(
        list.contains("seckey") && list.contains("secpair"),
        "{list}"
    );
    let list = run("kms list --label *LUKS2*");
    assert!(
        !list.contains("seckey") && list.contains("secpair"),
        "{list}"
    );
    run("remove --name seckey");
    run("kms import --name seckey --no-volume-check");
    for name in ["seckey", "secpair"] {
        run(&format!("remove --name {name}"));
    }
    let imported = run("kms import --volume-type LUKS2 --no-volume-check");
    assert!(imported.contains("2 keys imported"), "{imported}");
    assert_eq!([own.patterns("seckey"), own.patterns("secpair")], before);
    run("change --name seckey --description changed");
    run("kms refresh --name seckey --refresh-properties --no-volume-check");
    let info = own.repository.info("seckey");
    assert_eq!(info.get("description"), Some("changed"));
    run("remove --name seckey --state DEACTIVATED");
    let states = tls.store.states_of_keys();
    let active = states.iter().filter(|state| **state == State::ACTIVE);
    assert_eq!((states.len(), active.count()), (3, 2), "{states:?}");
}

#[test]
fn a_key_of_others_is_imported_when_it_has_a_name() {
    let (own, server) = Installation::connected();
    own.run(&["generate", "-N", "own"]).ok();
    let id = own.keys(&["list"])[0]["kms_key_ids"][0].clone();
    let id = id.as_str().unwrap();
    own.run(&["remove", "-F", "-N", "own"]).ok();
    // One that knows nothing of zkey.
    server.store.change(id, |object| {
        let is_custom = |one: &Attribute<'_>| matches!(one.value, AttributeValue::Custom(_));
        object.attributes.list.retain(|one| !is_custom(one));
    });
    assert!(own.keys(&["kms", "list"]).is_empty());
    server.store.change(id, |object| {
        let name = Attribute::custom("x", "zkey-zkey-name", "disk1");
        object.attributes.push(name);
    });
    own.run(&["kms", "import", "--name", "disk1"]).ok();
    assert_eq!(own.patterns("disk1").len(), 1);
    let key = &own.keys(&["list"])[0];
    assert_eq!(
        (&key["name"], &key["kms_key_ids"][0]),
        (&"disk1".into(), &id.into())
    );
}
