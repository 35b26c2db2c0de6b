//! What becomes of a key at the server when it is removed here.

use std::ffi::OsStr;

use kmip::types::State;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Errno, KeyMode, Kms, OptionValue, PluginError};
use zkey_kmip::plugin::Plugin;

use crate::machine::generate;
use crate::ready::{DATA, ready};

pub(crate) fn remove(plugin: &Plugin, id: &str, state: &str) -> Result<(), PluginError> {
    let option = OptionValue {
        code: code::STATE,
        argument: Some(OsStr::new(state)),
    };
    plugin.remove_key(id, &[option])
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
