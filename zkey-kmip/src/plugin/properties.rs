//! Properties of keys (behaviour reference 7.5, 7.7).

use kmip::ProtocolVersion;
use kmip::client::{Batch, Client};
use kmip::types::{
    AddAttributeRequest, Attribute, BatchErrorContinuationOption, DeleteAttributeRequest,
    ModifyAttributeRequest, RequestPayload,
};

use super::Plugin;
use super::attributes::AttributeStyle;
use crate::abi::{PluginError, Property};

pub(super) fn get(plugin: &Plugin, key_id: &str) -> Result<Vec<Property<'static>>, PluginError> {
    let mut server = plugin.server()?;
    let attributes = server.client.get_attributes(key_id, [])?;
    let key = server.style.read(&attributes);
    key.require_fit(key_id, &server.style)?;
    Ok(key.properties)
}

/// Sets and removes properties. Only what differs is changed, in one message.
pub(super) fn set(
    plugin: &Plugin,
    key_id: &str,
    properties: &[Property<'_>],
) -> Result<(), PluginError> {
    let mut server = plugin.server()?;
    let attributes = server.client.get_attributes(key_id, [])?;
    let style = server.style;
    let changes: Vec<Change> = properties
        .iter()
        .filter_map(|property| {
            Change::needed(&style, style.find(&attributes, &property.name), property)
        })
        .collect();
    let version = server.client.version();
    let mut batch = Batch::new().on_error(BatchErrorContinuationOption::CONTINUE);
    for change in &changes {
        batch.push(change.request(key_id, version));
    }
    let results = server.client.send_batch(batch)?;
    for (change, result) in changes.into_iter().zip(results) {
        let result = match result {
            Ok(_) => Ok(()),
            Err(error) => change.retry(&mut server.client, key_id, error),
        };
        result.map_err(|(name, error)| {
            let error = PluginError::from(error);
            let text = format!("cannot change property {name} of key {key_id}");
            PluginError::new(error.errno(), format!("{text}: {error}"))
        })?;
    }
    Ok(())
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
                if new.value == old.value {
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

    /// What a server that refused the change may do instead.
    fn retry(
        self,
        client: &mut Client,
        key_id: &str,
        error: kmip::client::Error,
    ) -> Result<(), (String, kmip::client::Error)> {
        let by_reference = |client: &mut Client, old: &Attribute<'static>| {
            client.call(DeleteAttributeRequest {
                unique_identifier: Some(key_id.to_owned().into()),
                attribute_reference: Some(old.reference()),
                ..DeleteAttributeRequest::default()
            })
        };
        let is_link = |old: &Attribute<'_>| old.reference() == kmip::types::Tag::LINK.into();
        match self {
            Change::Add(name, new) => client.add_attribute(key_id, new).map_err(|_| (name, error)),
            // By its name, as the C plugin does, unless that could mean several.
            Change::Delete(name, old) if !is_link(&old) => by_reference(client, &old)
                .map(drop)
                .map_err(|_| (name, error)),
            Change::Delete(name, _) => Err((name, error)),
            Change::Modify(name, old, new) => {
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
