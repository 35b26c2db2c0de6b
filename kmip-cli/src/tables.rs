//! `kmip spec`: the tables of the specifications.

use std::io::{self, Write};
use std::process::ExitCode;

use kmip_spec::model::{Attribute, EnumerationKind, ValueSource};
use kmip_spec::{Spec, Version};

use crate::arguments::SpecOptions;
use crate::failure::Failure;

pub(crate) fn run(options: &SpecOptions) -> Result<ExitCode, Failure> {
    let spec = Spec::load()?;
    let mut output = io::stdout().lock();
    if options.json {
        writeln!(output, "{:#}", kmip_spec::json::dump(&spec))?;
        return Ok(ExitCode::SUCCESS);
    }
    write!(output, "{:14}", "KMIP")?;
    for version in Version::ALL {
        write!(output, "{:>6}", version.to_string())?;
    }
    writeln!(output)?;
    let of_kind = |kind, version| {
        let all = spec.enumerations.iter();
        all.filter(|e| {
            e.source == ValueSource::Table && e.kind == kind && e.range.contains(version)
        })
        .count()
    };
    let tags = |v| spec.tags.iter().filter(|tag| tag.range.contains(v)).count();
    let structures = |v| {
        let all = spec.structures.iter();
        all.filter(|structure| structure.range.contains(v)).count()
    };
    let operations = |v| {
        let all = spec.operations.iter();
        all.filter(|operation| operation.range.contains(v)).count()
    };
    let attributes = |v| {
        let has = |a: &&Attribute| a.rules.iter().any(|rule| rule.range.contains(v));
        spec.attributes.iter().filter(has).count()
    };
    let counts: [(&str, &dyn Fn(Version) -> usize); 6] = [
        ("tags", &tags),
        ("enumerations", &|v| of_kind(EnumerationKind::Enum, v)),
        ("masks", &|v| of_kind(EnumerationKind::Mask, v)),
        ("structures", &structures),
        ("operations", &operations),
        ("attributes", &attributes),
    ];
    for (name, count) in counts {
        write!(output, "{name:14}")?;
        for version in Version::ALL {
            write!(output, "{:>6}", count(version))?;
        }
        writeln!(output)?;
    }
    Ok(ExitCode::SUCCESS)
}
