//! Reports of played cases: to the terminal as they come, and to files in the end.

use std::fs;
use std::io::{self, Stdout, Write};
use std::process::ExitCode;

use super::options::ReportOptions;
use super::outcome::{self, CaseResult};
use super::{html, junit};
use crate::arguments::Color;
use crate::conformance::report::Count;
use crate::failure::Failure;
use crate::paint::Paint;

/// What came out so far.
pub(super) struct Report<'o> {
    title: &'static str,
    options: &'o ReportOptions,
    paint: Paint,
    output: Stdout,
    results: Vec<CaseResult>,
}

impl<'o> Report<'o> {
    pub(super) fn new(title: &'static str, options: &'o ReportOptions) -> Self {
        Report {
            title,
            options,
            paint: Paint::new(Color::Auto),
            output: io::stdout(),
            results: Vec::new(),
        }
    }

    /// Says that a server takes connections at an address.
    pub(super) fn ready(&mut self, address: &str) -> Result<(), Failure> {
        match self.options.json {
            true => eprintln!("ready {address}"),
            false => {
                writeln!(self.output, "ready {address}")?;
                self.output.flush()?;
            }
        }
        Ok(())
    }

    /// Takes the result of a case, and prints it.
    pub(super) fn add(&mut self, result: CaseResult) -> Result<(), Failure> {
        if !self.options.json {
            let verbose = self.options.verbose;
            outcome::print_case(&result, verbose, self.paint, &mut self.output)?;
        }
        self.results.push(result);
        Ok(())
    }

    /// Writes the files, and prints the sum.
    pub(super) fn finish(mut self) -> Result<ExitCode, Failure> {
        let sections = outcome::sections(&self.results);
        if let Some(path) = &self.options.junit {
            let mut text = Vec::new();
            junit::write(self.title, &sections, &mut text);
            fs::write(path, text).map_err(Failure::writing(path))?;
        }
        if let Some(path) = &self.options.html {
            let page = html::page(&self.results, self.options.verbose);
            fs::write(path, page).map_err(Failure::writing(path))?;
        }
        let count = Count::of(sections.iter().flat_map(|(_, checks)| checks));
        let output = &mut self.output;
        if self.options.json {
            serde_json::to_writer_pretty(&mut *output, &outcome::to_json(&self.results))
                .map_err(io::Error::from)?;
            writeln!(output)?;
            eprintln!("{count}");
        } else {
            outcome::print_table(&self.results, output)?;
            writeln!(output, "{count}")?;
        }
        output.flush()?;
        Ok(match count.failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}
