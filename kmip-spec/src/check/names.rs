//! Names: unique, and unique as XML and JSON spell them.

use std::collections::HashMap;

use super::{Finding, describe};
use crate::model::Spec;
use crate::names::normalise;

pub(super) fn check(spec: &Spec, findings: &mut Vec<Finding>) {
    let mut tags = Scope::new("tags");
    for tag in &spec.tags {
        tags.add(&tag.name, tag.aliases.iter(), findings);
    }
    let mut enumerations = Scope::new("enumerations");
    for enumeration in &spec.enumerations {
        enumerations.add(&enumeration.name, [].iter(), findings);
        let mut values = Scope::new(&describe(enumeration));
        for value in &enumeration.values {
            let spellings = value.spellings.iter().map(|(_, spelling)| spelling);
            values.add(&value.name, value.aliases.iter().chain(spellings), findings);
        }
    }
    let mut structures = Scope::new("structures");
    for structure in &spec.structures {
        structures.add(&structure.name, [].iter(), findings);
    }
    let mut operations = Scope::new("operations");
    for operation in &spec.operations {
        operations.add(&operation.name, [].iter(), findings);
    }
    let mut attributes = Scope::new("attributes");
    for attribute in &spec.attributes {
        attributes.add(&attribute.name, [].iter(), findings);
    }
}

/// Names among which each must be unique.
struct Scope<'s> {
    name: String,
    /// What each normalised spelling stands for.
    owners: HashMap<String, &'s str>,
}

impl<'s> Scope<'s> {
    fn new(name: &str) -> Self {
        Scope {
            name: name.to_owned(),
            owners: HashMap::new(),
        }
    }

    /// Adds a name with the other spellings of the same thing.
    fn add(
        &mut self,
        name: &'s str,
        others: impl Iterator<Item = &'s String>,
        findings: &mut Vec<Finding>,
    ) {
        if self.owners.values().any(|&owner| owner == name) {
            let finding = Finding::DuplicateName {
                scope: self.name.clone(),
                name: name.to_owned(),
            };
            findings.push(finding);
            return;
        }
        for spelling in others.map(String::as_str).chain([name]) {
            let normalised = normalise(spelling);
            match self.owners.get(&normalised) {
                Some(&owner) if owner != name => findings.push(Finding::SameNormalisedName {
                    scope: self.name.clone(),
                    first: owner.to_owned(),
                    second: spelling.to_owned(),
                    normalised,
                }),
                _ => {
                    self.owners.insert(normalised, name);
                }
            }
        }
    }
}
