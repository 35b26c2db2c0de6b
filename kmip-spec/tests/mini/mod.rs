//! A small consistent set of tables, to put mistakes into.

use std::collections::BTreeMap;

use kmip_spec::{Spec, TableError, Tables, check};

pub(crate) struct Mini {
    texts: BTreeMap<&'static str, String>,
}

impl Mini {
    pub(crate) fn new() -> Self {
        let texts = [
            ("types", include_str!("types.tsv")),
            ("tags", include_str!("tags.tsv")),
            ("reserved-tags", include_str!("reserved-tags.tsv")),
            ("enumerations", include_str!("enumerations.tsv")),
            ("values", include_str!("values.tsv")),
            ("structures", include_str!("structures.tsv")),
            ("operations", include_str!("operations.tsv")),
            ("payloads", include_str!("payloads.tsv")),
            ("attributes", include_str!("attributes.tsv")),
        ];
        Mini {
            texts: texts.map(|(table, text)| (table, text.to_owned())).into(),
        }
    }

    /// Replaces the first `from` of a table.
    pub(crate) fn edit(mut self, table: &str, from: &str, to: &str) -> Self {
        let text = self.texts.get_mut(table).unwrap();
        assert!(text.contains(from), "{table} has no {from:?} to replace");
        *text = text.replacen(from, to, 1);
        self
    }

    /// Replaces the whole table.
    #[allow(dead_code, reason = "each test binary takes the part it needs")]
    pub(crate) fn replace(mut self, table: &str, text: &str) -> Self {
        *self.texts.get_mut(table).unwrap() = text.to_owned();
        self
    }

    pub(crate) fn parse(&self) -> Result<Spec, TableError> {
        let text = |table| self.texts[table].as_str();
        Spec::parse(&Tables {
            types: text("types"),
            tags: text("tags"),
            reserved_tags: text("reserved-tags"),
            enumerations: text("enumerations"),
            values: text("values"),
            structures: text("structures"),
            operations: text("operations"),
            payloads: text("payloads"),
            attributes: text("attributes"),
        })
    }

    /// The message for tables that cannot be read.
    #[allow(dead_code, reason = "each test binary takes the part it needs")]
    pub(crate) fn error(&self) -> String {
        self.parse().unwrap_err().to_string()
    }

    /// The messages for tables that can be read, but are inconsistent.
    #[allow(dead_code, reason = "each test binary takes the part it needs")]
    pub(crate) fn findings(&self) -> Vec<String> {
        check(&self.parse().unwrap())
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}
