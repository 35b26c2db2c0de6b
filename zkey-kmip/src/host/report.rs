//! What a command did, as JSON: for commands that change something and otherwise print messages.

use std::cell::RefCell;
use std::os::fd::OwnedFd;

use serde_json::{Map, Value};

use super::error::HostError;
use super::output;
use super::terminal::{Terminal, describe};

/// The outcome of a command, filled while it runs.
#[derive(Debug, Default)]
pub(super) struct Report(RefCell<Map<String, Value>>);

impl Report {
    /// Sets a value.
    pub(super) fn set(&self, name: &str, value: impl Into<Value>) {
        self.0.borrow_mut().insert(name.to_owned(), value.into());
    }

    /// Adds to a list; a list is there as soon as it was begun with [`Report::list`].
    pub(super) fn add(&self, name: &str, value: impl Into<Value>) {
        let mut values = self.0.borrow_mut();
        let list = values
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value.into());
        }
    }

    /// Begins lists that may stay empty.
    pub(super) fn lists(&self, names: &[&str]) {
        for name in names {
            self.set(name, Vec::<Value>::new());
        }
    }

    /// Runs a command. Nothing but the report comes to standard output, also if the command fails;
    /// its messages and questions, and those of the plugin, go to standard error.
    ///
    /// # Errors
    /// The command failed, or its output does.
    pub(super) fn of(
        &self,
        terminal: &Terminal,
        command: impl FnOnce() -> Result<(), HostError>,
    ) -> Result<(), HostError> {
        let aside = Aside::begin(terminal)?;
        let result = command();
        aside.end(terminal)?;
        if let Err(error) = &result {
            self.set("error", describe(error));
        }
        let printed = output::print_json(&Value::Object(self.0.take()), terminal);
        // That nobody reads the report does not make a failure a success.
        result.and(printed)
    }
}

/// Standard output while it leads to standard error.
struct Aside(OwnedFd);

impl Aside {
    fn begin(terminal: &Terminal) -> Result<Aside, HostError> {
        // What is in the buffer still belongs to standard output.
        terminal.print("")?;
        let stdout = rustix::io::dup(rustix::stdio::stdout()).map_err(failed)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr()).map_err(failed)?;
        Ok(Aside(stdout))
    }

    fn end(self, terminal: &Terminal) -> Result<(), HostError> {
        let flushed = terminal.print("");
        rustix::stdio::dup2_stdout(&self.0).map_err(failed)?;
        flushed
    }
}

fn failed(error: rustix::io::Errno) -> HostError {
    HostError::Terminal(error.into())
}
