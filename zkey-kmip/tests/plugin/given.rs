//! Keys that the host was given, and may not have stored.

use kmip::types::{Attribute, State};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{KeyMode, Kms, OptionValue};
use zkey_kmip::config::Intended;
use zkey_kmip::properties::{Integrity, Properties};

use crate::key_server::KeyServer;
use crate::left_behind::{connect, has_intents, leave, mark, new_key, state};
use crate::machine::{Machine, generate, info};
use crate::ready::{DATA, properties, ready};

/// The directory around the configuration becomes a repository of zkey.
fn bind(machine: &Machine) {
    let mut values = Properties::new();
    values.set("kms", "KMIP").unwrap();
    let path = machine.path("kms.conf");
    values.save(&path, Integrity::Hashed).unwrap();
}

/// zkey stores a key.
fn store(machine: &Machine, name: &str, id: &str) {
    let mut values = Properties::new();
    values.set(name, id).unwrap();
    let path = machine.path("disk.info");
    values.save(&path, Integrity::Hashed).unwrap();
}

/// A key that a process was given which was killed then.
fn lost_key(machine: &Machine, server: &KeyServer) -> String {
    let id = new_key(machine);
    let given = Intended::Given { id: id.clone() };
    mark(server, &id, leave(machine, &server.address(), given));
    id
}

/// Only the host knows where the key is in use: in a repository elsewhere, or in none.
#[test]
fn a_key_that_the_host_was_given_is_told_and_stays() {
    for is_bound in [false, true] {
        let (machine, server) = ready("1.4");
        let id = lost_key(&machine, &server);
        if is_bound {
            bind(&machine);
            store(&machine, "kms-key-id", "another");
        }
        for _ in 0..2 {
            let warned = connect(&machine);
            let expected = format!("INFO: key {id} at {} was given to zkey", server.address());
            assert!(warned.contains(&expected), "{warned}");
            assert!(warned.contains("kms import"), "{warned}");
        }
        assert!(info(&machine).contains(&format!("Interrupted:          key {id} at")));
        machine.plugin().deconfigure().unwrap();
        assert!(machine.terminal.warned().contains(&id));
        assert_eq!(state(&server, &id), State::ACTIVE);
    }
}

#[test]
fn what_became_of_the_key_is_noticed() {
    type Change = fn(&Machine, &KeyServer, &str);
    let changes: [Change; 6] = [
        |_, server, id| server.store.change(id, |key| key.state = State::DESTROYED),
        |_, server, id| {
            let name = Attribute::custom("x", "zkey-zkey-name-elsewhere", "disk");
            server.store.change(id, |key| key.attributes.push(name));
        },
        // Another key has the identifier: the server was set up anew.
        |_, server, id| server.store.change(id, |key| key.attributes.list.clear()),
        |machine, _, id| store(machine, "kms-key-id", id),
        |machine, _, id| store(machine, "kms-xts-key1-id", id),
        |machine, _, id| store(machine, "kms-xts-key2-id", id),
    ];
    for (number, change) in changes.iter().enumerate() {
        let (machine, server) = ready("2.1");
        bind(&machine);
        let id = lost_key(&machine, &server);
        let before = state(&server, &id);
        change(&machine, &server, &id);
        let after = state(&server, &id);
        assert!(before == after || number == 0);
        assert!(!connect(&machine).contains(&id), "{number}");
        assert!(!has_intents(&machine), "{number}");
        assert_eq!(state(&server, &id), after, "{number}");
    }
}

#[test]
fn a_key_that_zkey_did_not_store_is_told_when_it_ends() {
    let (machine, server) = ready("1.4");
    bind(&machine);
    let made = |store_it: bool| {
        let plugin = machine.plugin();
        let key = generate(&plugin, DATA, &properties(), None, KeyMode::NonXts).unwrap();
        assert!(
            !info(&machine).contains("Interrupted"),
            "its command goes on"
        );
        if store_it {
            store(&machine, "kms-key-id", &key.key_id);
        }
        machine.terminal.warned();
        drop(plugin);
        (key.key_id, machine.terminal.warned())
    };
    let (_, warned) = made(true);
    assert!(!warned.contains("was given"), "{warned}");
    assert!(!has_intents(&machine));
    let (id, warned) = made(false);
    assert!(warned.contains(&id), "{warned}");
    assert!(connect(&machine).contains(&id));
    assert_eq!(state(&server, &id), State::ACTIVE);
    store(&machine, "kms-key-id", &id);
    assert!(!info(&machine).contains(&id));
    assert!(!has_intents(&machine));
}

/// As a host does that could not store it.
#[test]
fn a_key_that_the_host_destroys_again_is_not_told() {
    let (machine, server) = ready("1.4");
    bind(&machine);
    let plugin = machine.plugin();
    let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
    let destroyed = std::ffi::OsString::from("DESTROYED");
    let option = OptionValue {
        code: code::STATE,
        argument: Some(&destroyed),
    };
    plugin.remove_key(&key.key_id, &[option]).unwrap();
    machine.terminal.warned();
    drop(plugin);
    assert!(!machine.terminal.warned().contains(&key.key_id));
    assert!(!has_intents(&machine));
    assert_eq!(state(&server, &key.key_id), State::DESTROYED);
}
