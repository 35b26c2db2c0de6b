//! The command line: zkey's commands, options and letters, and the options of the plugin.

mod arguments;
pub(super) mod plugin_options;
pub(super) mod verbs;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::plugin_options::PluginOptions;
use self::verbs::{Group, Verb};
use crate::abi::load::GivenOption;
use crate::host::error::HostError;
use crate::host::repository::filter::KeyFilter;
use crate::host::terminal::PROGRAM;

const AFTER_HELP: &str = "\
Environment:
  ZKEY_REPOSITORY   directory of the key repository (/etc/zkey/repository)
  ZKEY_KMS_PLUGINS  list of plugins (/etc/zkey/kms-plugins.conf; without that file, the KMIP
                    plugin beside this program)
  NO_COLOR          no colours

Exit status: 0 when everything went well, 1 after an error, 2 for a wrong command line.

This program does not use /dev/pkey: it stores no verification patterns, and labels come without
the key check value (KCV) that zkey appends to them.";

/// A command line that was understood.
#[derive(Debug)]
pub(super) struct Arguments {
    /// The command.
    pub verb: Verb,
    /// Options of the plugin, in the order of the command line.
    pub plugin: Vec<GivenOption>,
    /// Whether the plugin has options for the command at all.
    pub plugin_has_options: bool,
    matches: ArgMatches,
}

impl Arguments {
    /// Reads a command line; `options` are those of the plugin for the command `verb`.
    ///
    /// # Errors
    /// It is wrong, or asks for help.
    pub(super) fn parse(
        arguments: &[OsString],
        verb: Option<Verb>,
        options: &PluginOptions,
    ) -> Result<Arguments, Box<clap::Error>> {
        let mut matches = command(verb, options).try_get_matches_from(arguments)?;
        let mut group = Group::Keys;
        while let Some((name, below)) = matches.remove_subcommand() {
            let of = |group: &Group| group.name() == Some(name.as_str());
            if let Some(found) = Group::ALL.into_iter().find(of) {
                (group, matches) = (found, below);
                continue;
            }
            let verb = Verb::ALL
                .into_iter()
                .find(|verb| verb.name() == name && verb.group() == group);
            let Some(verb) = verb else { break };
            return Ok(Arguments {
                verb,
                plugin: options.given(&below),
                plugin_has_options: !options.is_empty(),
                matches: below,
            });
        }
        // Subcommands are required, and all of them are in the table.
        let kind = clap::error::ErrorKind::MissingSubcommand;
        Err(Box::new(
            command(verb, options).error(kind, "a command is missing"),
        ))
    }

    /// Whether a flag was given.
    pub(super) fn flag(&self, id: &str) -> bool {
        self.matches
            .try_get_one::<bool>(id)
            .ok()
            .flatten()
            .is_some_and(|given| *given)
    }

    /// The argument of an option, or a positional argument.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub(super) fn text(&self, id: &'static str) -> Result<Option<String>, HostError> {
        if let Ok(Some(text)) = self.matches.try_get_one::<String>(id) {
            return Ok(Some(text.clone()));
        }
        self.os(id)
            .map(|value| {
                value
                    .to_str()
                    .map(str::to_owned)
                    .ok_or_else(|| HostError::BadValue {
                        what: "text in UTF-8",
                        given: value.to_string_lossy().into_owned(),
                        allowed: "UTF-8",
                    })
            })
            .transpose()
    }

    /// An argument that the command cannot do without.
    ///
    /// # Errors
    /// It is missing or not UTF-8.
    pub(super) fn required(&self, id: &'static str) -> Result<String, HostError> {
        self.text(id)?
            .ok_or(HostError::OptionRequired { needed: id })
    }

    /// The argument of an option as file name.
    pub(super) fn path(&self, id: &str) -> Option<&Path> {
        self.os(id).map(Path::new)
    }

    /// The filter over keys of the repository.
    ///
    /// # Errors
    /// A pattern is not UTF-8.
    pub(super) fn key_filter(&self) -> Result<KeyFilter, HostError> {
        Ok(KeyFilter {
            name: self.text("name")?,
            volumes: self.text("volumes")?,
            apqns: self.text("apqns")?,
            volume_type: self.text("volume-type")?,
            key_type: self.text("key-type")?,
            bound: match (self.flag("local"), self.flag("kms-bound")) {
                (true, _) => Some(false),
                (_, true) => Some(true),
                _ => None,
            },
        })
    }

    fn os(&self, id: &str) -> Option<&OsStr> {
        // An option that the command does not have was not given.
        let value = self.matches.try_get_one::<OsString>(id).ok().flatten();
        value.map(OsString::as_os_str)
    }
}

/// Whether `--verbose` stands anywhere, also where the command line is wrong otherwise.
pub(super) fn is_verbose(arguments: &[OsString]) -> bool {
    given(arguments, "--verbose", 'V')
}

/// Whether the user wants help.
pub(super) fn wants_help(arguments: &[OsString]) -> bool {
    given(arguments, "--help", 'h')
        || given(arguments, "--version", 'v')
        || arguments.iter().skip(1).take(2).any(|word| word == "help")
}

fn given(arguments: &[OsString], long: &str, short: char) -> bool {
    let texts = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let mut options = texts.take_while(|word| *word != "--");
    options.any(|word| word == long || word == format!("-{short}"))
}

/// Each command by its words, with the long options that it has without a plugin.
pub(super) fn commands() -> Vec<(Vec<String>, Vec<String>)> {
    fn collect(command: &Command, words: &[String], found: &mut Vec<(Vec<String>, Vec<String>)>) {
        for below in command.get_subcommands() {
            if below.get_name() == "help" {
                continue;
            }
            let words = [words, &[below.get_name().to_owned()]].concat();
            collect(below, &words, found);
            let options = below.get_arguments().filter_map(Arg::get_long);
            found.push((words, options.map(|long| format!("--{long}")).collect()));
        }
    }
    let mut all = command(None, &PluginOptions::default());
    // Options of all commands are added to each.
    all.build();
    let mut found = Vec::new();
    collect(&all, &[], &mut found);
    found
}

fn command(verb: Option<Verb>, options: &PluginOptions) -> Command {
    let verbs = |group: Group| {
        Verb::ALL
            .into_iter()
            .filter(move |one| one.group() == group)
            .map(|one| {
                subcommand(
                    one,
                    if verb == Some(one) {
                        Some(options)
                    } else {
                        None
                    },
                )
            })
    };
    let below = |group: Group, name: &'static str, about: &'static str| {
        Command::new(name)
            .about(about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .infer_subcommands(true)
            .subcommands(verbs(group))
    };
    let groups = Group::ALL.into_iter().filter_map(|group| match group {
        Group::Keys => None,
        Group::Kms => Some((
            group,
            "Manage the key management system (KMS) of the repository",
        )),
        Group::Profile => Some((group, "Work with profiles of KMIP servers")),
        Group::SoftwareMasterKey => Some((
            group,
            "Change the master key of the software backend (no adapters)",
        )),
    });
    Command::new(PROGRAM)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Keep secure keys of a key management system in a key repository of zkey")
        .after_help(AFTER_HELP)
        .disable_version_flag(true)
        .propagate_version(true)
        .infer_subcommands(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(100)
        .arg(
            Arg::new("verbose")
                .short('V')
                .long("verbose")
                .help("Print what is done, on standard error")
                .action(ArgAction::SetTrue)
                .global(true),
        )
        .arg(
            Arg::new("version")
                .short('v')
                .long("version")
                .help("Print the version")
                .action(ArgAction::Version)
                .global(true),
        )
        .subcommands(verbs(Group::Keys))
        .subcommands(groups.filter_map(|(group, about)| Some(below(group, group.name()?, about))))
}

fn subcommand(verb: Verb, options: Option<&PluginOptions>) -> Command {
    let host = arguments::of(verb);
    let args = match options {
        Some(options) => options.join(host),
        None => host,
    };
    Command::new(verb.name())
        .about(verb.about())
        // As with getopt, the last one counts.
        .args_override_self(true)
        .args(args)
}
