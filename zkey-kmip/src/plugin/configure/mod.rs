//! `zkey kms configure` (behaviour reference 2.1, 5.3, 8.2). Everything is one change of the
//! configuration: when a step fails, nothing was configured.

mod certificate;
mod connection;
mod options;
mod summary;
mod trust;
mod wrapping_key;

use std::path::PathBuf;
use std::sync::Arc;

use super::Plugin;
use crate::abi::{Apqn, Configured, Errno, OptionValue, PluginError};
use crate::config::{Config, ConfigError, ConfigFile, Edit, Part};
use crate::files;
use crate::secure_key::{KeySpec, SecureKeyBackend, SecureKeyError};
use options::Options;

pub(super) fn run(
    plugin: &Plugin,
    apqns: Option<&[Apqn]>,
    options: &[OptionValue<'_>],
) -> Result<Configured, PluginError> {
    let options = Options::parse(options)?;
    let mut edit = plugin.config.borrow().edit()?;
    let had_identity_key = edit.config().has(Part::IdentityKey);
    if let Some(apqns) = apqns {
        set_apqns(plugin, &mut edit, apqns)?;
    }
    if let Some(spec) = options.gen_identity_key {
        generate_identity_key(plugin, &mut edit, spec)?;
    }
    let mut outputs = Outputs(Vec::new());
    if options.generates_certificate() {
        if !edit.config().has(Part::IdentityKey) {
            generate_identity_key(plugin, &mut edit, KeySpec::DEFAULT)?;
        }
        certificate::generate(plugin, &mut edit, &options, &mut outputs)?;
    }
    if let Some(path) = options.client_cert {
        certificate::register(plugin, &mut edit, path)?;
    }
    let before = edit.config().clone();
    let mut client = None;
    if let Some(server) = options.kmip_server {
        client = Some(connection::configure(plugin, &mut edit, server, &options)?);
    }
    let former = former_wrapping_key(&before, edit.config());
    let mut registered = None;
    if options.kmip_server.is_some() || options.gen_wrapping_key {
        registered = Some(wrapping_key::generate(
            plugin, &mut edit, client, former, &options,
        )?);
    }
    let committed = match outputs.write() {
        Ok(()) => edit.commit(),
        Err(error) => {
            return Err(match registered {
                Some(registered) => registered.take_back(error),
                None => error,
            });
        }
    };
    let config = match (committed, registered) {
        (Ok(config), Some(registered)) => {
            registered.retire_former(plugin)?;
            config
        }
        (Ok(config), None) => config,
        // The new wrapping key will be the configured one.
        (Err(error @ ConfigError::Unfinished { .. }), _) => return Err(error.into()),
        (Err(error), Some(registered)) => return Err(registered.take_back(error.into())),
        (Err(error), None) => return Err(error.into()),
    };
    let is_complete = config.missing().is_none();
    let told = summary::describe(&config, apqns, &options, had_identity_key);
    plugin.config.replace(config);
    plugin.server.replace(None);
    // All is done by now, whether somebody reads it or not.
    let _ = plugin.print(&told);
    Ok(if is_complete {
        Configured::Complete
    } else {
        Configured::Incomplete
    })
}

/// The wrapping key that a new one replaces at the same server.
fn former_wrapping_key(before: &Config, after: &Config) -> Option<String> {
    let key = before.wrapping_key();
    key.filter(|_| before.server() == after.server())
        .map(|key| key.id)
}

/// Files that the user asked for, written when nothing else can fail any more.
struct Outputs(Vec<(PathBuf, Vec<u8>)>);

impl Outputs {
    fn write(self) -> Result<(), PluginError> {
        for (path, content) in self.0 {
            files::write_output(&path, &content)?;
        }
        Ok(())
    }
}

/// Associates APQNs (3.5).
fn set_apqns(plugin: &Plugin, edit: &mut Edit, apqns: &[Apqn]) -> Result<(), PluginError> {
    let Some(first) = apqns.first() else {
        return Ok(edit.clear_apqns()?);
    };
    let unusable = |error: SecureKeyError| {
        let error = PluginError::from(error);
        // Here it is the list that is wrong.
        PluginError::new(Errno::EINVAL, error.to_string())
    };
    let card_type = match edit.config().card_type()? {
        Some(card_type) => card_type,
        None => (plugin.surroundings.card_type_of)(*first).map_err(unusable)?,
    };
    let backend = (plugin.surroundings.open_backend)(card_type)?;
    let report = backend.check_apqns(apqns).map_err(unusable)?;
    for remark in report.remarks {
        plugin.print(&format!("INFO: {remark}\n"))?;
    }
    edit.set_apqns(apqns, card_type)?;
    // What follows works with the new list.
    plugin.backend.replace(None);
    Ok(())
}

fn generate_identity_key(
    plugin: &Plugin,
    edit: &mut Edit,
    spec: KeySpec,
) -> Result<(), PluginError> {
    edit.config().require(Part::Apqns)?;
    // Only a key from before this command is worth a question.
    let exists = edit.config().has(Part::IdentityKey);
    if exists
        && !plugin.confirm(
            "ATTENTION: An identity key exists already. The client certificate and the \
             registration at the KMIP server belong to it.\nReplace it by a new one?",
        )?
    {
        return Err(PluginError::canceled("the identity key was kept"));
    }
    if spec.is_weak() {
        plugin.console.warn(&format!(
            "WARNING: an identity key of type {spec} does not protect against somebody who poses as \
             this client: use RSA with {} bits or more, or a larger curve",
            KeySpec::SECURE_RSA_BITS
        ));
    }
    let backend = backend(plugin, edit)?;
    let token = backend.generate_identity_key(spec)?;
    edit.set_identity_key(&token, spec)?;
    Ok(())
}

/// The backend for the APQNs as they will be.
fn backend(plugin: &Plugin, edit: &Edit) -> Result<Arc<dyn SecureKeyBackend>, PluginError> {
    let config = edit.config();
    config.require(Part::Apqns)?;
    match config.card_type()? {
        Some(card_type) => plugin.open_backend(card_type, &config.apqns()?),
        None => Err(ConfigError::Incomplete(Part::Apqns).into()),
    }
}

/// The token of the identity key as it will be.
fn identity_key(edit: &Edit) -> Result<Vec<u8>, PluginError> {
    edit.config().require(Part::IdentityKey)?;
    Ok(edit.read(ConfigFile::IdentityKey)?)
}
