//! Re-enciphering of the plugin's own keys when the master key changes (behaviour reference 9.9).

use super::{Plugin, unsupported};
use crate::abi::{Errno, MasterKeyRegister, PluginError, Reencipher, ReencipherMode};
use crate::config::{Config, ConfigFile, Edit};
use crate::secure_key::{CardType, ReencipherStep};

/// The keys, with the file where a re-enciphered one waits.
const KEYS: [(&str, ConfigFile, ConfigFile); 2] = [
    (
        "identity key",
        ConfigFile::IdentityKey,
        ConfigFile::IdentityKeyReenciphered,
    ),
    (
        "wrapping key",
        ConfigFile::WrappingKey,
        ConfigFile::WrappingKeyReenciphered,
    ),
];

pub(super) fn run(plugin: &Plugin, request: &Reencipher<'_>) -> Result<(), PluginError> {
    if let Some(option) = request.options.first() {
        return Err(unsupported(option));
    }
    let config = plugin.config.borrow().clone();
    if config.path(ConfigFile::IdentityKey).is_none() {
        return Ok(());
    }
    let is_pending = KEYS
        .iter()
        .any(|(_, file, waiting)| is_waiting(&config, *file, *waiting));
    let (config, said) = match request.mode {
        ReencipherMode::StagedComplete if !is_pending => {
            return Err(PluginError::invalid(
                "no staged re-enciphering of the keys of the KMIP plugin is pending",
            ));
        }
        ReencipherMode::StagedComplete => complete(plugin, &config)?,
        ReencipherMode::Auto if is_pending && request.register == MasterKeyRegister::Auto => {
            complete(plugin, &config)?
        }
        mode => {
            let in_place = match mode {
                ReencipherMode::InPlace => true,
                ReencipherMode::Auto => request.register == MasterKeyRegister::FromOld,
                _ => false,
            };
            reencipher(plugin, &config, request.register, in_place)?
        }
    };
    plugin.config.replace(config);
    // The connection was made with the former keys.
    plugin.server.replace(None);
    plugin.print(&said)
}

/// Whether a re-enciphered key waits for the master key. The C plugin names the file of a
/// re-enciphered wrapping key also when there is no wrapping key, and so no such file.
fn is_waiting(config: &Config, file: ConfigFile, waiting: ConfigFile) -> bool {
    config.path(file).is_some() && config.path(waiting).is_some_and(|path| path.exists())
}

/// Puts the waiting keys in the place of the former ones. Returns also what is to be said.
fn complete(plugin: &Plugin, config: &Config) -> Result<(Config, String), PluginError> {
    let backend = plugin.backend()?;
    let mut edit = config.edit()?;
    let mut said = String::new();
    for (name, file, waiting) in KEYS {
        if edit.config().path(waiting).is_none() {
            continue;
        }
        if !is_waiting(edit.config(), file, waiting) {
            edit.delete(waiting)?;
            continue;
        }
        let token = edit.read(waiting)?;
        // A key that cannot be used yet must not replace one that can.
        let status = backend.verify(&token)?;
        if status.register == crate::secure_key::Register::New {
            let text = format!(
                "the re-enciphered {name} is still under the NEW master key: set the master key \
                 first"
            );
            return Err(PluginError::new(Errno::ENODEV, text));
        }
        edit.write(file, &token)?;
        edit.delete(waiting)?;
        said += &format!("The re-enciphered {name} is now in use.\n");
    }
    Ok((edit.commit()?, said))
}

fn reencipher(
    plugin: &Plugin,
    config: &Config,
    register: MasterKeyRegister,
    in_place: bool,
) -> Result<(Config, String), PluginError> {
    let steps: &[ReencipherStep] = match register {
        MasterKeyRegister::Auto | MasterKeyRegister::ToNew => &[ReencipherStep::CurrentToNew],
        MasterKeyRegister::FromOld => &[ReencipherStep::OldToCurrent],
        MasterKeyRegister::FromOldToNew => {
            &[ReencipherStep::OldToCurrent, ReencipherStep::CurrentToNew]
        }
    };
    if config.card_type()? == Some(CardType::Ep11)
        && matches!(
            register,
            MasterKeyRegister::FromOld | MasterKeyRegister::FromOldToNew
        )
    {
        return Err(PluginError::invalid(
            "EP11 adapters have no OLD master key to re-encipher from",
        ));
    }
    let mut edit = config.edit()?;
    let mut said = String::new();
    for (name, file, waiting) in KEYS {
        if edit.config().path(file).is_some() {
            said += &one(plugin, &mut edit, (name, file, waiting), steps, in_place)?;
        }
    }
    let config = edit.commit()?;
    if !in_place {
        said += "The re-enciphered keys wait until the new master key is set. Run 'zkey kms \
                 reencipher --complete' then.\n";
    }
    Ok((config, said))
}

fn one(
    plugin: &Plugin,
    edit: &mut Edit,
    (name, file, waiting): (&str, ConfigFile, ConfigFile),
    steps: &[ReencipherStep],
    in_place: bool,
) -> Result<String, PluginError> {
    let backend = plugin.backend()?;
    let mut token = edit.read(file)?;
    for step in steps {
        token = backend.reencipher(&token, *step).map_err(|error| {
            let error = PluginError::from(error);
            let text = format!("cannot re-encipher the {name}: {error}");
            PluginError::new(error.errno(), text)
        })?;
    }
    if in_place {
        edit.write(file, &token)?;
        edit.delete(waiting)?;
        Ok(format!("The {name} was re-enciphered.\n"))
    } else {
        edit.write(waiting, &token)?;
        Ok(format!("The {name} was re-enciphered and is staged.\n"))
    }
}
