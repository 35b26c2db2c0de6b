//! What came out of the cases, for people and for programs.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use kmip::ProtocolVersion;
use serde_json::{Value, json};

use super::player::{StepResult, Verdict};
use crate::conformance::report::{Check, Count, Outcome};
use crate::paint::Paint;

/// What came out of a case.
#[derive(Debug)]
pub(super) struct CaseResult {
    pub(super) name: String,
    pub(super) group: String,
    pub(super) version: Option<ProtocolVersion>,
    pub(super) result: Played,
}

/// How a case went.
#[derive(Debug)]
pub(super) enum Played {
    Skipped(String),
    /// It failed as its document must, which contradicts itself.
    Contradictory(String, Vec<StepResult>),
    /// The document cannot be played.
    Unplayable(String),
    Steps(Vec<StepResult>),
}

impl CaseResult {
    /// The case as one check.
    pub(super) fn check(&self) -> Check {
        Check {
            name: self.name.clone(),
            outcome: match &self.result {
                Played::Skipped(reason) | Played::Contradictory(reason, _) => {
                    Outcome::Skipped(reason.clone())
                }
                Played::Unplayable(fault) => Outcome::Failed(fault.clone()),
                Played::Steps(steps) => match steps.iter().find_map(StepResult::fault) {
                    Some(fault) => Outcome::Failed(fault),
                    None => Outcome::Passed(None),
                },
            },
        }
    }

    pub(super) fn steps(&self) -> &[StepResult] {
        match &self.result {
            Played::Steps(steps) | Played::Contradictory(_, steps) => steps,
            _ => &[],
        }
    }

    /// The profile that the case is about: that in its name, as in `CS-BC-M-1-14`, or else the begin of
    /// the name.
    pub(super) fn profile(&self) -> &str {
        let marks = ["-M-", "-O-"].map(|mark| self.name.find(mark));
        let mark = marks.into_iter().flatten().min();
        let first = || self.name.find('-').unwrap_or(self.name.len());
        &self.name[..mark.unwrap_or_else(first)]
    }

    /// The version, if the document has one.
    pub(super) fn version_text(&self) -> String {
        let version = self.version.map(|version| version.to_string());
        version.unwrap_or_else(|| "none".to_owned())
    }

    /// Version and profile, under which results are summed up.
    pub(super) fn section(&self) -> String {
        format!("{} {}", self.version_text(), self.profile())
    }
}

impl StepResult {
    /// The first difference, with the place of the request.
    fn fault(&self) -> Option<String> {
        let Verdict::Different(findings) = &self.verdict else {
            return None;
        };
        let first = findings.first()?;
        let more = match findings.len() {
            1 => String::new(),
            number => format!(" (and {} more)", number - 1),
        };
        let (line, operations) = (self.line, &self.operations);
        Some(format!("line {line}, {operations}: {first}{more}"))
    }
}

/// Prints the failures of a case, or with `verbose` all about it.
pub(super) fn print_case(
    case: &CaseResult,
    verbose: bool,
    paint: Paint,
    output: &mut impl Write,
) -> io::Result<()> {
    let check = case.check();
    let (version, name) = (case.section(), &check.name);
    match &check.outcome {
        Outcome::Failed(fault) if !verbose => {
            writeln!(
                output,
                "{} {version} {name}: {fault}",
                paint.error("FAILED")
            )?;
            if let Some(step) = case.steps().iter().find(|step| step.fault().is_some()) {
                print_difference(step, 1, paint, output)?;
            }
        }
        Outcome::Failed(fault) => {
            writeln!(
                output,
                "{} {version} {name}: {fault}",
                paint.error("FAILED")
            )?;
        }
        Outcome::Skipped(reason) if verbose => {
            writeln!(output, "skipped {version} {name}: {reason}")?;
        }
        Outcome::Passed(_) if verbose => writeln!(output, "passed {version} {name}")?,
        _ => {}
    }
    if verbose {
        for step in case.steps() {
            let (line, operations) = (step.line, &step.operations);
            let word = step.verdict.word();
            writeln!(output, "  line {line}, {operations}: {word}")?;
            print_difference(step, usize::MAX, paint, output)?;
        }
    }
    Ok(())
}

fn print_difference(
    step: &StepResult,
    most: usize,
    paint: Paint,
    output: &mut impl Write,
) -> io::Result<()> {
    let Verdict::Different(findings) = &step.verdict else {
        return Ok(());
    };
    for finding in findings.iter().take(most) {
        writeln!(
            output,
            "    {} {}",
            finding.kind.word(),
            paint.head(&finding.path)
        )?;
        if !finding.expected.is_empty() {
            writeln!(
                output,
                "      {}",
                paint.tag(&format!("- {}", finding.expected))
            )?;
        }
        if !finding.actual.is_empty() {
            writeln!(
                output,
                "      {}",
                paint.error(&format!("+ {}", finding.actual))
            )?;
        }
    }
    Ok(())
}

impl Verdict {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Verdict::Equal => "equal",
            Verdict::EqualModuloVariables => "equal modulo variables",
            Verdict::Different(_) => "different",
            Verdict::Unneeded => "not needed",
        }
    }
}

/// Prints how many cases of each profile and version passed.
pub(super) fn print_table(cases: &[CaseResult], output: &mut impl Write) -> io::Result<()> {
    let matrix = Matrix::of(cases);
    write!(output, "{:<16}", "passed")?;
    for version in &matrix.versions {
        write!(output, "{version:>10}")?;
    }
    writeln!(output)?;
    for profile in &matrix.profiles {
        write!(output, "{profile:<16}")?;
        for version in &matrix.versions {
            let count = matrix.cells.get(&(profile.clone(), version.clone()));
            write!(output, "{:>10}", count.map(Count::cell).unwrap_or_default())?;
        }
        writeln!(output)?;
    }
    Ok(())
}

/// The cases by profile and version.
pub(super) struct Matrix {
    pub(super) profiles: BTreeSet<String>,
    pub(super) versions: BTreeSet<String>,
    pub(super) cells: BTreeMap<(String, String), Count>,
}

impl Matrix {
    pub(super) fn of(cases: &[CaseResult]) -> Self {
        let mut checks: BTreeMap<(String, String), Vec<Check>> = BTreeMap::new();
        for case in cases {
            let place = (case.profile().to_owned(), case.version_text());
            checks.entry(place).or_default().push(case.check());
        }
        Matrix {
            profiles: checks.keys().map(|(profile, _)| profile.clone()).collect(),
            versions: checks.keys().map(|(_, version)| version.clone()).collect(),
            cells: checks
                .into_iter()
                .map(|(place, checks)| (place, Count::of(&checks)))
                .collect(),
        }
    }
}

impl Count {
    /// How many passed of those that were played.
    pub(super) fn cell(&self) -> String {
        match (self.passed, self.failed) {
            (0, 0) => "skipped".to_owned(),
            (passed, 0) => passed.to_string(),
            (passed, failed) => format!("{passed} of {}", passed + failed),
        }
    }
}

/// The checks of each version and profile.
pub(super) fn sections(cases: &[CaseResult]) -> Vec<(String, Vec<Check>)> {
    let mut sections: BTreeMap<String, Vec<Check>> = BTreeMap::new();
    for case in cases {
        sections
            .entry(case.section())
            .or_default()
            .push(case.check());
    }
    sections.into_iter().collect()
}

/// All results as one JSON object.
pub(super) fn to_json(cases: &[CaseResult]) -> Value {
    let checks: Vec<Check> = cases.iter().map(CaseResult::check).collect();
    let count = Count::of(&checks);
    let cases: Vec<Value> = cases.iter().zip(&checks).map(case_to_json).collect();
    json!({
        "passed": count.passed,
        "failed": count.failed,
        "skipped": count.skipped,
        "cases": cases,
    })
}

fn case_to_json((case, check): (&CaseResult, &Check)) -> Value {
    let (word, reason) = match &check.outcome {
        Outcome::Passed(_) => ("passed", None),
        Outcome::Failed(fault) => ("failed", Some(fault)),
        Outcome::Departed(reason) => ("passed", Some(reason)),
        Outcome::Skipped(reason) => ("skipped", Some(reason)),
    };
    let steps: Vec<Value> = case.steps().iter().map(step_to_json).collect();
    json!({
        "name": case.name,
        "version": case.version.map(|version| version.to_string()),
        "group": case.group,
        "profile": case.profile(),
        "outcome": word,
        "reason": reason,
        "steps": steps,
    })
}

fn step_to_json(step: &StepResult) -> Value {
    let findings = match &step.verdict {
        Verdict::Different(findings) => &findings[..],
        _ => &[],
    };
    let differences: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "kind": finding.kind.word(),
                "path": finding.path,
                "expected": finding.expected,
                "actual": finding.actual,
            })
        })
        .collect();
    json!({
        "line": step.line,
        "operations": step.operations,
        "verdict": step.verdict.word(),
        "differences": differences,
    })
}
