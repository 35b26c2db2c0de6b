//! What `zkey kms info` shows.

use std::fs;

use zkey_kmip::abi::Kms;
use zkey_kmip::abi::options::code;

use crate::machine::{Machine, info};
use crate::ready::{list, ready};

#[test]
fn all_is_shown_without_server_and_whatever_the_profile_is() {
    let (machine, mut server) = ready("2.1");
    server.stop();
    let id = machine.config().wrapping_key().unwrap().id;
    let expected = [
        "ECC (prime256v1)",
        "CN=client",
        "Not after:",
        &server_line(&machine),
        "Test Server 1.0",
        "Last contact:         TLSv1.3 TLS_",
        &id,
        "RSA (1024 bits",
    ];
    let text = info(&machine);
    for expected in expected {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert!(text.contains("2.1 (from profile)"), "{text}");
    for broken in ["no equals sign\n", "wrap-key-params=many\n", "\0\u{fffd}"] {
        machine.profile("used", broken);
        let text = info(&machine);
        for expected in expected {
            assert!(text.contains(expected), "{expected} is not in {text}");
        }
        assert!(text.contains("(error: "), "{text}");
    }
    fs::remove_file(machine.path("profiles/used.profile")).unwrap();
    assert!(info(&machine).contains(&id));
    // Nor do these need anything else.
    machine.plugin().deconfigure().unwrap();
    machine.plugin().login().unwrap();
}

fn server_line(machine: &Machine) -> String {
    format!(
        "KMIP server:          {}",
        machine.config().server().unwrap()
    )
}

#[test]
fn a_contact_is_that_of_the_configured_server() {
    let (machine, server) = ready("1.4");
    let before = machine.config().last_contact().unwrap().to_owned();
    list(&machine.plugin(), None).unwrap();
    assert_eq!(machine.config().last_contact(), Some(&*before));
    // The C plugin has configured another one since.
    let mut values = zkey_kmip::properties::Properties::load(
        &machine.path("KMIP/kmip.conf"),
        zkey_kmip::properties::Integrity::Hashed,
    )
    .unwrap();
    values.set("kmip-server", "other.example").unwrap();
    values
        .save(
            &machine.path("KMIP/kmip.conf"),
            zkey_kmip::properties::Integrity::Hashed,
        )
        .unwrap();
    assert_eq!(machine.config().last_contact(), None);
    assert!(!info(&machine).contains("Last contact"));
    drop(server);
    let error = machine.configure(&[(code::GEN_WRAPPING_KEY, "")]);
    assert!(error.unwrap_err().to_string().contains("other.example"));
}
