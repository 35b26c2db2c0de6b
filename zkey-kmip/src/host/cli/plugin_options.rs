//! Options that a plugin adds to a command while the program runs (behaviour reference 1.6).
//!
//! The plugin knows its options by number alone; on a clash with an option of the host, that of
//! the plugin counts.

use std::collections::HashSet;
use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches};

use crate::abi::load::{GivenOption, PluginOption};

/// The places that zkey has for options of a plugin, headings included.
pub(crate) const MAX_OPTIONS: usize = 40;

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
    takes_value: bool,
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
            let takes_value = argument.is_some();
            arg = match argument {
                None => arg.action(ArgAction::SetTrue),
                Some(name) => {
                    let arg = arg
                        .action(ArgAction::Append)
                        .value_name(name)
                        .value_parser(clap::value_parser!(OsString))
                        .allow_hyphen_values(true);
                    if optional {
                        arg.num_args(0..=1).require_equals(true)
                    } else {
                        arg
                    }
                }
            };
            options.push(Declared {
                id,
                code,
                arg,
                takes_value,
            });
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
            if !option.takes_value {
                // A flag that was not given has a default, and so an index too.
                if matches.get_flag(&option.id) {
                    given.extend(indices.map(|index| (index, option.given(None))));
                }
                continue;
            }
            let occurrences = matches.get_occurrences::<OsString>(&option.id);
            let values = occurrences
                .into_iter()
                .flatten()
                .map(|mut values| values.next().cloned());
            for (index, value) in indices.zip(values) {
                given.push((index, option.given(value)));
            }
        }
        given.sort_by_key(|(index, _)| *index);
        given.into_iter().map(|(_, option)| option).collect()
    }
}

impl Declared {
    fn given(&self, argument: Option<OsString>) -> GivenOption {
        GivenOption {
            code: self.code,
            argument,
        }
    }
}

fn is_name(long: &str) -> bool {
    !long.is_empty()
        && !long.starts_with('-')
        && !long.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control())
}
