//! What interrupted commands left at the server: who destroys it, and what is never destroyed.

use std::fs;
use std::os::unix::fs::symlink;

use kmip::types::{Attribute, Operation, ResultReason, State};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{KeyMode, Kms};
use zkey_kmip::config::{Intended, Intent};

use crate::key_server::{CustomLocate, KeyServer};
use crate::machine::{Machine, generate, info, names};
use crate::ready::{DATA, list, properties, ready};

/// Writes down an intent as a process does that is killed then.
pub(crate) fn leave(machine: &Machine, server: &str, object: Intended) -> String {
    let intent = Intent::new(server, object).unwrap();
    let marker = intent.marker.clone();
    machine.config().intend(intent).unwrap();
    marker
}

fn leave_key(machine: &Machine, server: &KeyServer) -> String {
    leave(machine, &server.address(), Intended::Key)
}

pub(crate) fn mark(server: &KeyServer, id: &str, marker: String) {
    let marker = Attribute::custom("x", "zkeykmip-marker", marker);
    server.store.change(id, |key| key.attributes.push(marker));
}

pub(crate) fn new_key(machine: &Machine) -> String {
    let key = generate(
        &machine.plugin(),
        DATA,
        &properties(),
        None,
        KeyMode::NonXts,
    );
    key.unwrap().key_id
}

pub(crate) fn state(server: &KeyServer, id: &str) -> State {
    server.store.object(id).unwrap().state
}

pub(crate) fn has_intents(machine: &Machine) -> bool {
    names(machine).iter().any(|name| name.starts_with("intent"))
}

/// A command that needs the server.
pub(crate) fn connect(machine: &Machine) -> String {
    machine.terminal.warned();
    list(&machine.plugin(), None).unwrap();
    machine.terminal.warned()
}

#[test]
fn a_marked_key_is_destroyed_wherever_the_server_looks() {
    for locate in [
        CustomLocate::Known,
        CustomLocate::Ignored,
        CustomLocate::Refused,
    ] {
        let (machine, server) = ready("1.4");
        server.store.behave(|own| own.custom_locate = locate);
        let (left, other) = (new_key(&machine), new_key(&machine));
        mark(&server, &left, leave_key(&machine, &server));
        let warned = connect(&machine);
        assert!(warned.contains(&left), "{warned}");
        assert_eq!(state(&server, &left), State::DESTROYED, "{locate:?}");
        assert_eq!(state(&server, &other), State::ACTIVE, "{locate:?}");
        assert!(!has_intents(&machine));
        assert!(!connect(&machine).contains("interrupted"));
    }
}

#[test]
fn a_key_that_may_be_in_use_is_never_destroyed() {
    let (machine, server) = ready("1.4");
    // A repository has imported it.
    let imported = new_key(&machine);
    mark(&server, &imported, leave_key(&machine, &server));
    let name = Attribute::custom("x", "zkey-zkey-name-other", "disk");
    server
        .store
        .change(&imported, |key| key.attributes.push(name));
    connect(&machine);
    assert_eq!(state(&server, &imported), State::ACTIVE);
    assert!(!has_intents(&machine));
    // Somebody has put the marker on another key.
    let (left, other) = (new_key(&machine), new_key(&machine));
    let marker = leave_key(&machine, &server);
    mark(&server, &left, marker.clone());
    mark(&server, &other, marker);
    let warned = connect(&machine);
    assert!(warned.contains("2 objects have the marker"), "{warned}");
    assert_eq!(state(&server, &left), State::ACTIVE);
    assert_eq!(state(&server, &other), State::ACTIVE);
    assert!(has_intents(&machine));
}

/// What the original has done since, a copy does not know.
#[test]
fn an_intent_out_of_a_copied_directory_is_none() {
    let (machine, server) = ready("1.4");
    let key = new_key(&machine);
    mark(&server, &key, leave_key(&machine, &server));
    let (own, original, copy) = (
        machine.path("KMIP"),
        machine.path("original"),
        machine.path("copy"),
    );
    fs::create_dir(&copy).unwrap();
    for name in names(&machine) {
        fs::copy(own.join(&name), copy.join(&name)).unwrap();
    }
    fs::rename(&own, &original).unwrap();
    symlink(&copy, &own).unwrap();
    connect(&machine);
    assert_eq!(state(&server, &key), State::ACTIVE);
    // The original counts.
    fs::remove_file(&own).unwrap();
    fs::rename(&original, &own).unwrap();
    connect(&machine);
    assert_eq!(state(&server, &key), State::DESTROYED);
}

#[test]
fn wrapping_keys_are_known_by_themselves_where_descriptions_are_refused() {
    for version in ["1.2", "2.1"] {
        let (machine, server) = ready(version);
        let configured = machine.config().wrapping_key().unwrap().id;
        server.store.behave(|own| {
            own.forgets_descriptions = true;
            own.refused = vec![(Operation::ACTIVATE, ResultReason::PERMISSION_DENIED)];
        });
        // It cannot be destroyed again at once.
        server.store.behave(|own| {
            own.refused
                .push((Operation::DESTROY, ResultReason::GENERAL_FAILURE))
        });
        let error = machine.configure(&[(code::GEN_WRAPPING_KEY, "")]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("next command"), "{error}");
        assert!(info(&machine).contains("a wrapping key with marker"));
        let warned = connect(&machine);
        assert!(warned.contains("cannot be removed yet"), "{warned}");
        server.store.behave(|own| own.refused.clear());
        connect(&machine);
        let objects = server.store.objects().into_iter();
        let left: Vec<_> = objects
            .filter(|(_, object)| object.state != State::DESTROYED)
            .map(|(id, _)| id)
            .collect();
        assert_eq!(left, [configured], "{version}");
        assert!(!has_intents(&machine));
    }
}

#[test]
fn the_wrapping_key_in_use_is_not_destroyed_whatever_an_intent_says() {
    let (machine, server) = ready("1.4");
    let configured = machine.config().wrapping_key().unwrap().id;
    let key = new_key(&machine);
    let object = |former: &str| Intended::WrappingKey {
        public_key: String::new(),
        former: Some(former.to_owned()),
    };
    // A key of the repository is not a former wrapping key, the one in use neither.
    for former in [&key, &configured] {
        let marker = leave(&machine, &server.address(), object(former));
        let text = format!("Wrapping key ({marker})");
        let description = Attribute::custom("x", "zkey-description", text);
        server.store.change(&configured, |key| {
            key.attributes
                .list
                .retain(|one| one.reference() != description.reference());
            key.attributes.push(description.clone());
        });
        connect(&machine);
        assert!(!has_intents(&machine));
        assert_eq!(state(&server, &configured), State::ACTIVE);
        assert_eq!(state(&server, &key), State::ACTIVE);
    }
}

#[test]
fn what_is_at_another_server_waits_for_it() {
    let (machine, server) = ready("1.4");
    let key = new_key(&machine);
    let marker = leave(&machine, "elsewhere.example", Intended::Key);
    mark(&server, &key, marker.clone());
    connect(&machine);
    assert_eq!(state(&server, &key), State::ACTIVE);
    let text = info(&machine);
    assert!(text.contains(&marker) && text.contains("elsewhere.example"));
    machine.terminal.warned();
    machine.plugin().deconfigure().unwrap();
    let warned = machine.terminal.warned();
    let wrapping = machine.config().wrapping_key().unwrap().id;
    for expected in [&marker, &wrapping, "elsewhere.example"] {
        assert!(warned.contains(expected), "{warned}");
    }
}

#[test]
fn nothing_is_made_that_cannot_be_written_down() {
    let (machine, server) = ready("1.4");
    let before = server.store.objects().len();
    let plugin = machine.plugin();
    // The directory is gone, which also holds for the superuser.
    fs::rename(machine.path("KMIP"), machine.path("away")).unwrap();
    let made = generate(&plugin, DATA, &[], None, KeyMode::NonXts);
    assert!(made.unwrap_err().to_string().contains("KMIP"));
    assert_eq!(server.store.objects().len(), before);
}
