//! Results of the last conformance run: what `kmip conformance run --json` prints.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::html::{Escaped, Page, failed};
use super::http::{Response, Status};

/// Longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// The results. What else is in the file is of no interest here.
#[derive(Deserialize)]
struct Run {
    passed: u64,
    failed: u64,
    skipped: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    version: Option<String>,
    group: String,
    outcome: String,
    reason: Option<serde_json::Value>,
}

pub(super) fn page(path: Option<&Path>) -> Response {
    let Some(path) = path else {
        let content = "<p>No results were given. Make them with \
                       <code>kmip conformance run --json</code> and name the file with \
                       <code>--conformance FILE</code>.</p>\n";
        return respond(content.to_owned());
    };
    match read(path) {
        Ok(run) => respond(results(&run)),
        Err(error) => failed(
            "/conformance",
            &format!("{}: the results cannot be read: {error}", path.display()),
        ),
    }
}

fn respond(content: String) -> Response {
    let page = Page {
        place: "/conformance",
        title: "Conformance",
        refresh: None,
        content,
    };
    page.respond(Status::OK)
}

fn read(path: &Path) -> Result<Run, Box<dyn std::error::Error>> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

fn results(run: &Run) -> String {
    let (good, bad) = match run.failed {
        0 => ("good", "wait"),
        _ => ("good", "bad"),
    };
    let summary = format!(
        "<p><span class=\"state {good}\">{} passed</span> <span class=\"state {bad}\">{} failed</span> \
         <span class=\"state wait\">{} skipped</span></p>\n",
        run.passed, run.failed, run.skipped
    );
    format!("{summary}{}{}", matrix(run), failures(run))
}

/// Passed and all cases by group and version.
fn matrix(run: &Run) -> String {
    let mut versions: Vec<&str> = run.cases.iter().map(Case::version).collect();
    versions.sort_unstable();
    versions.dedup();
    let mut groups: BTreeMap<&str, BTreeMap<&str, (u64, u64)>> = BTreeMap::new();
    for case in run.cases.iter().filter(|case| case.outcome != "skipped") {
        let group = groups.entry(&case.group).or_default();
        let (passed, all) = group.entry(case.version()).or_default();
        *all += 1;
        *passed += u64::from(case.outcome == "passed");
    }
    let heads: String = versions
        .iter()
        .map(|version| format!("<th scope=\"col\">{}</th>", Escaped(version)))
        .collect();
    let rows: String = groups
        .iter()
        .map(|(group, results)| {
            let cells: String = versions
                .iter()
                .map(|version| match results.get(version) {
                    Some((passed, all)) => {
                        let class = match passed == all {
                            true => "good",
                            false => "bad",
                        };
                        format!("<td><span class=\"state {class}\">{passed} of {all}</span></td>")
                    }
                    None => "<td>-</td>".to_owned(),
                })
                .collect();
            format!(
                "<tr><th scope=\"row\">{}</th>{cells}</tr>\n",
                Escaped(group)
            )
        })
        .collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Results\">\n<table>\n\
         <caption>Cases that passed, by group and version</caption>\n\
         <thead><tr><th scope=\"col\">Group</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table></div>\n"
    )
}

fn failures(run: &Run) -> String {
    let failed = run.cases.iter().filter(|case| case.outcome == "failed");
    let items: String = failed
        .map(|case| {
            let reason = case.reason.as_ref().and_then(|reason| reason.as_str());
            format!(
                "<li><code>{}</code>: {}</li>\n",
                Escaped(&case.name),
                Escaped(reason.unwrap_or("it differs"))
            )
        })
        .collect();
    match items.is_empty() {
        true => String::new(),
        false => format!("<h2>Failed</h2>\n<ul>\n{items}</ul>\n"),
    }
}

impl Case {
    fn version(&self) -> &str {
        self.version.as_deref().unwrap_or("-")
    }
}
