//! Answers as tables for people and as JSON for programs.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use comfy_table::{Table, presets};
use kmip::ProtocolVersion;
use kmip::types::{Attribute, AttributeReference, AttributeValue, Enumeration, Names, Tag};
use serde_json::{Map, Value as Json};

use crate::failure::Failure;
use crate::tree::{self, Node, Value};
use crate::{files, values};

/// Prints JSON.
pub(crate) fn json(value: &Json) -> Result<(), Failure> {
    line(&kmip::json::for_terminal(&format!("{value:#}")))
}

/// Prints a line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}")?;
    output.flush()?;
    Ok(())
}

/// Prints a table; nothing where there are no rows.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if !head.is_empty() {
        table.set_header(head.iter().map(|title| title.to_uppercase()));
    }
    for row in rows {
        table.add_row(row.iter().map(|cell| {
            let lines: Vec<String> = cell.lines().map(printable).collect();
            lines.join("\n")
        }));
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    line(&table.trim_fmt())
}

/// The name of a value, as it is written in XML.
pub(crate) fn named<E: Enumeration>(value: E) -> String {
    name_in(value, ProtocolVersion::LATEST)
}

/// The same with the names of a version.
pub(crate) fn name_in<E: Enumeration>(value: E, version: ProtocolVersion) -> String {
    match Names::of(E::TABLE, version).value(value.value()) {
        Some(name) => name.to_owned(),
        None => format!("0x{:08X}", value.value()),
    }
}

/// A text that a terminal does not obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Writes bytes to a file (mode 0600), or to standard output, there as digits on a terminal.
pub(crate) fn bytes(output: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    match output {
        Some(path) => files::write(path, bytes),
        None if io::stdout().is_terminal() => line(&values::to_hex(bytes)),
        None => {
            let mut output = io::stdout().lock();
            output.write_all(bytes)?;
            output.flush()?;
            Ok(())
        }
    }
}

/// An attribute as people and programs see it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) index: Option<i32>,
    pub(crate) text: String,
    pub(crate) json: Json,
}

impl Shown {
    pub(crate) fn to_json(&self) -> Json {
        let mut object = Map::new();
        object.insert("name".to_owned(), self.name.clone().into());
        if let Some(index) = self.index {
            object.insert("index".to_owned(), index.into());
        }
        object.insert("value".to_owned(), self.json.clone());
        Json::Object(object)
    }
}

/// An attribute in the words of a version.
pub(crate) fn attribute(attribute: &Attribute<'_>, version: ProtocolVersion) -> Shown {
    let reference = attribute.reference();
    let mut item = Vec::new();
    // What cannot be encoded came from a peer that does not keep to the version; its name is shown.
    let _ = kmip::ttlv::encode_item(attribute, Tag::NEW_ATTRIBUTE, version, &mut item);
    let (nodes, _) = tree::read(&item);
    let value = match (&reference, version >= ProtocolVersion::V2_0) {
        (AttributeReference::Standard(_), true) => 1,
        _ => nodes
            .iter()
            .position(|node| node.tag == Tag::ATTRIBUTE_VALUE)
            .unwrap_or(nodes.len()),
    };
    let value = subtree(&nodes, value);
    Shown {
        name: reference.to_string(),
        index: attribute.index,
        text: match &attribute.value {
            // Nearly all names are of the same type.
            AttributeValue::Name(name) => printable(&name.name_value),
            _ => printable(&flat(value, version)),
        },
        json: to_json(value, version, false),
    }
}

/// The item at `index` with all that is inside.
fn subtree<'n, 'a>(nodes: &'n [Node<'a>], index: usize) -> &'n [Node<'a>] {
    let Some(first) = nodes.get(index) else {
        return &[];
    };
    let rest = &nodes[index + 1..];
    let end = rest.iter().position(|node| node.depth <= first.depth);
    &nodes[index..index + 1 + end.unwrap_or(rest.len())]
}

/// The direct fields of the structure that the list begins with.
fn fields<'n, 'a>(nodes: &'n [Node<'a>]) -> impl Iterator<Item = &'n [Node<'a>]> {
    let depth = nodes.first().map_or(0, |node| node.depth) + 1;
    let direct = (0..nodes.len()).filter(move |index| nodes[*index].depth == depth);
    direct.map(|index| subtree(nodes, index))
}

/// A value on one line.
fn flat(nodes: &[Node<'_>], version: ProtocolVersion) -> String {
    match nodes.first() {
        None => String::new(),
        Some(node) if node.value == Value::Structure => {
            let fields = fields(nodes);
            let fields = fields.map(|field| format!("{} {}", field[0].tag, flat(field, version)));
            fields.collect::<Vec<_>>().join(", ")
        }
        Some(node) => plain(node, version),
    }
}

/// A value that is no structure, by name and without quotes.
pub(super) fn plain(node: &Node<'_>, version: ProtocolVersion) -> String {
    match node.value {
        Value::Text(text) if !node.secret => text.to_owned(),
        Value::Enumeration(_) => {
            let shown = node.shown(version, false);
            let name = shown.split(" (0x").next();
            name.unwrap_or(&shown).to_owned()
        }
        Value::Integer(_) => {
            let shown = node.shown(version, false);
            let names = shown.split(" (0x").next();
            names.unwrap_or(&shown).to_owned()
        }
        _ => node.shown(version, false),
    }
}

/// A value for programs: enumerations by name, masks as lists of names, bytes as digits, and a list
/// where a structure has several items of a name.
pub(crate) fn to_json(nodes: &[Node<'_>], version: ProtocolVersion, secrets: bool) -> Json {
    let Some(node) = nodes.first() else {
        return Json::Null;
    };
    match node.value {
        Value::Structure => {
            let mut by_name: Vec<(String, Vec<Json>)> = Vec::new();
            for field in fields(nodes) {
                let (name, value) = (field[0].tag.to_string(), to_json(field, version, secrets));
                match by_name.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, values)) => values.push(value),
                    None => by_name.push((name, vec![value])),
                }
            }
            let members = by_name.into_iter().map(|(name, mut values)| {
                let value = match values.len() {
                    1 => values.remove(0),
                    _ => Json::Array(values),
                };
                (name, value)
            });
            Json::Object(members.collect())
        }
        Value::Text(text) if secrets => text.into(),
        Value::Bytes(bytes) | Value::BigInteger(bytes) if secrets => values::to_hex(bytes).into(),
        Value::Integer(_) if node.mask().is_some() => {
            let names = plain(node, version);
            let names = names.split(" | ").filter(|name| !name.is_empty());
            names.map(Json::from).collect()
        }
        Value::Integer(number) => number.into(),
        Value::LongInteger(number) | Value::DateTimeExtended(number) => number.into(),
        Value::Interval(seconds) => seconds.into(),
        Value::Boolean(value) => value.into(),
        _ => plain(node, version).into(),
    }
}
