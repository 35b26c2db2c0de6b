//! Options that stand before the command, as in `kmip --server keys.example.com query`.

use std::ffi::{OsStr, OsString};

use clap::{Args, Command};

use super::server::Online;

/// The arguments of the program, with the options of all commands that talk to servers behind the
/// command, where clap looks for them.
pub(crate) fn reordered(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let known = Online::augment_args(Command::new("kmip"));
    let mut arguments = arguments.into_iter().peekable();
    let program = arguments.next();
    let mut moved = Vec::new();
    while let Some(has_value) = arguments.peek().and_then(|word| option(&known, word)) {
        moved.extend(arguments.next());
        if has_value {
            moved.extend(arguments.next());
        }
    }
    let mut rest: Vec<OsString> = arguments.collect();
    if !rest.is_empty() {
        // What follows `--` is no option.
        let end = rest.iter().position(|word| word == "--");
        let end = end.unwrap_or(rest.len());
        rest.splice(end..end, moved);
    }
    program.into_iter().chain(rest).collect()
}

/// Whether the value of an option is the next word; `None` if this is none of the options.
fn option(known: &Command, word: &OsStr) -> Option<bool> {
    let word = word.to_str()?;
    let (argument, value_follows) = match word.strip_prefix("--") {
        Some(long) => {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let argument = known
                .get_arguments()
                .find(|one| one.get_long() == Some(name))?;
            (argument, value.is_none())
        }
        None => {
            let mut letters = word.strip_prefix('-')?.chars();
            let letter = letters.next()?;
            let argument = known
                .get_arguments()
                .find(|one| one.get_short() == Some(letter))?;
            (argument, letters.next().is_none())
        }
    };
    Some(argument.get_action().takes_values() && value_follows)
}
