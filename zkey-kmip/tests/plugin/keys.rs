//! Keys: generation and import.

use std::ffi::OsStr;

use kmip::ProtocolVersion;
use kmip::types::{AttributeValue, LinkType, Operation, ResultReason, State, Tag};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{
    Errno, ImportRequest, KeyMode, Kms, ListRequest, OptionValue, Property, SecureKeyType,
};
use zkey_kmip::secure_key::{CardType, KeyKind, SecureKeyBackend};

use crate::key_server::Behaviour;
use crate::machine::{Machine, generate};
use crate::ready::{DATA, import, is_key_of, list, properties, ready};
use crate::removal::remove;

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
                key_id_capacity: 256,
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
            key_id_capacity: 256,
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
        (&"l".repeat(257), KeyMode::NonXts),
    ] {
        let error = generate(&plugin, DATA, &[], Some(label), mode).unwrap_err();
        assert_eq!(error.errno(), Errno::EINVAL, "{label}");
    }
    let longest = "l".repeat(256);
    let key = generate(&plugin, DATA, &[], Some(&longest), KeyMode::NonXts).unwrap();
    assert_eq!(key.label, longest);
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
