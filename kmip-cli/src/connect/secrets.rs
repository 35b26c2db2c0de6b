//! Passwords: from files, or asked for on the terminal. Never from the command line, which other
//! users of the machine can see.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

use super::ConfigurationError;

/// The first line of a file.
pub(super) fn from_file(path: &Path) -> Result<Zeroizing<String>, ConfigurationError> {
    let content = std::fs::read_to_string(path).map_err(|source| ConfigurationError::Password {
        path: path.to_owned(),
        source,
    })?;
    let content = Zeroizing::new(content);
    let line = content.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

/// The first line of a file, or what somebody types.
pub(super) fn from_file_or_terminal(
    path: Option<&Path>,
    what: &'static str,
    option: &'static str,
) -> Result<Zeroizing<String>, ConfigurationError> {
    if let Some(path) = path {
        return from_file(path);
    }
    if !io::stdin().is_terminal() {
        return Err(ConfigurationError::NoPassword { what, option });
    }
    ask(what).map_err(|_| ConfigurationError::NoPassword { what, option })
}

fn ask(what: &str) -> io::Result<Zeroizing<String>> {
    let stdin = io::stdin();
    let mut error = io::stderr();
    write!(error, "{what}: ")?;
    error.flush()?;
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes -= LocalModes::ECHO;
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    writeln!(error)?;
    let password = Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned());
    line.zeroize();
    match read? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(password),
    }
}
