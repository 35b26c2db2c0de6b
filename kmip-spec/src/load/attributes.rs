//! Attributes and their rules.

use super::{kinds, word_error};
use crate::error::TableError;
use crate::model::{Answer, Attribute, AttributeRule, Party, Rule};
use crate::tsv::{Row, Table};

pub(super) fn attributes(text: &str) -> Result<Vec<Attribute>, TableError> {
    let columns = [
        "attribute",
        "tag",
        "since",
        "until",
        "name_string",
        "types",
        "enumeration",
        "structure",
        "always_has_value",
        "initially_set_by",
        "modifiable_by_server",
        "modifiable_by_client",
        "deletable_by_client",
        "multiple_instances",
        "implicitly_set_by",
        "applies_to",
        "cross_reference",
        "sections",
        "note",
    ];
    let mut table = Table::new("attributes.tsv", text, &columns)?;
    let mut attributes: Vec<Attribute> = Vec::new();
    while let Some(row) = table.next_row()? {
        let name = row.text("attribute")?;
        let tag_name = row.optional("tag").unwrap_or_else(|| name.clone());
        let rule = attribute_rule(&row)?;
        match attributes
            .last_mut()
            .filter(|last| last.name == name && last.tag_name == tag_name)
        {
            Some(attribute) => attribute.rules.push(rule),
            None => attributes.push(Attribute {
                name,
                tag_name,
                rules: vec![rule],
            }),
        }
    }
    Ok(attributes)
}

fn attribute_rule(row: &Row<'_, '_>) -> Result<AttributeRule, TableError> {
    let initially_set_by = row.list("initially_set_by").map(|party| match party {
        "Client" => Ok(Party::Client),
        "Server" => Ok(Party::Server),
        other => Err(word_error(
            row,
            "initially_set_by",
            other,
            "`Client`, `Server` or both",
        )),
    });
    Ok(AttributeRule {
        range: row.range()?,
        name_string: row.optional("name_string"),
        kinds: kinds(row)?,
        enumeration: row.optional("enumeration"),
        structure: row.optional("structure"),
        always_has_value: answer(row, "always_has_value")?,
        initially_set_by: initially_set_by.collect::<Result<_, _>>()?,
        modifiable_by_server: answer(row, "modifiable_by_server")?,
        modifiable_by_client: answer(row, "modifiable_by_client")?,
        deletable_by_client: answer(row, "deletable_by_client")?,
        multiple_instances: answer(row, "multiple_instances")?,
        implicitly_set_by: row.names("implicitly_set_by"),
        applies_to: row.names("applies_to"),
        cross_reference: row.names("cross_reference"),
        sections: row.ranged("sections")?,
    })
}

fn answer(row: &Row<'_, '_>, column: &str) -> Result<Rule, TableError> {
    let cell = row.cell(column);
    let (word, when) = match cell.split_once(": ") {
        Some((word, when)) => (word, Some(when.to_owned())),
        None => (cell, None),
    };
    let answer = match word {
        "yes" => Answer::Yes,
        "no" => Answer::No,
        "conditional" if when.is_some() => Answer::Conditional,
        "" => Answer::Unspecified,
        _ => {
            let expected = "`yes`, `no`, `no: WHY`, `conditional: WHEN` or nothing";
            return Err(word_error(row, column, cell, expected));
        }
    };
    Ok(Rule { answer, when })
}
