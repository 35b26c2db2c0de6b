//! Numbers: unique in every version, in order, and of the kind that belongs there.

use super::{Finding, check_row_order, describe};
use crate::model::{Enumeration, EnumerationKind, Spec, ValueSource};
use crate::version::VersionRange;

/// The first value that vendors may define.
const FIRST_EXTENSION: u32 = 0x8000_0000;

pub(super) fn check(spec: &Spec, findings: &mut Vec<Finding>) {
    types(spec, findings);
    tags(spec, findings);
    for enumeration in &spec.enumerations {
        enumeration_values(enumeration, findings);
    }
    operations(spec, findings);
}

fn types(spec: &Spec, findings: &mut Vec<Finding>) {
    for row in &spec.types {
        if row.value != u32::from(row.kind.code()) {
            findings.push(Finding::Value {
                place: format!("type `{}`", row.kind.name()),
                value: row.value,
                expected: format!("0x{:X}", row.kind.code()),
            });
        }
    }
}

fn tags(spec: &Spec, findings: &mut Vec<Finding>) {
    let rows: Vec<Row<'_>> = spec
        .tags
        .iter()
        .map(|tag| (tag.value, tag.name.as_str(), tag.range))
        .collect();
    unique_and_ordered("tags", &rows, findings);
    for tag in &spec.tags {
        if !(0x42_0001..=0x42_FFFF).contains(&tag.value) {
            findings.push(Finding::Value {
                place: format!("tag `{}`", tag.name),
                value: tag.value,
                expected: "0x420001 to 0x42FFFF".to_owned(),
            });
        }
        let clashes = spec
            .reserved_tags
            .iter()
            .filter(|reserved| reserved.value == tag.value && reserved.range.overlaps(tag.range));
        findings.extend(clashes.map(|reserved| Finding::ReservedTag {
            name: tag.name.clone(),
            value: tag.value,
            defined: tag.range,
            reserved: reserved.range,
        }));
    }
}

fn enumeration_values(enumeration: &Enumeration, findings: &mut Vec<Finding>) {
    let scope = describe(enumeration);
    let values = &enumeration.values;
    let rows: Vec<Row<'_>> = values
        .iter()
        .map(|value| (value.value, value.name.as_str(), value.range))
        .collect();
    unique_and_ordered(&scope, &rows, findings);
    for value in values {
        let place = format!("{scope}, value `{}`", value.name);
        let expected = match enumeration.kind {
            EnumerationKind::Mask if !value.value.is_power_of_two() => Some("a single bit"),
            EnumerationKind::Enum if value.value >= FIRST_EXTENSION => Some("below 0x80000000"),
            _ => None,
        };
        if let Some(expected) = expected {
            let expected = expected.to_owned();
            findings.push(Finding::Value {
                place: place.clone(),
                value: value.value,
                expected,
            });
        }
        if !enumeration.range.covers(value.range) {
            findings.push(Finding::OutsideRange {
                place: place.clone(),
                range: value.range,
                kind: "enumeration",
                name: enumeration.name.clone(),
                available: enumeration.range,
            });
        }
        check_row_order(
            &place,
            value.spellings.iter().map(|(range, _)| *range),
            findings,
        );
        let spelled = |version| {
            value
                .spellings
                .iter()
                .any(|(range, _)| range.contains(version))
        };
        if !value.spellings.is_empty() && !value.range.versions().all(spelled) {
            findings.push(Finding::Spellings {
                place,
                range: value.range,
            });
        }
    }
}

/// An operation has the value and the versions that the enumeration Operation gives it.
fn operations(spec: &Spec, findings: &mut Vec<Finding>) {
    let rows: Vec<Row<'_>> = spec
        .operations
        .iter()
        .map(|o| (o.value, o.name.as_str(), o.range))
        .collect();
    unique_and_ordered("operations", &rows, findings);
    let Some(enumeration) = spec
        .enumeration("Operation")
        .filter(|e| e.source == ValueSource::Table)
    else {
        return;
    };
    for operation in &spec.operations {
        let place = format!("operation `{}`", operation.name);
        match enumeration
            .values
            .iter()
            .find(|value| value.name == operation.name)
        {
            None => findings.push(Finding::UnknownReference {
                place,
                kind: "value of the enumeration Operation",
                name: operation.name.clone(),
            }),
            Some(value) if value.value != operation.value => findings.push(Finding::Value {
                place,
                value: operation.value,
                expected: format!("0x{:X}", value.value),
            }),
            Some(value) if !value.range.covers(operation.range) => {
                findings.push(Finding::OutsideRange {
                    place,
                    range: operation.range,
                    kind: "value of the enumeration Operation",
                    name: operation.name.clone(),
                    available: value.range,
                });
            }
            Some(_) => {}
        }
    }
}

type Row<'s> = (u32, &'s str, VersionRange);

fn unique_and_ordered(scope: &str, rows: &[Row<'_>], findings: &mut Vec<Finding>) {
    for (index, &(value, name, range)) in rows.iter().enumerate() {
        let above = &rows[..index];
        let twin = above
            .iter()
            .find(|(other, _, at)| *other == value && at.overlaps(range));
        if let Some((_, twin, _)) = twin {
            findings.push(Finding::DuplicateValue {
                scope: scope.to_owned(),
                value,
                first: (*twin).to_owned(),
                second: name.to_owned(),
            });
        }
        if let Some((_, previous, _)) = above.last().filter(|(other, ..)| *other > value) {
            findings.push(Finding::ValueOrder {
                scope: scope.to_owned(),
                first: (*previous).to_owned(),
                second: name.to_owned(),
            });
        }
    }
}
