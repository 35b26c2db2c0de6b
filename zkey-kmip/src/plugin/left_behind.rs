//! Objects at the server that an interrupted command left behind are destroyed by the next one that
//! is connected.
//!
//! These are wrapping keys that are not the configured one, and keys that the host was not given yet.
//! A key that it was given is its own: only the host knows where it is in use, so the user is told. In
//! doubt, an object stays.

use std::fmt::Write;

use kmip::client::Client;
use kmip::types::{
    Attribute, AttributeValue, Attributes, BatchErrorContinuationOption, CryptographicAlgorithm,
    GetRequest, GetResponse, ObjectType, RevocationReasonCode, State, UniqueIdentifier,
};

use super::Plugin;
use super::attributes::{self, DESCRIPTION, wrapping_key_description};
use super::given;
use super::peer::Peer;
use super::public_key::RsaPublicKey;
use super::search;
use super::unused::forget;
use crate::abi::{Errno, PluginError};
use crate::config::{Config, Intended, Intent};

/// Properties that tell which repositories have imported a key.
const IMPORTED: &str = "zkey-name-";

/// Destroys what is left at this server, and tells the user. A failure is told, too; it is no reason
/// for the command to fail, and the next one tries again.
pub(super) fn clean_up(plugin: &Plugin, peer: &mut Peer, server: &str) {
    let directory = plugin.config.borrow().directory().to_owned();
    let left = given::left(&plugin.config.borrow());
    // What is configured by now, not when this process began: intents are withdrawn after that.
    let (left, config) = match left.and_then(|left| Ok((left, Config::load(&directory)?))) {
        Ok(found) => found,
        Err(error) => return plugin.note(&format!("cannot look for what is left: {error}")),
    };
    for held in left {
        if held.intent().server != server {
            continue;
        }
        let intent = held.intent();
        let done = match &intent.object {
            Intended::WrappingKey { public_key, former } => {
                let former = former.as_deref();
                finish_wrapping_key(peer, &config, intent, public_key, former)
            }
            Intended::Key => finish_key(peer, intent),
            // Not for us to destroy.
            Intended::Given { id } => {
                match may_be_unused(peer, intent, id) {
                    Ok(true) => plugin.console.warn(&format!("INFO: {intent}")),
                    Ok(false) => forget(held),
                    Err(error) => plugin.note(&format!("cannot look for key {id}: {error}")),
                }
                continue;
            }
        };
        match done {
            Ok(done) => {
                forget(held);
                if !done.is_empty() {
                    let text = format!("INFO: after an interrupted command:{done}");
                    plugin.console.warn(&text);
                }
            }
            Err(error) => plugin.console.warn(&format!(
                "WARNING: what an interrupted command left at the KMIP server cannot be removed \
                 yet: {error}"
            )),
        }
    }
}

/// Destroys a wrapping key that is not the configured one, and revokes the former one; returns what was
/// done, for the user.
fn finish_wrapping_key(
    peer: &mut Peer,
    config: &Config,
    intent: &Intent,
    public_key: &str,
    former: Option<&str>,
) -> Result<String, PluginError> {
    let mut done = String::new();
    let is_same_server = config.server() == Some(&*intent.server);
    let configured = config.wrapping_key().filter(|_| is_same_server);
    let configured = configured.as_ref().map(|key| key.id.as_str());
    let mut left = wrapping_keys(peer, intent, public_key)?;
    left.retain(|id| id.as_text() != configured);
    if let Some(id) = the_only(left)? {
        destroy(&mut peer.client, &id)?;
        let _ = write!(done, " wrapping key {id} was destroyed");
    }
    if let Some(former) = former.filter(|id| Some(*id) != configured) {
        if revoke_wrapping_key(&mut peer.client, former)? {
            let _ = write!(done, " former wrapping key {former} was deactivated");
        }
    }
    Ok(done)
}

/// Destroys a key that nobody has got; returns what was done, for the user.
fn finish_key(peer: &mut Peer, intent: &Intent) -> Result<String, PluginError> {
    match the_only(keys(peer, intent)?)? {
        Some((id, attributes)) if !is_imported(peer, &attributes) => {
            destroy(&mut peer.client, &id)?;
            Ok(format!(" key {id} was destroyed"))
        }
        _ => Ok(String::new()),
    }
}

/// The object that is left, if there is one. Others with the same marker are not the plugin's doing.
fn the_only<T>(mut left: Vec<T>) -> Result<Option<T>, PluginError> {
    if left.len() > 1 {
        let text = format!("{} objects have the marker", left.len());
        return Err(PluginError::new(Errno::EBADMSG, text));
    }
    Ok(left.pop())
}

/// Whether a key that the host was given is still there, and no repository has imported it.
fn may_be_unused(peer: &mut Peer, intent: &Intent, id: &str) -> Result<bool, PluginError> {
    let attributes = match peer.client.get_attributes(id, []) {
        Err(error) if error.is_not_found() => return Ok(false),
        attributes => attributes?,
    };
    // A server that was set up anew may have given the identifier to another key.
    let is_it = is_marked(&attributes, intent) && !is_destroyed(&attributes);
    Ok(is_it && !is_imported(peer, &attributes))
}

/// Whether a repository has imported the key since.
fn is_imported(peer: &Peer, attributes: &Attributes<'_>) -> bool {
    let properties = peer.style().read(attributes).properties;
    properties.iter().any(|one| one.name.starts_with(IMPORTED))
}

/// Objects with what is known of them.
type Found = Vec<(UniqueIdentifier<'static>, Attributes<'static>)>;

/// The keys with the marker.
fn keys(peer: &mut Peer, intent: &Intent) -> Result<Found, PluginError> {
    let filter = vec![
        Attribute::object_type(ObjectType::SYMMETRIC_KEY),
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
    ];
    let marker = peer.style().marker(&intent.marker);
    let mut found = existing(peer, filter.clone(), vec![marker])?;
    found.retain(|(_, attributes)| is_marked(attributes, intent));
    if found.is_empty() {
        // The server may have said so only because it does not look for such attributes.
        found = existing(peer, filter, vec![])?;
        found.retain(|(_, attributes)| is_marked(attributes, intent));
    }
    Ok(found)
}

/// Whether an object has the marker, by whatever name the server has made of its own.
fn is_marked(attributes: &Attributes<'_>, intent: &Intent) -> bool {
    let is_marker = |one: &Attribute<'_>| attributes::custom_text(one) == Some(&*intent.marker);
    attributes.iter().any(is_marker)
}

/// The wrapping keys that are this one.
fn wrapping_keys(
    peer: &mut Peer,
    intent: &Intent,
    public_key: &str,
) -> Result<Vec<UniqueIdentifier<'static>>, PluginError> {
    // The algorithm was not among the attributes, and not every server takes it from the key.
    let filter = vec![Attribute::object_type(ObjectType::PUBLIC_KEY)];
    let description = wrapping_key_description(&intent.marker);
    let description = peer.style().attribute(DESCRIPTION, &description);
    let mut found = existing(peer, filter.clone(), vec![description])?;
    let is_marked = |(_, attributes): &(UniqueIdentifier<'static>, Attributes<'static>)| {
        let properties = peer.style().read(attributes).properties;
        properties.iter().any(|one| {
            let value = one.value.as_deref().unwrap_or_default();
            one.name == DESCRIPTION && value.contains(&intent.marker)
        })
    };
    found.retain(is_marked);
    if !found.is_empty() {
        return Ok(found.into_iter().map(|(id, _)| id).collect());
    }
    // A server that does not keep descriptions. There is one key pair in the world with this key.
    let all = existing(peer, filter, vec![])?;
    let all: Vec<_> = all.into_iter().map(|(id, _)| id).collect();
    let mut same = Vec::new();
    for group in all.chunks(peer.profile.batch_size) {
        let get = |id: &UniqueIdentifier<'static>| GetRequest {
            unique_identifier: Some(id.clone()),
            ..GetRequest::default()
        };
        let requests = group.iter().map(|id| get(id).into()).collect();
        let results = peer.send(requests, BatchErrorContinuationOption::CONTINUE)?;
        let mut results = results.into_iter();
        for id in group {
            // Keys of others may be hidden.
            let Ok(response) = peer.next::<GetResponse<'static>>(&mut results) else {
                continue;
            };
            let key = RsaPublicKey::from_object(&response.managed_object);
            if key.is_some_and(|key| key.digest().is_ok_and(|digest| digest == public_key)) {
                same.push(id.clone());
            }
        }
    }
    Ok(same)
}

/// The objects that are there and not destroyed.
fn existing(
    peer: &mut Peer,
    filter: Vec<Attribute<'static>>,
    custom: Vec<Attribute<'static>>,
) -> Result<Found, PluginError> {
    let located = search::locate(peer, filter, custom)?;
    if located.may_be_cut {
        let text = "the server does not list all objects";
        return Err(PluginError::new(Errno::EBADMSG, text));
    }
    let ids = located.ids;
    let mut found = Vec::new();
    for group in ids.chunks(peer.profile.batch_size) {
        let answers = search::get_attributes(peer, group)?;
        for (id, answer) in group.iter().zip(answers) {
            match answer {
                Ok(answer) if !is_destroyed(&answer.attributes) => {
                    found.push((id.clone(), answer.attributes));
                }
                Ok(_) => {}
                Err(error) if error.is_not_found() || error.is_permission_denied() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(found)
}

/// The state of an object, if the server tells it.
pub(super) fn state(attributes: &Attributes<'_>) -> Option<State> {
    attributes.iter().find_map(|one| match one.value {
        AttributeValue::State(state) => Some(state),
        _ => None,
    })
}

fn is_destroyed(attributes: &Attributes<'_>) -> bool {
    matches!(
        state(attributes),
        Some(State::DESTROYED | State::DESTROYED_COMPROMISED)
    )
}

/// Destroys an object that nobody uses. That it is gone is no failure.
pub(super) fn destroy(client: &mut Client, id: &UniqueIdentifier<'_>) -> Result<(), PluginError> {
    // A key that was not activated yet needs no revocation.
    let _ = client.revoke(id.clone(), RevocationReasonCode::SUPERSEDED, None);
    match client.destroy(id.clone()) {
        Err(error) if !error.is_not_found() => {
            let text = format!("{id} cannot be destroyed: {error}");
            Err(PluginError::new(Errno::EBADMSG, text))
        }
        _ => Ok(()),
    }
}

/// Puts a wrapping key out of use that is active; `false` if there was nothing to do.
fn revoke_wrapping_key(client: &mut Client, id: &str) -> Result<bool, PluginError> {
    let attributes = match client.get_attributes(id, []) {
        Err(error) if error.is_not_found() => return Ok(false),
        attributes => attributes?,
    };
    let is_public_key = attributes
        .iter()
        .any(|one| one.value == AttributeValue::ObjectType(ObjectType::PUBLIC_KEY));
    if !is_public_key || state(&attributes) != Some(State::ACTIVE) {
        return Ok(false);
    }
    client.revoke(id, RevocationReasonCode::SUPERSEDED, None)?;
    Ok(true)
}
