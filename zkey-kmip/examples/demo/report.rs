//! What the user sees of the demo.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Something that the demo made, and where it lies.
pub(crate) struct Place {
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
}

/// Prints each step with a tick and its duration, or collects all as JSON.
pub(crate) struct Report {
    json: bool,
    colours: bool,
    begin: Instant,
    steps: Vec<Value>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Report {
            json,
            colours: !json && !plain && std::io::stdout().is_terminal(),
            begin: Instant::now(),
            steps: Vec::new(),
        }
    }

    /// Plays one step. `step` returns what to tell of its result.
    pub(crate) fn step<T>(
        &mut self,
        title: &str,
        step: impl FnOnce() -> Result<(T, String), String>,
    ) -> Result<T, String> {
        let begin = Instant::now();
        let (value, detail) = step().map_err(|fault| {
            self.show(title, begin.elapsed(), false, "");
            format!("{title}: {fault}")
        })?;
        self.show(title, begin.elapsed(), true, &detail);
        Ok(value)
    }

    fn show(&mut self, title: &str, took: Duration, done: bool, detail: &str) {
        self.steps.push(json!({
            "step": title,
            "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "ok": done,
            "detail": detail,
        }));
        if self.json {
            return;
        }
        let tick = match (done, self.colours) {
            (true, true) => "\u{1b}[32m\u{2713}\u{1b}[0m",
            (true, false) => "\u{2713}",
            (false, true) => "\u{1b}[31m\u{2717}\u{1b}[0m",
            (false, false) => "\u{2717}",
        };
        self.say(&format!("{tick} {title:<58} {:>6} ms", took.as_millis()));
        for line in detail.lines() {
            self.say(&format!("    {line}"));
        }
    }

    pub(crate) fn finish(&self, places: &[Place]) {
        let took = self.begin.elapsed();
        if self.json {
            let places: serde_json::Map<String, Value> = places
                .iter()
                .map(|place| {
                    (
                        place.what.to_owned(),
                        json!(place.path.display().to_string()),
                    )
                })
                .collect();
            self.say(&format!(
                "{:#}",
                json!({
                    "ok": true,
                    "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    "steps": self.steps,
                    "places": places,
                })
            ));
            return;
        }
        self.say("");
        if places.is_empty() {
            self.say("All files are gone again; `--keep DIR` keeps them.");
        }
        for place in places {
            self.say(&format!("{:<24} {}", place.what, place.path.display()));
        }
        self.say(&format!(
            "All steps done in {:.1} s. The secure keys here are those of software or of emulated \
             coprocessors: for machines without real ones, not for production.",
            took.as_secs_f64()
        ));
    }

    pub(crate) fn fail(&self, fault: &str) {
        if self.json {
            let report = json!({ "ok": false, "error": fault, "steps": self.steps });
            self.say(&format!("{report:#}"));
        }
        eprintln!("demo: {fault}");
    }

    /// Writes a line; nobody has to read it.
    fn say(&self, line: &str) {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}
