//! `kmip attributes`.

use kmip::client::Client;
use kmip::types::{
    AdjustAttributeRequest, Attribute, DeleteAttributeRequest, ProtocolVersion, UniqueIdentifier,
};
use serde_json::{Value as Json, json};

use super::show;
use crate::arguments::{Attributes, DeleteAttribute, GetAttributes, ListAttributes, Online};
use crate::connect::connect;
use crate::failure::Failure;
use crate::values;

pub(super) fn run(command: &Attributes) -> Result<(), Failure> {
    match command {
        Attributes::Get(options) => get(options),
        Attributes::List(options) => list(options),
        Attributes::Set(options) => change(&options.online, &options.object, |client, object| {
            client.set_attribute(object, options.attribute.clone())
        }),
        Attributes::Add(options) => change(&options.online, &options.object, |client, object| {
            client.add_attribute(object, options.attribute.clone())
        }),
        Attributes::Modify(options) => {
            change(&options.online, &options.object, |client, object| {
                let mut attribute = options.attribute.clone();
                attribute.index = options.index.or(attribute.index);
                client.modify_attribute(object, options.current.clone(), attribute)
            })
        }
        Attributes::Adjust(options) => {
            change(&options.online, &options.object, |client, object| {
                client.call(AdjustAttributeRequest {
                    unique_identifier: Some(object),
                    attribute_reference: options.attribute.clone(),
                    adjustment_type: options.adjustment,
                    adjustment_value: options.by.clone(),
                    ..AdjustAttributeRequest::default()
                })?;
                Ok(())
            })
        }
        Attributes::Delete(options) => delete(options),
    }
}

fn get(options: &GetAttributes) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let names = options.attributes.iter().cloned();
    let found = client.get_attributes(options.object.as_str(), names)?;
    let version = client.version();
    let shown = found.iter().map(|one| show::attribute(one, version));
    if options.online.show.json {
        let list: Json = shown.map(|one| one.to_json()).collect();
        return show::json(&json!({ "id": options.object, "attributes": list }));
    }
    let rows = shown.map(|one| {
        let index = one.index.filter(|index| *index > 0);
        let index = index.map(|index| format!(" [{index}]"));
        vec![one.name + &index.unwrap_or_default(), one.text]
    });
    show::table(&["attribute", "value"], rows.collect())
}

fn list(options: &ListAttributes) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let names = client.get_attribute_list(options.object.as_str())?;
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    if options.online.show.json {
        return show::json(&json!({ "id": options.object, "attributes": names }));
    }
    let rows = names.into_iter().map(|name| vec![name]);
    show::table(&["attribute"], rows.collect())
}

fn delete(options: &DeleteAttribute) -> Result<(), Failure> {
    let value = match options.attribute.contains('=') {
        true => Some(values::attribute(&options.attribute)),
        false => None,
    };
    let wrong = |what| Failure::Answer(format!("`{}`: {what}", options.attribute));
    let value = value.transpose().map_err(wrong)?;
    let reference = match &value {
        Some(value) => value.reference(),
        None => values::reference(&options.attribute).map_err(wrong)?,
    };
    change(&options.online, &options.object, |client, object| {
        if let Some(value) = value.filter(|_| client.version() >= ProtocolVersion::V2_0) {
            return client.delete_attribute(object, value);
        }
        if client.version() >= ProtocolVersion::V2_0 {
            // By its value: servers are known that answer Success to a name and do nothing.
            let found = client.get_attributes(object.clone(), [reference.clone()])?;
            let found: Vec<Attribute<'static>> = found.list;
            if !found.is_empty() {
                for value in found {
                    client.delete_attribute(object.clone(), value)?;
                }
                return Ok(());
            }
        }
        client.call(DeleteAttributeRequest {
            unique_identifier: Some(object),
            attribute_reference: Some(reference),
            attribute_index: options.index,
            ..DeleteAttributeRequest::default()
        })?;
        Ok(())
    })
}

fn change(
    online: &Online,
    object: &str,
    change: impl FnOnce(&mut Client, UniqueIdentifier<'static>) -> Result<(), kmip::client::Error>,
) -> Result<(), Failure> {
    let mut client = connect(online)?;
    change(&mut client, object.to_owned().into())?;
    match online.show.json {
        true => show::json(&json!({ "id": object, "changed": true })),
        false => show::line(&format!("changed {}", show::printable(object))),
    }
}
