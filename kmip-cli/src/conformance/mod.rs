//! `kmip conformance`: published messages through all encodings, and test cases played against
//! servers.

mod departures;
mod files;
mod hex;
mod junit;
mod play;
mod report;
mod skips;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use kmip::conformance::{Document, Fault, Message, check_message};

use crate::arguments::CodecOptions;
use crate::failure::Failure;
use report::{Outcome, Report};
use skips::Skips;

pub(crate) use play::{HostOptions, PlayError, RunOptions, run, serve};

/// Runs the checks and prints what comes out.
pub(crate) fn codec(options: &CodecOptions) -> Result<ExitCode, Failure> {
    let skips = Skips::load(include_str!("../../data/codec-skips.tsv"));
    let mut report = Report::new(io::stdout().lock(), options.verbose);
    let mut cases = hex::Cases::default();
    for file in files::find(&options.directory, "xml")? {
        report.begin(&file);
        check_file(&file, &skips, &mut report, &mut cases)?;
        report.end()?;
    }
    if let Some(directory) = &options.hex {
        for file in files::find(directory, "json")? {
            report.begin(&file);
            hex::check_file(&file, &skips, &cases, &mut report)?;
            report.end()?;
        }
    }
    if let Some(path) = &options.junit {
        let mut text = Vec::new();
        junit::write("kmip conformance codec", &report.files, &mut text);
        fs::write(path, text).map_err(Failure::writing(path))?;
    }
    report.finish()
}

fn check_file(
    file: &Path,
    skips: &Skips,
    report: &mut Report<impl Write>,
    cases: &mut hex::Cases,
) -> Result<(), Failure> {
    let bytes = fs::read(file).map_err(Failure::reading(file))?;
    let case = file.file_stem().unwrap_or_default().to_string_lossy();
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let outcome = skips.judge(&case, Err(error.utf8_error().to_string()));
            return report.add("document", outcome);
        }
    };
    let document = Document::parse(&text);
    for (number, message) in document.messages.iter().enumerate() {
        let name = format!("{} {} (line {})", number + 1, message.tag, message.line);
        let outcome = match message.version.and_then(|version| skips.version(version)) {
            Some(reason) => Outcome::Skipped(reason.to_owned()),
            None => match skips.judge(&case, check(message, &case, cases)) {
                Outcome::Passed(Some(fault)) => Outcome::Departed(
                    departures::reason(&case, number + 1).map_or(fault, str::to_owned),
                ),
                outcome => outcome,
            },
        };
        report.add(&name, outcome)?;
    }
    if let Some(error) = document.broken {
        report.add("document", skips.judge(&case, Err(error.to_string())))?;
    }
    Ok(())
}

/// Checks a message, and keeps its TTLV for comparison with published bytes.
fn check(
    message: &Message<'_>,
    case: &str,
    cases: &mut hex::Cases,
) -> Result<Option<String>, String> {
    let filled = message.filled().map_err(|error| error.to_string())?;
    let passed = check_message(&filled).map_err(|fault: Fault| fault.to_string())?;
    if filled.placeholders == 0 {
        cases.keep(case, message.tag, passed.ttlv);
    }
    Ok(passed.departure.map(|departure| departure.to_string()))
}
