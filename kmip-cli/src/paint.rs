//! Colours on terminals.

use std::env;
use std::io::{self, IsTerminal};

use crate::arguments::Color;

/// Puts colours around texts, or does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Colours for standard output: if it is a terminal and nobody objects (`NO_COLOR`).
    pub(crate) fn new(color: Color) -> Self {
        let objection = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        Paint(match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && !objection && !dumb,
        })
    }

    /// No colours.
    pub(crate) fn none() -> Self {
        Paint(false)
    }

    pub(crate) fn tag(self, text: &str) -> String {
        self.with("36", text)
    }

    pub(crate) fn kind(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn secret(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn error(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn head(self, text: &str) -> String {
        self.with("1", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self.0 && !text.is_empty() {
            true => format!("\x1B[{code}m{text}\x1B[0m"),
            false => text.to_owned(),
        }
    }
}
