//! `kmip query` and `kmip versions`.

use kmip::ProtocolVersion;
use kmip::types::{Enumeration, QueryResponse, Tag};
use serde_json::{Value as Json, json};

use super::show;
use crate::arguments::{QueryOptions, VersionsOptions};
use crate::connect::connect;
use crate::failure::Failure;
use crate::tree;

pub(super) fn query(options: &QueryOptions) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let answer = client.query_all()?;
    let version = client.version();
    let operations = names(&answer.operation, version);
    let types = names(&answer.object_type, version);
    if options.online.show.json {
        return show::json(&json!({
            "server": client.server(),
            "version": version.to_string(),
            "vendor_identification": answer.vendor_identification,
            "operations": operations,
            "object_types": types,
            "details": details(&answer, version)
                .into_iter()
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect::<Json>(),
        }));
    }
    let vendor = answer.vendor_identification.as_deref().unwrap_or_default();
    let mut rows = vec![
        vec!["server".to_owned(), client.server().to_owned()],
        vec!["version".to_owned(), format!("KMIP {version}")],
        vec!["vendor".to_owned(), vendor.to_owned()],
        vec!["operations".to_owned(), wrapped(&operations)],
        vec!["object types".to_owned(), wrapped(&types)],
    ];
    for (name, value) in details(&answer, version) {
        rows.push(vec![name, value]);
    }
    show::table(&[], rows)
}

fn names<E: Enumeration + Copy>(values: &[E], version: ProtocolVersion) -> Vec<String> {
    let values = values.iter();
    values.map(|value| show::name_in(*value, version)).collect()
}

/// The other fields of the answer, one a line.
fn details(answer: &QueryResponse<'_>, version: ProtocolVersion) -> Vec<(String, String)> {
    let mut rest = answer.clone();
    rest.operation.clear();
    rest.object_type.clear();
    rest.vendor_identification = None;
    let mut item = Vec::new();
    if kmip::ttlv::encode_item(&rest, Tag::RESPONSE_PAYLOAD, version, &mut item).is_err() {
        return Vec::new();
    }
    let (nodes, _) = tree::read(&item);
    let mut list = Vec::new();
    let mut path: Vec<String> = Vec::new();
    for node in nodes.iter().skip(1) {
        path.truncate(node.depth - 1);
        path.push(node.tag.to_string());
        if node.value != tree::Value::Structure {
            list.push((path.join(" "), show::plain(node, version)));
        }
    }
    list
}

/// Names in lines that terminals have room for.
fn wrapped(names: &[String]) -> String {
    let mut text = String::new();
    let mut length = 0;
    for (index, name) in names.iter().enumerate() {
        let comma = if index + 1 == names.len() { "" } else { "," };
        if length > 0 && length + name.len() > 56 {
            text.push('\n');
            length = 0;
        } else if length > 0 {
            text.push(' ');
        }
        text.push_str(name);
        text.push_str(comma);
        length += name.len() + 2;
    }
    text
}

pub(super) fn versions(options: &VersionsOptions) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let negotiated = client.version();
    let offered = match negotiated {
        // It has no Discover Versions.
        ProtocolVersion::V1_0 => vec![negotiated],
        _ => client.discover_versions().or_else(|error| {
            let unknown = error.is_operation_not_supported();
            if unknown {
                Ok(vec![negotiated])
            } else {
                Err(error)
            }
        })?,
    };
    if options.online.show.json {
        let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
        return show::json(&json!({
            "server": client.server(),
            "negotiated": negotiated.to_string(),
            "versions": offered,
        }));
    }
    let rows = offered.iter().map(|version| {
        let mark = if *version == negotiated {
            "negotiated"
        } else {
            ""
        };
        let known = if version.is_known() {
            mark
        } else {
            "not known to this program"
        };
        vec![version.to_string(), known.to_owned()]
    });
    show::table(&["version", ""], rows.collect())
}
