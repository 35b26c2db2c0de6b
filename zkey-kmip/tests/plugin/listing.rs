//! The keys that could be imported.

use kmip::types::{Attribute, Operation, ResultReason, Tag};
use zkey_kmip::abi::{Errno, KeyMode, Kms, ListRequest, PluginError, Property};

use crate::machine::generate;
use crate::ready::{DATA, import, list, properties, ready};

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
fn what_cannot_be_read_is_told() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    for _ in 0..3 {
        generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
    }
    let all = list(&plugin, None).unwrap();
    let make_unreadable = |reason| {
        let unreadable = vec![(all[1].0.clone(), reason)];
        server.store.behave(|own| own.unreadable = unreadable);
    };
    let found = |plugin: &zkey_kmip::plugin::Plugin| {
        let mut count = 0;
        let request = ListRequest {
            label_pattern: None,
            filter: &[],
            options: &[],
        };
        let result = plugin.list_keys(&request, &mut |_| {
            count += 1;
            Ok(())
        });
        (count, result)
    };
    // Destroyed meanwhile: nothing is missing.
    machine.terminal.warned();
    make_unreadable(ResultReason::ITEM_NOT_FOUND);
    let (count, result) = found(&machine.plugin());
    result.unwrap();
    assert_eq!(count, 2);
    assert!(!machine.terminal.warned().contains("not listed"));
    // Those of others.
    make_unreadable(ResultReason::PERMISSION_DENIED);
    let (count, result) = found(&machine.plugin());
    result.unwrap();
    assert_eq!(count, 2);
    let told = machine.terminal.warned();
    assert!(told.contains("1 keys are not listed"), "{told}");
    // All others are shown, and then it is an error.
    make_unreadable(ResultReason::GENERAL_FAILURE);
    let (count, result) = found(&machine.plugin());
    assert_eq!(count, 2);
    let error = result.unwrap_err();
    assert_eq!(error.errno(), Errno::EBADMSG);
    for text in [&*all[1].0, "1 keys cannot be read", "as the test says"] {
        assert!(error.to_string().contains(text), "{error}");
    }
    // An empty list would look as if there were no keys.
    server.store.behave(|own| {
        own.refused = vec![(Operation::GET_ATTRIBUTES, ResultReason::PERMISSION_DENIED)];
    });
    let (count, result) = found(&machine.plugin());
    assert_eq!((count, result.unwrap_err().errno()), (0, Errno::EACCES));
}

/// zkey cannot store the identifiers of some keys; that is no reason to end before the others.
#[test]
fn pages_of_unusable_identifiers_do_not_end_the_list() {
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let key = generate(&plugin, DATA, &properties(), None, KeyMode::NonXts).unwrap();
    // The first ones in the order of the server.
    for number in 0..5 {
        let long = format!("a{number}{}", "x".repeat(256));
        server.store.copy(&key.key_id, &long);
    }
    server.store.copy(&key.key_id, &"b".repeat(256));
    server.store.behave(|own| own.locate_limit = 2);
    let found = list(&plugin, None).unwrap();
    let ids: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, [&"b".repeat(256), &key.key_id]);
}

#[test]
fn a_list_that_the_server_cuts_off_is_not_passed_off_as_complete() {
    for version in ["1.2", "1.4"] {
        let (machine, server) = ready(version);
        let plugin = machine.plugin();
        let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
        server.store.multiply(&key.key_id, 999);
        // As Cosmian KMS does.
        server.store.behave(|own| {
            own.locate_limit = 1000;
            own.counts_answer = true;
        });
        machine.terminal.warned();
        assert_eq!(list(&plugin, None).unwrap().len(), 1000, "{version}");
        let warned = machine.terminal.warned();
        assert!(warned.contains("may not be all"), "{version}: {warned}");
        // With fewer there is no doubt.
        server.store.behave(|own| own.locate_limit = 999);
        assert_eq!(list(&plugin, None).unwrap().len(), 999);
        assert_eq!(machine.terminal.warned(), "", "{version}");
    }
    // One that knows offsets tells the rest.
    let (machine, server) = ready("1.4");
    let plugin = machine.plugin();
    let key = generate(&plugin, DATA, &[], None, KeyMode::NonXts).unwrap();
    server.store.multiply(&key.key_id, 999);
    machine.terminal.warned();
    assert_eq!(list(&plugin, None).unwrap().len(), 1000);
    assert_eq!(machine.terminal.warned(), "");
}
