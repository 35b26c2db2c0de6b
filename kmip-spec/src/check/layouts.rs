//! Fields and attributes: every reference resolves, in every version, and the rows are in order.

use super::{Finding, check_row_order, describe};
use crate::model::{
    Attribute, Choice, EnumerationKind, FieldRow, ItemKind, Operation, Payload, Spec,
};
use crate::version::{Version, VersionRange};

pub(super) fn check(spec: &Spec, findings: &mut Vec<Finding>) {
    let mut references = References { spec, findings };
    references.enumeration_tags();
    for structure in &spec.structures {
        let place = format!("structure `{}`", structure.name);
        references.tag(&place, &structure.tag_name, structure.range);
        references.fields(&place, &structure.fields, |version| {
            structure.range.contains(version)
        });
    }
    for operation in &spec.operations {
        references.operation(operation);
    }
    for attribute in &spec.attributes {
        references.attribute(attribute);
    }
}

struct References<'s> {
    spec: &'s Spec,
    findings: &'s mut Vec<Finding>,
}

impl References<'_> {
    /// An enumeration's tags exist, and no tag belongs to two enumerations.
    fn enumeration_tags(&mut self) {
        let spec = self.spec;
        for enumeration in &spec.enumerations {
            let place = describe(enumeration);
            for tag in enumeration.tag.iter().chain(&enumeration.used_by) {
                match spec.tag(tag) {
                    None => self.unknown(&place, "tag", tag),
                    Some(found) if !found.range.overlaps(enumeration.range) => {
                        self.outside(&place, enumeration.range, "tag", tag, found.range);
                    }
                    Some(_) => {}
                }
                let first = spec.enumeration_of_tag(tag);
                if first.is_some_and(|first| first.name != enumeration.name) {
                    self.findings.push(Finding::EnumerationTag {
                        place: place.clone(),
                        tag: tag.clone(),
                        enumeration: first.map(|first| first.name.clone()).unwrap_or_default(),
                    });
                }
            }
        }
    }

    fn operation(&mut self, operation: &Operation) {
        let directions = [&operation.client_to_server, &operation.server_to_client];
        for exchange in directions.into_iter().flatten() {
            for (message, payload) in [
                ("request", &exchange.request),
                ("response", &exchange.response),
            ] {
                let Some(payload) = payload else { continue };
                let place = format!("{message} payload of `{}`", operation.name);
                check_row_order(&place, payload.ranges.iter().copied(), self.findings);
                for &range in payload
                    .ranges
                    .iter()
                    .filter(|&&r| !exchange.range.covers(r))
                {
                    self.outside(&place, range, "operation", &operation.name, exchange.range);
                }
                self.fields(&place, &payload.fields, |version| {
                    Payload::contains(payload, version)
                });
            }
        }
    }

    fn fields(&mut self, owner: &str, rows: &[FieldRow], exists: impl Fn(Version) -> bool) {
        for (index, row) in rows.iter().enumerate() {
            let place = format!("{owner}, field `{}`", row.name);
            if !row.range.versions().all(&exists) {
                self.findings.push(Finding::NoTable {
                    place: place.clone(),
                    range: row.range,
                });
            }
            let above = rows[..index]
                .iter()
                .rposition(|other| other.name == row.name);
            match above {
                Some(above) if above + 1 < index => {
                    self.findings.push(Finding::ScatteredRows {
                        place: place.clone(),
                    });
                }
                Some(above) => {
                    let ranges = [rows[above].range, row.range];
                    check_row_order(&place, ranges.into_iter(), self.findings);
                }
                None => {}
            }
            match (&row.tag, &row.choice) {
                (Some(tag), _) => self.item(&place, tag, row),
                (None, Some(Choice::OneOf(tags))) => {
                    for tag in tags {
                        self.tag(&place, tag, row.range);
                    }
                }
                (None, _) => {}
            }
        }
    }

    /// The field is an item with a fixed tag.
    fn item(&mut self, place: &str, tag: &str, row: &FieldRow) {
        self.tag(place, tag, row.range);
        let tag_kinds = self.spec.tag(tag).map_or(&[][..], |tag| &tag.kinds);
        for &kind in row.kinds.iter().filter(|kind| !tag_kinds.contains(kind)) {
            if !tag_kinds.is_empty() {
                let (place, tag) = (place.to_owned(), tag.to_owned());
                self.findings.push(Finding::TagKind { place, tag, kind });
            }
        }
        self.enumeration(
            place,
            tag,
            &row.kinds,
            row.enumeration.as_deref(),
            row.range,
        );
    }

    fn enumeration(
        &mut self,
        place: &str,
        tag: &str,
        kinds: &[ItemKind],
        name: Option<&str>,
        range: VersionRange,
    ) {
        let Some(name) = name else {
            if kinds.contains(&ItemKind::Enumeration) {
                let problem = "an item of type Enumeration needs one";
                let place = place.to_owned();
                self.findings
                    .push(Finding::EnumerationKind { place, problem });
            }
            return;
        };
        let Some(enumeration) = self.spec.enumeration(name) else {
            return self.unknown(place, "enumeration", name);
        };
        if !enumeration.range.covers(range) {
            self.outside(place, range, "enumeration", name, enumeration.range);
        }
        let (needed, problem) = match enumeration.kind {
            EnumerationKind::Enum => (ItemKind::Enumeration, "it takes the type Enumeration"),
            EnumerationKind::Mask => (ItemKind::Integer, "a mask takes the type Integer"),
        };
        if !kinds.contains(&needed) {
            let place = place.to_owned();
            self.findings
                .push(Finding::EnumerationKind { place, problem });
        }
        let listed = self.spec.enumeration_of_tag(tag);
        if listed.is_none_or(|listed| listed.name != name) {
            self.findings.push(Finding::EnumerationTag {
                place: place.to_owned(),
                tag: tag.to_owned(),
                enumeration: name.to_owned(),
            });
        }
    }

    fn attribute(&mut self, attribute: &Attribute) {
        let owner = format!("attribute `{}`", attribute.name);
        check_row_order(
            &owner,
            attribute.rules.iter().map(|rule| rule.range),
            self.findings,
        );
        for rule in &attribute.rules {
            let range = rule.range;
            let place = format!("{owner}, {range}");
            self.tag(&place, &attribute.tag_name, range);
            if !rule.kinds.is_empty() {
                let enumeration = rule.enumeration.as_deref();
                self.enumeration(&place, &attribute.tag_name, &rule.kinds, enumeration, range);
            }
            if let Some(name) = &rule.structure {
                let found = self.spec.structure(name).map(|structure| structure.range);
                self.within(&place, "structure", name, found, range);
            }
            let operations = rule
                .implicitly_set_by
                .iter()
                .filter(|o| !o.starts_with("event:"));
            for name in operations {
                let found = self.spec.operation(name).map(|operation| operation.range);
                self.within(&place, "operation", name, found, range);
            }
            let old = range.last() < Version::V2_0;
            let mixed = !old && range.since < Version::V2_0;
            if mixed || rule.name_string.is_some() != old {
                let attribute = attribute.name.clone();
                self.findings.push(Finding::NameString { attribute, range });
            }
        }
    }

    fn tag(&mut self, place: &str, name: &str, range: VersionRange) {
        let found = self.spec.tag(name).map(|tag| tag.range);
        self.within(place, "tag", name, found, range);
    }

    /// What is referred to exists in all of `range`.
    fn within(
        &mut self,
        place: &str,
        kind: &'static str,
        name: &str,
        found: Option<VersionRange>,
        range: VersionRange,
    ) {
        match found {
            None => self.unknown(place, kind, name),
            Some(available) if !available.covers(range) => {
                self.outside(place, range, kind, name, available);
            }
            Some(_) => {}
        }
    }

    fn unknown(&mut self, place: &str, kind: &'static str, name: &str) {
        let (place, name) = (place.to_owned(), name.to_owned());
        self.findings
            .push(Finding::UnknownReference { place, kind, name });
    }

    fn outside(
        &mut self,
        place: &str,
        range: VersionRange,
        kind: &'static str,
        name: &str,
        available: VersionRange,
    ) {
        let (place, name) = (place.to_owned(), name.to_owned());
        self.findings.push(Finding::OutsideRange {
            place,
            range,
            kind,
            name,
            available,
        });
    }
}
