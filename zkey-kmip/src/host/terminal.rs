//! Messages for the user, and questions.
//!
//! Standard output goes through the C stream that the plugin prints to, so that both stay in
//! order. Messages about the run itself go to standard error.

use std::cell::Cell;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use super::error::HostError;
use crate::abi::console::HostOutput;
use crate::abi::load::CallError;
use crate::abi::{Console, HostConsole};

/// What messages begin with.
pub(super) const PROGRAM: &str = "zkey-kmip";

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const RESET: &str = "\x1b[0m";
const CLEAR_LINE: &str = "\r\x1b[K";

/// The user's terminal, or the files in its place.
#[derive(Debug)]
pub struct Terminal {
    verbose: bool,
    /// Standard error is a terminal: progress can be shown.
    interactive: bool,
    colored: bool,
    progress_shown: Cell<bool>,
}

impl Terminal {
    /// The terminal of this process. `NO_COLOR` with any value but the empty one, and
    /// `TERM=dumb`, turn colours off.
    pub fn new(verbose: bool) -> Self {
        let interactive = io::stderr().is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Terminal {
            verbose,
            interactive: interactive && !dumb,
            colored: interactive && !refused && !dumb,
            progress_shown: Cell::new(false),
        }
    }

    /// Whether the user wants verbose messages.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Prints a line to standard output.
    ///
    /// # Errors
    /// Standard output fails.
    pub fn say(&self, line: impl Display) -> Result<(), HostError> {
        self.print(&format!("{line}\n"))
    }

    /// Prints text to standard output.
    ///
    /// # Errors
    /// Standard output fails.
    pub fn print(&self, text: &str) -> Result<(), HostError> {
        self.clear_progress();
        HostConsole.print(text).map_err(HostError::Terminal)
    }

    /// Asks a question to which only `y` and `yes` mean yes.
    ///
    /// # Errors
    /// Standard output or standard input fails.
    pub fn confirm(&self, question: &str) -> Result<bool, HostError> {
        self.clear_progress();
        HostConsole
            .confirm(&format!("{PROGRAM}: {question}"))
            .map_err(HostError::Terminal)
    }

    /// Asks for a line; `None` at the end of input.
    ///
    /// # Errors
    /// Standard output or standard input fails.
    pub fn ask(&self, question: &str) -> Result<Option<String>, HostError> {
        self.print(&format!("{PROGRAM}: {question}: "))?;
        HostConsole.read_line().map_err(HostError::Terminal)
    }

    /// A warning.
    pub fn warn(&self, text: impl Display) {
        self.report(YELLOW, "warning", &text.to_string());
    }

    /// An error and its causes, with the text of the plugin.
    pub fn error(&self, error: &HostError) {
        self.report(RED, "error", &describe(error));
    }

    /// A message for `--verbose`.
    pub fn detail(&self, text: impl Display) {
        if self.verbose {
            self.clear_progress();
            // Nobody is left to hear that standard error fails.
            let _ = writeln!(io::stderr(), "{PROGRAM}: {text}");
        }
    }

    /// Shows what takes time, until the next message. Only on a terminal.
    pub fn progress(&self, text: impl Display) {
        self.detail(&text);
        if self.interactive && !self.verbose {
            let _ = write!(io::stderr(), "{CLEAR_LINE}{text} ...");
            let _ = io::stderr().flush();
            self.progress_shown.set(true);
        }
    }

    /// Removes what [`Terminal::progress`] shows.
    pub fn clear_progress(&self) {
        if self.progress_shown.replace(false) {
            let _ = write!(io::stderr(), "{CLEAR_LINE}");
            let _ = io::stderr().flush();
        }
    }

    fn report(&self, color: &str, kind: &str, text: &str) {
        self.clear_progress();
        // The plugin may have printed something that belongs before this.
        let _ = HostOutput.flush();
        let (color, reset) = if self.colored {
            (color, RESET)
        } else {
            ("", "")
        };
        let _ = writeln!(io::stderr(), "{PROGRAM}: {color}{kind}:{reset} {text}");
    }
}

/// An error and its causes on one line; what the plugin says follows on its own line.
pub(super) fn describe(error: &HostError) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(call) = error.downcast_ref::<CallError>() {
            text.push_str(&plugin_says(call));
        } else {
            let this = error.to_string();
            if !last.contains(&this) {
                text.push_str(": ");
                text.push_str(&this);
                last = this;
            }
        }
        cause = error.source();
    }
    text
}

fn plugin_says(call: &CallError) -> String {
    let errno = call.errno().raw();
    match &call.text {
        Some(text) => format!(" (errno {errno}, {})\n  {}", call.function, text.trim_end()),
        None => format!(" (errno {errno}, {})", call.function),
    }
}
