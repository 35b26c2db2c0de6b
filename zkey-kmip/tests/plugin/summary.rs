//! What `zkey kms configure` tells of what it did.

use std::fs;

use openssl::x509::X509;
use zkey_kmip::abi::options::code;

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{APQNS, Machine, configure};

#[test]
fn each_step_says_what_is_new_and_what_is_missing() {
    let machine = Machine::new();
    let step = |apqns, options: &[(i32, &str)]| {
        machine.terminal.printed();
        configure(&machine.plugin(), apqns, options).unwrap();
        machine.terminal.printed()
    };
    let text = step(Some(&APQNS[..]), &[]);
    assert!(text.contains("APQNs (CCA): 03.0039"), "{text}");
    assert!(text.contains("--gen-identity-key"), "{text}");
    let csr = machine.text_path("client.csr");
    let subject = (code::CERT_SUBJECT, "CN=client");
    let text = step(None, &[(code::GEN_CSR, &csr), subject]);
    assert!(text.contains("New identity key: ECC (secp521r1)"), "{text}");
    assert!(
        text.contains(&csr) && text.contains("--client-cert"),
        "{text}"
    );
    let text = step(None, &[(code::GEN_CSR, &csr), subject]);
    assert!(!text.contains("New identity key"), "{text}");
    let request = fs::read(&csr).unwrap();
    let pem = machine.authority.sign_request(&request);
    let path = machine.text_path("client.pem");
    fs::write(&path, &pem).unwrap();
    let text = step(None, &[(code::CLIENT_CERT, &path)]);
    assert!(
        text.contains(&path) && text.contains("--kmip-server"),
        "{text}"
    );
    let client = X509::from_pem(&pem).unwrap();
    let identity = machine.authority.server();
    let server = KeyServer::start(&identity, client, Behaviour::default());
    machine.terminal.will_answer(&["y"]);
    let bundle = machine.text_path("ca.pem");
    let text = step(
        None,
        &[
            (code::KMIP_SERVER, &server.address()),
            (code::TLS_CA_BUNDLE, &bundle),
        ],
    );
    let expected = format!(
        "KMIP server: {}, profile default, KMIP 2.1",
        server.address()
    );
    assert!(text.contains(&expected), "{text}");
    let id = machine.config().wrapping_key().unwrap().id;
    assert!(
        text.contains(&format!("New wrapping key: {id} (RSA")),
        "{text}"
    );
    assert!(
        text.ends_with("The KMIP plugin is configured completely.\n"),
        "{text}"
    );
    let text = step(Some(&[]), &[]);
    assert!(text.contains("no APQNs"), "{text}");
}
