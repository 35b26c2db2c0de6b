//! Options that a plugin adds to a command while the program runs (behaviour reference 1.6).
//!
//! The plugin knows its options by number alone; on a clash with an option of the host, that of
//! the plugin counts.

use std::collections::HashSet;
use std::ffi::OsString;

use clap::builder::ValueRange;
use clap::{Arg, ArgAction, ArgMatches};

use crate::abi::load::{GivenOption, PluginOption};

/// The places that zkey has for options of a plugin, headings included.
pub(crate) const MAX_OPTIONS: usize = 40;

/// Stands for an option without argument; no argument of a process can hold a NUL.
const NO_ARGUMENT: &str = "\0";

/// Letters and names that stay with the host whatever a plugin declares.
const RESERVED_LETTERS: [char; 3] = ['h', 'v', 'V'];
const RESERVED_NAMES: [&str; 3] = ["help", "version", "verbose"];

/// The options of a plugin for one command.
#[derive(Debug, Default)]
pub(crate) struct PluginOptions {
    options: Vec<Declared>,
}

#[derive(Debug)]
struct Declared {
    id: String,
    code: i32,
    arg: Arg,
}

impl PluginOptions {
    /// Takes over what the plugin declares. What could not be told apart on a command line is
    /// left out.
    pub(crate) fn new(declared: Vec<PluginOption>) -> Self {
        let mut letters = HashSet::from(RESERVED_LETTERS);
        let mut names: HashSet<String> = RESERVED_NAMES.map(str::to_owned).into();
        let mut heading = "Plugin options".to_owned();
        let mut options = Vec::new();
        for option in declared {
            let (long, short, code, argument, optional, help) = match option {
                PluginOption::Section(text) => {
                    heading = text;
                    continue;
                }
                PluginOption::Value {
                    long,
                    short,
                    code,
                    argument,
                    argument_is_optional,
                    help,
                } => (long, short, code, argument, argument_is_optional, help),
            };
            let long = long.filter(|long| is_name(long) && names.insert(long.clone()));
            let short = short.filter(|short| letters.insert(*short));
            if long.is_none() && short.is_none() {
                continue;
            }
            let id = format!("plugin option {}", options.len());
            let mut arg = Arg::new(id.clone())
                .help(help)
                .help_heading(heading.clone());
            if let Some(long) = long {
                arg = arg.long(long);
            }
            if let Some(short) = short {
                arg = arg.short(short);
            }
            let (name, values) = match argument {
                None => (None, ValueRange::from(0)),
                Some(name) if optional => (Some(name), ValueRange::from(0..=1)),
                Some(name) => (Some(name), ValueRange::from(1)),
            };
            let can_be_alone = values.min_values() == 0;
            arg = arg
                .action(ArgAction::Append)
                .num_args(values)
                .value_parser(clap::value_parser!(OsString));
            if let Some(name) = name {
                arg = arg
                    .value_name(name)
                    .allow_hyphen_values(true)
                    .require_equals(optional);
            }
            if can_be_alone {
                arg = arg.default_missing_value(NO_ARGUMENT);
            }
            options.push(Declared { id, code, arg });
        }
        PluginOptions { options }
    }

    /// Whether the plugin has options for this command.
    pub(crate) fn is_empty(&self) -> bool {
        self.options.is_empty()
    }

    /// The arguments of the command: those of the host that are left, and those of the plugin.
    pub(crate) fn join(&self, host: Vec<Arg>) -> Vec<Arg> {
        let of_plugin = || self.options.iter().map(|option| &option.arg);
        let letters: HashSet<char> = of_plugin().filter_map(Arg::get_short).collect();
        let names: HashSet<&str> = of_plugin().filter_map(Arg::get_long).collect();
        let host = host.into_iter().filter_map(|arg| {
            let long_taken = arg.get_long().is_some_and(|long| names.contains(long));
            let short_taken = arg
                .get_short()
                .is_some_and(|short| letters.contains(&short));
            match (long_taken, short_taken) {
                (true, _) => None,
                (false, true) => Some(arg.short(None)),
                (false, false) => Some(arg),
            }
        });
        host.chain(of_plugin().cloned()).collect()
    }

    /// The options that the user gave, in the order of the command line, with repetitions.
    pub(crate) fn given(&self, matches: &ArgMatches) -> Vec<GivenOption> {
        let mut given: Vec<(usize, GivenOption)> = Vec::new();
        for option in &self.options {
            let Some(indices) = matches.indices_of(&option.id) else {
                continue;
            };
            let values = matches
                .get_many::<OsString>(&option.id)
                .into_iter()
                .flatten();
            for (index, value) in indices.zip(values) {
                let argument = Some(value.clone()).filter(|value| value != NO_ARGUMENT);
                let code = option.code;
                given.push((index, GivenOption { code, argument }));
            }
        }
        given.sort_by_key(|(index, _)| *index);
        given.into_iter().map(|(_, option)| option).collect()
    }
}

fn is_name(long: &str) -> bool {
    !long.is_empty()
        && !long.starts_with('-')
        && !long.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(long: &str, short: char, argument: Option<&str>, optional: bool) -> PluginOption {
        PluginOption::Value {
            long: Some(long.to_owned()),
            short: Some(short),
            code: i32::try_from(u32::from(short)).unwrap(),
            argument: argument.map(str::to_owned),
            argument_is_optional: optional,
            help: "help".to_owned(),
        }
    }

    fn given(options: &PluginOptions, host: Vec<Arg>, line: &[&str]) -> Vec<(char, String)> {
        let matches = clap::Command::new("test")
            .no_binary_name(true)
            .args_override_self(true)
            .args(options.join(host))
            .get_matches_from(line);
        let given = options.given(&matches).into_iter();
        given
            .map(|option| {
                let letter = char::from(u8::try_from(option.code).unwrap());
                let argument = option.argument.map(|text| text.into_string().unwrap());
                (letter, argument.unwrap_or("(none)".to_owned()))
            })
            .collect()
    }

    #[test]
    fn arguments_that_are_required_optional_or_none() {
        let options = PluginOptions::new(vec![
            value("required", 'r', Some("X"), false),
            value("optional", 'o', Some("X"), true),
            value("flag", 'f', None, false),
        ]);
        let line = [
            "-o",
            "-f",
            "--optional=1",
            "-r",
            "",
            "--required=2",
            "-ff",
            "--optional",
        ];
        let texts: Vec<String> = given(&options, Vec::new(), &line)
            .into_iter()
            .map(|(letter, argument)| format!("{letter}{argument}"))
            .collect();
        let expected = [
            "o(none)", "f(none)", "o1", "r", "r2", "f(none)", "f(none)", "o(none)",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn plugin_wins_over_the_host_but_not_over_help() {
        let host = vec![
            Arg::new("name").long("name").short('n').num_args(1),
            Arg::new("label").long("label").short('l').num_args(1),
        ];
        let options = PluginOptions::new(vec![
            value("label", 'B', Some("X"), false),
            value("new", 'n', None, false),
            value("help", 'q', None, false),
            value("other", 'h', None, false),
            value("twice", 'B', None, false),
            value("bad name", 'x', None, false),
        ]);
        let joined = options.join(host.clone());
        let ids: Vec<_> = joined
            .iter()
            .map(|arg| (arg.get_long(), arg.get_short()))
            .collect();
        let expected = [
            (Some("name"), None),
            (Some("label"), Some('B')),
            (Some("new"), Some('n')),
            (None, Some('q')),
            (Some("other"), None),
            (Some("twice"), None),
            (None, Some('x')),
        ];
        assert_eq!(ids, expected);
        assert_eq!(given(&options, host, &["-n", "--label", "a"]).len(), 2);
    }
}
