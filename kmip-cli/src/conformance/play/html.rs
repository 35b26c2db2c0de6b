//! The results as a page: a matrix of profiles and versions, and below it the cases with their
//! messages. It needs nothing from elsewhere, and no scripts.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::outcome::{CaseResult, Matrix};
use super::player::{StepResult, Verdict};
use crate::conformance::junit::escaped;
use crate::conformance::report::{Count, Outcome};

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>KMIP conformance</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --line: #bbb; --head: #eee; --good: #cfeccf; --bad: #f4c7c3; }
@media (prefers-color-scheme: dark) {
  :root { --line: #555; --head: #333; --good: #1d4a25; --bad: #6b2a25; }
}
body { font-family: system-ui, sans-serif; margin: 2em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .3em .8em; text-align: right; }
th:first-child { text-align: left; }
th { background: var(--head); }
td a { color: inherit; }
.passed { background: var(--good); }
.failed { background: var(--bad); font-weight: bold; }
.skipped { background: var(--head); }
h2 { font-size: 1.1em; margin: 1.5em 0 .3em; }
details { margin: .2em 0 .2em 1em; }
summary { cursor: pointer; padding: .1em .4em; }
pre { background: var(--head); border: 1px solid var(--line); padding: .5em; overflow: auto; }
</style></head><body><main><h1>KMIP conformance</h1>
"#;

/// The page. The messages of cases that pass are on it only with `verbose`.
pub(super) fn page(cases: &[CaseResult], verbose: bool) -> String {
    let mut page = HEAD.to_owned();
    let checks: Vec<_> = cases.iter().map(CaseResult::check).collect();
    push(&mut page, &format!("<p>{}</p>\n", Count::of(&checks)));
    matrix(&mut page, cases);
    sections(&mut page, cases, verbose);
    page.push_str("</main></body></html>\n");
    page
}

fn push(page: &mut String, text: &str) {
    page.push_str(text);
}

fn matrix(page: &mut String, cases: &[CaseResult]) {
    let matrix = Matrix::of(cases);
    push(page, "<div class=\"wide\"><table><tr><th>profile</th>");
    for version in &matrix.versions {
        let _ = write!(page, "<th>{}</th>", escaped(version));
    }
    push(page, "</tr>\n");
    for profile in &matrix.profiles {
        let _ = write!(page, "<tr><th>{}</th>", escaped(profile));
        for version in &matrix.versions {
            let Some(count) = matrix.cells.get(&(profile.clone(), version.clone())) else {
                push(page, "<td></td>");
                continue;
            };
            let class = match (count.failed, count.passed) {
                (0, 0) => "skipped",
                (0, _) => "passed",
                _ => "failed",
            };
            let (place, text) = (anchor(version, profile), count.cell());
            let _ = write!(
                page,
                "<td class=\"{class}\"><a href=\"#{place}\">{text}</a></td>"
            );
        }
        push(page, "</tr>\n");
    }
    push(page, "</table></div>\n");
}

/// The name of a place on the page.
fn anchor(version: &str, profile: &str) -> String {
    let text = format!("{version}-{profile}");
    let usual = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    text.chars()
        .map(|c| if usual(c) { c } else { '_' })
        .collect()
}

/// The cases of each version and profile.
fn sections(page: &mut String, cases: &[CaseResult], verbose: bool) {
    let mut sections: BTreeMap<(String, &str), Vec<&CaseResult>> = BTreeMap::new();
    for case in cases {
        let place = (case.version_text(), case.profile());
        sections.entry(place).or_default().push(case);
    }
    for ((version, profile), cases) in sections {
        let title = escaped(&format!("{version} {profile}"));
        let place = anchor(&version, profile);
        let _ = writeln!(page, "<h2 id=\"{place}\">{title}</h2>");
        for case in cases {
            show_case(page, case, verbose);
        }
    }
}

fn show_case(page: &mut String, case: &CaseResult, verbose: bool) {
    let check = case.check();
    let (class, why) = match &check.outcome {
        Outcome::Passed(_) | Outcome::Departed(_) => ("passed", ""),
        Outcome::Failed(fault) => ("failed", fault.as_str()),
        Outcome::Skipped(reason) => ("skipped", reason.as_str()),
    };
    let title = format!("{} {}", escaped(&case.name), escaped(why));
    let _ = writeln!(
        page,
        "<details><summary class=\"{class}\">{title}</summary>"
    );
    for step in case.steps() {
        show_step(page, step, verbose || class == "failed");
    }
    push(page, "</details>\n");
}

fn show_step(page: &mut String, step: &StepResult, messages: bool) {
    let class = match &step.verdict {
        Verdict::Different(_) => "failed",
        Verdict::Unneeded => "skipped",
        Verdict::Equal | Verdict::EqualModuloVariables => "passed",
    };
    let (line, word) = (step.line, step.verdict.word());
    let operations = escaped(&step.operations);
    let _ = writeln!(
        page,
        "<details><summary class=\"{class}\">line {line}, {operations}: {word}</summary>"
    );
    if let Verdict::Different(findings) = &step.verdict {
        push(page, "<ul>");
        for finding in findings {
            let _ = write!(page, "<li>{}</li>", escaped(&finding.to_string()));
        }
        push(page, "</ul>\n");
    }
    for (title, message) in [("Request", &step.sent), ("Response", &step.received)] {
        if messages && !message.is_empty() {
            let message = lines_escaped(message);
            let _ = writeln!(page, "<p>{title}</p><pre>{message}</pre>");
        }
    }
    push(page, "</details>\n");
}

fn lines_escaped(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}
