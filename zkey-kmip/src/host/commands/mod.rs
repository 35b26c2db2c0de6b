//! The commands, each as zkey does it.

mod change;
mod configure;
mod generate;
mod import;
mod keys;
pub(super) mod kms;
pub(super) mod master_key;
pub(super) mod profile;
mod refresh;
pub(super) mod selftest;
mod validate;

use std::rc::Rc;

use super::cli::Arguments;
use super::cli::verbs::Verb;
use super::error::HostError;
use super::plugins::PluginSource;
use super::report::Report;
use super::repository::Repository;
use super::repository::binding::Binding;
use super::repository::key::Key;
use super::terminal::Terminal;
use crate::abi::load::{CallError, Session};
use crate::abi::{Apqn, Property, SecureKeyType};

/// What a command works with.
pub(super) struct Host<'a> {
    /// Messages and questions.
    pub terminal: &'a Terminal,
    /// The repository, locked.
    pub repository: &'a Repository,
    /// The plugin, when the repository is bound and the command uses it.
    pub bound: Option<Bound<'a>>,
    /// What a command that changes something did, for `--json`.
    pub report: Rc<Report>,
}

/// A bound repository's plugin.
pub(super) struct Bound<'p> {
    /// `kms.conf`.
    pub binding: Binding,
    /// The initialised plugin.
    pub session: Session<'p>,
}

/// Runs a command.
///
/// # Errors
/// It failed; what it could not do is undone as far as possible.
pub(super) fn run(
    host: &mut Host<'_>,
    arguments: &Arguments,
    source: &dyn PluginSource,
) -> Result<(), HostError> {
    if !arguments.flag("json") || !arguments.verb.reports() {
        return perform(host, arguments, source);
    }
    let (report, terminal) = (Rc::clone(&host.report), host.terminal);
    report.of(terminal, || perform(host, arguments, source))
}

fn perform(
    host: &mut Host<'_>,
    arguments: &Arguments,
    source: &dyn PluginSource,
) -> Result<(), HostError> {
    match arguments.verb {
        Verb::KmsPlugins => kms::plugins(source, arguments, host.terminal),
        Verb::ProfileCheck => profile::check(arguments, host.terminal),
        Verb::Selftest => selftest::run(arguments, host.terminal),
        Verb::MasterKeyLoad | Verb::MasterKeySet | Verb::MasterKeyShow => {
            master_key::run(arguments, host.terminal)
        }
        Verb::KmsBind => kms::bind(host, arguments, source),
        Verb::KmsUnbind => kms::unbind(host),
        Verb::KmsInfo => kms::info(host, arguments),
        Verb::KmsConfigure => configure::run(host, arguments),
        Verb::KmsReencipher => kms::reencipher(host, arguments),
        Verb::KmsList => import::list(host, arguments),
        Verb::KmsImport => import::run(host, arguments),
        Verb::KmsRefresh => refresh::run(host, arguments),
        Verb::Generate => generate::run(host, arguments),
        Verb::List => keys::list(host, arguments),
        Verb::Remove => keys::remove(host, arguments),
        Verb::Rename => keys::rename(host, arguments),
        Verb::Change => change::run(host, arguments),
        Verb::Validate => validate::run(host, arguments),
    }
}

impl<'a> Host<'a> {
    /// The plugin.
    ///
    /// # Errors
    /// The repository is not bound.
    pub(super) fn bound(&self) -> Result<&Bound<'a>, HostError> {
        self.bound.as_ref().ok_or_else(|| self.not_bound())
    }

    fn bound_mut(&mut self) -> Result<&mut Bound<'a>, HostError> {
        let error = self.not_bound();
        self.bound.as_mut().ok_or(error)
    }

    fn not_bound(&self) -> HostError {
        HostError::NotBound {
            repository: self.repository.directory().to_owned(),
        }
    }
}

impl Bound<'_> {
    /// Name of the plugin.
    pub(super) fn plugin(&self) -> &str {
        self.binding.plugin()
    }

    /// `kms_login`.
    ///
    /// # Errors
    /// The key management system does not let us in.
    pub(super) fn login(&self) -> Result<(), HostError> {
        self.call("log in", self.session.login())
    }

    /// Turns a result of the plugin into one of the host; `action` follows "failed to".
    ///
    /// # Errors
    /// The call failed.
    pub(super) fn call<T>(
        &self,
        action: impl Into<String>,
        result: Result<T, CallError>,
    ) -> Result<T, HostError> {
        result.map_err(|source| HostError::Plugin {
            plugin: self.plugin().to_owned(),
            action: action.into(),
            source,
        })
    }

    /// The first type of key that the plugin supports, as zkey chooses its default.
    pub(super) fn default_key_type(&self) -> SecureKeyType {
        SecureKeyType::ALL
            .into_iter()
            .find(|key_type| self.session.supports_key_type(*key_type))
            .unwrap_or(SecureKeyType::CcaAesData)
    }

    /// The APQNs for keys of this type.
    ///
    /// # Errors
    /// The plugin does not support the type, or has no APQNs for it.
    pub(super) fn apqns_for(&self, key_type: SecureKeyType) -> Result<Vec<Apqn>, HostError> {
        if !self.session.supports_key_type(key_type) {
            return Err(HostError::KeyTypeNotSupported {
                plugin: self.plugin().to_owned(),
                key_type: key_type.name().to_owned(),
            });
        }
        let apqns = self.binding.apqns_for(key_type)?;
        if apqns.is_empty() {
            return Err(HostError::NoApqns {
                plugin: self.plugin().to_owned(),
                key_type: key_type.name().to_owned(),
            });
        }
        Ok(apqns)
    }

    /// Sets properties of a key, of both keys of an XTS pair.
    ///
    /// # Errors
    /// The plugin could not.
    pub(super) fn set_properties(
        &self,
        key: &Key,
        properties: &[Property<'_>],
    ) -> Result<(), HostError> {
        if properties.is_empty() {
            return Ok(());
        }
        for id in key.kms_ids()?.iter() {
            let action = format!("set properties of key '{}'", key.name());
            self.call(action, self.session.set_key_properties(id, properties))?;
        }
        Ok(())
    }
}

/// Counts keys that failed one by one.
#[derive(Debug, Default)]
struct Tally {
    all: usize,
    failed: usize,
}

impl Tally {
    /// Takes note of a key; reports what went wrong with it.
    fn note(&mut self, result: Result<(), HostError>, terminal: &Terminal) {
        self.all += 1;
        if let Err(error) = result {
            self.failed += 1;
            terminal.error(&error);
        }
    }

    /// The result of the command.
    fn finish(&self) -> Result<(), HostError> {
        match self.failed {
            0 => Ok(()),
            failed => Err(HostError::SomeFailed {
                failed,
                all: self.all,
            }),
        }
    }
}
