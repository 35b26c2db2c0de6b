//! What `zkey kms info` shows.

use std::fs;

use kmip::types::{ResultReason, State};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Errno, KeyMode, Kms};

use crate::machine::{Machine, generate, info};
use crate::ready::{DATA, import, list, ready, set_in_conf};

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

/// What a command got to know is about the server that it began with, and about its wrapping key.
#[test]
fn what_was_learned_does_not_come_to_a_server_that_was_configured_meanwhile() {
    let (machine, server) = ready("1.4");
    let key = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();
    let id = machine.config().wrapping_key().unwrap().id;
    set_in_conf(&machine, "last-contact", "");
    set_in_conf(&machine, "wrapping-key-state", "");
    server
        .store
        .behave(|own| own.no_format = Some(ResultReason::INVALID_FIELD));
    let learns = |change: &dyn Fn()| {
        let plugin = machine.plugin();
        plugin.get_key_properties(&key.key_id).unwrap();
        set_in_conf(&machine, "last-contact", "");
        set_in_conf(&machine, "server-traits", "");
        change();
        import(&plugin, &key.key_id).unwrap();
        let config = machine.config();
        let state = config.wrapping_key_state().map(str::to_owned);
        (
            config.server_traits().is_empty(),
            config.last_contact().is_some(),
            state,
        )
    };
    let address = machine.config().server().unwrap().to_owned();
    let to_other = || set_in_conf(&machine, "kmip-server", "other.example");
    assert_eq!(learns(&to_other), (true, false, None));
    set_in_conf(&machine, "kmip-server", &address);
    assert_eq!(machine.config().last_contact(), None);
    assert!(machine.config().server_traits().is_empty());
    let new_key = || set_in_conf(&machine, "wrapping-key-id", "id-77");
    assert_eq!(learns(&new_key), (false, true, None));
    set_in_conf(&machine, "wrapping-key-id", &id);
    assert_eq!(machine.config().wrapping_key_state(), None);
    let (_, _, state) = learns(&|| ());
    assert_eq!(state.as_deref(), Some("Active"));
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
