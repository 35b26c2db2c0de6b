//! Reading the tables into the model.

mod attributes;
mod layouts;

use crate::error::{Problem, TableError};
use crate::model::{
    EnumValue, Enumeration, EnumerationKind, ItemKind, ReservedTag, Spec, Tag, TypeRow, ValueSource,
};
use crate::tsv::{Row, Table};

/// The texts of the tables, one per file of `kmip-spec/tables`.
#[derive(Debug, Clone, Copy)]
#[allow(
    missing_docs,
    reason = "named after the files, which the README describes"
)]
pub struct Tables<'t> {
    pub types: &'t str,
    pub tags: &'t str,
    pub reserved_tags: &'t str,
    pub enumerations: &'t str,
    pub values: &'t str,
    pub structures: &'t str,
    pub operations: &'t str,
    pub payloads: &'t str,
    pub attributes: &'t str,
}

impl Tables<'static> {
    /// The tables of KMIP 1.0 to 2.1.
    pub const KMIP: Tables<'static> = Tables {
        types: include_str!("../../tables/types.tsv"),
        tags: include_str!("../../tables/tags.tsv"),
        reserved_tags: include_str!("../../tables/reserved-tags.tsv"),
        enumerations: include_str!("../../tables/enumerations.tsv"),
        values: include_str!("../../tables/values.tsv"),
        structures: include_str!("../../tables/structures.tsv"),
        operations: include_str!("../../tables/operations.tsv"),
        payloads: include_str!("../../tables/payloads.tsv"),
        attributes: include_str!("../../tables/attributes.tsv"),
    };
}

impl Spec {
    /// Reads the tables of KMIP 1.0 to 2.1.
    ///
    /// # Errors
    /// None with the tables as released; while they are edited, the first row that cannot be read.
    pub fn load() -> Result<Spec, TableError> {
        Spec::parse(&Tables::KMIP)
    }

    /// Reads tables from their texts.
    ///
    /// # Errors
    /// The first row that cannot be read, with file, line and column. What can be read but makes no
    /// sense, such as an unknown tag, is found by [`check`](crate::check()).
    pub fn parse(tables: &Tables<'_>) -> Result<Spec, TableError> {
        let mut enumerations = enumerations(tables.enumerations)?;
        values(tables.values, &mut enumerations)?;
        let mut operations = layouts::operations(tables.operations)?;
        layouts::payloads(tables.payloads, &mut operations)?;
        Ok(Spec {
            types: types(tables.types)?,
            tags: tags(tables.tags)?,
            reserved_tags: reserved_tags(tables.reserved_tags)?,
            enumerations,
            structures: layouts::structures(tables.structures)?,
            operations,
            attributes: attributes::attributes(tables.attributes)?,
        })
    }
}

fn types(text: &str) -> Result<Vec<TypeRow>, TableError> {
    let mut table = Table::new("types.tsv", text, &["name", "value", "since", "until"])?;
    let mut types = Vec::new();
    while let Some(row) = table.next_row()? {
        let kind = kind(&row, "name", row.cell("name"))?;
        types.push(TypeRow {
            kind,
            value: row.number("value")?,
            range: row.range()?,
        });
    }
    Ok(types)
}

fn tags(text: &str) -> Result<Vec<Tag>, TableError> {
    let columns = [
        "value",
        "name",
        "since",
        "until",
        "types",
        "deprecated",
        "secret",
        "aliases",
        "sections",
        "note",
    ];
    let mut table = Table::new("tags.tsv", text, &columns)?;
    let mut tags = Vec::new();
    while let Some(row) = table.next_row()? {
        tags.push(Tag {
            name: row.text("name")?,
            value: row.number("value")?,
            range: row.range()?,
            kinds: kinds(&row)?,
            deprecated: row.optional_range("deprecated")?,
            secret: row.flag("secret")?,
            aliases: row.names("aliases"),
            sections: row.ranged("sections")?,
        });
    }
    Ok(tags)
}

fn reserved_tags(text: &str) -> Result<Vec<ReservedTag>, TableError> {
    let mut table = Table::new(
        "reserved-tags.tsv",
        text,
        &["value", "since", "until", "note"],
    )?;
    let mut reserved = Vec::new();
    while let Some(row) = table.next_row()? {
        reserved.push(ReservedTag {
            value: row.number("value")?,
            range: row.range()?,
        });
    }
    Ok(reserved)
}

fn enumerations(text: &str) -> Result<Vec<Enumeration>, TableError> {
    let columns = [
        "name",
        "kind",
        "tag",
        "used_by",
        "since",
        "until",
        "extensions",
        "values",
        "note",
    ];
    let mut table = Table::new("enumerations.tsv", text, &columns)?;
    let mut enumerations: Vec<Enumeration> = Vec::new();
    while let Some(row) = table.next_row()? {
        let name = row.text("name")?;
        if enumerations.iter().any(|other| other.name == name) {
            return Err(row.error(Some("name"), Problem::Redefined(name)));
        }
        let kinds = [
            ("enum", EnumerationKind::Enum),
            ("mask", EnumerationKind::Mask),
        ];
        let sources = [
            ("table", ValueSource::Table),
            ("tags", ValueSource::Tags),
            ("external", ValueSource::External),
        ];
        enumerations.push(Enumeration {
            name,
            kind: row.word("kind", &kinds, "`enum` or `mask`")?,
            tag: row.optional("tag"),
            used_by: row.names("used_by"),
            range: row.range()?,
            extensions: row.optional("extensions"),
            source: row.word("values", &sources, "`table`, `tags` or `external`")?,
            values: Vec::new(),
        });
    }
    Ok(enumerations)
}

fn values(text: &str, enumerations: &mut [Enumeration]) -> Result<(), TableError> {
    let columns = [
        "enumeration",
        "value",
        "name",
        "since",
        "until",
        "deprecated",
        "spellings",
        "aliases",
        "note",
    ];
    let mut table = Table::new("values.tsv", text, &columns)?;
    while let Some(row) = table.next_row()? {
        let owner = row.cell("enumeration");
        let enumeration = enumerations
            .iter_mut()
            .find(|e| e.name == owner && e.source != ValueSource::Tags)
            .ok_or_else(|| unknown_owner(&row, "enumeration"))?;
        enumeration.values.push(EnumValue {
            name: row.text("name")?,
            value: row.number("value")?,
            range: row.range()?,
            deprecated: row.optional_range("deprecated")?,
            spellings: row.ranged("spellings")?,
            aliases: row.names("aliases"),
        });
    }
    Ok(())
}

/// The column `types`: `any`, or names separated by `|`.
fn kinds(row: &Row<'_, '_>) -> Result<Vec<ItemKind>, TableError> {
    match row.cell("types") {
        "" => Err(row.error(Some("types"), Problem::EmptyCell)),
        "any" => Ok(Vec::new()),
        _ => row
            .list("types")
            .map(|name| kind(row, "types", name))
            .collect(),
    }
}

fn kind(row: &Row<'_, '_>, column: &str, name: &str) -> Result<ItemKind, TableError> {
    ItemKind::from_name(name)
        .ok_or_else(|| word_error(row, column, name, "an item type such as `Text String`"))
}

fn word_error(row: &Row<'_, '_>, column: &str, found: &str, expected: &'static str) -> TableError {
    row.error(
        Some(column),
        Problem::Word {
            found: found.to_owned(),
            expected,
        },
    )
}

fn unknown_owner(row: &Row<'_, '_>, column: &str) -> TableError {
    row.error(
        Some(column),
        Problem::UnknownOwner(row.cell(column).to_owned()),
    )
}
