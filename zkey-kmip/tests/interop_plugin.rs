//! The plugin against PyKMIP's server (`make interop`). It cannot wrap with RSA keys, so no key can be
//! fetched; but a connection can be configured, and what fails leaves nothing behind.

#[path = "plugin/key_server/mod.rs"]
mod key_server;
#[path = "plugin/machine.rs"]
mod machine;

use std::process::{Command, Stdio};

use test_support::pykmip;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, ListRequest, SecureKeyType};

use machine::{APQNS, Machine, configure, generate, info};

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn pykmip_can_be_configured_and_keeps_no_keys() {
    let address = pykmip("ADDRESS");
    let ca = pykmip("CA");
    let ca_key = pykmip("CA_KEY");
    let machine = Machine::new();
    let (csr, certificate) = (machine.text_path("c.csr"), machine.text_path("c.pem"));
    let subject = [
        (code::GEN_IDENTITY_KEY, "ECC:prime256v1"),
        (code::GEN_CSR, &csr),
        (code::CERT_SUBJECT, "CN=zkey"),
    ];
    configure(&machine.plugin(), Some(&APQNS), &subject).unwrap();
    // The certificate authority takes over the extended key usage, without which PyKMIP refuses us.
    let issued = Command::new("openssl")
        .args(["x509", "-req", "-days", "1", "-copy_extensions", "copy"])
        .args(["-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial"])
        .args(["-in", &csr, "-out", &certificate])
        .stderr(Stdio::null())
        .status();
    assert!(issued.unwrap().success());
    machine
        .configure(&[(code::CLIENT_CERT, &certificate)])
        .unwrap();
    machine.terminal.will_answer(&["y"]);
    let configured = machine.configure(&[
        (code::KMIP_SERVER, &address),
        (code::TLS_CA_BUNDLE, &ca),
        (code::LABEL, "wrapping key"),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    let text = info(&machine);
    assert!(
        text.contains("PyKMIP") && text.contains("separate-activate"),
        "{text}"
    );
    let plugin = machine.plugin();
    let data = SecureKeyType::CcaAesData;
    let error = generate(&plugin, data, &[], Some("a key"), KeyMode::NonXts).unwrap_err();
    assert!(
        !error.to_string().contains("stays at the server"),
        "{error}"
    );
    let request = ListRequest {
        label_pattern: Some("a key"),
        filter: &[],
        options: &[],
    };
    plugin
        .list_keys(&request, &mut |key| panic!("{} is there", key.key_id))
        .unwrap();
    println!("as expected: {error}");
}
