//! `kms.conf`: to which plugin a repository is bound.

use std::path::{Path, PathBuf};

use crate::abi::{Apqn, SecureKeyType};
use crate::host::association::{join, split};
use crate::host::error::HostError;
use crate::properties::{Integrity, Properties};

/// The file in the directory of a repository.
pub(crate) const FILE: &str = "kms.conf";
const PLUGIN: &str = "kms";
const CONFIG: &str = "config";
const APQNS: &str = "apqns";
const CCA_APQNS: &str = "cca_apqns";
const EP11_APQNS: &str = "ep11_apqns";
/// The name that stands for no plugin.
const LOCAL: &str = "local";

/// The binding of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    properties: Properties,
    plugin: String,
}

impl Binding {
    /// The binding of the repository `directory`, if it is bound.
    ///
    /// # Errors
    /// `kms.conf` cannot be read or is damaged.
    pub fn load(directory: &Path) -> Result<Option<Binding>, HostError> {
        let properties = match Properties::load(&directory.join(FILE), Integrity::Hashed) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let plugin = properties
            .get(PLUGIN)
            .filter(|plugin| !plugin.eq_ignore_ascii_case(LOCAL))
            .map(str::to_owned);
        Ok(plugin.map(|plugin| Binding { properties, plugin }))
    }

    /// A new binding, not saved yet.
    ///
    /// # Errors
    /// The names cannot be stored.
    pub fn new(plugin: &str, config_directory: &Path) -> Result<Binding, HostError> {
        let mut properties = Properties::new();
        properties.set(PLUGIN, plugin)?;
        properties.set_os(CONFIG, config_directory.as_os_str())?;
        Ok(Binding {
            properties,
            plugin: plugin.to_owned(),
        })
    }

    /// Writes `kms.conf`.
    ///
    /// # Errors
    /// The old file is still there.
    pub fn save(&self, directory: &Path) -> Result<(), HostError> {
        Ok(self
            .properties
            .save(&directory.join(FILE), Integrity::Hashed)?)
    }

    /// Removes `kms.conf`.
    ///
    /// # Errors
    /// It is still there.
    pub fn remove(directory: &Path) -> Result<(), HostError> {
        crate::files::remove_if_present(&directory.join(FILE))?;
        Ok(crate::files::sync_directory(directory)?)
    }

    /// Name of the plugin.
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The plugin's configuration directory. The stored path is absolute; that of a repository
    /// that was moved lies inside `directory` all the same.
    pub fn config_directory(&self, directory: &Path) -> PathBuf {
        let stored = self.properties.get_os(CONFIG).map(PathBuf::from);
        match stored {
            Some(stored) if stored.is_dir() => stored,
            _ => directory.join(&self.plugin),
        }
    }

    /// All APQNs.
    ///
    /// # Errors
    /// The list in the file is wrong.
    pub fn apqns(&self) -> Result<Vec<Apqn>, HostError> {
        self.list(APQNS)
    }

    /// The APQNs that keys of this type use.
    ///
    /// # Errors
    /// The list in the file is wrong.
    pub fn apqns_for(&self, key_type: SecureKeyType) -> Result<Vec<Apqn>, HostError> {
        self.list(match key_type {
            SecureKeyType::Ep11Aes => EP11_APQNS,
            SecureKeyType::CcaAesData | SecureKeyType::CcaAesCipher => CCA_APQNS,
        })
    }

    /// Replaces the APQNs: all of them, and those for each type of adapter; `None` where the
    /// plugin does not use that type.
    ///
    /// # Errors
    /// They cannot be stored.
    pub fn set_apqns(
        &mut self,
        all: &[Apqn],
        cca: Option<&[Apqn]>,
        ep11: Option<&[Apqn]>,
    ) -> Result<(), HostError> {
        for (name, list) in [(APQNS, Some(all)), (CCA_APQNS, cca), (EP11_APQNS, ep11)] {
            match list {
                Some(list) if !all.is_empty() => self.properties.set(name, &join(list))?,
                _ => {
                    self.properties.remove(name);
                }
            }
        }
        Ok(())
    }

    fn list(&self, name: &str) -> Result<Vec<Apqn>, HostError> {
        let text = self.properties.get(name).unwrap_or_default();
        let apqns = split(text).map(str::parse).collect::<Result<_, _>>();
        Ok(apqns.map_err(crate::host::association::AssociationError::from)?)
    }
}
