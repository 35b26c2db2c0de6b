//! The results as a page: a matrix of versions and groups, and below it the cases with their
//! messages. It needs nothing from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::outcome::{CaseResult, Played};
use super::player::{StepResult, Verdict};
use crate::conformance::junit::escaped;
use crate::conformance::report::{Count, Outcome};

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>KMIP conformance</title>
<style>
body { font-family: sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; }
th, td { border: 1px solid #bbb; padding: .4em .8em; text-align: right; }
th { background: #eee; }
.passed { background: #cfeccf; } .failed { background: #f4c7c3; } .skipped { background: #eee; }
details { margin: .2em 0 .2em 1em; } summary { cursor: pointer; padding: .1em .4em; }
pre { background: #f6f6f6; border: 1px solid #ddd; padding: .5em; overflow: auto; }
</style></head><body><h1>KMIP conformance</h1>
"#;

/// The page. The messages of cases that pass are on it only with `verbose`.
pub(super) fn page(cases: &[CaseResult], verbose: bool) -> String {
    let mut page = HEAD.to_owned();
    let checks: Vec<_> = cases.iter().map(CaseResult::check).collect();
    push(&mut page, &format!("<p>{}</p>\n", Count::of(&checks)));
    matrix(&mut page, cases);
    for case in cases {
        show_case(&mut page, case, verbose);
    }
    page.push_str("</body></html>\n");
    page
}

fn push(page: &mut String, text: &str) {
    page.push_str(text);
}

fn matrix(page: &mut String, cases: &[CaseResult]) {
    let groups: BTreeSet<&str> = cases.iter().map(|case| case.group.as_str()).collect();
    let mut rows: BTreeMap<String, Vec<&CaseResult>> = BTreeMap::new();
    for case in cases {
        let version = case.version.map(|version| version.to_string());
        let row = rows.entry(version.unwrap_or_default());
        row.or_default().push(case);
    }
    push(page, "<table><tr><th>version</th>");
    for group in &groups {
        push(page, &format!("<th>{}</th>", escaped(group)));
    }
    push(page, "</tr>\n");
    for (version, cases) in rows {
        push(page, &format!("<tr><th>{version}</th>"));
        for group in &groups {
            let cases = cases.iter().filter(|case| case.group == *group);
            let checks: Vec<_> = cases.map(|case| case.check()).collect();
            let count = Count::of(&checks);
            let (class, text) = match (count.failed, count.passed) {
                (0, 0) if checks.is_empty() => ("", String::new()),
                (0, 0) => ("skipped", "skipped".to_owned()),
                (0, passed) => ("passed", format!("{passed}")),
                (_, passed) => ("failed", format!("{passed} of {}", passed + count.failed)),
            };
            push(page, &format!("<td class=\"{class}\">{text}</td>"));
        }
        push(page, "</tr>\n");
    }
    push(page, "</table>\n<h2>Cases</h2>\n");
}

fn show_case(page: &mut String, case: &CaseResult, verbose: bool) {
    let check = case.check();
    let (class, why) = match &check.outcome {
        Outcome::Passed(_) | Outcome::Departed(_) => ("passed", ""),
        Outcome::Failed(fault) => ("failed", fault.as_str()),
        Outcome::Skipped(reason) => ("skipped", reason.as_str()),
    };
    let title = format!("{} {}", case.section(), case.name);
    let title = format!("{} {}", escaped(&title), escaped(why));
    let _ = writeln!(
        page,
        "<details><summary class=\"{class}\">{title}</summary>"
    );
    if let Played::Steps(steps) = &case.result {
        for step in steps {
            show_step(page, step, verbose || class == "failed");
        }
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
