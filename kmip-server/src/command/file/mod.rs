//! Configuration files.

mod ini;
mod pykmip;
mod toml;

use std::fs;
use std::path::Path;

use super::error::CommandError;
use super::options::Options;

/// A note about something in a configuration file that has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Warning {
    /// Number of the line, from 1, if it is known.
    pub(super) line: Option<usize>,
    pub(super) message: String,
}

/// What is wrong with a configuration file, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

type Read = Result<(Options, Vec<Warning>), Fault>;

/// Reads a configuration file; whatever has no effect is told `warn`.
pub(super) fn read(path: &Path, warn: impl Fn(&str)) -> Result<Options, CommandError> {
    let text = fs::read_to_string(path).map_err(CommandError::file(path))?;
    let is_conf = path
        .extension()
        .is_some_and(|extension| extension == "conf");
    let read = match is_conf {
        true => pykmip::read(&text),
        false => self::toml::read(&text),
    };
    let (mut options, warnings) = read.map_err(|fault| CommandError::Config {
        path: path.to_owned(),
        line: fault.line,
        message: fault.message,
    })?;
    for Warning { line, message } in warnings {
        let line = line.map(|line| format!(", line {line}"));
        warn(&format!(
            "{}{}: {message}",
            path.display(),
            line.unwrap_or_default()
        ));
    }
    options.resolve(path.parent().unwrap_or(Path::new("")));
    Ok(options)
}

/// The line, from 1, on which the byte at `offset` is.
fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
