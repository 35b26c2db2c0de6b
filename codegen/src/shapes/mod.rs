//! From rows to Rust fields.
//!
//! Rows of the same field become one Rust field, and so do rows that replaced each other from 1.x
//! to 2.x, such as Template-Attribute and Attributes. Each row keeps its own tag and versions.

mod field_type;

use kmip_spec::model::{Choice, FieldRow, ItemKind, Ranged, Required};
use kmip_spec::{Spec, Version, VersionRange};
use proc_macro2::{Ident, TokenStream};

use crate::error::GenerateError;
use crate::names::field_ident;

use field_type::field_type;
pub(crate) use field_type::{FieldType, item_type, same_layout};

/// A Rust field and the rows that it owns.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) ty: FieldType,
    pub(crate) presence: Presence,
}

/// How a field may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Plain,
    Optional,
    Repeated,
}

/// A row and the field that owns it.
#[derive(Debug)]
pub(crate) struct ShapedRow {
    pub(crate) field: usize,
    pub(crate) tag: u32,
    pub(crate) range: VersionRange,
    pub(crate) required: bool,
    pub(crate) repeat: bool,
    pub(crate) form: Form,
    /// What the table says, for the documentation.
    pub(crate) doc: String,
}

/// How a row stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As items with the row's tag.
    Items,
    /// The attributes of an attribute list without a structure around them (1.x).
    Flat,
}

/// The fields and rows of a structure or payload.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) fields: Vec<Field>,
    pub(crate) rows: Vec<ShapedRow>,
    /// Items that the table does not have are part of the structure.
    pub(crate) open: bool,
}

impl Shape {
    /// The shape of the rows of a structure that exists in `range`.
    pub(crate) fn new(
        spec: &Spec,
        structure: &str,
        range: VersionRange,
        table: &[FieldRow],
    ) -> Result<Shape, GenerateError> {
        let mut shape = Shape {
            fields: Vec::new(),
            rows: Vec::new(),
            open: false,
        };
        for row in expand_choices(table) {
            match &row.choice {
                Some(Choice::AnyItem) => {
                    shape.open = true;
                    continue;
                }
                Some(Choice::AnyAttribute) => continue,
                _ => {}
            }
            let ty = field_type(spec, structure, table, &row)?;
            let name = field_ident(&field_name(table, &row));
            let field = shape.field(structure, name, ty)?;
            let tag = match &row.tag {
                Some(tag) => tag_value(spec, structure, tag)?,
                None => 0,
            };
            shape.rows.push(ShapedRow {
                field,
                tag,
                range: row.range,
                required: row.required == Required::Yes && !row.tolerate_missing,
                repeat: row.repeat,
                form: form(&row),
                doc: row_doc(&row),
            });
        }
        if shape.rows.len() > 64 {
            return Err(GenerateError::TooManyRows(structure.to_owned()));
        }
        for index in 0..shape.fields.len() {
            shape.fields[index].presence = shape.presence(index, range);
        }
        Ok(shape)
    }

    fn field(
        &mut self,
        structure: &str,
        name: Ident,
        ty: FieldType,
    ) -> Result<usize, GenerateError> {
        let Some(index) = self.fields.iter().position(|field| field.name == name) else {
            self.fields.push(Field {
                name,
                ty,
                presence: Presence::Plain,
            });
            return Ok(self.fields.len() - 1);
        };
        let known = &self.fields[index].ty;
        if *known != ty {
            return Err(GenerateError::TypesDiffer {
                structure: structure.to_owned(),
                field: name.to_string(),
                first: known.to_string(),
                second: ty.to_string(),
            });
        }
        Ok(index)
    }

    fn presence(&self, field: usize, range: VersionRange) -> Presence {
        let rows = || self.rows.iter().filter(|row| row.field == field);
        let flat = |row: &ShapedRow| row.form == Form::Flat;
        if rows().any(|row| row.repeat && !flat(row)) {
            return Presence::Repeated;
        }
        // An empty list says it all where there is no structure around it.
        if rows().all(|row| flat(row) || row.required) && rows().any(flat) {
            return Presence::Plain;
        }
        let in_version =
            |version: Version| rows().any(|row| row.required && row.range.contains(version));
        if range.versions().all(in_version) {
            Presence::Plain
        } else {
            Presence::Optional
        }
    }
}

/// First and last edition of a range, as indices into the known versions.
pub(crate) fn edition_range(range: VersionRange) -> (u8, u8) {
    (range.since as u8, range.last() as u8)
}

/// A number as people read tags and values.
pub(crate) fn hex(value: u32) -> TokenStream {
    // Hexadecimal digits are a token whatever the value.
    format!("0x{value:06X}").parse().unwrap_or_default()
}

/// ` (KMIP 1.0-1.4: 3.4; 2.0-: 4.13)`, or nothing.
pub(crate) fn sections(sections: &[Ranged]) -> String {
    if sections.is_empty() {
        return String::new();
    }
    let each = sections
        .iter()
        .map(|(range, section)| format!("{range}: {section}"));
    format!(" (KMIP {})", each.collect::<Vec<_>>().join("; "))
}

/// The name of the field that owns a row: that of its newest form.
fn field_name(table: &[FieldRow], row: &FieldRow) -> String {
    match row.name.as_str() {
        "Template-Attribute" => "Attributes",
        "Common Template-Attribute" => "Common Attributes",
        "Private Key Template-Attribute" => "Private Key Attributes",
        "Public Key Template-Attribute" => "Public Key Attributes",
        "Attribute" if row.repeat => "Attributes",
        "Attribute" if has(table, "New Attribute") => "New Attribute",
        "Attribute Name" if has(table, "Attribute Reference") => "Attribute Reference",
        "Certificate Request" if has(table, "Certificate Request Value") => {
            "Certificate Request Value"
        }
        name => name,
    }
    .to_owned()
}

fn has(table: &[FieldRow], name: &str) -> bool {
    table.iter().any(|row| row.name == name)
}

fn form(row: &FieldRow) -> Form {
    if row.repeat && row.tag.as_deref() == Some("Attribute") {
        Form::Flat
    } else {
        Form::Items
    }
}

/// A choice between single items becomes an optional row for each; a choice of managed objects
/// stays, it has a type of its own.
fn expand_choices(table: &[FieldRow]) -> Vec<FieldRow> {
    let mut rows = Vec::new();
    for row in table {
        match &row.choice {
            Some(Choice::OneOf(tags)) if row.name != "Managed Object" => {
                rows.extend(tags.iter().map(|tag| FieldRow {
                    name: tag.clone(),
                    tag: Some(tag.clone()),
                    // The first alternative is the enumeration, the others are structures.
                    kinds: vec![if *tag == tags[0] {
                        ItemKind::Enumeration
                    } else {
                        ItemKind::Structure
                    }],
                    enumeration: (*tag == tags[0]).then(|| tag.clone()),
                    required: Required::Conditional,
                    choice: None,
                    ..row.clone()
                }));
            }
            _ => rows.push(row.clone()),
        }
    }
    rows
}

fn tag_value(spec: &Spec, structure: &str, name: &str) -> Result<u32, GenerateError> {
    let tag = spec.tag(name).ok_or_else(|| GenerateError::UnknownTag {
        structure: structure.to_owned(),
        tag: name.to_owned(),
    })?;
    Ok(tag.value)
}

fn row_doc(row: &FieldRow) -> String {
    let required = match row.required {
        Required::Yes if row.tolerate_missing => "required, but often missing",
        Required::Yes => "required",
        Required::No => "optional",
        Required::Conditional => "conditional",
        Required::Unspecified => "optional",
    };
    let repeat = if row.repeat { ", may be repeated" } else { "" };
    let mut doc = format!(" {} (KMIP {}): {required}{repeat}.", row.name, row.range);
    if let Some(note) = &row.note {
        doc.push_str(&format!(" Note: {note}."));
    }
    doc
}
