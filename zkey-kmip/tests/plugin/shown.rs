//! What `zkey kms info` shows.

use std::fs;

use kmip::types::State;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Errno, KeyMode, Kms};
use zkey_kmip::properties::{Integrity, Properties};

use crate::machine::{Machine, generate, info};
use crate::ready::{DATA, import, list, ready};

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
    set_in_conf(&machine, "kmip-server", "other.example");
    assert_eq!(machine.config().last_contact(), None);
    assert!(!info(&machine).contains("Last contact"));
    drop(server);
    let error = machine.configure(&[(code::GEN_WRAPPING_KEY, "")]);
    assert!(error.unwrap_err().to_string().contains("other.example"));
}

/// As the C plugin could have configured it.
fn set_in_conf(machine: &Machine, name: &str, value: &str) {
    let path = machine.path("KMIP/kmip.conf");
    let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
    values.set(name, value).unwrap();
    values.save(&path, Integrity::Hashed).unwrap();
}

fn wrapping_key_state(machine: &Machine) -> String {
    let text = info(machine);
    let line = text
        .lines()
        .find(|line| line.contains("Wrapping key state:"));
    line.unwrap().split_once(':').unwrap().1.trim().to_owned()
}

#[test]
fn the_state_of_the_wrapping_key_is_shown_as_it_was_last_seen() {
    let (machine, mut server) = ready("2.1");
    assert_eq!(wrapping_key_state(&machine), "Active (as last seen)");
    let id = machine.config().wrapping_key().unwrap().id;
    let key = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();
    let change = |state| server.store.change(&id, |object| object.state = state);
    change(State::DEACTIVATED);
    let error = import(&machine.plugin(), &key.key_id)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("wrapping key {id} is Deactivated")),
        "{error}"
    );
    assert!(error.contains("--gen-wrapping-key"), "{error}");
    assert_eq!(wrapping_key_state(&machine), "Deactivated (as last seen)");
    change(State::ACTIVE);
    import(&machine.plugin(), &key.key_id).unwrap();
    server.stop();
    assert_eq!(wrapping_key_state(&machine), "Active (as last seen)");
    // Of another one nothing is known.
    set_in_conf(&machine, "wrapping-key-id", "id-77");
    assert_eq!(wrapping_key_state(&machine), "(not seen yet)");
}

#[test]
fn the_server_is_asked_on_demand() {
    let (machine, mut server) = ready("1.4");
    let checked = || {
        machine.checks_in_info.set(true);
        let mut out = Vec::new();
        let result = machine.plugin().info(&mut out);
        machine.checks_in_info.set(false);
        (String::from_utf8(out).unwrap(), result)
    };
    let (text, result) = checked();
    result.unwrap();
    let line = format!("{} answers in KMIP 1.4", server.address());
    assert!(text.contains(&line), "{text}");
    let id = machine.config().wrapping_key().unwrap().id;
    server
        .store
        .change(&id, |object| object.state = State::COMPROMISED);
    let (text, result) = checked();
    let error = result.unwrap_err();
    assert_eq!(error.errno(), Errno::EBADMSG);
    assert!(error.to_string().contains("Compromised"), "{error}");
    assert!(text.contains("Connection check:     (failed)"), "{text}");
    assert!(text.contains("Compromised (as last seen)"), "{text}");
    // The rest is shown all the same.
    server.stop();
    let (text, result) = checked();
    let error = result.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1"), "{error}");
    assert!(text.contains("Compromised (as last seen)"), "{text}");
    assert!(text.contains("(failed)"), "{text}");
    assert!(!info(&machine).contains("Connection check"));
}
