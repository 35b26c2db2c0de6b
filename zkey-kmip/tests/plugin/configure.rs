//! `zkey kms configure` and `zkey kms info`.

use std::fs;

use kmip::ProtocolVersion;
use kmip::types::Operation;
use openssl::x509::X509Req;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, Errno};
use zkey_kmip::config::{ConfigFile, Part, ProtocolSetting};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{APQNS, Machine, PROFILE_2X, configure, info, names};

#[test]
fn every_step_leads_to_the_next() {
    let machine = Machine::new();
    let missing = |machine: &Machine| machine.config().missing();
    let error = machine
        .configure(&[(code::GEN_IDENTITY_KEY, "ECC:prime256v1")])
        .unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
    assert!(error.to_string().contains("--apqns"), "{error}");
    let incomplete = configure(&machine.plugin(), Some(&APQNS), &[]).unwrap();
    assert_eq!(incomplete, Configured::Incomplete);
    assert_eq!(missing(&machine), Some(Part::IdentityKey));
    machine
        .configure(&[(code::GEN_IDENTITY_KEY, "RSA:2048")])
        .unwrap();
    assert!(
        !machine
            .terminal
            .warned()
            .contains("WARNING: an identity key")
    );
    assert_eq!(missing(&machine), Some(Part::ClientCertificate));
    let csr = machine.text_path("client.csr");
    machine
        .configure(&[(code::GEN_CSR, &csr), (code::CERT_SUBJECT, "CN=client")])
        .unwrap();
    assert_eq!(missing(&machine), Some(Part::ClientCertificate));
    let request = X509Req::from_pem(&fs::read(&csr).unwrap()).unwrap();
    assert!(request.verify(&request.public_key().unwrap()).unwrap());
    let error = machine
        .configure(&[(code::KMIP_SERVER, "localhost")])
        .unwrap_err();
    assert!(error.to_string().contains("client certificate"), "{error}");
    machine
        .configure(&[
            (code::GEN_SELF_SIGNED_CERT, &machine.text_path("client.pem")),
            (code::CERT_SUBJECT, "CN=client"),
        ])
        .unwrap();
    assert_eq!(missing(&machine), Some(Part::Connection));
    let error = machine.configure(&[(code::GEN_WRAPPING_KEY, "")]);
    assert!(error.unwrap_err().to_string().contains("--kmip-server"));
    let text = info(&machine);
    assert!(
        text.contains("Identity key:         RSA (2048 bits)"),
        "{text}"
    );
    assert!(
        text.contains("CN=client") && text.contains("KMIP server:"),
        "{text}"
    );
}

#[test]
fn all_of_it_can_be_done_at_once() {
    let machine = Machine::new();
    // The server must know the certificate, which is made in the same command: so another
    // machine lends it.
    let other = Machine::new();
    let client = other.with_certificate();
    let server = KeyServer::start(&machine.authority.server(), client, Behaviour::default());
    fs::copy(other.path("master-key"), machine.path("master-key")).unwrap();
    let key = other.config().read(ConfigFile::IdentityKey).unwrap();
    let mut edit = machine.config().edit().unwrap();
    edit.set_identity_key(&key, "ECC:prime256v1".parse().unwrap())
        .unwrap();
    edit.commit().unwrap();
    machine.terminal.will_answer(&["y"]);
    let configured = configure(
        &machine.plugin(),
        Some(&APQNS),
        &[
            (code::CLIENT_CERT, &other.text_path("client.pem")),
            (code::KMIP_SERVER, &server.address()),
            (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
            (code::TLS_VERIFY_HOSTNAME, ""),
            (code::LABEL, "wrapping"),
        ],
    );
    assert_eq!(configured.unwrap(), Configured::Complete);
    let config = machine.config();
    assert_eq!(config.missing(), None);
    assert_eq!(
        config.wrapping_key().unwrap().label.as_deref(),
        Some("wrapping")
    );
    assert!(config.connection().unwrap().verify_host_name);
}

#[test]
fn the_connection_is_described_and_confirmed() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    let options: [(i32, &str); 2] = [
        (code::KMIP_SERVER, &server.address()),
        (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
    ];
    let before = fs::read(machine.path("KMIP/kmip.conf")).unwrap();
    machine.terminal.will_answer(&["n"]);
    let error = machine.configure(&options).unwrap_err();
    assert_eq!(error.errno(), Errno::ECANCELED);
    assert_eq!(fs::read(machine.path("KMIP/kmip.conf")).unwrap(), before);
    let printed = machine.terminal.printed();
    for expected in ["CN=localhost", "SHA-256 fingerprint", "test authority"] {
        assert!(printed.contains(expected), "{printed}");
    }
    assert!(server.store.take_log().is_empty());
    machine.terminal.will_answer(&["yes"]);
    machine.configure(&options).unwrap();
    let connection = machine.config().connection().unwrap();
    assert_eq!(connection.server_info, "Test Server 1.0");
    assert_eq!(connection.profile, "default");
    let latest = ProtocolSetting::Agreed { major: 2, minor: 1 };
    assert_eq!(connection.protocol, latest);
    assert!(connection.verify_server_certificate && !connection.verify_host_name);
    let text = info(&machine);
    for expected in [
        "KMIP server info:     Test Server 1.0",
        "KMIP version:         2.1",
        "The server certificate must be valid",
        "Wrapping algorithm:   RSA (2048 bits, PKCS1.5)",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn the_highest_common_version_is_agreed_upon() {
    for version in [
        ProtocolVersion::V1_0,
        ProtocolVersion::V1_2,
        ProtocolVersion::V1_4,
    ] {
        let machine = Machine::new();
        let known = ProtocolVersion::ALL.into_iter();
        let versions = known.filter(|known| *known <= version).collect();
        let server = machine.server(Behaviour {
            versions,
            ..Behaviour::default()
        });
        machine.connect(&server, "default");
        let expected = ProtocolSetting::Agreed {
            major: version.major as u32,
            minor: version.minor as u32,
        };
        assert_eq!(machine.config().connection().unwrap().protocol, expected);
    }
}

#[test]
fn the_profile_follows_from_the_server() {
    let machine = Machine::new();
    machine.profile("A-broken", "server-regex=(\n");
    machine.profile("rich", PROFILE_2X);
    let server = machine.server(Behaviour {
        vendor: "Rich Server".to_owned(),
        ..Behaviour::default()
    });
    machine.terminal.will_answer(&["y"]);
    machine
        .configure(&[
            (code::KMIP_SERVER, &server.address()),
            (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
        ])
        .unwrap();
    let connection = machine.config().connection().unwrap();
    assert_eq!(connection.profile, "rich");
    assert_eq!(connection.protocol, ProtocolSetting::FromProfile);
    assert!(machine.terminal.warned().contains("A-broken"));
    assert!(info(&machine).contains("2.1 (from profile)"));
    let error = machine
        .configure(&[
            (code::KMIP_SERVER, &server.address()),
            (code::PROFILE, "../secret"),
        ])
        .unwrap_err();
    // The question about the former connection is answered by the end of input.
    assert_eq!(error.errno(), Errno::ECANCELED);
}

#[test]
fn servers_that_lack_something_are_refused_unless_the_profile_says_otherwise() {
    let machine = Machine::new();
    let server = machine.server(Behaviour {
        hidden: vec![Operation::REGISTER],
        ..Behaviour::default()
    });
    let ca = machine.text_path("ca.pem");
    let address = server.address();
    machine.terminal.will_answer(&["y"]);
    let error = machine
        .configure(&[(code::KMIP_SERVER, &address), (code::TLS_CA_BUNDLE, &ca)])
        .unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
    assert!(error.to_string().contains("Register"), "{error}");
    machine.profile(
        "relaxed",
        "server-regex=x\nwrap-key-params=1024\ncheck-server-capabilities=FALSE\n",
    );
    machine.connect(&server, "relaxed");
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    let machine = Machine::new();
    let csr = (code::GEN_CSR, "csr");
    let certificate = (code::GEN_SELF_SIGNED_CERT, "certificate");
    let subject = (code::CERT_SUBJECT, "CN=x");
    let server = (code::KMIP_SERVER, "localhost");
    let pin = (code::TLS_PIN_SERVER_PUBKEY, "");
    let trust = (code::TLS_TRUST_SERVER_CERT, "");
    let cases: &[&[(i32, &str)]] = &[
        &[csr, certificate, subject],
        &[csr],
        &[subject],
        &[(code::CERT_RSA_PSS, "")],
        &[certificate, subject, (code::CSR_NEW_HEADER, "")],
        &[csr, subject, (code::CERT_VALIDITY_DAYS, "3")],
        &[certificate, subject, (code::CERT_VALIDITY_DAYS, "0")],
        &[certificate, subject, (code::CERT_VALIDITY_DAYS, "-1")],
        &[certificate, subject, (code::CERT_DIGEST, "crc32")],
        &[csr, subject, (code::CLIENT_CERT, "x")],
        &[(code::PROFILE, "default")],
        &[pin],
        &[server, pin, trust],
        &[(code::GEN_IDENTITY_KEY, "ECC")],
        &[(code::GEN_IDENTITY_KEY, "RSA:1000")],
        &[(code::LABEL, "x")],
        &[(b'Z'.into(), "x")],
    ];
    for case in cases {
        let error = configure(&machine.plugin(), Some(&APQNS), case).unwrap_err();
        assert_eq!(error.errno(), Errno::EINVAL, "{case:?}: {error}");
        assert!(names(&machine).is_empty(), "{case:?}");
    }
}

#[test]
fn a_new_identity_key_needs_a_new_certificate() {
    let machine = Machine::new();
    machine.with_certificate();
    let before = machine.config().read(ConfigFile::IdentityKey).unwrap();
    let new_key = [(code::GEN_IDENTITY_KEY, "ECC:prime256v1")];
    let installed = machine.text_path("client.pem");
    machine.terminal.will_answer(&["y"]);
    machine.configure(&new_key).unwrap();
    assert_ne!(
        machine.config().read(ConfigFile::IdentityKey).unwrap(),
        before
    );
    assert_eq!(machine.config().missing(), Some(Part::ClientCertificate));
    // The certificate is one for the former key.
    let error = machine
        .configure(&[(code::CLIENT_CERT, &installed)])
        .unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
    assert!(!machine.terminal.has_answers_left());
}

#[test]
fn a_new_key_and_its_request_are_one_step() {
    let machine = Machine::new();
    let csr = machine.text_path("client.csr");
    // No question about a second key, and not the default kind of key.
    configure(
        &machine.plugin(),
        Some(&APQNS),
        &[
            (code::GEN_IDENTITY_KEY, "RSA:2048"),
            (code::GEN_CSR, &csr),
            (code::CERT_SUBJECT, "CN=client"),
            (code::CSR_NEW_HEADER, ""),
        ],
    )
    .unwrap();
    let pem = fs::read(&csr).unwrap();
    assert!(pem.starts_with(b"-----BEGIN NEW CERTIFICATE REQUEST"));
    let request = X509Req::from_pem(&pem).unwrap();
    assert_eq!(request.public_key().unwrap().bits(), 2048);
    // Without a key, the default kind is made.
    let other = Machine::new();
    let csr = other.text_path("client.csr");
    let options: [(i32, &str); 2] = [(code::GEN_CSR, &csr), (code::CERT_SUBJECT, "CN=client")];
    configure(&other.plugin(), Some(&APQNS), &options).unwrap();
    let identity = other.config().identity_key().unwrap();
    assert_eq!(identity.parameters, "secp521r1");
}

#[test]
fn info_shows_what_it_can() {
    let machine = Machine::new();
    assert!(info(&machine).contains("(configuration required)"));
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    fs::remove_file(machine.path("profiles/default.profile")).unwrap();
    fs::write(machine.path("KMIP/client-certificate.pem"), "damaged").unwrap();
    fs::remove_file(machine.path("master-key")).unwrap();
    let text = info(&machine);
    assert!(text.contains("Client certificate:   (error)"), "{text}");
    assert!(text.contains("default.profile does not exist"), "{text}");
    assert!(text.contains(&server.address()), "{text}");
}

#[test]
fn of_a_repeated_option_the_last_one_counts() {
    let machine = Machine::new();
    let (unused, path) = (
        machine.text_path("unused.pem"),
        machine.text_path("client.pem"),
    );
    let options = [
        (code::GEN_IDENTITY_KEY, "RSA:2048"),
        (code::GEN_IDENTITY_KEY, "ecc:prime256v1"),
        (code::GEN_SELF_SIGNED_CERT, unused.as_str()),
        (code::GEN_SELF_SIGNED_CERT, &path),
        (code::CERT_SUBJECT, "CN=one"),
        (code::CERT_SUBJECT, "CN=two"),
    ];
    configure(&machine.plugin(), Some(&APQNS), &options).unwrap();
    assert!(!machine.path("unused.pem").exists());
    let text = info(&machine);
    assert!(
        text.contains("ECC (prime256v1)") && text.contains("CN=two"),
        "{text}"
    );
}

#[test]
fn apqns_can_be_removed_and_come_back() {
    let machine = Machine::new();
    machine.with_certificate();
    let incomplete = configure(&machine.plugin(), Some(&[]), &[]).unwrap();
    assert_eq!(incomplete, Configured::Incomplete);
    assert_eq!(machine.config().missing(), Some(Part::Apqns));
    configure(&machine.plugin(), Some(&APQNS), &[]).unwrap();
    assert_eq!(machine.config().missing(), Some(Part::Connection));
    // Also where there never were any.
    configure(&Machine::new().plugin(), Some(&[]), &[]).unwrap();
}

#[test]
fn a_new_certificate_is_not_said_to_end_soon() {
    for days in ["1", "30", "365"] {
        let machine = Machine::new();
        let path = machine.text_path("client.pem");
        let options = [
            (code::GEN_IDENTITY_KEY, "ECC:prime256v1"),
            (code::GEN_SELF_SIGNED_CERT, &path),
            (code::CERT_SUBJECT, "CN=client"),
            (code::CERT_VALIDITY_DAYS, days),
        ];
        configure(&machine.plugin(), Some(&APQNS), &options).unwrap();
        let text = info(&machine);
        assert!(text.contains("Not after:"), "{text}");
        assert!(!text.contains("--renew-cert"), "{text}");
    }
}

#[test]
fn weak_identity_keys_come_with_a_warning() {
    let machine = Machine::new();
    configure(&machine.plugin(), Some(&APQNS), &[]).unwrap();
    for (spec, is_weak) in [
        ("RSA:512", true),
        ("RSA:1024", true),
        ("ECC:prime192v1", true),
        ("ECC:secp224r1", false),
    ] {
        machine.asks_nothing.set(true);
        machine.terminal.warned();
        machine
            .configure(&[(code::GEN_IDENTITY_KEY, spec)])
            .unwrap();
        let warned = machine.terminal.warned();
        let expected = format!("WARNING: an identity key of type {spec}");
        assert_eq!(warned.contains(&expected), is_weak, "{warned}");
    }
}
