//! Properties of keys.

use kmip::types::{Attribute, LinkType, Operation, RawValue, ResultReason, Tag};
use zkey_kmip::abi::{KeyMode, Kms, Property};

use crate::machine::generate;
use crate::ready::{DATA, import, list, properties, ready};

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
fn all_forms_of_names_are_read() {
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
        // What was stored in 1.x, as Cosmian KMS tells it.
        object
            .attributes
            .push(Attribute::custom("KMIP1", "x-zkey-three", "v1"));
        object
            .attributes
            .push(Attribute::custom("KMIP1", "zkey-four", "ignored"));
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
        .map(|property| property.name.clone().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["one", "three", "two"]);
}

#[test]
fn custom_attributes_of_a_new_key_stand_together() {
    let (machine, server) = ready("2.1");
    server.store.behave(|own| own.demands_runs = true);
    let plugin = machine.plugin();
    // The description is an attribute of its own, between the others.
    let key = generate(&plugin, DATA, &properties(), None, KeyMode::NonXts).unwrap();
    let mut found = plugin.get_key_properties(&key.key_id).unwrap();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let mut expected = properties();
    expected.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_understood_is_passed_over() {
    for version in ["1.0", "1.4", "2.1"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        let key = generate(&plugin, DATA, &properties(), None, KeyMode::NonXts).unwrap();
        server.store.change(&key.key_id, |object| {
            // Before all that is known.
            let odd = [
                Attribute::custom("", "Shoe Size", RawValue::Integer(44)),
                Attribute::custom("", "Favourite Colour", "green"),
                Attribute::custom("y", "zkey-volumes", "of the server"),
                Attribute::custom("x", "zkey-volumes", RawValue::Boolean(true)),
                Attribute::custom("x", "", "nameless"),
            ];
            object.attributes.list.splice(0..0, odd);
        });
        let plugin = machine.plugin();
        let mut found = plugin.get_key_properties(&key.key_id).unwrap();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        let mut expected = properties();
        expected.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(found, expected, "{version}");
        assert_eq!(list(&plugin, None).unwrap().len(), 1, "{version}");
        import(&plugin, &key.key_id).unwrap();
    }
}

#[test]
fn verbose_messages_and_errors_hold_no_secret() {
    const SECRET: &str = "c2VjcmV0IHBhc3NwaHJhc2U=";
    let name = "dummy-passphrase-base64";
    for version in ["1.4", "2.1"] {
        let (machine, server) = ready(version);
        let passphrase = [Property::new(name, SECRET)];
        // This plugin is a verbose one.
        let plugin = machine.plugin();
        let key = generate(&plugin, DATA, &passphrase, None, KeyMode::NonXts).unwrap();
        let other = [Property::new(name, format!("{SECRET}{SECRET}"))];
        plugin.set_key_properties(&key.key_id, &other).unwrap();
        let back = plugin.get_key_properties(&key.key_id).unwrap();
        assert!(back.contains(&other[0]), "it is there");
        list(&plugin, None).unwrap();
        import(&plugin, &key.key_id).unwrap();
        server.store.behave(|own| {
            let reason = ResultReason::PERMISSION_DENIED;
            own.refused = [Operation::MODIFY_ATTRIBUTE, Operation::SET_ATTRIBUTE]
                .map(|operation| (operation, reason))
                .into();
            own.refused.push((Operation::DELETE_ATTRIBUTE, reason));
        });
        let error = plugin
            .set_key_properties(&key.key_id, &passphrase)
            .unwrap_err();
        drop(plugin);
        let told = format!(
            "{error}{}{}",
            machine.terminal.warned(),
            machine.terminal.printed()
        );
        assert!(told.contains(&key.key_id), "{told}");
        assert!(!told.contains(SECRET), "{told}");
        let blob = key.blob.iter().map(|byte| format!("{byte:02x}"));
        assert!(!told.contains(&blob.collect::<String>()), "{told}");
    }
}
