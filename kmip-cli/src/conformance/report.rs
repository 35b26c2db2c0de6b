//! What came out of the checks.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::failure::Failure;

/// What came out of one check.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Passed, perhaps with something to say of the message.
    Passed(Option<String>),
    /// Passed, but only leniently decoded: it has what its version does not.
    Departed(String),
    Failed(String),
    Skipped(String),
}

/// One check of a file.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) outcome: Outcome,
}

/// Prints failures as they come, and counts.
#[derive(Debug)]
pub(super) struct Report<W> {
    output: W,
    verbose: bool,
    pub(super) files: Vec<(String, Vec<Check>)>,
}

impl<W: Write> Report<W> {
    pub(super) fn new(output: W, verbose: bool) -> Self {
        Report {
            output,
            verbose,
            files: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, file: &Path) {
        self.files.push((file.display().to_string(), Vec::new()));
    }

    pub(super) fn add(&mut self, name: &str, outcome: Outcome) -> Result<(), Failure> {
        let Some((file, checks)) = self.files.last_mut() else {
            return Ok(());
        };
        match &outcome {
            Outcome::Failed(fault) => writeln!(self.output, "FAILED {file}: {name}: {fault}")?,
            Outcome::Departed(reason) => {
                writeln!(self.output, "lenient {file}: {name}: {reason}")?;
            }
            Outcome::Passed(Some(note)) if self.verbose => {
                writeln!(self.output, "note {file}: {name}: {note}")?;
            }
            _ => {}
        }
        let name = name.to_owned();
        checks.push(Check { name, outcome });
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<(), Failure> {
        let Some((file, checks)) = self.files.last().filter(|_| self.verbose) else {
            return Ok(());
        };
        let count = Count::of(checks);
        let word = match (count.failed, count.passed) {
            (1.., _) => "failed",
            (0, 0) => "skipped",
            (0, _) => "passed",
        };
        writeln!(self.output, "{word} {file}: {count}")?;
        let mut reasons = checks.iter().filter_map(|check| match &check.outcome {
            Outcome::Skipped(reason) => Some(reason),
            _ => None,
        });
        if let Some(reason) = reasons.next() {
            writeln!(self.output, "  skipped because {reason}")?;
        }
        Ok(())
    }

    pub(super) fn count(&self) -> Count {
        let checks = self.files.iter().flat_map(|(_, checks)| checks);
        Count::of(checks)
    }

    /// Prints the last line.
    pub(super) fn finish(mut self) -> Result<ExitCode, Failure> {
        let count = self.count();
        writeln!(self.output, "{count}")?;
        self.output.flush()?;
        Ok(match count.failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

/// How many checks had which outcome.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

impl Count {
    pub(super) fn of<'c>(checks: impl IntoIterator<Item = &'c Check>) -> Self {
        let mut count = Count::default();
        for check in checks {
            match check.outcome {
                Outcome::Passed(_) | Outcome::Departed(_) => count.passed += 1,
                Outcome::Failed(_) => count.failed += 1,
                Outcome::Skipped(_) => count.skipped += 1,
            }
        }
        count
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Count {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}
