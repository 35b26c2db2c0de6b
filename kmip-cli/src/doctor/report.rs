//! What was found, told as it is found or as JSON at the end.

use serde_json::{Map, Value as Json, json};

use crate::arguments::Color;
use crate::failure::Failure;
use crate::online::show;
use crate::paint::Paint;

/// Findings.
pub(super) struct Report {
    server: String,
    json: bool,
    paint: Paint,
    checks: Vec<Json>,
    facts: Map<String, Json>,
    failures: usize,
    warnings: usize,
    adaptations: usize,
}

/// How a check ended.
#[derive(Clone, Copy)]
enum Outcome {
    Good,
    Adapted,
    Doubtful,
    Bad,
    Skipped,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Outcome::Good => "ok",
            Outcome::Adapted => "adapted",
            Outcome::Doubtful => "warning",
            Outcome::Bad => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

impl Report {
    pub(super) fn new(server: String, json: bool) -> Self {
        Report {
            server,
            json,
            paint: Paint::new(Color::Auto),
            checks: Vec::new(),
            facts: Map::new(),
            failures: 0,
            warnings: 0,
            adaptations: 0,
        }
    }

    /// Something works.
    pub(super) fn good(&mut self, check: &str, found: impl Into<String>) -> Result<(), Failure> {
        self.tell(Outcome::Good, check, found.into(), None)
    }

    /// Something does not work that can be done in another way, or without: `instead` says how.
    pub(super) fn adapted(
        &mut self,
        check: &str,
        found: impl Into<String>,
        instead: impl Into<String>,
    ) -> Result<(), Failure> {
        self.adaptations += 1;
        self.tell(Outcome::Adapted, check, found.into(), Some(instead.into()))
    }

    /// Something works, and may not always.
    pub(super) fn doubtful(
        &mut self,
        check: &str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Result<(), Failure> {
        self.warnings += 1;
        self.tell(Outcome::Doubtful, check, found.into(), Some(advice.into()))
    }

    /// Something does not work.
    pub(super) fn bad(
        &mut self,
        check: &str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Result<(), Failure> {
        self.failures += 1;
        self.tell(Outcome::Bad, check, found.into(), Some(advice.into()))
    }

    /// Something was not looked at.
    pub(super) fn skip(&mut self, check: &str, why: impl Into<String>) -> Result<(), Failure> {
        self.tell(Outcome::Skipped, check, why.into(), None)
    }

    /// Something for programs, in the JSON.
    pub(super) fn fact(&mut self, name: &str, value: Json) {
        self.facts.insert(name.to_owned(), value);
    }

    /// Whether anything does not work.
    pub(super) fn failed(&self) -> bool {
        self.failures > 0
    }

    fn tell(
        &mut self,
        outcome: Outcome,
        check: &str,
        found: String,
        advice: Option<String>,
    ) -> Result<(), Failure> {
        let found = show::printable(&found);
        let advice = advice.map(|advice| show::printable(&advice));
        if self.json {
            self.checks.push(json!({
                "check": check,
                "result": outcome.name(),
                "found": found,
                "advice": advice,
            }));
            return Ok(());
        }
        let mark = match outcome {
            Outcome::Good => self.paint.good("✓"),
            Outcome::Adapted => self.paint.tag("~"),
            Outcome::Doubtful => self.paint.secret("!"),
            Outcome::Bad => self.paint.error("✗"),
            Outcome::Skipped => self.paint.kind("-"),
        };
        show::line(&format!("{mark} {check:22} {found}"))?;
        match advice.filter(|advice| !advice.is_empty()) {
            Some(advice) => show::line(&format!("  {:22} -> {advice}", "")),
            None => Ok(()),
        }
    }

    /// The end.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.json {
            let mut all = json!({
                "server": self.server,
                "failed": self.failures,
                "warnings": self.warnings,
                "adaptations": self.adaptations,
                "checks": self.checks,
            });
            for (name, value) in self.facts {
                all[name] = value;
            }
            return show::json(&all);
        }
        let verdict = match (self.failures, self.warnings + self.adaptations) {
            (0, 0) => "all is well".to_owned(),
            (0, _) => self.remarks("it works"),
            (1, _) => self.remarks("1 thing does not work"),
            (failures, _) => self.remarks(&format!("{failures} things do not work")),
        };
        show::line(&format!("{}: {verdict}", self.server))
    }

    fn remarks(&self, verdict: &str) -> String {
        let counted = |count: usize, what: &str| match count {
            0 => String::new(),
            1 => format!("; 1 {what}"),
            count => format!("; {count} {what}s"),
        };
        let adaptations = counted(self.adaptations, "adaptation");
        format!("{verdict}{adaptations}{}", counted(self.warnings, "remark"))
    }
}
