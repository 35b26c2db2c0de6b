//! The keys that a repository could import (behaviour reference 7.9).

use std::ffi::CString;

use kmip::types::{
    Attribute, BatchErrorContinuationOption, CryptographicAlgorithm, GetAttributesRequest,
    GetAttributesResponse, LocateRequest, ObjectType, State, UniqueIdentifier,
};

use super::attributes::{self, KeyAttributes};
use super::peer::{Peer, is_refusal};
use super::server::Server;
use super::{Plugin, key_type_option};
use crate::abi::{Errno, KEY_ID_SIZE, ListRequest, ListedKey, PluginError, Property};
use crate::server_traits::ServerTrait;

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
    let ids = locate(&mut server, request)?;
    let (mut keys, mut unreadable) = (Keys::new(), Unreadable::default());
    let group_size = server.peer.profile.batch_size;
    for group in ids.chunks(group_size) {
        let answers = get_attributes(&mut server.peer, group)?;
        for (id, answer) in group.iter().zip(answers) {
            let key = match answer {
                Ok(answer) => {
                    let key = server.style.read(&answer.attributes);
                    server.known.insert(id.clone(), answer.attributes);
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

/// Identifiers of all keys that may be fit.
fn locate(server: &mut Server, request: &ListRequest<'_>) -> Result<Vec<String>, PluginError> {
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
    let coarse = filter.len();
    if !server.peer.has(ServerTrait::CoarseLocate) {
        filter.extend(server.style.attributes(request.filter));
    }
    let mut ids: Vec<String> = Vec::new();
    let mut located = 0;
    loop {
        let offset = i32::try_from(located).unwrap_or(i32::MAX);
        let request = |filter: &[Attribute<'static>]| LocateRequest {
            offset_items: (offset > 0).then_some(offset),
            attributes: filter.to_vec().into(),
            ..LocateRequest::default()
        };
        let response = match server.peer.client.call(request(&filter)) {
            Err(error) if filter.len() > coarse && is_refusal(&error) => {
                filter.truncate(coarse);
                let response = server.peer.client.call(request(&filter));
                let response = response.map_err(|_| error)?;
                server.peer.learn(ServerTrait::CoarseLocate);
                response
            }
            response => response?,
        };
        let (before, found) = (ids.len(), response.unique_identifier.len());
        located += found;
        for id in response.unique_identifier {
            let id = match id {
                UniqueIdentifier::Text(id) if id.len() <= KEY_ID_SIZE => id.into_owned(),
                // zkey could not store any other.
                _ => continue,
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        // A server that limits its answers tells how many objects there are in all.
        let all = response.located_items.unwrap_or_default();
        let has_more = usize::try_from(all).is_ok_and(|all| all > located);
        // One that does not know offsets begins again.
        let is_repeated = found == 0 || (offset > 0 && ids.len() == before);
        let can_page = server.peer.client.version() >= kmip::ProtocolVersion::V1_3;
        if !has_more || is_repeated || !can_page {
            return Ok(ids);
        }
    }
}

/// Whether the key has these properties.
fn has_all(key: &KeyAttributes, wanted: &[Property<'_>]) -> bool {
    wanted.iter().filter(|one| one.value.is_some()).all(|one| {
        let mut properties = key.properties.iter();
        properties.any(|found| found.name == one.name && found.value == one.value)
    })
}

type Answer = Result<GetAttributesResponse<'static>, kmip::client::Error>;

fn get_attributes(peer: &mut Peer, ids: &[String]) -> Result<Vec<Answer>, PluginError> {
    let request = |id: &String| GetAttributesRequest {
        unique_identifier: Some(id.clone().into()),
        ..GetAttributesRequest::default()
    };
    let requests = ids.iter().map(|id| request(id).into()).collect();
    let mut answers = peer
        .send(requests, BatchErrorContinuationOption::CONTINUE)?
        .into_iter();
    // A server that does not go on after a failure leaves the rest out; it can answer one by one.
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        let answer = peer.next::<GetAttributesResponse<'static>>(&mut answers);
        results.push(match answer {
            Err(error) if !error.is_not_found() && !error.is_permission_denied() => {
                peer.client.call(request(id))
            }
            answer => answer,
        });
    }
    Ok(results)
}

fn matches(pattern: &std::ffi::CStr, label: &str) -> bool {
    CString::new(label).is_ok_and(|label| crate::pattern::matches(pattern, &label))
}
