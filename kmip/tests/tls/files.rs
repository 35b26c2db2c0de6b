//! Keys and certificates in files.

use std::path::Path;

use kmip::transport::tls::{
    ClientTls, Error as TlsError, FileError, Identity, ServerTls, TlsConnector,
};

use crate::world::{World, address, exchange, identity, serve};

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
