//! A pair of keys for XTS that does not become one leaves nothing behind.

use std::fs;

use kmip::types::{Attribute, Operation, ResultReason, State, Tag};
use zkey_kmip::abi::{Errno, GenerateRequest, GeneratedKey, KeyMode, Kms, PluginError, Property};
use zkey_kmip::plugin::Plugin;

use crate::key_server::KeyServer;
use crate::left_behind::{connect, has_intents};
use crate::machine::{generate, info};
use crate::ready::{DATA, import, list, properties, ready};

const CHANGES: [Operation; 4] = [
    Operation::ADD_ATTRIBUTE,
    Operation::MODIFY_ATTRIBUTE,
    Operation::SET_ATTRIBUTE,
    Operation::DELETE_ATTRIBUTE,
];

fn refuse(server: &KeyServer, operations: &[Operation]) {
    let refused = operations
        .iter()
        .map(|operation| (*operation, ResultReason::PERMISSION_DENIED));
    server.store.behave(|own| own.refused = refused.collect());
}

fn first(plugin: &Plugin) -> GeneratedKey {
    generate(plugin, DATA, &properties(), None, KeyMode::Xts1).unwrap()
}

fn second(plugin: &Plugin, first: &str) -> Result<GeneratedKey, PluginError> {
    let link = [Property::new("xts-key1-id", first.to_owned())];
    generate(plugin, DATA, &link, None, KeyMode::Xts2)
}

fn link(plugin: &Plugin, first: &str, second: &str) -> Result<(), PluginError> {
    let properties = [
        Property::new("xts-key2-id", second.to_owned()),
        Property::new("xts-key2-label", second.to_owned()),
    ];
    plugin.set_key_properties(first, &properties)
}

#[test]
fn no_pair_of_192_bits_is_made_or_listed() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let before = server.store.objects().len();
    for mode in [KeyMode::Xts1, KeyMode::Xts2] {
        let request = GenerateRequest {
            key_type: DATA,
            key_bits: 192,
            mode,
            properties: &properties(),
            options: &[],
            blob_capacity: 64,
            key_id_capacity: 256,
        };
        let error = plugin.generate_key(&request).unwrap_err();
        assert_eq!(error.errno(), Errno::EINVAL);
        assert!(error.to_string().contains("not of 192"), "{error}");
    }
    assert_eq!(server.store.objects().len(), before);

    // Others make one, and servers need not tell the length.
    let xts = [Property::new("xts-key", "XTS-KEY-1")];
    let kinds = [(&xts[..], Some(192)), (&[], Some(192)), (&xts, None)];
    let ids = kinds.map(|(properties, bits)| {
        let key = generate(&plugin, DATA, properties, None, KeyMode::NonXts).unwrap();
        server.store.change(&key.key_id, |object| {
            let list = &mut object.attributes.list;
            list.retain(|one| one.reference() != Tag::CRYPTOGRAPHIC_LENGTH.into());
            list.extend(bits.map(Attribute::cryptographic_length));
        });
        key.key_id
    });
    let listed = list(&plugin, None).unwrap();
    let mut listed: Vec<_> = listed.iter().map(|(id, _)| id).collect();
    listed.sort();
    assert_eq!(listed, [&ids[1], &ids[2]]);
    plugin.get_key_properties(&ids[2]).unwrap();
    let error = plugin.get_key_properties(&ids[0]).unwrap_err().to_string();
    assert!(error.contains("192 bits"), "{error}");
    import(&machine.plugin(), &ids[2]).unwrap();
}

#[test]
fn without_a_second_key_the_first_one_is_destroyed() {
    for version in ["1.2", "2.1"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        let first = first(&plugin).key_id;
        refuse(&server, &[Operation::CREATE]);
        let error = second(&plugin, &first).unwrap_err();
        assert!(error.to_string().contains("Create"), "{error}");
        assert!(error.to_string().contains(&first), "{error}");
        assert_eq!(server.store.states_of_keys(), [State::DESTROYED]);
        machine.terminal.warned();
        drop(plugin);
        assert!(
            !machine.terminal.warned().contains(&first),
            "nothing is left"
        );
    }
}

#[test]
fn keys_that_cannot_be_linked_are_destroyed() {
    for version in ["1.0", "1.4", "2.1"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        let first = first(&plugin).key_id;
        let second = second(&plugin, &first).unwrap().key_id;
        refuse(&server, &CHANGES);
        let error = link(&plugin, &first, &second).unwrap_err();
        assert_eq!(error.errno(), Errno::EBADMSG);
        let text = error.to_string();
        assert!(
            text.contains("xts-key2-id"),
            "the cause comes first: {text}"
        );
        assert!(text.contains(&first) && text.contains(&second), "{text}");
        assert!(text.contains("were destroyed"), "{text}");
        let states = server.store.states_of_keys();
        assert_eq!(states, [State::DESTROYED; 2], "{version}");
    }
}

#[test]
fn keys_that_cannot_even_be_destroyed_are_named_and_destroyed_by_the_next_command() {
    let (machine, mut server) = ready("2.1");
    let plugin = machine.plugin();
    let one = first(&plugin).key_id;
    let other = second(&plugin, &one).unwrap().key_id;
    refuse(&server, &[&CHANGES[..], &[Operation::DESTROY]].concat());
    let text = link(&plugin, &one, &other).unwrap_err().to_string();
    assert!(text.contains(&one) && text.contains(&other), "{text}");
    assert!(text.contains("next command"), "{text}");
    assert_eq!(info(&machine).matches("a key with marker").count(), 2);
    refuse(&server, &[]);
    list(&machine.plugin(), None).unwrap();
    assert_eq!(server.store.states_of_keys(), [State::DESTROYED; 2]);
    assert!(!info(&machine).contains("Interrupted"));
    let plugin = machine.plugin();
    let one = first(&plugin).key_id;
    server.stop();
    let text = second(&plugin, &one).unwrap_err().to_string();
    assert!(
        text.contains(&one) && text.contains("next command"),
        "{text}"
    );
    drop(plugin);
    // Nobody knows whether the second key was made.
    assert_eq!(info(&machine).matches("a key with marker").count(), 2);
}

/// What is to be done by the next command cannot be written down while the directory is away.
#[test]
fn what_becomes_of_a_pair_is_told_as_it_is() {
    for is_destroyed in [true, false] {
        let (machine, server) = ready("2.1");
        let plugin = machine.plugin();
        let one = first(&plugin).key_id;
        let other = second(&plugin, &one).unwrap().key_id;
        let operations: &[Operation] = match is_destroyed {
            true => &CHANGES,
            false => &[&CHANGES[..], &[Operation::DESTROY]].concat(),
        };
        refuse(&server, operations);
        let (own, away) = (machine.path("KMIP"), machine.path("away"));
        fs::rename(&own, &away).unwrap();
        let text = link(&plugin, &one, &other).unwrap_err().to_string();
        fs::rename(&away, &own).unwrap();
        assert!(text.contains(&one) && text.contains(&other), "{text}");
        assert!(!text.contains("next command"), "{text}");
        assert_eq!(text.contains("were destroyed"), is_destroyed, "{text}");
        let by_hand = format!("destroy {one} and {other} at the server");
        assert_eq!(text.contains(&by_hand), !is_destroyed, "{text}");
        assert_eq!(text.contains("/KMIP"), !is_destroyed, "why not: {text}");
        drop(plugin);
        refuse(&server, &[]);
        let told = connect(&machine);
        assert_eq!(told.contains(&one), !is_destroyed, "{told}");
        assert_eq!(told.contains(&other), !is_destroyed, "{told}");
        assert_eq!(has_intents(&machine), !is_destroyed);
        let state = match is_destroyed {
            true => State::DESTROYED,
            // The first step is not refused.
            false => State::DEACTIVATED,
        };
        assert_eq!(server.store.states_of_keys(), [state; 2]);
    }
}

/// Where its host keeps keys is not known.
#[test]
fn a_complete_pair_is_not_told_as_given() {
    for version in ["1.4", "2.1"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        let one = first(&plugin).key_id;
        let other = second(&plugin, &one).unwrap().key_id;
        link(&plugin, &one, &other).unwrap();
        machine.terminal.warned();
        drop(plugin);
        let told = machine.terminal.warned();
        assert!(!told.contains("was given"), "{told}");
        assert!(!has_intents(&machine));
        assert_eq!(server.store.states_of_keys(), [State::ACTIVE; 2]);
    }
}

#[test]
fn only_the_pair_of_this_handle_is_taken_back() {
    let (machine, server) = ready("2.1");
    let plugin = machine.plugin();
    let first = first(&plugin).key_id;
    let other_key = generate(&machine.plugin(), DATA, &[], None, KeyMode::NonXts);
    let other_key = other_key.unwrap().key_id;
    // The second key of another pair.
    refuse(&server, &[Operation::CREATE]);
    second(&plugin, &other_key).unwrap_err();
    assert_eq!(server.store.states_of_keys(), [State::ACTIVE; 2]);
    refuse(&server, &[]);
    // A pair that is complete is changed.
    let first_again = generate(&plugin, DATA, &[], None, KeyMode::Xts1)
        .unwrap()
        .key_id;
    let second = second(&plugin, &first_again).unwrap().key_id;
    link(&plugin, &first_again, &second).unwrap();
    refuse(&server, &CHANGES);
    plugin
        .set_key_properties(&first_again, &[Property::new("xts-key2-id", first.clone())])
        .unwrap_err();
    link(&plugin, &first, &second).unwrap_err();
    assert_eq!(server.store.states_of_keys(), [State::ACTIVE; 4]);
}

#[test]
fn a_pair_that_the_host_gives_up_is_named() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let first = first(&plugin).key_id;
    let second = second(&plugin, &first).unwrap().key_id;
    machine.terminal.warned();
    drop(plugin);
    let told = machine.terminal.warned();
    assert!(told.contains(&first) && told.contains(&second), "{told}");
    // The host was given them, so it is not for the plugin to destroy them.
    assert_eq!(server.store.states_of_keys(), [State::ACTIVE; 2]);
}
