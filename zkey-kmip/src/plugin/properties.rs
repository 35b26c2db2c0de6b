//! Properties of keys (behaviour reference 7.5, 7.7).

use kmip::ProtocolVersion;
use kmip::client::Client;
use kmip::types::{
    AddAttributeRequest, Attribute, AttributeReference, Attributes, BatchErrorContinuationOption,
    DeleteAttributeRequest, GetAttributesRequest, GetAttributesResponse, ModifyAttributeRequest,
    RequestPayload, SetAttributeRequest, Tag,
};

use super::Plugin;
use super::attributes::{self, AttributeStyle};
use super::peer::Peer;
use super::server::Server;
use crate::abi::{Errno, PluginError, Property};
use crate::server_traits::ServerTrait;

pub(super) fn get(plugin: &Plugin, key_id: &str) -> Result<Vec<Property<'static>>, PluginError> {
    let mut server = plugin.server()?;
    let attributes = server.peer.client.get_attributes(key_id, [])?;
    let key = server.style.read(&attributes);
    server.known.insert(key_id, attributes);
    key.require_fit(key_id, &server.style)?;
    Ok(key.properties)
}

/// Sets and removes properties. Only what differs is changed; what the server then says counts, not
/// what it answered to the changes.
pub(super) fn set(
    plugin: &Plugin,
    key_id: &str,
    properties: &[Property<'_>],
) -> Result<(), PluginError> {
    let mut server = plugin.server()?;
    let style = server.style;
    let needed = |attributes: &Attributes<'static>| -> Vec<Change> {
        let changes = properties.iter().filter_map(|property| {
            Change::needed(&style, style.find(attributes, &property.name), property)
        });
        changes.collect()
    };
    // Unless it succeeds, nothing is known any more.
    let requests = match server.known.remove(key_id) {
        Some(attributes) => exact(&needed(&attributes), key_id, &server),
        None if can_be_blind(&server, properties) => blind(properties, key_id, &server),
        None => {
            let attributes = server.peer.client.get_attributes(key_id, [])?;
            exact(&needed(&attributes), key_id, &server)
        }
    };
    if requests.is_empty() {
        return Ok(());
    }
    let mut attributes = change(&mut server.peer, requests, key_id)?;
    let mut changes = needed(&attributes);
    if !changes.is_empty() {
        let requests = exact(&changes, key_id, &server);
        attributes = change(&mut server.peer, requests, key_id)?;
        changes = needed(&attributes);
    }
    if !changes.is_empty() {
        for change in changes {
            change
                .otherwise(&mut server.peer, key_id)
                .map_err(|(name, error)| {
                    let error = PluginError::from(error);
                    let text = format!("cannot change property {name} of key {key_id}");
                    PluginError::new(error.errno(), format!("{text}: {error}"))
                })?;
        }
        attributes = server.peer.client.get_attributes(key_id, [])?;
        if let Some(change) = needed(&attributes).first() {
            let text = format!(
                "property {} of key {key_id} is as before, though KMIP server {} reports success",
                change.name(),
                server.peer.client.server()
            );
            return Err(PluginError::new(Errno::EBADMSG, text));
        }
    }
    server.known.insert(key_id, attributes);
    Ok(())
}

/// Whether the properties can be changed without a look at what there is. With links, of which
/// others may be meant, this is not so.
fn can_be_blind(server: &Server, properties: &[Property<'_>]) -> bool {
    let deletes_by_value = server.peer.has(ServerTrait::DeleteByValue);
    !properties.is_empty()
        && properties.iter().all(|property| {
            !server.style.is_link(&property.name) && (property.value.is_some() || !deletes_by_value)
        })
}

/// Requests that change attributes whatever they are now, if the server plays along.
fn blind(
    properties: &[Property<'_>],
    key_id: &str,
    server: &Server,
) -> Vec<RequestPayload<'static>> {
    let id = || Some(key_id.to_owned().into());
    let is_2x = server.peer.client.version() >= ProtocolVersion::V2_0;
    let has_set = is_2x && server.peer.has(ServerTrait::SetAttribute);
    let request = |property: &Property<'_>| -> RequestPayload<'static> {
        let value = property.value.as_deref();
        let attribute = server
            .style
            .attribute(&property.name, value.unwrap_or_default());
        match value {
            None => DeleteAttributeRequest {
                unique_identifier: id(),
                attribute_reference: Some(attribute.reference()),
                ..DeleteAttributeRequest::default()
            }
            .into(),
            Some(_) if has_set => SetAttributeRequest {
                unique_identifier: id(),
                new_attribute: attribute,
                ..SetAttributeRequest::default()
            }
            .into(),
            Some(_) => ModifyAttributeRequest {
                unique_identifier: id(),
                new_attribute: attribute,
                ..ModifyAttributeRequest::default()
            }
            .into(),
        }
    };
    properties.iter().map(request).collect()
}

fn exact(changes: &[Change], key_id: &str, server: &Server) -> Vec<RequestPayload<'static>> {
    let version = server.peer.client.version();
    changes
        .iter()
        .map(|change| change.request(key_id, version))
        .collect()
}

/// Performs the changes and returns all attributes as they are then, in one message. What was
/// refused is found by the attributes.
fn change(
    peer: &mut Peer,
    mut requests: Vec<RequestPayload<'static>>,
    key_id: &str,
) -> Result<Attributes<'static>, PluginError> {
    let read = GetAttributesRequest {
        unique_identifier: Some(key_id.to_owned().into()),
        ..GetAttributesRequest::default()
    };
    requests.push(read.clone().into());
    let references: Vec<_> = requests.iter().map(deleted_reference).collect();
    let mut results = peer.send(requests, BatchErrorContinuationOption::CONTINUE)?;
    let last = results.pop().into_iter();
    let attributes = match peer.next::<GetAttributesResponse<'static>>(&mut last.into_iter()) {
        Ok(response) => response.attributes,
        Err(error) if error.is_not_found() => return Err(error.into()),
        // A server that does not go on after a failure.
        Err(_) => peer.client.call(read)?.attributes,
    };
    let lies = references.iter().zip(&results).any(|(reference, result)| {
        let stays = reference.as_ref().and_then(|one| attributes.find(one));
        result.is_ok() && stays.is_some()
    });
    if lies && peer.client.version() >= ProtocolVersion::V2_0 {
        peer.learn(ServerTrait::DeleteByValue);
    }
    Ok(attributes)
}

/// The attribute that shall be gone after this request in KMIP 2.x.
fn deleted_reference(request: &RequestPayload<'static>) -> Option<AttributeReference<'static>> {
    match request {
        RequestPayload::DeleteAttribute(delete) if delete.attribute_index.is_none() => {
            delete.attribute_reference.clone()
        }
        _ => None,
    }
}

/// One attribute that must change.
enum Change {
    Add(String, Attribute<'static>),
    Modify(String, Attribute<'static>, Attribute<'static>),
    Delete(String, Attribute<'static>),
}

impl Change {
    fn needed(
        style: &AttributeStyle,
        present: Option<&Attribute<'static>>,
        property: &Property<'_>,
    ) -> Option<Change> {
        let name = property.name.clone().into_owned();
        match (present, &property.value) {
            (None, None) => None,
            (Some(old), None) => Some(Change::Delete(name, old.clone())),
            (None, Some(value)) => {
                let new = style.attribute(&name, value);
                Some(Change::Add(name, new))
            }
            (Some(old), Some(value)) => {
                let new = style.attribute(&name, value);
                if attributes::are_same(old, &new) {
                    None
                } else if new.reference() == old.reference() {
                    Some(Change::Modify(name, old.clone(), new))
                } else {
                    // In another form, it would hide behind the new one.
                    Some(Change::Add(name, new))
                }
            }
        }
    }

    fn request(&self, key_id: &str, version: ProtocolVersion) -> RequestPayload<'static> {
        let unique_identifier = Some(key_id.to_owned().into());
        let is_2x = version >= ProtocolVersion::V2_0;
        match self {
            Change::Add(_, new) => AddAttributeRequest {
                unique_identifier,
                new_attribute: Some(new.clone()),
                ..AddAttributeRequest::default()
            }
            .into(),
            Change::Modify(_, old, new) => ModifyAttributeRequest {
                unique_identifier,
                current_attribute: is_2x.then(|| old.clone()),
                new_attribute: Attribute {
                    index: old.index.filter(|_| !is_2x),
                    ..new.clone()
                },
                ..ModifyAttributeRequest::default()
            }
            .into(),
            // By its value or index, so that no other instance of it, such as another link, goes.
            Change::Delete(_, old) => DeleteAttributeRequest {
                unique_identifier,
                attribute_reference: (!is_2x).then(|| old.reference()),
                attribute_index: old.index.filter(|_| !is_2x),
                current_attribute: is_2x.then(|| old.clone()),
                ..DeleteAttributeRequest::default()
            }
            .into(),
        }
    }

    fn name(&self) -> &str {
        match self {
            Change::Add(name, _) | Change::Modify(name, _, _) | Change::Delete(name, _) => name,
        }
    }

    /// Other ways to the same end, for servers that refused this one.
    fn otherwise(self, peer: &mut Peer, key_id: &str) -> Result<(), (String, kmip::client::Error)> {
        let client = &mut peer.client;
        let is_link = |one: &Attribute<'_>| one.reference() == Tag::LINK.into();
        let by_reference = |client: &mut Client, old: &Attribute<'static>| {
            client.call(DeleteAttributeRequest {
                unique_identifier: Some(key_id.to_owned().into()),
                attribute_reference: Some(old.reference()),
                ..DeleteAttributeRequest::default()
            })
        };
        match self {
            Change::Add(name, new) => {
                let Err(error) = client.add_attribute(key_id, new.clone()) else {
                    return Ok(());
                };
                if is_link(&new) {
                    return Err((name, error));
                }
                let is_2x = client.version() >= ProtocolVersion::V2_0;
                let set = is_2x && client.set_attribute(key_id, new.clone()).is_ok();
                if !set && client.modify_attribute(key_id, None, new).is_err() {
                    return Err((name, error));
                }
                if set {
                    peer.learn(ServerTrait::SetAttribute);
                }
                Ok(())
            }
            Change::Delete(name, old) => match client.delete_attribute(key_id, old.clone()) {
                Ok(()) => Ok(()),
                // By its name, as the C plugin does, unless that could mean several.
                Err(error) if is_link(&old) => Err((name, error)),
                Err(error) => by_reference(client, &old)
                    .map(drop)
                    .map_err(|_| (name, error)),
            },
            Change::Modify(name, old, new) => {
                let modified = client.modify_attribute(key_id, Some(old.clone()), new.clone());
                let Err(error) = modified else {
                    return Ok(());
                };
                let deleted = client.delete_attribute(key_id, old.clone());
                if deleted.is_err() && (is_link(&old) || by_reference(client, &old).is_err()) {
                    return Err((name, error));
                }
                client.add_attribute(key_id, new).map_err(|failure| {
                    // Nothing would be worse than the old value.
                    let _ = client.add_attribute(key_id, old);
                    (name, failure)
                })
            }
        }
    }
}
