//! Structures, operations and their payloads.

use super::{kinds, unknown_owner};
use crate::error::{Problem, TableError};
use crate::model::{Choice, Exchange, FieldRow, Operation, Required, Structure};
use crate::tsv::{Row, Table};
use crate::version::VersionRange;

/// The columns that fields of structures and of payloads share.
const FIELD_COLUMNS: [&str; 13] = [
    "field",
    "tag",
    "types",
    "enumeration",
    "since",
    "until",
    "required",
    "repeat",
    "choice",
    "deprecated",
    "tolerate",
    "sections",
    "note",
];

pub(super) fn structures(text: &str) -> Result<Vec<Structure>, TableError> {
    let columns = [&["structure"][..], &FIELD_COLUMNS].concat();
    let mut table = Table::new("structures.tsv", text, &columns)?;
    let mut structures: Vec<Structure> = Vec::new();
    while let Some(row) = table.next_row()? {
        let name = row.text("structure")?;
        if row.cell("field").is_empty() {
            if structures.iter().any(|other| other.name == name) {
                return Err(row.error(Some("structure"), Problem::Redefined(name)));
            }
            structures.push(structure(name, &row)?);
        } else {
            structures
                .last_mut()
                .filter(|structure| structure.name == name)
                .ok_or_else(|| unknown_owner(&row, "structure"))?
                .fields
                .push(field(&row)?);
        }
    }
    Ok(structures)
}

fn structure(name: String, row: &Row<'_, '_>) -> Result<Structure, TableError> {
    let variant = name
        .split_once(" (")
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .map(str::to_owned);
    Ok(Structure {
        tag_name: row.optional("tag").unwrap_or_else(|| name.clone()),
        variant,
        range: row.range()?,
        fields: Vec::new(),
        bare_item: row.word(
            "tolerate",
            &[("bare", true), ("", false)],
            "`bare` or nothing",
        )?,
        sections: row.ranged("sections")?,
        name,
    })
}

fn field(row: &Row<'_, '_>) -> Result<FieldRow, TableError> {
    let required = [
        ("yes", Required::Yes),
        ("no", Required::No),
        ("conditional", Required::Conditional),
        ("unspecified", Required::Unspecified),
    ];
    let choice = match row.cell("choice") {
        "" => None,
        "any attribute" => Some(Choice::AnyAttribute),
        "any item" => Some(Choice::AnyItem),
        _ => Some(Choice::OneOf(row.names("choice"))),
    };
    let name = row.text("field")?;
    let tag = row.optional("tag").unwrap_or_else(|| name.clone());
    Ok(FieldRow {
        name,
        tag: choice.is_none().then_some(tag),
        kinds: kinds(row)?,
        enumeration: row.optional("enumeration"),
        range: row.range()?,
        required: row.word(
            "required",
            &required,
            "`yes`, `no`, `conditional` or `unspecified`",
        )?,
        repeat: row.flag("repeat")?,
        choice,
        deprecated: row.optional_range("deprecated")?,
        tolerate_missing: row.word(
            "tolerate",
            &[("missing", true), ("", false)],
            "`missing` or nothing",
        )?,
        note: row.optional("note"),
    })
}

const DIRECTIONS: [(&str, Direction); 2] = [
    ("client to server", Direction::ClientToServer),
    ("server to client", Direction::ServerToClient),
];
const DIRECTION_WORDS: &str = "`client to server` or `server to client`";

#[derive(Clone, Copy)]
enum Direction {
    ClientToServer,
    ServerToClient,
}

impl Operation {
    fn exchange_mut(&mut self, direction: Direction) -> &mut Option<Exchange> {
        match direction {
            Direction::ClientToServer => &mut self.client_to_server,
            Direction::ServerToClient => &mut self.server_to_client,
        }
    }
}

pub(super) fn operations(text: &str) -> Result<Vec<Operation>, TableError> {
    let columns = [
        "operation",
        "value",
        "direction",
        "since",
        "until",
        "sections",
        "note",
    ];
    let mut table = Table::new("operations.tsv", text, &columns)?;
    let mut operations: Vec<Operation> = Vec::new();
    while let Some(row) = table.next_row()? {
        let (name, range) = (row.text("operation")?, row.range()?);
        let direction = row.word("direction", &DIRECTIONS, DIRECTION_WORDS)?;
        let value = row.number("value")?;
        let index = operations
            .iter()
            .position(|o| o.name == name && o.value == value);
        let index = index.unwrap_or_else(|| {
            operations.push(Operation {
                name,
                value,
                range,
                client_to_server: None,
                server_to_client: None,
            });
            operations.len() - 1
        });
        let operation = &mut operations[index];
        operation.range = hull(operation.range, range);
        let exchange = operation.exchange_mut(direction);
        if exchange.is_some() {
            let problem = Problem::Redefined(row.cell("operation").to_owned());
            return Err(row.error(Some("direction"), problem));
        }
        let sections = row.ranged("sections")?;
        *exchange = Some(Exchange {
            range,
            request: None,
            response: None,
            sections,
        });
    }
    Ok(operations)
}

fn hull(one: VersionRange, other: VersionRange) -> VersionRange {
    VersionRange {
        since: one.since.min(other.since),
        until: one
            .until
            .zip(other.until)
            .map(|(one, other)| one.max(other)),
    }
}

pub(super) fn payloads(text: &str, operations: &mut [Operation]) -> Result<(), TableError> {
    let columns = [&["operation", "direction", "message"][..], &FIELD_COLUMNS].concat();
    let mut table = Table::new("payloads.tsv", text, &columns)?;
    while let Some(row) = table.next_row()? {
        let name = row.cell("operation");
        let direction = row.word("direction", &DIRECTIONS, DIRECTION_WORDS)?;
        let is_request = row.word(
            "message",
            &[("request", true), ("response", false)],
            "`request` or `response`",
        )?;
        let exchange = operations
            .iter_mut()
            .find(|operation| operation.name == name)
            .and_then(|operation| operation.exchange_mut(direction).as_mut())
            .ok_or_else(|| unknown_owner(&row, "operation"))?;
        let payload = if is_request {
            &mut exchange.request
        } else {
            &mut exchange.response
        };
        if row.cell("field").is_empty() {
            payload.get_or_insert_default().ranges.push(row.range()?);
        } else {
            payload
                .as_mut()
                .ok_or_else(|| unknown_owner(&row, "message"))?
                .fields
                .push(field(&row)?);
        }
    }
    Ok(())
}
