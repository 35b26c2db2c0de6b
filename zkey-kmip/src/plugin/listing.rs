//! The keys that a repository could import (behaviour reference 7.9).

use std::ffi::CString;

use kmip::client::{Batch, Client};
use kmip::types::{
    Attribute, BatchErrorContinuationOption, CryptographicAlgorithm, GetAttributesRequest,
    GetAttributesResponse, LocateRequest, ObjectType, State, UniqueIdentifier,
};

use super::attributes::{self, KeyAttributes};
use super::server::Server;
use super::{Plugin, key_type_option};
use crate::abi::{ListRequest, ListedKey, PluginError};

/// Attributes of this many keys are asked for in one message. More would make few round trips
/// fewer, and servers limit the size of messages.
const KEYS_PER_MESSAGE: usize = 16;

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
    let keys = collect(plugin, request)?;
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
    Ok(())
}

fn collect(
    plugin: &Plugin,
    request: &ListRequest<'_>,
) -> Result<Vec<(String, KeyAttributes)>, PluginError> {
    let pattern = match request.label_pattern {
        Some(pattern) => Some(CString::new(pattern).map_err(|error| {
            PluginError::invalid("the label pattern holds a NUL byte").caused_by(error)
        })?),
        None => None,
    };
    let mut server = plugin.server()?;
    let ids = locate(&mut server, request)?;
    let mut keys = Vec::new();
    for group in ids.chunks(KEYS_PER_MESSAGE) {
        let answers = get_attributes(&mut server.client, group)?;
        for (id, answer) in group.iter().zip(answers) {
            let key = match answer {
                Ok(answer) => server.style.read(&answer.attributes),
                // Destroyed meanwhile, or not for us: no reason to show no key at all.
                Err(error) => {
                    plugin.note(&format!("key {id} is left out: {error}"));
                    continue;
                }
            };
            if let Some(problem) = key.unfit(&server.style) {
                plugin.note(&format!("key {id} is left out: {problem}"));
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
    Ok(keys)
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
    filter.extend(server.style.attributes(request.filter));
    let mut ids: Vec<String> = Vec::new();
    loop {
        let offset = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        let response = server.client.call(LocateRequest {
            offset_items: (offset > 0).then_some(offset),
            attributes: filter.clone().into(),
            ..LocateRequest::default()
        })?;
        let before = ids.len();
        for id in response.unique_identifier {
            let id = match id {
                UniqueIdentifier::Text(id) => id.into_owned(),
                // zkey could not store any other.
                _ => continue,
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        // A server that limits its answers tells how many objects there are in all.
        let all = response.located_items.unwrap_or_default();
        let has_more = usize::try_from(all).is_ok_and(|all| all > ids.len());
        let can_page = server.client.version() >= kmip::ProtocolVersion::V1_3;
        if !has_more || ids.len() == before || !can_page {
            return Ok(ids);
        }
    }
}

type Answer = Result<GetAttributesResponse<'static>, kmip::client::Error>;

fn get_attributes(client: &mut Client, ids: &[String]) -> Result<Vec<Answer>, PluginError> {
    let request = |id: &String| GetAttributesRequest {
        unique_identifier: Some(id.clone().into()),
        ..GetAttributesRequest::default()
    };
    let mut batch = Batch::new().on_error(BatchErrorContinuationOption::CONTINUE);
    for id in ids {
        batch.push(request(id));
    }
    let answers = client.send_batch(batch)?;
    // A server that takes no batches refuses all of it; one that does not go on after a failure
    // leaves the rest out. Both can answer one by one.
    let mut results = Vec::with_capacity(ids.len());
    for (id, answer) in ids.iter().zip(answers) {
        results.push(match answer.map(GetAttributesResponse::try_from) {
            Ok(Ok(response)) => Ok(response),
            Err(error) if error.is_not_found() || error.is_permission_denied() => Err(error),
            _ => client.call(request(id)),
        });
    }
    Ok(results)
}

fn matches(pattern: &std::ffi::CStr, label: &str) -> bool {
    CString::new(label).is_ok_and(|label| crate::pattern::matches(pattern, &label))
}
