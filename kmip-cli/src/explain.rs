//! `kmip explain`: what the specifications say of a name.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use kmip_spec::model::{
    Answer, Attribute, Choice, EnumValue, Enumeration, EnumerationKind, Exchange, FieldRow,
    ItemKind, Operation, Ranged, Required, Rule, Structure, Tag,
};
use kmip_spec::names::normalise;
use kmip_spec::{Spec, Version, VersionRange};

use crate::arguments::Explain;
use crate::failure::Failure;

pub(crate) fn run(options: &Explain) -> Result<ExitCode, Failure> {
    let spec = Spec::load()?;
    let name = options.name.join(" ");
    let text = Page::of(&spec, &name, options.version);
    if text.is_empty() {
        return Err(Failure::UnknownName(name));
    }
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

struct Page {
    text: String,
    version: Option<Version>,
}

impl Page {
    fn of(spec: &Spec, name: &str, version: Option<Version>) -> String {
        let wanted = letters(name);
        let number = name
            .strip_prefix("0x")
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        let mut page = Page {
            text: String::new(),
            version,
        };
        let is = |found: &str| letters(found) == wanted;
        for tag in &spec.tags {
            if (is(&tag.name) || number == Some(tag.value)) && page.has(tag.range) {
                page.tag(tag);
            }
        }
        for reserved in &spec.reserved_tags {
            if number == Some(reserved.value) && page.has(reserved.range) {
                let range = reserved.range;
                page.line(&format!(
                    "tag 0x{:06X}: reserved in KMIP {range}",
                    reserved.value
                ));
            }
        }
        for operation in spec
            .operations
            .iter()
            .filter(|operation| is(&operation.name))
        {
            page.operation(operation);
        }
        for structure in spec
            .structures
            .iter()
            .filter(|structure| is(&structure.name))
        {
            page.structure(structure);
        }
        for attribute in spec
            .attributes
            .iter()
            .filter(|attribute| is(&attribute.name))
        {
            page.attribute(attribute);
        }
        let of_tag = spec.tags.iter().find(|tag| is(&tag.name));
        let of_tag = of_tag.and_then(|tag| spec.enumeration_of_tag(&tag.name));
        for enumeration in &spec.enumerations {
            let shown = is(&enumeration.name) || of_tag.is_some_and(|e| e.name == enumeration.name);
            if shown && page.has(enumeration.range) {
                page.enumeration(enumeration);
            } else {
                page.values(enumeration, &is);
            }
        }
        page.text
    }

    fn has(&self, range: VersionRange) -> bool {
        self.version.is_none_or(|version| range.contains(version))
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn head(&mut self, kind: &str, name: &str, range: VersionRange, sections: &[Ranged]) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&format!("{kind} {name}, KMIP {range}"));
        let sections: Vec<String> = sections
            .iter()
            .filter(|(range, _)| self.has(*range))
            .map(|(range, section)| format!("{section} in {range}"))
            .collect();
        if !sections.is_empty() {
            self.line(&format!("  section {}", sections.join(", ")));
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let name = format!(
            "{} ({}, 0x{:06X})",
            tag.name,
            normalise(&tag.name),
            tag.value
        );
        self.head("tag", &name, tag.range, &tag.sections);
        self.line(&format!("  type {}", kinds(&tag.kinds)));
        if tag.secret {
            self.line("  may hold a secret");
        }
        if let Some(range) = tag.deprecated {
            self.line(&format!("  deprecated in {range}"));
        }
    }

    fn operation(&mut self, operation: &Operation) {
        if !self.has(operation.range) {
            return;
        }
        let exchanges = [
            ("client to server", &operation.client_to_server),
            ("server to client", &operation.server_to_client),
        ];
        for (direction, exchange) in exchanges {
            let Some(exchange) = exchange.as_ref().filter(|e| self.has(e.range)) else {
                continue;
            };
            let name = format!(
                "{} (0x{:08X}), {direction}",
                operation.name, operation.value
            );
            self.head("operation", &name, exchange.range, &exchange.sections);
            self.exchange(exchange);
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        for (name, payload) in [
            ("request", &exchange.request),
            ("response", &exchange.response),
        ] {
            if let Some(payload) = payload {
                self.line(&format!("  {name}"));
                self.fields(&payload.fields, "    ");
            }
        }
    }

    fn structure(&mut self, structure: &Structure) {
        if self.has(structure.range) {
            let (name, sections) = (&structure.name, &structure.sections);
            self.head("structure", name, structure.range, sections);
            self.fields(&structure.fields, "  ");
        }
    }

    fn fields(&mut self, fields: &[FieldRow], indent: &str) {
        let width = fields
            .iter()
            .map(|field| field.name.len())
            .max()
            .unwrap_or_default();
        for field in fields {
            if !self.has(field.range) {
                continue;
            }
            let mut line = format!("{indent}{:width$}  {:12}", field.name, required(field));
            let _ = write!(
                line,
                "  {}",
                match &field.choice {
                    None => kinds(&field.kinds),
                    Some(Choice::AnyAttribute) => "any attribute".to_owned(),
                    Some(Choice::AnyItem) => "any item".to_owned(),
                    Some(Choice::OneOf(names)) => format!("one of {}", names.join(", ")),
                }
            );
            if self.version.is_none() {
                let _ = write!(line, ", KMIP {}", field.range);
            }
            if let Some(note) = &field.note {
                let _ = write!(line, " ({note})");
            }
            self.line(line.trim_end());
        }
    }

    fn attribute(&mut self, attribute: &Attribute) {
        for rule in &attribute.rules {
            if !self.has(rule.range) {
                continue;
            }
            let name = match &rule.name_string {
                Some(name) if *name != attribute.name => format!("{} ({name})", attribute.name),
                _ => attribute.name.clone(),
            };
            self.head("attribute", &name, rule.range, &rule.sections);
            self.line(&format!("  type {}", kinds(&rule.kinds)));
            for (what, answer) in [
                ("always has a value", &rule.always_has_value),
                ("modifiable by the server", &rule.modifiable_by_server),
                ("modifiable by the client", &rule.modifiable_by_client),
                ("deletable by the client", &rule.deletable_by_client),
                ("several instances", &rule.multiple_instances),
            ] {
                self.line(&format!("  {what}: {}", self::answer(answer)));
            }
            let setters: Vec<String> = rule
                .initially_set_by
                .iter()
                .map(|p| format!("{p:?}"))
                .collect();
            self.line(&format!("  first set by: {}", setters.join(" or ")));
            if !rule.applies_to.is_empty() {
                self.line(&format!("  of: {}", rule.applies_to.join(", ")));
            }
        }
    }

    fn enumeration(&mut self, enumeration: &Enumeration) {
        let kind = kind(enumeration);
        self.head(kind, &enumeration.name, enumeration.range, &[]);
        for value in &enumeration.values {
            if self.has(value.range) {
                self.value(value);
            }
        }
    }

    /// The values with a name, of an enumeration that has another one.
    fn values(&mut self, enumeration: &Enumeration, is: &impl Fn(&str) -> bool) {
        for value in &enumeration.values {
            if is(&value.name) && self.has(value.range) {
                self.head(
                    &format!("value of the {}", kind(enumeration)),
                    &enumeration.name,
                    value.range,
                    &[],
                );
                self.value(value);
            }
        }
    }

    fn value(&mut self, value: &EnumValue) {
        let name = match self.version {
            Some(version) => value.spelling(version),
            None => &value.name,
        };
        let mut line = format!("  0x{:08X}  {name} ({})", value.value, normalise(name));
        if self.version.is_none() {
            let _ = write!(line, ", KMIP {}", value.range);
        }
        if let Some(range) = value.deprecated {
            let _ = write!(line, ", deprecated in {range}");
        }
        self.line(&line);
    }
}

fn kind(enumeration: &Enumeration) -> &'static str {
    match enumeration.kind {
        EnumerationKind::Enum => "enumeration",
        EnumerationKind::Mask => "mask",
    }
}

fn required(field: &FieldRow) -> String {
    let word = match field.required {
        Required::Yes => "required",
        Required::No => "optional",
        Required::Conditional => "conditional",
        Required::Unspecified => "",
    };
    match field.repeat {
        true => format!("{word}*"),
        false => word.to_owned(),
    }
}

fn kinds(kinds: &[ItemKind]) -> String {
    if kinds.is_empty() {
        return "any type".to_owned();
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    names.join(" or ")
}

fn answer(rule: &Rule) -> String {
    let word = match rule.answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Conditional => "it depends",
        Answer::Unspecified => "not said",
    };
    match &rule.when {
        Some(when) => format!("{word} ({when})"),
        None => word.to_owned(),
    }
}

/// What counts in a name.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}
