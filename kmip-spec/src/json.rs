//! The tables as JSON, in a shape that can be compared with tables read from elsewhere.
//!
//! ```json
//! { "tags":       { NAME: { "value": "0x420001", "since": "1.0", "until": null } },
//!   "enums":      { ENUMERATION: { NAME: { "value": "0x00000001", "since": "1.0", "until": "1.4" } } },
//!   "masks":      the same for bit masks,
//!   "types":      { NAME: { "value": "0x01", "since": "1.0", "until": null } },
//!   "structures": { NAME: { VERSION: [ { "name": NAME, "required": true, "repeat": false } ] } },
//!   "operations": { NAME: { VERSION: { "request": [ FIELD ... ], "response": [ FIELD ... ] } } } }
//! ```
//!
//! `until` is the last version that has the thing, or null if the newest still has it. `required` is
//! true, false, `"conditional"`, or null where the specification does not say. An operation that both
//! sides can ask for is shown as asked by the client. Enumerations whose values are tags or those of
//! another standard are left out.

use crate::model::{EnumerationKind, FieldRow, Payload, Required, Spec, ValueSource, layout};
use crate::{Version, VersionRange};
use serde_json::{Map, Value, json};

/// All tables as one JSON object.
pub fn dump(spec: &Spec) -> Value {
    json!({
        "tags": object(spec.tags.iter().map(|tag| {
            (&tag.name, entry(&format!("0x{:06X}", tag.value), tag.range))
        })),
        "enums": enumerations(spec, EnumerationKind::Enum),
        "masks": enumerations(spec, EnumerationKind::Mask),
        "types": object(spec.types.iter().map(|row| {
            (row.kind.name(), entry(&format!("0x{:02X}", row.value), row.range))
        })),
        "structures": structures(spec),
        "operations": operations(spec),
    })
}

fn enumerations(spec: &Spec, kind: EnumerationKind) -> Value {
    let listed = spec
        .enumerations
        .iter()
        .filter(|enumeration| enumeration.kind == kind && enumeration.source == ValueSource::Table);
    object(listed.map(|enumeration| {
        let values = enumeration.values.iter().map(|value| {
            (
                &value.name,
                entry(&format!("0x{:08X}", value.value), value.range),
            )
        });
        (&enumeration.name, object(values))
    }))
}

fn structures(spec: &Spec) -> Value {
    object(spec.structures.iter().map(|structure| {
        let versions = structure.range.versions();
        let layouts =
            versions.map(|version| (version.to_string(), fields(&structure.fields, version)));
        (&structure.name, object(layouts))
    }))
}

fn operations(spec: &Spec) -> Value {
    object(spec.operations.iter().filter_map(|operation| {
        let exchange = operation
            .client_to_server
            .as_ref()
            .or(operation.server_to_client.as_ref())?;
        let versions = exchange.range.versions();
        let messages = versions.map(|version| {
            let messages = [
                ("request", &exchange.request),
                ("response", &exchange.response),
            ];
            let payloads = messages.into_iter().filter_map(|(message, payload)| {
                let payload: &Payload = payload.as_ref().filter(|p| p.contains(version))?;
                Some((message, fields(&payload.fields, version)))
            });
            (version.to_string(), object(payloads))
        });
        Some((&operation.name, object(messages)))
    }))
}

fn fields(rows: &[FieldRow], version: Version) -> Value {
    let fields = layout(rows, version).map(|row| {
        let required = match row.required {
            Required::Yes => json!(true),
            Required::No => json!(false),
            Required::Conditional => json!("conditional"),
            Required::Unspecified => Value::Null,
        };
        json!({ "name": row.name, "required": required, "repeat": row.repeat })
    });
    fields.collect()
}

fn entry(value: &str, range: VersionRange) -> Value {
    json!({
        "value": value,
        "since": range.since.to_string(),
        "until": range.until.map(|version| version.to_string()),
    })
}

fn object<K: ToString>(entries: impl Iterator<Item = (K, Value)>) -> Value {
    Value::Object(
        entries
            .map(|(name, value)| (name.to_string(), value))
            .collect::<Map<_, _>>(),
    )
}
