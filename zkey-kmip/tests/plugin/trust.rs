//! Which servers are trusted.

use std::fs;

use openssl::x509::X509;
use test_support::Request;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, Errno, Kms};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, info};

#[test]
fn servers_are_trusted_only_as_asked_for() {
    let machine = Machine::new();
    let unknown = machine.server(Behaviour::default());
    let address = unknown.address();
    let server: (i32, &str) = (code::KMIP_SERVER, &address);
    let error = machine.configure(&[server]).unwrap_err();
    assert!(error.to_string().contains("--tls-ca-bundle"), "{error}");
    assert!(machine.terminal.printed().contains("not verified"));
    // Pinned, trusted, or not verified at all.
    for (option, verify, file) in [
        (code::TLS_DONT_VERIFY_SERVER_CERT, false, None),
        (code::TLS_TRUST_SERVER_CERT, true, Some("server-cert.pem")),
    ] {
        let asks_first = machine.config().server().is_some();
        let answers: &[&str] = if asks_first { &["y", "y", "n"] } else { &["y"] };
        machine.terminal.will_answer(answers);
        machine.configure(&[server, (option, "")]).unwrap();
        let connection = machine.config().connection().unwrap();
        assert_eq!(connection.verify_server_certificate, verify);
        let is_there = |name| machine.path("KMIP").join(name).exists();
        for name in ["server-cert.pem", "server-pubkey.pem"] {
            assert_eq!(is_there(name), Some(name) == file, "{name}");
        }
    }
    // Nobody else may come in the place of the trusted server.
    let mut unknown = unknown;
    unknown.stop();
    let impostor = KeyServer::start(
        &machine.authority.server(),
        X509::from_pem(&fs::read(machine.path("client.pem")).unwrap()).unwrap(),
        Behaviour::default(),
    );
    redirect(&machine, &impostor.address());
    let error = machine.plugin().get_key_properties("id-1").unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(impostor.store.take_log().is_empty());
}

/// Lets the configuration lead to another address, as a change in the name service would.
fn redirect(machine: &Machine, address: &str) {
    use zkey_kmip::properties::{Integrity, Properties};
    let path = machine.path("KMIP/kmip.conf");
    let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
    values.set("kmip-server", address).unwrap();
    values.save(&path, Integrity::Hashed).unwrap();
}

#[test]
fn self_signed_servers_and_pins() {
    let machine = Machine::new();
    let identity = Request::new("self").self_signed();
    let server = machine.server_with(&identity, Behaviour::default());
    let address = server.address();
    machine.terminal.will_answer(&["y"]);
    machine
        .configure(&[
            (code::KMIP_SERVER, &address),
            (code::TLS_PIN_SERVER_PUBKEY, ""),
        ])
        .unwrap();
    assert!(machine.terminal.printed().contains("self-signed"));
    let connection = machine.config().connection().unwrap();
    assert!(!connection.verify_server_certificate);
    assert!(connection.server_public_key.is_some());
    assert!(info(&machine).contains("pinned"));
    let other = KeyServer::start(
        &Request::new("self").self_signed(),
        X509::from_pem(&fs::read(machine.path("client.pem")).unwrap()).unwrap(),
        Behaviour::default(),
    );
    redirect(&machine, &other.address());
    let error = machine.plugin().get_key_properties("id-1").unwrap_err();
    assert!(error.to_string().contains("public key"), "{error}");
    assert!(
        error.to_string().contains("run 'zkey kms configure"),
        "{error}"
    );
    assert!(other.store.take_log().is_empty());
    // The former pin does not stand in the way of a new configuration.
    machine.terminal.will_answer(&["y", "y"]);
    machine
        .configure(&[
            (code::KMIP_SERVER, &other.address()),
            (code::TLS_TRUST_SERVER_CERT, ""),
        ])
        .unwrap();
    machine.plugin().get_key_properties("none").unwrap_err();
    assert!(!other.store.take_log().is_empty());
}

#[test]
fn a_relative_path_of_ca_certificates_is_stored_as_absolute() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    let up = "../".repeat(std::env::current_dir().unwrap().components().count());
    let relative = format!(
        "{up}{}",
        machine.text_path("ca.pem").trim_start_matches('/')
    );
    machine.terminal.will_answer(&["y"]);
    machine
        .configure(&[
            (code::KMIP_SERVER, &server.address()),
            (code::TLS_CA_BUNDLE, &relative),
        ])
        .unwrap();
    let stored = machine.config().connection().unwrap().ca_bundle.unwrap();
    assert!(stored.is_absolute(), "{}", stored.display());
    assert_eq!(
        fs::read(stored).unwrap(),
        fs::read(machine.path("ca.pem")).unwrap()
    );
}

#[test]
fn wrong_certificates_of_the_server_are_told() {
    let machine = Machine::new();
    let elsewhere = Request::new("elsewhere").dns("elsewhere.example");
    let server = machine.server_with(
        &elsewhere.signed_by(&machine.authority),
        Behaviour::default(),
    );
    let ca = machine.text_path("ca.pem");
    let address = server.address();
    let options: [(i32, &str); 3] = [
        (code::KMIP_SERVER, &address),
        (code::TLS_CA_BUNDLE, &ca),
        (code::TLS_VERIFY_HOSTNAME, ""),
    ];
    let error = machine.configure(&options).unwrap_err();
    assert!(error.to_string().contains("host name"), "{error}");
    machine.terminal.printed();
    machine.terminal.will_answer(&["n"]);
    machine.configure(&options[..2]).unwrap_err();
    assert!(machine.terminal.printed().contains("elsewhere.example"));
}

#[test]
fn an_unreachable_server_is_named() {
    let machine = Machine::new();
    let mut server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    let address = server.address();
    server.stop();
    let error = machine.plugin().get_key_properties("id-1").unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
    assert_eq!(error.errno(), Errno::EIO);
    machine.terminal.will_answer(&["y"]);
    let error = machine
        .configure(&[(code::KMIP_SERVER, &address)])
        .unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
    // The former connection stays.
    assert_eq!(machine.config().missing(), None);
    assert!(info(&machine).contains(&address));
}

#[test]
fn a_fingerprint_given_beforehand_answers_the_question() {
    let machine = Machine::new();
    let identity = machine.authority.server();
    let server = machine.server_with(&identity, Behaviour::default());
    let address = server.address();
    let bundle = machine.text_path("ca.pem");
    let options = [
        (code::KMIP_SERVER, address.as_str()),
        (code::TLS_CA_BUNDLE, bundle.as_str()),
    ];
    *machine.accepted_fingerprint.borrow_mut() = Some("00:11".to_owned());
    let error = machine.configure(&options).unwrap_err();
    assert_eq!(error.errno(), Errno::ECANCELED);
    assert!(
        error.to_string().contains("ZKEY_KMIP_SERVER_FINGERPRINT"),
        "{error}"
    );
    let digest = identity
        .certificate
        .digest(openssl::hash::MessageDigest::sha256());
    let text: String = digest
        .unwrap()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    *machine.accepted_fingerprint.borrow_mut() = Some(text);
    // Nobody is there to answer.
    assert_eq!(machine.configure(&options).unwrap(), Configured::Complete);
}

#[test]
fn swapped_files_are_told_and_nothing_is_sent() {
    let machine = Machine::new();
    let identity = machine.authority.server();
    let server = machine.server_with(&identity, Behaviour::default());
    machine.connect(&server, "default");
    let works = || {
        machine
            .plugin()
            .get_key_properties("x")
            .unwrap_err()
            .to_string()
    };
    assert!(works().contains("Get Attributes"), "{}", works());
    // The client certificate is one of another key.
    let certificate = machine.path("KMIP/client-certificate.pem");
    let own = fs::read(&certificate).unwrap();
    let other = Machine::new();
    other.with_certificate();
    fs::copy(other.path("client.pem"), &certificate).unwrap();
    server.store.take_log();
    let error = works();
    assert!(error.contains("certificate"), "{error}");
    // Or none at all.
    for damaged in [
        "",
        "damaged",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        fs::write(&certificate, damaged).unwrap();
        let error = works();
        assert!(error.contains("certificate"), "{error}");
    }
    // Or something to wait for.
    fs::remove_file(&certificate).unwrap();
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mkfifoat(rustix::fs::CWD, &certificate, mode).unwrap();
    let error = works();
    assert!(error.contains("no regular file"), "{error}");
    fs::remove_file(&certificate).unwrap();
    fs::write(&certificate, &own).unwrap();
    // The identity key is a wrapping key.
    let key = machine.path("KMIP/identity-key.skey");
    let own = fs::read(&key).unwrap();
    fs::copy(machine.path("KMIP/wrapping-key.skey"), &key).unwrap();
    works();
    fs::write(&key, own).unwrap();
    assert!(server.store.take_log().is_empty());
    assert!(works().contains("Get Attributes"));
}

#[test]
fn an_expired_certificate_of_the_server_is_refused_unless_that_is_asked_for() {
    let machine = Machine::new();
    let expired = Request::new("late").ip("127.0.0.1").expired();
    let server = machine.server_with(&expired.signed_by(&machine.authority), Behaviour::default());
    let (address, bundle) = (server.address(), machine.text_path("ca.pem"));
    let options: [(i32, &str); 3] = [
        (code::KMIP_SERVER, &address),
        (code::TLS_CA_BUNDLE, &bundle),
        (code::TLS_DONT_VERIFY_SERVER_CERT, ""),
    ];
    let error = machine.configure(&options[..2]).unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
    assert!(error.to_string().contains("expired"), "{error}");
    assert_eq!(machine.config().server(), None);
    machine.terminal.will_answer(&["y"]);
    machine.configure(&options).unwrap();
}

/// A new certificate of the same CA is no news; one that was not to change is.
#[test]
fn a_changed_certificate_is_noticed_where_that_was_asked_for() {
    for (option, refused) in [
        (None, false),
        (Some(code::TLS_VERIFY_HOSTNAME), false),
        (Some(code::TLS_PIN_SERVER_PUBKEY), true),
        (Some(code::TLS_TRUST_SERVER_CERT), true),
    ] {
        let machine = Machine::new();
        let mut server = machine.server(Behaviour::default());
        let (address, bundle) = (server.address(), machine.text_path("ca.pem"));
        let mut options = vec![
            (code::KMIP_SERVER, address.as_str()),
            (code::TLS_CA_BUNDLE, bundle.as_str()),
        ];
        options.extend(option.map(|code| (code, "")));
        machine.terminal.will_answer(&["y"]);
        machine.configure(&options).unwrap();
        server.stop();
        let client = X509::from_pem(&fs::read(machine.path("client.pem")).unwrap()).unwrap();
        let renewed = machine.authority.server();
        let server = KeyServer::start(&renewed, client, Behaviour::default());
        redirect(&machine, &server.address());
        let error = machine.plugin().get_key_properties("id-1").unwrap_err();
        let text = error.to_string();
        assert_eq!(server.store.take_log().is_empty(), refused, "{text}");
        assert_eq!(text.contains("given a new certificate"), refused, "{text}");
    }
}
