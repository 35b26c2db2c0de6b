//! One item of the tables beside the code that is made of it.

use std::fmt::Write;

use kmip_spec::Spec;
use kmip_spec::model::{Attribute, Enumeration, FieldRow, Operation, Payload, Structure};

use crate::error::GenerateError;
use crate::{enumerations, payloads, structures};

/// The rows and the generated code of everything with this name: enumerations and masks,
/// structures, operations and attributes. Case and punctuation of the name do not matter.
///
/// # Errors
/// The generator has no shape for the item.
pub fn print(spec: &Spec, name: &str) -> Result<Option<String>, GenerateError> {
    let wanted = plain(name);
    let matches = |name: &str| plain(name) == wanted;
    let mut text = String::new();
    for enumeration in spec.enumerations.iter().filter(|e| matches(&e.name)) {
        enumeration_rows(&mut text, enumeration);
        text.push_str(&formatted(&enumerations::enumeration(enumeration)?));
    }
    for structure in structures::merged(spec) {
        let rust_name = structures::structure_ident(&structure).to_string();
        if matches(&structure.name) || matches(&rust_name) {
            structure_rows(&mut text, &structure);
            text.push_str(&formatted(&structures::structure(spec, &structure)?));
        }
    }
    for operation in spec.operations.iter().filter(|o| matches(&o.name)) {
        operation_rows(&mut text, operation);
        text.push_str(&formatted(&payloads::operation(spec, operation)?));
    }
    for attribute in spec.attributes.iter().filter(|a| matches(&a.name)) {
        attribute_rows(&mut text, attribute);
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Generated code as rustfmt would write it, or nearly so.
pub fn formatted(tokens: &proc_macro2::TokenStream) -> String {
    match syn::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        // Not a file of items: a fault of the generator, best seen as it is.
        Err(fault) => format!("// not valid Rust: {fault}\n{tokens}\n"),
    }
}

fn plain(name: &str) -> String {
    let characters = name.chars().filter(char::is_ascii_alphanumeric);
    characters.map(|c| c.to_ascii_lowercase()).collect()
}

fn enumeration_rows(text: &mut String, enumeration: &Enumeration) {
    line(
        text,
        &format!("{} (KMIP {})", enumeration.name, enumeration.range),
    );
    for value in &enumeration.values {
        line(
            text,
            &format!("  0x{:08X}  {}  {}", value.value, value.name, value.range),
        );
    }
}

fn structure_rows(text: &mut String, structure: &Structure) {
    line(
        text,
        &format!("{} (KMIP {})", structure.name, structure.range),
    );
    field_rows(text, &structure.fields);
}

fn operation_rows(text: &mut String, operation: &Operation) {
    line(
        text,
        &format!("{} (KMIP {})", operation.name, operation.range),
    );
    for (direction, exchange) in [
        ("client to server", &operation.client_to_server),
        ("server to client", &operation.server_to_client),
    ] {
        let Some(exchange) = exchange else { continue };
        let payloads = [
            ("request", &exchange.request),
            ("response", &exchange.response),
        ];
        for (side, payload) in payloads {
            line(text, &format!(" {side}, {direction}"));
            let none = Payload::default();
            field_rows(text, &payload.as_ref().unwrap_or(&none).fields);
        }
    }
}

fn attribute_rows(text: &mut String, attribute: &Attribute) {
    line(text, &format!("the attribute {}", attribute.name));
    for rule in &attribute.rules {
        let row = format!(
            "  {}  client may set: {}, modify: {}, delete: {}; several: {}",
            rule.range,
            yes(rule
                .initially_set_by
                .contains(&kmip_spec::model::Party::Client)),
            rule_answer(&rule.modifiable_by_client),
            rule_answer(&rule.deletable_by_client),
            rule_answer(&rule.multiple_instances),
        );
        line(text, &row);
    }
}

fn field_rows(text: &mut String, fields: &[FieldRow]) {
    for field in fields {
        let kinds: Vec<&str> = field.kinds.iter().map(|kind| kind.name()).collect();
        let kinds = if kinds.is_empty() {
            "any".to_owned()
        } else {
            kinds.join("|")
        };
        let repeat = if field.repeat { ", repeated" } else { "" };
        let row = format!(
            "  {}  {kinds}  {}  required: {:?}{repeat}",
            field.name, field.range, field.required
        );
        line(text, &row);
    }
}

fn rule_answer(rule: &kmip_spec::model::Rule) -> String {
    match &rule.when {
        Some(when) => format!("{:?} ({when})", rule.answer),
        None => format!("{:?}", rule.answer),
    }
}

fn yes(yes: bool) -> &'static str {
    if yes { "Yes" } else { "No" }
}

fn line(text: &mut String, row: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "// {row}");
}
