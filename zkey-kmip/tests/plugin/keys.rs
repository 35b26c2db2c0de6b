//! Keys: generation, import, list, properties, removal.

use std::ffi::OsStr;

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, AttributeValue, LinkType, Operation, RawValue, ResultReason, State, Tag,
};
use openssl::symm::{Cipher, encrypt};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{
    Errno, ImportRequest, KeyMode, Kms, ListRequest, OptionValue, PluginError, Property,
    SecureKeyType,
};
use zkey_kmip::plugin::Plugin;
use zkey_kmip::secure_key::{CardType, KeyKind, SecureKeyBackend};

use crate::key_server::{Behaviour, KeyServer, Object};
use crate::machine::{Machine, PROFILE_2X, generate};

const DATA: SecureKeyType = SecureKeyType::CcaAesData;

fn ready(version: &str) -> (Machine, KeyServer) {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    let profile = match version {
        "2.1" => PROFILE_2X.to_owned(),
        version => format!("server-regex=x\nkmip-version={version}\nwrap-key-params=1024\n"),
    };
    machine.profile("used", &profile);
    machine.connect(&server, "used");
    (machine, server)
}

fn properties() -> [Property<'static>; 4] {
    [
        Property::new("zkey-name", "disk"),
        Property::new("description", "the key of the disk"),
        Property::new("volumes", ""),
        Property::new("volume-type", "LUKS2"),
    ]
}

/// Whether the secure key holds the key of the server's object.
fn is_key_of(machine: &Machine, secure_key: &[u8], object: &Object) -> bool {
    let expected = encrypt(
        cipher(object.key.len()),
        &object.key,
        Some(&[0; 16]),
        &[0; 32],
    );
    let pattern = machine.backend().verification_pattern(secure_key).unwrap();
    pattern == expected.unwrap()[..32]
}

fn cipher(size: usize) -> Cipher {
    match size {
        16 => Cipher::aes_128_cbc(),
        24 => Cipher::aes_192_cbc(),
        _ => Cipher::aes_256_cbc(),
    }
}

fn import(plugin: &Plugin, id: &str) -> Result<Vec<u8>, PluginError> {
    plugin.import_key(&ImportRequest {
        key_id: id,
        key_type: None,
        blob_capacity: 672,
    })
}

fn list(plugin: &Plugin, pattern: Option<&str>) -> Result<Vec<(String, String)>, PluginError> {
    let mut found = Vec::new();
    let request = ListRequest {
        label_pattern: pattern,
        filter: &[],
        options: &[],
    };
    plugin.list_keys(&request, &mut |key| {
        found.push((key.key_id.to_owned(), key.label.to_owned()));
        Ok(())
    })?;
    Ok(found)
}

fn remove(plugin: &Plugin, id: &str, state: &str) -> Result<(), PluginError> {
    let option = OptionValue {
        code: code::STATE,
        argument: Some(OsStr::new(state)),
    };
    plugin.remove_key(id, &[option])
}

#[test]
fn generated_keys_are_those_of_the_server() {
    for version in ["1.0", "1.2", "1.4", "2.1"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        for key_type in [DATA, SecureKeyType::CcaAesCipher] {
            let label = format!("label {key_type}");
            let key = generate(
                &plugin,
                key_type,
                &properties(),
                Some(&label),
                KeyMode::NonXts,
            )
            .unwrap();
            assert_eq!(key.label, label);
            let status = machine.backend().verify(&key.blob).unwrap();
            assert_eq!((status.kind, status.bits), (KeyKind::Aes(key_type), 256));
            let object = server.store.object(&key.key_id).unwrap();
            assert!(is_key_of(&machine, &key.blob, &object), "{version}");
            assert_eq!(object.state, State::ACTIVE);
            let custom = |name: &str| object.custom("x", &format!("zkey-{name}"));
            assert_eq!(custom("zkey-name").as_deref(), Some("disk"));
            // Some servers take no empty texts.
            assert_eq!(custom("volumes").as_deref(), Some(" "));
            let description = object.attributes.values(Tag::DESCRIPTION).next();
            let is_sensitive = object.attributes.values(Tag::SENSITIVE).next().is_some();
            assert_eq!(is_sensitive, version == "2.1");
            match version {
                "2.1" => assert!(matches!(description,
                    Some(AttributeValue::Description(text)) if text == "the key of the disk")),
                _ => assert_eq!(
                    custom("description").as_deref(),
                    Some("the key of the disk")
                ),
            }
            let back = plugin.get_key_properties(&key.key_id).unwrap();
            assert_eq!(back.len(), 4);
            for property in properties() {
                assert!(
                    back.contains(&property),
                    "{version}: {property:?} in {back:?}"
                );
            }
            let imported = import(&plugin, &key.key_id).unwrap();
            assert!(is_key_of(&machine, &imported, &object));
        }
        let log = server.store.take_log();
        assert!(
            !log.contains(&Operation::QUERY) || version == "1.0",
            "{log:?}"
        );
    }
}

#[test]
fn ep11_keys_and_all_sizes() {
    let machine = Machine::with(CardType::Ep11);
    let server = machine.server(Behaviour {
        terse: true,
        ..Behaviour::default()
    });
    machine.connect(&server, "default");
    let plugin = machine.plugin();
    for bits in [128, 192, 256] {
        let key = plugin
            .generate_key(&zkey_kmip::abi::GenerateRequest {
                key_type: SecureKeyType::Ep11Aes,
                key_bits: bits,
                mode: KeyMode::NonXts,
                properties: &[],
                options: &[],
                blob_capacity: 336,
                key_id_capacity: 257,
            })
            .unwrap();
        // Without a label, the identifier is shown.
        assert_eq!(key.label, key.key_id);
        assert_eq!(
            machine.backend().verify(&key.blob).unwrap().bits,
            bits as u32
        );
        assert!(is_key_of(
            &machine,
            &key.blob,
            &server.store.object(&key.key_id).unwrap()
        ));
    }
    assert!(plugin.supports_key_type(SecureKeyType::Ep11Aes));
    assert!(!plugin.supports_key_type(DATA));
    let before = server.store.objects().len();
    let error = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
    assert!(error.to_string().contains("EP11"), "{error}");
    assert_eq!(server.store.objects().len(), before);
}

#[test]
fn a_key_that_cannot_be_fetched_is_not_left_behind() {
    let (machine, server) = ready("1.4");
    let wrapping = server.store.objects().len();
    let refuse = |operation, reason| {
        server
            .store
            .behave(|own| own.refused = vec![(operation, reason)]);
    };
    refuse(Operation::GET, ResultReason::CRYPTOGRAPHIC_FAILURE);
    let plugin = machine.plugin();
    let error = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
    assert_eq!(error.errno(), Errno::EBADMSG);
    assert!(error.to_string().contains("Get"), "{error}");
    refuse(Operation::ACTIVATE, ResultReason::PERMISSION_DENIED);
    generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
    server.store.behave(|own| {
        own.refused = Vec::new();
        own.corrupts = true;
    });
    let error = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
    assert!(error.to_string().contains("cannot be unwrapped"), "{error}");
    let objects = server.store.objects();
    assert_eq!(objects.len(), wrapping + 3);
    let left = objects.values().filter(|one| one.state != State::DESTROYED);
    assert_eq!(left.count(), wrapping);
    // If even that fails, the user learns which key stays.
    refuse(Operation::DESTROY, ResultReason::PERMISSION_DENIED);
    let error = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err();
    let last = server.store.objects().into_keys().max().unwrap();
    assert!(error.to_string().contains(&last), "{error}");
}

#[test]
fn what_the_host_has_no_room_for_is_not_made() {
    let (machine, server) = ready("1.4");
    let before = server.store.objects().len();
    let error = machine
        .plugin()
        .generate_key(&zkey_kmip::abi::GenerateRequest {
            key_type: SecureKeyType::CcaAesCipher,
            key_bits: 256,
            mode: KeyMode::NonXts,
            properties: &[],
            options: &[],
            blob_capacity: 64,
            key_id_capacity: 257,
        })
        .unwrap_err();
    assert_eq!(error.errno(), Errno::ERANGE);
    assert_eq!(server.store.objects().len(), before);
}

#[test]
fn labels_of_xts_pairs() {
    let (machine, server) = ready("2.1");
    let plugin = machine.plugin();
    let first = generate(&plugin, DATA, &[], Some("one:two:three"), KeyMode::Xts1).unwrap();
    assert_eq!(first.label, "one");
    let link = [Property::new("xts-key1-id", first.key_id.clone())];
    let second = generate(&plugin, DATA, &link, Some("one:two:three"), KeyMode::Xts2).unwrap();
    assert_eq!(second.label, "two:three");
    plugin
        .set_key_properties(
            &first.key_id,
            &[Property::new("xts-key2-id", second.key_id.clone())],
        )
        .unwrap();
    let linked = |id: &str| {
        let object = server.store.object(id).unwrap();
        let links: Vec<_> = object.attributes.values(Tag::LINK).cloned().collect();
        match &links[..] {
            [AttributeValue::Link(link)] => {
                (link.link_type, link.linked_object_identifier.to_string())
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        linked(&first.key_id),
        (LinkType::NEXT_LINK, second.key_id.clone())
    );
    assert_eq!(
        linked(&second.key_id),
        (LinkType::PREVIOUS_LINK, first.key_id.clone())
    );
    for (label, mode) in [
        ("a:b", KeyMode::NonXts),
        ("a", KeyMode::Xts1),
        (":b", KeyMode::Xts1),
        ("a:", KeyMode::Xts2),
        (" a", KeyMode::NonXts),
        ("same:same", KeyMode::Xts1),
    ] {
        let error = generate(&plugin, DATA, &[], Some(label), mode).unwrap_err();
        assert_eq!(error.errno(), Errno::EINVAL, "{label}");
    }
}

#[test]
fn only_fit_keys_are_used() {
    let (machine, server) = ready("2.1");
    let plugin = machine.plugin();
    let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts)
        .unwrap()
        .key_id;
    let replace = |value: AttributeValue<'static>| {
        server.store.change(&key, |object| {
            let tag = value.tag();
            for attribute in &mut object.attributes.list {
                if attribute.value.tag() == tag {
                    attribute.value = value.clone();
                }
            }
        });
    };
    replace(AttributeValue::AlwaysSensitive(false));
    let error = plugin.get_key_properties(&key).unwrap_err();
    assert!(error.to_string().contains("always sensitive"), "{error}");
    let error = import(&plugin, &key).unwrap_err();
    assert_eq!(error.errno(), Errno::EPERM);
    assert!(list(&plugin, None).unwrap().is_empty());
    replace(AttributeValue::AlwaysSensitive(true));
    assert_eq!(list(&plugin, None).unwrap().len(), 1);
    server
        .store
        .change(&key, |object| object.state = State::DEACTIVATED);
    let error = plugin.get_key_properties(&key).unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
    assert!(error.to_string().contains("Deactivated"), "{error}");
    let error = plugin.get_key_properties("missing").unwrap_err();
    assert!(error.to_string().contains("Get Attributes"), "{error}");
}

#[test]
fn properties_change_without_touching_others() {
    for version in ["1.2", "2.1"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        let key = generate(&plugin, DATA, &properties(), None, KeyMode::NonXts)
            .unwrap()
            .key_id;
        server.store.change(&key, |object| {
            object
                .attributes
                .push(Attribute::custom("y", "foreign", "kept"));
            object.attributes.push(Attribute::link(kmip::types::Link {
                link_type: LinkType::REPLACEMENT_OBJECT_LINK,
                linked_object_identifier: "other".into(),
                ..kmip::types::Link::default()
            }));
        });
        server.store.take_log();
        plugin
            .set_key_properties(
                &key,
                &[
                    Property::new("zkey-name", "disk"),
                    Property::new("description", "another"),
                    Property::new("volumes", "a:b"),
                    Property::new("new", "value"),
                    Property::new("xts-key2-id", "id-77"),
                    Property::removal("volume-type"),
                    Property::removal("never-there"),
                ],
            )
            .unwrap();
        // What is as it shall be is left alone.
        let log = server.store.take_log();
        assert_eq!(log.len(), 6, "{log:?}");
        let back = plugin.get_key_properties(&key).unwrap();
        let value = |name: &str| {
            let found = back.iter().find(|property| property.name == name);
            found.and_then(|property| property.value.as_deref())
        };
        assert_eq!(value("description"), Some("another"));
        assert_eq!(value("volumes"), Some("a:b"));
        assert_eq!(value("new"), Some("value"));
        assert_eq!(value("xts-key2-id"), Some("id-77"));
        assert_eq!(value("volume-type"), None);
        plugin
            .set_key_properties(&key, &[Property::removal("xts-key2-id")])
            .unwrap();
        let object = server.store.object(&key).unwrap();
        let foreign = object.attributes.custom("y", "foreign");
        assert_eq!(foreign, Some(&RawValue::from("kept")));
        assert_eq!(object.attributes.values(Tag::LINK).count(), 1, "{version}");
    }
}

#[test]
fn servers_without_modify_get_delete_and_add() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let key = generate(&plugin, DATA, &properties(), None, KeyMode::NonXts)
        .unwrap()
        .key_id;
    server.store.behave(|own| {
        let reason = ResultReason::OPERATION_NOT_SUPPORTED;
        own.refused = vec![(Operation::MODIFY_ATTRIBUTE, reason)];
    });
    let change = [Property::new("zkey-name", "changed")];
    plugin.set_key_properties(&key, &change).unwrap();
    let name = || {
        server
            .store
            .object(&key)
            .unwrap()
            .custom("x", "zkey-zkey-name")
    };
    assert_eq!(name().as_deref(), Some("changed"));
    server.store.behave(|own| {
        own.refused
            .push((Operation::DELETE_ATTRIBUTE, ResultReason::PERMISSION_DENIED));
    });
    let error = plugin
        .set_key_properties(&key, &[Property::new("zkey-name", "again")])
        .unwrap_err();
    assert!(error.to_string().contains("zkey-name"), "{error}");
    assert_eq!(name().as_deref(), Some("changed"));
}

#[test]
fn both_forms_of_names_are_read() {
    let (machine, server) = ready("2.1");
    let plugin = machine.plugin();
    let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts)
        .unwrap()
        .key_id;
    server.store.change(&key, |object| {
        object
            .attributes
            .push(Attribute::custom("zkey", "two", "v2"));
        object
            .attributes
            .push(Attribute::custom("x", "zkey-one", "v1"));
        object
            .attributes
            .push(Attribute::custom("x", "other", "ignored"));
        object
            .attributes
            .push(Attribute::custom("x", "zkey-number", RawValue::Integer(1)));
    });
    let mut names: Vec<_> = plugin
        .get_key_properties(&key)
        .unwrap()
        .into_iter()
        .map(|property| property.name.into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn lists_are_complete_and_can_be_called_back_from() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let mut labels = Vec::new();
    for number in 0..5 {
        let label = format!("disk-{number}");
        generate(&plugin, DATA, &properties(), Some(&label), KeyMode::NonXts).unwrap();
        labels.push(label);
    }
    server.store.behave(|own| own.locate_limit = 2);
    let found = list(&plugin, None).unwrap();
    let found_labels: Vec<_> = found.iter().map(|(_, label)| label.clone()).collect();
    assert_eq!(found_labels, labels);
    assert_eq!(list(&plugin, Some("disk-3")).unwrap().len(), 1);
    assert_eq!(list(&plugin, Some("disk-[12]")).unwrap().len(), 2);
    assert_eq!(list(&plugin, Some("*k-?")).unwrap().len(), 5);
    assert!(list(&plugin, Some("nothing*")).unwrap().is_empty());

    // As `zkey kms import` does.
    let request = ListRequest {
        label_pattern: None,
        filter: &[Property::new("volume-type", "LUKS2")],
        options: &[],
    };
    let mut imported = 0;
    plugin
        .list_keys(&request, &mut |key| {
            assert_eq!(key.key_bits, 256);
            import(&plugin, key.key_id)?;
            plugin.set_key_properties(key.key_id, &[Property::new("zkey-name-here", "x")])?;
            imported += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(imported, 5);
    let plain = ListRequest {
        filter: &[Property::new("volume-type", "PLAIN")],
        ..request
    };
    plugin.list_keys(&plain, &mut |_| panic!("found")).unwrap();

    // An error of the callback ends the listing and comes back.
    let mut calls = 0;
    let error = plugin.list_keys(&request, &mut |_| {
        calls += 1;
        Err(PluginError::canceled("enough"))
    });
    assert_eq!(error.unwrap_err().errno(), Errno::ECANCELED);
    assert_eq!(calls, 1);
}

#[test]
fn one_unreadable_key_does_not_hide_the_others() {
    let (machine, server) = ready("1.2");
    let plugin = machine.plugin();
    for _ in 0..3 {
        generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
    }
    let all = list(&plugin, None).unwrap();
    assert_eq!(all.len(), 3);
    // It says nothing about itself.
    server.store.change(&all[1].0, |object| {
        let keep = |one: &Attribute<'_>| one.reference() != Tag::OBJECT_TYPE.into();
        object.attributes.list.retain(keep);
        object.attributes.push(Attribute::object_type(
            kmip::types::ObjectType::SYMMETRIC_KEY,
        ));
        object
            .attributes
            .list
            .retain(|one| one.reference() != Tag::CRYPTOGRAPHIC_ALGORITHM.into());
    });
    let rest = list(&plugin, None).unwrap();
    assert_eq!(rest.len(), 2);
}

#[test]
fn import_takes_only_types_of_the_adapters() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts)
        .unwrap()
        .key_id;
    let wanted = |key_type| ImportRequest {
        key_id: &key,
        key_type,
        blob_capacity: 672,
    };
    let cipher = plugin
        .import_key(&wanted(Some(SecureKeyType::CcaAesCipher)))
        .unwrap();
    assert_eq!(cipher.len(), 136);
    server.store.take_log();
    let error = plugin
        .import_key(&wanted(Some(SecureKeyType::Ep11Aes)))
        .unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
    let option = OptionValue {
        code: code::KEY_TYPE,
        argument: Some(OsStr::new("ep11-aes")),
    };
    let request = ListRequest {
        label_pattern: None,
        filter: &[],
        options: &[option],
    };
    let error = plugin.list_keys(&request, &mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("EP11-AES"), "{error}");
    assert!(server.store.take_log().is_empty());
}

#[test]
fn removal_brings_the_key_into_the_state() {
    for (wanted, before, after) in [
        ("DEACTIVATED", State::ACTIVE, State::DEACTIVATED),
        ("deactivated", State::DEACTIVATED, State::DEACTIVATED),
        ("COMPROMISED", State::ACTIVE, State::COMPROMISED),
        ("DESTROYED", State::ACTIVE, State::DESTROYED),
        ("DESTROYED", State::DEACTIVATED, State::DESTROYED),
        ("DESTROYED", State::DESTROYED, State::DESTROYED),
        (
            "DESTROYED-COMPROMISED",
            State::ACTIVE,
            State::DESTROYED_COMPROMISED,
        ),
        (
            "DESTROYED-COMPROMISED",
            State::COMPROMISED,
            State::DESTROYED_COMPROMISED,
        ),
    ] {
        let (machine, server) = ready("1.4");
        let plugin = machine.plugin();
        let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts)
            .unwrap()
            .key_id;
        server.store.change(&key, |object| object.state = before);
        remove(&plugin, &key, wanted).unwrap_or_else(|error| panic!("{wanted}: {error}"));
        assert_eq!(server.store.object(&key).unwrap().state, after, "{wanted}");
    }
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    plugin.remove_key("anything", &[]).unwrap();
    assert!(server.store.take_log().is_empty());
    assert_eq!(
        remove(&plugin, "id", "GONE").unwrap_err().errno(),
        Errno::EINVAL
    );
    remove(&plugin, "missing", "DESTROYED").unwrap();
    assert!(machine.terminal.warned().contains("missing") || !machine.terminal.has_answers_left());
}

#[test]
fn an_unfinished_configuration_is_told() {
    let machine = Machine::new();
    machine.with_certificate();
    let plugin = machine.plugin();
    for error in [
        generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap_err(),
        import(&plugin, "id").unwrap_err(),
        list(&plugin, None).unwrap_err(),
        plugin.get_key_properties("id").unwrap_err(),
        plugin.set_key_properties("id", &[]).unwrap_err(),
        remove(&plugin, "id", "DESTROYED").unwrap_err(),
    ] {
        assert_eq!(error.errno(), Errno::EINVAL);
        assert!(error.to_string().contains("zkey kms configure"), "{error}");
    }
}

#[test]
fn old_versions_are_spoken_too() {
    let machine = Machine::new();
    let server = machine.server(Behaviour {
        versions: vec![ProtocolVersion::V1_0],
        ..Behaviour::default()
    });
    machine.connect(&server, "default");
    let key = generate(
        &machine.plugin(),
        DATA,
        &properties(),
        Some("x"),
        KeyMode::NonXts,
    )
    .unwrap();
    assert!(is_key_of(
        &machine,
        &key.blob,
        &server.store.object(&key.key_id).unwrap()
    ));
    assert_eq!(list(&machine.plugin(), Some("x")).unwrap().len(), 1);
}
