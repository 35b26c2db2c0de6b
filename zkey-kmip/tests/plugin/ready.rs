//! A machine whose plugin is configured, and what tests do with its keys.

use openssl::symm::encrypt;
use zkey_kmip::abi::{ImportRequest, Kms, ListRequest, PluginError, Property, SecureKeyType};
use zkey_kmip::plugin::Plugin;
use zkey_kmip::properties::{Integrity, Properties};

use crate::key_server::{Behaviour, KeyServer, Object};
use crate::machine::{Machine, PROFILE_2X, cipher};

pub(crate) const DATA: SecureKeyType = SecureKeyType::CcaAesData;

pub(crate) fn ready(version: &str) -> (Machine, KeyServer) {
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

pub(crate) fn properties() -> [Property<'static>; 4] {
    [
        Property::new("zkey-name", "disk"),
        Property::new("description", "the key of the disk"),
        Property::new("volumes", ""),
        Property::new("volume-type", "LUKS2"),
    ]
}

/// Whether the secure key holds the key of the server's object.
pub(crate) fn is_key_of(machine: &Machine, secure_key: &[u8], object: &Object) -> bool {
    let expected = encrypt(
        cipher(object.key.len()),
        &object.key,
        Some(&[0; 16]),
        &[0; 32],
    );
    let pattern = machine.backend().verification_pattern(secure_key).unwrap();
    pattern == expected.unwrap()[..32]
}

pub(crate) fn import(plugin: &Plugin, id: &str) -> Result<Vec<u8>, PluginError> {
    plugin.import_key(&ImportRequest {
        key_id: id,
        key_type: None,
        blob_capacity: 672,
    })
}

pub(crate) fn list(
    plugin: &Plugin,
    pattern: Option<&str>,
) -> Result<Vec<(String, String)>, PluginError> {
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

/// Changes the configuration as the C plugin could do.
pub(crate) fn set_in_conf(machine: &Machine, name: &str, value: &str) {
    let path = machine.path("KMIP/kmip.conf");
    let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
    values.set(name, value).unwrap();
    values.save(&path, Integrity::Hashed).unwrap();
}
