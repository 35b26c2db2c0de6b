//! The built-in tables.

use kmip_spec::model::{Attribute, Enumeration, EnumerationKind, ValueSource};
use kmip_spec::{Spec, Version, check};

fn spec() -> Spec {
    Spec::load().unwrap()
}

/// What the specifications define in each version, counted in their texts.
#[test]
fn every_version_has_all_that_its_tables_define() {
    let spec = spec();
    type Count<'s> = &'s dyn Fn(Version) -> usize;
    let expected: [(&str, [usize; 7], Count<'_>); 10] = [
        ("tags", [161, 183, 211, 247, 292, 337, 354], &|version| {
            spec.tags
                .iter()
                .filter(|tag| tag.range.contains(version))
                .count()
        }),
        ("reserved tags", [0, 0, 0, 0, 0, 20, 20], &|version| {
            spec.reserved_tags
                .iter()
                .filter(|tag| tag.range.contains(version))
                .count()
        }),
        ("item types", [10, 10, 10, 10, 10, 11, 11], &|version| {
            spec.types
                .iter()
                .filter(|row| row.range.contains(version))
                .count()
        }),
        ("enumerations", [30, 33, 36, 47, 49, 59, 61], &|version| {
            enumerations(&spec, EnumerationKind::Enum, version).count()
        }),
        (
            "enumeration values",
            [245, 271, 361, 536, 608, 630, 644],
            &|version| values(&spec, EnumerationKind::Enum, version),
        ),
        ("masks", [2, 2, 2, 2, 2, 3, 3], &|version| {
            enumerations(&spec, EnumerationKind::Mask, version).count()
        }),
        ("mask bits", [22, 22, 22, 22, 22, 33, 33], &|version| {
            values(&spec, EnumerationKind::Mask, version)
        }),
        ("structures", [57, 62, 67, 74, 74, 88, 95], &|version| {
            spec.structures
                .iter()
                .filter(|structure| structure.range.contains(version))
                .count()
        }),
        ("operations", [28, 30, 41, 41, 43, 53, 59], &|version| {
            spec.operations
                .iter()
                .filter(|operation| operation.range.contains(version))
                .count()
        }),
        ("attributes", [33, 39, 43, 44, 51, 79, 86], &|version| {
            let has_rules = |attribute: &&Attribute| {
                attribute
                    .rules
                    .iter()
                    .any(|rule| rule.range.contains(version))
            };
            spec.attributes.iter().filter(has_rules).count()
        }),
    ];
    for (what, counts, count) in expected {
        let found = Version::ALL.map(count);
        assert_eq!(found, counts, "{what} of the versions 1.0 to 2.1");
    }
}

fn enumerations(
    spec: &Spec,
    kind: EnumerationKind,
    version: Version,
) -> impl Iterator<Item = &Enumeration> {
    spec.enumerations.iter().filter(move |enumeration| {
        enumeration.kind == kind
            && enumeration.source == ValueSource::Table
            && enumeration.range.contains(version)
    })
}

fn values(spec: &Spec, kind: EnumerationKind, version: Version) -> usize {
    enumerations(spec, kind, version)
        .flat_map(|enumeration| &enumeration.values)
        .filter(|value| value.range.contains(version))
        .count()
}

#[test]
fn the_tables_are_consistent() {
    let findings: Vec<String> = check(&spec()).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
