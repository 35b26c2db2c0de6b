//! Servers that differ: what they refuse is found out once, kept, and not asked for again.

use std::fs;

use kmip::types::{Operation, ResultReason, State};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, ListRequest, Property};

use crate::key_server::{Behaviour, CustomLocate, KeyServer};
use crate::machine::{Machine, PROFILE_2X, generate, info};
use crate::ready::{DATA, import, is_key_of, list, properties};

fn connected(profile: &str, behaviour: Behaviour) -> (Machine, KeyServer) {
    let machine = Machine::new();
    let server = machine.server(behaviour);
    machine.profile("used", profile);
    machine.connect(&server, "used");
    (machine, server)
}

fn v1(version: &str) -> String {
    format!("server-regex=x\nkmip-version={version}\nwrap-key-params=1024\n")
}

/// Generates a key and returns how many messages that took.
fn messages_of_generate(machine: &Machine, server: &KeyServer) -> usize {
    server.store.take_messages();
    let key = generate(
        &machine.plugin(),
        DATA,
        &properties(),
        None,
        KeyMode::NonXts,
    )
    .unwrap();
    let messages = server.store.take_messages();
    let object = server.store.object(&key.key_id).unwrap();
    assert_eq!(object.state, State::ACTIVE);
    assert!(is_key_of(machine, &key.blob, &object));
    messages
}

#[test]
fn without_id_placeholder_keys_are_activated_later() {
    for (profile, refused) in [(v1("1.2"), "whole"), (PROFILE_2X.to_owned(), "item")] {
        let behaviour = Behaviour {
            no_placeholder: refused == "whole",
            ..Behaviour::default()
        };
        let (machine, server) = connected(&profile, behaviour);
        if refused == "whole" {
            // Learned when the wrapping key was registered.
            assert!(info(&machine).contains("separate-activate"));
        }
        assert_eq!(messages_of_generate(&machine, &server), 2, "{profile}");
    }
}

#[test]
fn wrapped_keys_come_without_a_format_and_in_a_structure() {
    for reason in [
        ResultReason::OPERATION_NOT_SUPPORTED,
        ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED,
        ResultReason::GENERAL_FAILURE,
    ] {
        let behaviour = Behaviour {
            no_format: Some(reason),
            structured: true,
            ..Behaviour::default()
        };
        let (machine, server) = connected(PROFILE_2X, behaviour);
        assert!(!info(&machine).contains("default-key-format"));
        assert_eq!(messages_of_generate(&machine, &server), 3);
        assert!(info(&machine).contains("default-key-format"));
        assert_eq!(messages_of_generate(&machine, &server), 2, "once learned");
    }
}

#[test]
fn servers_without_batches_are_asked_one_by_one() {
    let behaviour = Behaviour {
        no_batches: true,
        no_placeholder: true,
        ..Behaviour::default()
    };
    let (machine, server) = connected(PROFILE_2X, behaviour);
    let plugin = machine.plugin();
    for name in ["a", "b", "c"] {
        let name = [Property::new("zkey-name", name)];
        generate(&plugin, DATA, &name, None, KeyMode::NonXts).unwrap();
    }
    assert!(info(&machine).contains("no-batches"), "{}", info(&machine));
    let ids = list(&plugin, None).unwrap();
    assert_eq!(ids.len(), 3);
    plugin
        .set_key_properties(&ids[0].0, &[Property::new("description", "x")])
        .unwrap();
    // Create, Activate, Always Sensitive, Get.
    assert_eq!(messages_of_generate(&machine, &server), 4);
}

#[test]
fn a_delete_is_checked_and_not_believed() {
    let behaviour = Behaviour {
        lying_delete: true,
        ..Behaviour::default()
    };
    let (machine, server) = connected(PROFILE_2X, behaviour);
    let key = generate(
        &machine.plugin(),
        DATA,
        &properties(),
        None,
        KeyMode::NonXts,
    )
    .unwrap()
    .key_id;
    for name in ["zkey-name", "volume-type"] {
        machine
            .plugin()
            .set_key_properties(&key, &[Property::removal(name)])
            .unwrap();
        let object = server.store.object(&key).unwrap();
        assert_eq!(object.custom("x", &format!("zkey-{name}")), None);
    }
    assert!(info(&machine).contains("delete-by-value"));
    // One that changes nothing at all is no success.
    server.store.behave(|own| {
        own.refused = vec![
            (Operation::MODIFY_ATTRIBUTE, ResultReason::GENERAL_FAILURE),
            (Operation::SET_ATTRIBUTE, ResultReason::GENERAL_FAILURE),
            (Operation::DELETE_ATTRIBUTE, ResultReason::GENERAL_FAILURE),
        ];
    });
    let error = machine
        .plugin()
        .set_key_properties(&key, &[Property::removal("description")])
        .unwrap_err();
    assert!(error.to_string().contains("description"), "{error}");
}

#[test]
fn conditions_that_locate_does_not_know_are_applied_here() {
    for custom_locate in [CustomLocate::Ignored, CustomLocate::Refused] {
        let behaviour = Behaviour {
            custom_locate,
            ..Behaviour::default()
        };
        let (machine, _server) = connected(&v1("1.4"), behaviour);
        let plugin = machine.plugin();
        for kind in ["LUKS2", "PLAIN"] {
            let kind = [Property::new("volume-type", kind)];
            generate(&plugin, DATA, &kind, None, KeyMode::NonXts).unwrap();
        }
        let wanted = |filter: &[Property<'_>]| {
            let request = ListRequest {
                label_pattern: None,
                filter,
                options: &[],
            };
            let mut count = 0;
            plugin
                .list_keys(&request, &mut |_| {
                    count += 1;
                    Ok(())
                })
                .unwrap();
            count
        };
        assert_eq!(wanted(&[]), 2);
        assert_eq!(wanted(&[Property::new("volume-type", "PLAIN")]), 1);
        assert_eq!(wanted(&[Property::new("volume-type", "INTEGRITY")]), 0);
        let learns = custom_locate == CustomLocate::Refused;
        assert_eq!(info(&machine).contains("coarse-locate"), learns);
    }
}

#[test]
fn without_add_attribute_pairs_are_prepared() {
    for version in ["1.4", "2.1"] {
        let profile = match version {
            "2.1" => PROFILE_2X.to_owned(),
            version => v1(version),
        };
        let unknown = ResultReason::OPERATION_NOT_SUPPORTED;
        let behaviour = Behaviour {
            hidden: vec![Operation::ADD_ATTRIBUTE, Operation::SET_ATTRIBUTE],
            refused: vec![
                (Operation::ADD_ATTRIBUTE, unknown),
                (Operation::SET_ATTRIBUTE, unknown),
            ],
            ..Behaviour::default()
        };
        let (machine, _server) = connected(&profile, behaviour);
        let plugin = machine.plugin();
        let first = generate(&plugin, DATA, &properties(), Some("a:b"), KeyMode::Xts1).unwrap();
        let link = [Property::new("xts-key1-id", first.key_id.clone())];
        let second = generate(&plugin, DATA, &link, Some("a:b"), KeyMode::Xts2).unwrap();
        let back = [
            Property::new("xts-key2-id", second.key_id.clone()),
            Property::new("xts-key2-label", "b"),
        ];
        plugin.set_key_properties(&first.key_id, &back).unwrap();
        let found = machine.plugin().get_key_properties(&first.key_id).unwrap();
        for property in back {
            assert!(found.contains(&property), "{version}: {property:?}");
        }
    }
}

#[test]
fn a_profile_can_say_the_traits() {
    let profile = format!(
        "{}server-traits=separate-activate,default-key-format\n",
        v1("1.4")
    );
    let behaviour = Behaviour {
        no_placeholder: true,
        no_format: Some(ResultReason::OPERATION_NOT_SUPPORTED),
        ..Behaviour::default()
    };
    let (machine, server) = connected(&profile, behaviour);
    assert_eq!(messages_of_generate(&machine, &server), 2);
    assert!(info(&machine).contains("separate-activate,default-key-format (from profile)"));
    let text = fs::read_to_string(machine.path("KMIP/kmip.conf")).unwrap();
    assert!(!text.contains("server-traits"), "{text}");
    // What it says is where to begin, not where to end.
    server.store.behave(|own| {
        own.refused = vec![(Operation::MODIFY_ATTRIBUTE, ResultReason::GENERAL_FAILURE)]
    });
    let id = list(&machine.plugin(), None).unwrap().remove(0).0;
    let change = [Property::new("zkey-name", "changed")];
    machine.plugin().set_key_properties(&id, &change).unwrap();
}

#[test]
fn traits_belong_to_their_server() {
    let behaviour = Behaviour {
        no_placeholder: true,
        ..Behaviour::default()
    };
    let (machine, first) = connected(&v1("1.4"), behaviour);
    assert!(info(&machine).contains("separate-activate"));
    let client = openssl::x509::X509::from_pem(&fs::read(machine.path("client.pem")).unwrap());
    let other = KeyServer::start(
        &machine.authority.server(),
        client.unwrap(),
        Behaviour::default(),
    );
    machine.terminal.will_answer(&["y", "y"]);
    let configured = machine.configure(&[
        (code::KMIP_SERVER, &other.address()),
        (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
        (code::PROFILE, "used"),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    assert!(!info(&machine).contains("separate-activate"));
    drop(first);
    assert_eq!(messages_of_generate(&machine, &other), 2);
}

#[test]
fn where_nothing_can_be_stored_keys_are_made_all_the_same() {
    let behaviour = Behaviour {
        no_format: Some(ResultReason::OPERATION_NOT_SUPPORTED),
        ..Behaviour::default()
    };
    let (machine, server) = connected(&v1("1.4"), behaviour);
    let plugin = machine.plugin();
    // Nobody can write here, not even root.
    fs::create_dir(machine.path("KMIP/kmip.conf.new")).unwrap();
    let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
    let object = server.store.object(&key.key_id).unwrap();
    assert!(is_key_of(
        &machine,
        &import(&plugin, &key.key_id).unwrap(),
        &object
    ));
    fs::remove_dir(machine.path("KMIP/kmip.conf.new")).unwrap();
    assert!(!info(&machine).contains("default-key-format"));
}

#[test]
fn empty_values_stay_empty_however_they_are_told() {
    let behaviour = Behaviour {
        trims: true,
        ..Behaviour::default()
    };
    let (machine, _server) = connected(PROFILE_2X, behaviour);
    let key = generate(
        &machine.plugin(),
        DATA,
        &properties(),
        None,
        KeyMode::NonXts,
    );
    let key = key.unwrap().key_id;
    let empty = [
        Property::new("volumes", ""),
        Property::new("volume-type", ""),
    ];
    machine.plugin().set_key_properties(&key, &empty).unwrap();
    let back = machine.plugin().get_key_properties(&key).unwrap();
    for property in empty {
        assert!(back.contains(&property), "{property:?}");
    }
}

#[test]
fn messages_are_no_longer_than_the_profile_says() {
    let (machine, server) = connected(&format!("{PROFILE_2X}batch-size=1\n"), Behaviour::default());
    // Create, Activate, Always Sensitive, Get.
    assert_eq!(messages_of_generate(&machine, &server), 4);
    let id = list(&machine.plugin(), None).unwrap().remove(0).0;
    server.store.take_messages();
    let change = [
        Property::new("zkey-name", "a"),
        Property::new("volumes", "b"),
    ];
    machine.plugin().set_key_properties(&id, &change).unwrap();
    assert_eq!(server.store.take_messages(), 3, "both, and a look");
    let text = info(&machine);
    assert!(!text.contains("no-batches") && !text.contains("separate-activate"));
}
