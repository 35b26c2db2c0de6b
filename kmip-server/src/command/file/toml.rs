//! Configuration in TOML: the options of the command line by their names, and tables for what is too
//! much for it.

use ::toml::de::{DeTable, Error};
use serde::Deserialize;

use super::{Fault, Read, Warning, line_of};
use crate::command::options::{FileOptions, Options};

/// What there is beside the options.
const OTHERS: [&str; 6] = [
    "notices",
    "limits",
    "users",
    "tls",
    "demand-client-usage",
    "login-is-optional",
];

/// Reads it.
pub(super) fn read(text: &str) -> Read {
    let fault = |error: Error| Fault {
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        message: error.message().to_owned(),
    };
    // One text is read for both structures; each ignores what is the other's.
    let mut unknown = Vec::new();
    let mut options: Options = part(text, |path| {
        if !OTHERS.contains(&path.split('.').next().unwrap_or_default()) {
            unknown.push(path.to_owned());
        }
    })
    .map_err(fault)?;
    let file: FileOptions = part(text, |path| {
        // Of tables only: other names were looked at above.
        if path.contains('.') {
            unknown.push(path.to_owned());
        }
    })
    .map_err(fault)?;
    options.file = file;
    let warnings = unknown.into_iter().map(|path| Warning {
        line: line(text, &path),
        message: format!("`{path}` is unknown and ignored"),
    });
    Ok((options, warnings.collect()))
}

fn part<'t, T: Deserialize<'t>>(text: &'t str, mut unknown: impl FnMut(&str)) -> Result<T, Error> {
    let deserializer = ::toml::Deserializer::parse(text)?;
    serde_ignored::deserialize(deserializer, |path| unknown(&path.to_string()))
}

/// The line of a name that has no effect.
fn line(text: &str, path: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut parts = path.split('.').peekable();
    let mut table = table.get_ref().clone();
    while let Some(part) = parts.next() {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == part)?;
        if parts.peek().is_none() {
            return Some(line_of(text, key.span().start));
        }
        let inner = value.get_ref().as_table()?.clone();
        table = inner;
    }
    None
}
