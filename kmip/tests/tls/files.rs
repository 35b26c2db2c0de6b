//! Keys and certificates in files.

use std::path::Path;

use kmip::transport::tls::{
    ClientAuthentication, ClientTls, Error as TlsError, FileError, Identity, ServerTls,
    TlsConnector,
};
use openssl::x509::X509;
use test_support::{Authority, command};

use crate::world::{World, address, exchange, identity, refused, serve};

#[test]
fn identities_and_authorities_come_from_files() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (certificate, key) = world.client.write_pem(directory.path(), "client");
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let encrypted = world
        .client
        .key
        .private_key_to_pem_pkcs8_passphrase(cipher, b"secret");
    std::fs::write(at("encrypted.key"), encrypted.unwrap()).unwrap();
    std::fs::write(at("client.p12"), world.client.pkcs12("secret")).unwrap();
    world.ca.write_pem(&at("ca.pem"));
    let server = serve(ServerTls::new(identity(&world.server)).client_ca_file(at("ca.pem")));
    let address = address(&server, "localhost");
    for identity in [
        Identity::from_pem_files(&certificate, &key, None),
        Identity::from_pem_files(&certificate, &at("encrypted.key"), Some("secret")),
        Identity::from_pkcs12_file(&at("client.p12"), "secret"),
    ] {
        let options = ClientTls::new()
            .ca_file(at("ca.pem"))
            .identity(identity.unwrap());
        exchange(&address, options).unwrap();
    }
}

#[test]
fn an_identity_brings_the_intermediate_authorities_along() {
    let world = World::new();
    let middle = world.ca.intermediate("Middle CA");
    let issuing = middle.intermediate("Issuing CA");
    let certified = issuing.client("a client");
    let chain = [issuing.certificate(), middle.certificate()];
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let pem = |certificates: &[&X509]| {
        let certificates = certificates.iter().map(|one| one.to_pem().unwrap());
        certificates.collect::<Vec<_>>().concat()
    };
    let all = pem(&[&certified.certificate, chain[0], chain[1]]);
    std::fs::write(at("chain.pem"), &all).unwrap();
    std::fs::write(at("all.pem"), [all, certified.key_pem()].concat()).unwrap();
    let (_, key) = certified.write_pem(directory.path(), "client");
    let pkcs12 = certified.pkcs12_with_chain("secret", &chain);
    std::fs::write(at("client.p12"), pkcs12).unwrap();

    let server = serve(world.server_tls());
    let address = address(&server, "localhost");
    let options = |identity| {
        ClientTls::new()
            .ca_certificate(world.ca.certificate().clone())
            .identity(identity)
    };
    for identity in [
        Identity::from_pem_files(&at("chain.pem"), &key, None),
        Identity::from_pem_files(&at("all.pem"), &at("all.pem"), None),
        Identity::from_pkcs12_file(&at("client.p12"), "secret"),
        Identity::new(
            certified.key.clone(),
            certified.certificate.clone(),
            chain.map(Clone::clone).to_vec(),
        ),
    ] {
        let identity = identity.unwrap();
        assert_eq!(identity.chain().len(), 2);
        exchange(&address, options(identity)).unwrap();
    }
    // The server knows only the root.
    for some in [&chain[..0], &chain[..1]] {
        let some = some.iter().map(|one| (*one).clone()).collect();
        let (key, certificate) = (certified.key.clone(), certified.certificate.clone());
        let error = refused(
            &address,
            options(Identity::new(key, certificate, some).unwrap()),
        );
        assert!(error.to_string().contains("unknown CA"), "{error}");
    }
}

#[test]
fn a_server_can_be_reached_through_intermediate_authorities() {
    let world = World::new();
    let issuing = world.ca.intermediate("Issuing CA");
    let certified = issuing.server();
    let start = |chain: Vec<X509>| {
        let (key, certificate) = (certified.key.clone(), certified.certificate.clone());
        let identity = Identity::new(key, certificate, chain).unwrap();
        serve(ServerTls::new(identity).client_authentication(ClientAuthentication::None))
    };
    let options = || ClientTls::new().ca_certificate(world.ca.certificate().clone());
    let complete = start(vec![issuing.certificate().clone()]);
    exchange(&address(&complete, "localhost"), options()).unwrap();
    let incomplete = start(Vec::new());
    let incomplete = address(&incomplete, "localhost");
    let error = refused(&incomplete, options());
    assert!(
        error.to_string().contains("not among the trusted ones"),
        "{error}"
    );
    // What the server leaves out can be known otherwise.
    let knowing = options().ca_certificate(issuing.certificate().clone());
    exchange(&incomplete, knowing).unwrap();
}

/// In a process of its own, what the test below wants: a port, and whether the server there is
/// trusted by the system.
const CHILD: &str = "KMIP_TEST_SYSTEM_CAS";

/// OpenSSL looks at its environment once, so each case has a process of its own.
#[test]
fn the_cas_of_the_system_are_where_openssl_is_told_that_they_are() {
    if let Ok(wanted) = std::env::var(CHILD) {
        return as_child(&wanted);
    }
    let world = World::new();
    let server = serve(
        ServerTls::new(identity(&world.server)).client_authentication(ClientAuthentication::None),
    );
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (hashed, empty) = (at("hashed"), at("empty"));
    for path in [&hashed, &empty] {
        std::fs::create_dir(path).unwrap();
    }
    world.ca.write_pem(&at("ca.pem"));
    Authority::new("Other CA").write_pem(&at("other.pem"));
    let hash = world.ca.certificate().subject_name_hash();
    world.ca.write_pem(&hashed.join(format!("{hash:08x}.0")));

    let port = server.address().port();
    for (file, directory, wanted) in [
        (at("ca.pem"), &empty, "trusted"),
        (at("other.pem"), &hashed, "trusted"),
        (at("other.pem"), &empty, "unknown"),
        (at("missing.pem"), &empty, "unknown"),
    ] {
        let output = command(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("files::the_cas_of_the_system_are_where_openssl_is_told_that_they_are")
            .env("SSL_CERT_FILE", &file)
            .env("SSL_CERT_DIR", directory)
            .env(CHILD, format!("{wanted} {port}"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{wanted}: {output:?}");
        assert!(text.contains("the child has connected"), "{text}");
    }
}

fn as_child(wanted: &str) {
    let (wanted, port) = wanted.split_once(' ').unwrap();
    let address = format!("localhost:{port}").parse().unwrap();
    let other = Authority::new("Another CA");
    let beside = ClientTls::new().ca_certificate(other.certificate().clone());
    for options in [ClientTls::new(), beside.clone().system_cas()] {
        match wanted {
            "trusted" => drop(exchange(&address, options).unwrap()),
            _ => {
                let text = refused(&address, options).to_string();
                assert!(text.contains("the system's CA certificates"), "{text}");
            }
        }
    }
    // Who names an authority means only that.
    refused(&address, beside);
    println!("the child has connected");
}

#[test]
fn a_hashed_directory_of_authorities_works_and_another_is_refused() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let hash = world.ca.certificate().subject_name_hash();
    let options = || {
        ClientTls::new()
            .ca_directory(directory.path())
            .identity(identity(&world.client))
    };
    world.ca.write_pem(&directory.path().join("ca.pem"));
    let error = TlsConnector::new(options()).unwrap_err();
    assert!(matches!(error, TlsError::File(FileError::NotHashed { .. })));
    assert!(error.to_string().contains("openssl rehash"));
    world
        .ca
        .write_pem(&directory.path().join(format!("{hash:08x}.0")));
    let server = serve(world.server_tls());
    exchange(&address(&server, "localhost"), options()).unwrap();
}

#[test]
fn errors_name_the_file_that_is_wrong() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (certificate, key) = world.client.write_pem(directory.path(), "client");
    let (_, other_key) = world.server.write_pem(directory.path(), "other");
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let encrypted = world
        .client
        .key
        .private_key_to_pem_pkcs8_passphrase(cipher, b"secret");
    std::fs::write(at("encrypted.key"), encrypted.unwrap()).unwrap();
    std::fs::write(at("noise"), "no certificate at all").unwrap();
    std::fs::write(at("client.p12"), world.client.pkcs12("secret")).unwrap();

    let pem = |certificate: &Path, key: &Path, phrase| {
        Identity::from_pem_files(certificate, key, phrase).unwrap_err()
    };
    for (error, parts) in [
        (
            pem(&at("missing"), &key, None),
            ["certificate file", "missing"],
        ),
        (
            pem(&certificate, &at("missing"), None),
            ["private key file", "missing"],
        ),
        (pem(&at("noise"), &key, None), ["noise", "no certificate"]),
        (
            pem(&certificate, &at("noise"), None),
            ["noise", "no private key"],
        ),
        (
            pem(&certificate, &other_key, None),
            ["client.crt", "other.key"],
        ),
        (
            pem(&certificate, &at("encrypted.key"), None),
            ["encrypted.key", "pass phrase"],
        ),
        (
            pem(&certificate, &at("encrypted.key"), Some("no")),
            ["encrypted.key", "decrypt"],
        ),
        (
            Identity::from_pkcs12_file(&at("client.p12"), "no").unwrap_err(),
            ["client.p12", "decrypt"],
        ),
        (
            Identity::from_pkcs12_file(&at("noise"), "no").unwrap_err(),
            ["noise", "PKCS#12"],
        ),
        (
            TlsConnector::new(ClientTls::new().ca_file(at("missing"))).unwrap_err(),
            ["CA certificate file", "missing"],
        ),
        (
            TlsConnector::new(ClientTls::new().ca_directory(at("missing"))).unwrap_err(),
            ["CA certificate directory", "missing"],
        ),
    ] {
        let text = error.to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[test]
fn keys_do_not_show_in_debug_output() {
    let world = World::new();
    let text = format!("{:?}", world.client_tls());
    assert!(text.contains("CN=a client"), "{text}");
    assert!(!text.contains("PRIVATE"), "{text}");
}
