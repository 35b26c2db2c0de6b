//! The keys that a repository could import (behaviour reference 7.9).

use std::ffi::CString;

use kmip::types::{Attribute, CryptographicAlgorithm, ObjectType, State, UniqueIdentifier};

use super::attributes::{self, KeyAttributes};
use super::search;
use super::server::Server;
use super::{Plugin, key_type_option};
use crate::abi::{Errno, KEY_ID_SIZE, ListRequest, ListedKey, PluginError, Property};

pub(super) fn run(
    plugin: &Plugin,
    request: &ListRequest<'_>,
    found: &mut dyn FnMut(&ListedKey<'_>) -> Result<(), PluginError>,
) -> Result<(), PluginError> {
    let wanted = key_type_option(request.options)?;
    let key_type = match wanted {
        Some(wanted) => Some(plugin.key_type(Some(wanted))?),
        None => None,
    };
    // The callback calls the plugin again, so the connection must be free by then.
    let (keys, unreadable) = collect(plugin, request)?;
    for (key_id, key) in &keys {
        found(&ListedKey {
            key_id,
            label: key.name.as_deref().unwrap_or(key_id),
            key_type,
            key_bits: usize::try_from(key.bits).unwrap_or_default(),
            properties: &key.properties,
            additional_info: &[],
        })?;
    }
    unreadable.report(plugin, keys.is_empty())
}

/// Keys of which the server does not tell the attributes.
#[derive(Default)]
struct Unreadable {
    /// Since they are for others. A server may list them all the same.
    denied: usize,
    /// For another reason, which the first one has here.
    failed: Vec<String>,
}

impl Unreadable {
    fn add(&mut self, plugin: &Plugin, id: &str, error: &kmip::client::Error) {
        let text = format!("key {id} is left out: {error}");
        plugin.note(&text);
        if error.is_permission_denied() {
            self.denied += 1;
        } else if !error.is_not_found() {
            self.failed.push(text);
        }
        // One that is not found was destroyed meanwhile.
    }

    /// Whoever asked for a list shall know that it is not complete; it is no success where
    /// something is wrong, or where all keys are for others.
    fn report(&self, plugin: &Plugin, list_is_empty: bool) -> Result<(), PluginError> {
        let denied = self.denied;
        if let Some(first) = self.failed.first() {
            let count = self.failed.len();
            let text =
                format!("{count} keys cannot be read and are not listed; the first: {first}");
            return Err(PluginError::new(Errno::EBADMSG, text));
        }
        let text = format!("{denied} keys are not listed, since this client may not read them");
        if denied > 0 && list_is_empty {
            return Err(PluginError::new(Errno::EACCES, text));
        } else if denied > 0 {
            plugin.console.warn(&format!("WARNING: {text}"));
        }
        Ok(())
    }
}

/// The keys to show.
type Keys = Vec<(String, KeyAttributes)>;

fn collect(plugin: &Plugin, request: &ListRequest<'_>) -> Result<(Keys, Unreadable), PluginError> {
    let pattern = match request.label_pattern {
        Some(pattern) => Some(CString::new(pattern).map_err(|error| {
            PluginError::invalid("the label pattern holds a NUL byte").caused_by(error)
        })?),
        None => None,
    };
    let mut server = plugin.server()?;
    let (ids, is_cut) = locate(&mut server, request)?;
    if is_cut {
        plugin.console.warn(&format!(
            "WARNING: KMIP server {} told {} keys, which may not be all, and cannot tell the rest: \
             ask for a label",
            server.peer.client.server(),
            ids.len()
        ));
    }
    let (mut keys, mut unreadable) = (Keys::new(), Unreadable::default());
    let group_size = server.peer.profile.batch_size;
    for group in ids.chunks(group_size) {
        let answers = search::get_attributes(&mut server.peer, group)?;
        for (id, answer) in group.iter().zip(answers) {
            let key = match answer {
                Ok(answer) => {
                    let key = server.style.read(&answer.attributes);
                    server.known.insert(id, answer.attributes);
                    key
                }
                // No reason to show no key at all.
                Err(error) => {
                    unreadable.add(plugin, id, &error);
                    continue;
                }
            };
            if let Some(problem) = key.unfit(&server.style) {
                plugin.note(&format!("key {id} is left out: {problem}"));
                continue;
            }
            // Not every server looks at all conditions.
            if !has_all(&key, request.filter) {
                continue;
            }
            let label = key.name.as_deref().unwrap_or(id);
            if pattern
                .as_deref()
                .is_none_or(|pattern| matches(pattern, label))
            {
                keys.push((id.clone(), key));
            }
        }
    }
    Ok((keys, unreadable))
}

/// Identifiers of all keys that may be fit, and whether there may be more that the server does not
/// tell.
fn locate(
    server: &mut Server,
    request: &ListRequest<'_>,
) -> Result<(Vec<String>, bool), PluginError> {
    let mut filter = vec![
        Attribute::state(State::ACTIVE),
        Attribute::object_type(ObjectType::SYMMETRIC_KEY),
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
    ];
    if let Some(pattern) = request.label_pattern {
        // Servers find whole names only.
        if !pattern.contains(['*', '?', '[', '\\']) {
            filter.push(attributes::name(pattern));
        }
    }
    let custom = server.style.attributes(request.filter);
    let located = search::locate(&mut server.peer, filter, custom)?;
    // zkey could not store any other.
    let ids = located.ids.into_iter().filter_map(|id| match id {
        UniqueIdentifier::Text(id) if id.len() <= KEY_ID_SIZE => {
            (!id.contains(char::is_control)).then(|| id.into_owned())
        }
        _ => None,
    });
    Ok((ids.collect(), located.may_be_cut))
}

/// Whether the key has these properties.
fn has_all(key: &KeyAttributes, wanted: &[Property<'_>]) -> bool {
    wanted.iter().filter(|one| one.value.is_some()).all(|one| {
        let mut properties = key.properties.iter();
        properties.any(|found| found.name == one.name && found.value == one.value)
    })
}

fn matches(pattern: &std::ffi::CStr, label: &str) -> bool {
    CString::new(label).is_ok_and(|label| crate::pattern::matches(pattern, &label))
}
