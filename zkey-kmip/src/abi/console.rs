//! Prompts and messages of a plugin (behaviour reference 11.1 and checklist 10).
//!
//! zkey is a C program: it prints with `printf` and reads answers with `getline`, both buffered.
//! A plugin that wrote to and read from the file descriptors directly would print out of order and
//! lose piped answers that sit in the buffer of the host. [`HostConsole`] therefore uses the very
//! C streams of the process.

use std::io::{self, Write};

use super::stdio;

/// Where a plugin writes messages for the user and reads answers. Tests bring their own.
pub trait Console {
    /// Writes to standard output.
    ///
    /// # Errors
    /// Standard output fails.
    fn print(&self, text: &str) -> io::Result<()>;

    /// Writes one line to standard error, with the name of the plugin before it.
    fn warn(&self, text: &str);

    /// Reads one line of standard input, without its line end; `None` at the end of input.
    ///
    /// # Errors
    /// Standard input fails.
    fn read_line(&self) -> io::Result<Option<String>>;

    /// Asks a question that only `y` or `yes` answers with yes.
    ///
    /// # Errors
    /// Standard output or input fails.
    fn confirm(&self, question: &str) -> io::Result<bool> {
        self.print(&format!("{question} [y/N] "))?;
        let answer = self.read_line()?;
        Ok(answer.is_some_and(|answer| is_yes(&answer)))
    }
}

/// Whether an answer means yes.
fn is_yes(answer: &str) -> bool {
    let answer = answer.trim();
    answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")
}

/// The text as one line. What a server says in it must not forge lines or control a terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// The C streams of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostConsole;

impl Console for HostConsole {
    fn print(&self, text: &str) -> io::Result<()> {
        let mut out = HostOutput;
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn warn(&self, text: &str) {
        // Nobody is left to hear that standard error fails.
        let _ = writeln!(io::stderr(), "zkey-kmip: {}", one_line(text));
    }

    fn read_line(&self) -> io::Result<Option<String>> {
        stdio::read_line()
    }
}

/// Standard output by way of the C stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostOutput;

impl Write for HostOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        stdio::write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        stdio::flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        let forged = "key \x1b[2Jid-1\nzkey-kmip: done\0";
        let safe = "key \u{fffd}[2Jid-1\u{fffd}zkey-kmip: done\u{fffd}";
        assert_eq!(one_line(forged), safe);
    }

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y", "Y", "yes", "YES\n", " y "] {
            assert!(is_yes(yes), "{yes}");
        }
        for no in ["", "n", "no", "yeah", "ye"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
