//! The wrapping key: registration, and what becomes of the former one.

use std::fs;

use kmip::types::{Operation, ResultReason, State, Tag};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Errno, KeyMode};

use crate::key_server::Behaviour;
use crate::machine::{Machine, configure, generate, info, names};
use crate::ready::{DATA, is_key_of};

#[test]
fn wrapping_keys_are_registered_in_each_form() {
    for (format, padding) in [
        ("PKCS1", "PKCS1.5"),
        ("PKCS8", "OAEP"),
        ("TransparentPublicKey", "OAEP"),
    ] {
        for version in ["1.2", "1.4", "2.1"] {
            let machine = Machine::new();
            machine.profile(
                "form",
                &format!(
                    "server-regex=x\nkmip-version={version}\nwrap-key-params=1024\n\
                     wrap-key-format={format}\nwrap-padding-method={padding}\n"
                ),
            );
            let server = machine.server(Behaviour::default());
            machine.connect(&server, "form");
            let id = machine.config().wrapping_key().unwrap().id;
            let object = server.store.object(&id).unwrap();
            assert_eq!(object.state, State::ACTIVE);
            let values = object.attributes.values(Tag::CRYPTOGRAPHIC_USAGE_MASK);
            assert_eq!(values.count(), 1);
            // That the server can wrap with it is seen by what comes out.
            let key = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts);
            key.unwrap_or_else(|error| panic!("{format} {padding} {version}: {error}"));
        }
    }
}

#[test]
fn paddings_beyond_those_of_the_c_plugin() {
    for (digest, bits) in [("SHA-384", 2048), ("SHA-512", 3072)] {
        let machine = Machine::new();
        machine.profile(
            "own",
            &format!(
                "server-regex=x\nkmip-version=2.1\nwrap-key-params={bits}\n\
                 wrap-padding-method=OAEP\nwrap-hashing-algorithm=SHA-256\n\
                 wrap-oaep-hashing-algorithm={digest}\n"
            ),
        );
        let server = machine.server(Behaviour::default());
        machine.connect(&server, "own");
        let key = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();
        let object = server.store.object(&key.key_id).unwrap();
        assert!(is_key_of(&machine, &key.blob, &object));
        let text = info(&machine);
        assert!(
            text.contains(&format!("RSA ({bits} bits, OAEP, {digest})")),
            "{text}"
        );
    }
}

#[test]
fn a_new_wrapping_key_retires_the_former_one() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    let first = machine.config().wrapping_key().unwrap().id;
    machine.terminal.will_answer(&["n"]);
    machine.configure(&[(code::GEN_WRAPPING_KEY, "")]).unwrap();
    assert_eq!(
        server.store.object(&first).unwrap().state,
        State::DEACTIVATED
    );
    let second = machine.config().wrapping_key().unwrap().id;
    assert_eq!(server.store.object(&second).unwrap().state, State::ACTIVE);
    machine.terminal.will_answer(&["y"]);
    machine.configure(&[(code::GEN_WRAPPING_KEY, "")]).unwrap();
    assert_eq!(
        server.store.object(&second).unwrap().state,
        State::DESTROYED
    );
    // A refusal of the server is no failure: the new key is in use already.
    server.store.behave(|own| {
        own.refused = vec![(Operation::REVOKE, ResultReason::PERMISSION_DENIED)];
    });
    machine.terminal.warned();
    machine.configure(&[(code::GEN_WRAPPING_KEY, "")]).unwrap();
    assert!(machine.terminal.warned().contains("former wrapping key"));
}

#[test]
fn a_failed_registration_changes_nothing() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    let before = (
        fs::read(machine.path("KMIP/kmip.conf")).unwrap(),
        names(&machine),
    );
    server.store.behave(|own| {
        own.refused = vec![(Operation::ACTIVATE, ResultReason::PERMISSION_DENIED)];
    });
    let error = machine
        .configure(&[(code::GEN_WRAPPING_KEY, "")])
        .unwrap_err();
    assert_eq!(error.errno(), Errno::EBADMSG);
    let text = error.to_string();
    for expected in ["Activate", "as the test says", "127.0.0.1"] {
        assert!(text.contains(expected), "{text}");
    }
    let after = (
        fs::read(machine.path("KMIP/kmip.conf")).unwrap(),
        names(&machine),
    );
    assert_eq!(before, after);
    // And no key stays behind at the server.
    let states: Vec<_> = server
        .store
        .objects()
        .into_values()
        .map(|one| one.state)
        .collect();
    assert_eq!(states, [State::ACTIVE, State::DESTROYED]);
}

/// What happens after the commit point is no reason to destroy the new wrapping key.
#[test]
fn a_committed_wrapping_key_is_never_destroyed() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    let former = machine.config().wrapping_key().unwrap().id;
    let plugin = machine.plugin();
    // The new file cannot take this place.
    let place = machine.path("KMIP/wrapping-key.skey");
    fs::remove_file(&place).unwrap();
    fs::create_dir_all(place.join("occupied")).unwrap();
    let option = [(code::GEN_WRAPPING_KEY, "")];
    let error = configure(&plugin, None, &option).unwrap_err();
    assert!(error.to_string().contains("next command"), "{error}");
    drop(plugin);
    fs::remove_dir_all(&place).unwrap();
    let id = machine.config().wrapping_key().unwrap().id;
    assert_ne!(id, former);
    assert_eq!(server.store.object(&id).unwrap().state, State::ACTIVE);
    generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts).unwrap();
}
