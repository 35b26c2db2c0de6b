//! The command line host `zkey-kmip`: what zkey does around the plugin, for where there is no
//! zkey.
//!
//! The host loads a plugin by its C interface alone, keeps a key repository in zkey's on-disk
//! format, and calls the plugin in the order in which zkey does (behaviour reference 1.6, 1.7).
//! It leaves out what needs `/dev/pkey`: verification patterns, and the key check value (KCV)
//! that zkey appends to labels.

mod association;
mod cli;
mod commands;
mod environment;
pub mod error;
mod key_info;
mod kms_key;
#[allow(unsafe_code)]
mod local_time;
mod output;
mod passphrase;
pub mod plugins;
mod report;
pub mod repository;
#[allow(unsafe_code)]
pub mod stand_in;
mod terminal;
mod token;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::Mode;

use self::cli::plugin_options::{MAX_OPTIONS, PluginOptions};
use self::cli::verbs::Verb;
use self::cli::{Arguments, is_verbose, wants_help};
use self::commands::{Bound, Host};
use self::error::{EXIT_SUCCESS, EXIT_USAGE, HostError};
use self::plugins::PluginSource;
use self::repository::Repository;
use self::repository::binding::Binding;
use self::terminal::Terminal;
use crate::abi::load::LoadedPlugin;

/// Each command by its words, with the long options that it has without a plugin: for what must know
/// all of them, such as completions.
pub fn commands() -> Vec<(Vec<String>, Vec<String>)> {
    cli::commands()
}

/// Runs the command line `arguments`, which begins with the name of the program, with plugins from
/// `source`; returns the exit code.
pub fn run(arguments: &[OsString], source: &dyn PluginSource) -> u8 {
    let terminal = Terminal::new(is_verbose(arguments));
    let result = Run {
        arguments,
        source,
        terminal: &terminal,
    }
    .start();
    terminal.clear_progress();
    match result {
        Ok(code) => code,
        Err(error) => {
            if !error.is_silent() {
                terminal.error(&error);
            }
            error.exit_code()
        }
    }
}

/// Whether a command does what it can when the plugin does not start. zkey's never loads it.
fn can_do_without(verb: Verb) -> bool {
    verb == Verb::Validate
}

struct Run<'a> {
    arguments: &'a [OsString],
    source: &'a dyn PluginSource,
    terminal: &'a Terminal,
}

impl Run<'_> {
    /// zkey's order: binding, plugin, its options, command line, lock, `kms_initialize`, login,
    /// umask, command.
    fn start(&self) -> Result<u8, HostError> {
        let directory = environment::repository();
        let verb = Verb::find(self.arguments);
        let loaded = match verb.filter(|verb| verb.uses_plugin()) {
            None => None,
            Some(_) => match self.load(&directory) {
                // Help and validation must be there above all when something is wrong.
                Err(error) if wants_help(self.arguments) || verb.is_some_and(can_do_without) => {
                    self.terminal.warn(terminal::describe(&error));
                    None
                }
                loaded => loaded?,
            },
        };
        let options = loaded
            .as_ref()
            .zip(verb.and_then(Verb::plugin_command))
            .map(|((_, plugin), command)| plugin.command_options(command, MAX_OPTIONS))
            .map_or_else(PluginOptions::default, PluginOptions::new);
        let arguments = match Arguments::parse(self.arguments, verb, &options) {
            Ok(arguments) => arguments,
            Err(error) => {
                // A closed pipe: nobody reads the help.
                let _ = error.print();
                if loaded.is_none() && verb.and_then(Verb::plugin_command).is_some() {
                    let unbound = HostError::NotBound {
                        repository: directory,
                    };
                    self.terminal.warn(format_args!(
                        "{unbound}; only then the options of the plugin are known"
                    ));
                }
                return Ok(if error.use_stderr() {
                    EXIT_USAGE
                } else {
                    EXIT_SUCCESS
                });
            }
        };
        let done = match arguments.verb {
            Verb::KmsPlugins => commands::kms::plugins(self.source, &arguments, self.terminal),
            Verb::ProfileCheck => commands::profile::check(&arguments, self.terminal),
            Verb::Selftest => commands::selftest::run(&arguments, self.terminal),
            Verb::MasterKeyLoad | Verb::MasterKeySet | Verb::MasterKeyShow => {
                commands::master_key::run(&arguments, self.terminal)
            }
            // All others work with a repository.
            _ => return self.with_repository(directory, &arguments, loaded),
        };
        done.map(|()| EXIT_SUCCESS)
    }

    fn with_repository(
        &self,
        directory: PathBuf,
        arguments: &Arguments,
        loaded: Option<(Binding, LoadedPlugin)>,
    ) -> Result<u8, HostError> {
        if loaded.is_none() && arguments.verb.needs_binding() {
            return Err(HostError::NotBound {
                repository: directory,
            });
        }
        let repository = Repository::open(&directory, self.terminal)?;
        let bound = match &loaded {
            None => None,
            Some((binding, plugin)) => match self.initialize(&repository, binding, plugin) {
                Err(error) if can_do_without(arguments.verb) => {
                    self.terminal.warn(terminal::describe(&error));
                    None
                }
                bound => Some(bound?),
            },
        };
        if let Some(bound) = bound.as_ref().filter(|_| arguments.verb.logs_in_first()) {
            bound.login()?;
        }
        // For files that the plugin makes; the modes of our own are explicit.
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        let mut host = Host {
            terminal: self.terminal,
            repository: &repository,
            bound,
            report: Rc::default(),
        };
        commands::run(&mut host, arguments, self.source).map(|()| EXIT_SUCCESS)
    }

    fn load(&self, directory: &Path) -> Result<Option<(Binding, LoadedPlugin)>, HostError> {
        let Some(binding) = Binding::load(directory)? else {
            return Ok(None);
        };
        let entry = self.source.find(binding.plugin())?;
        let plugin = self.source.load(&entry)?;
        self.terminal.detail(format_args!(
            "loaded KMS plugin '{}' from {}, interface version {}",
            entry.name,
            entry.shared_object.display(),
            plugin.api_version()
        ));
        Ok(Some((binding, plugin)))
    }

    fn initialize<'p>(
        &self,
        repository: &Repository,
        seen: &Binding,
        plugin: &'p LoadedPlugin,
    ) -> Result<Bound<'p>, HostError> {
        // The binding was read before the lock; what counts is what is there now.
        let binding = Binding::load(repository.directory())?
            .filter(|binding| binding.plugin() == seen.plugin())
            .ok_or(HostError::BindingChanged)?;
        let config = binding.config_directory(repository.directory());
        let session = plugin
            .initialize(&config, self.terminal.is_verbose())
            .map_err(|_| HostError::PluginInitialize {
                plugin: binding.plugin().to_owned(),
            })?;
        Ok(Bound { binding, session })
    }
}
