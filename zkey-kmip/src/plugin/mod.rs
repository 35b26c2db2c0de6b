//! The KMIP plugin.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::abi::{
    Apqn, Configured, Context, GenerateRequest, GeneratedKey, ImportRequest, Kms, ListRequest,
    ListedKey, OptionValue, PluginError, Property, Reencipher, SecureKeyType,
};

/// The plugin behind a handle.
pub struct Plugin {
    config_directory: PathBuf,
}

fn missing<T>(what: &str) -> Result<T, PluginError> {
    Err(PluginError::not_supported(format!(
        "{what} is not available yet"
    )))
}

impl Kms for Plugin {
    fn bind(_config_directory: &Path) -> Result<(), PluginError> {
        Ok(())
    }

    fn initialize(context: Context) -> Result<Self, PluginError> {
        Ok(Plugin {
            config_directory: context.config_directory,
        })
    }

    fn supports_key_type(&self, _key_type: SecureKeyType) -> bool {
        true
    }

    fn info(&self, out: &mut dyn Write) -> Result<(), PluginError> {
        writeln!(
            out,
            "  Configuration:        {}",
            self.config_directory.display()
        )
        .map_err(|error| PluginError::io("cannot write to standard output", error))
    }

    fn configure(
        &self,
        _apqns: Option<&[Apqn]>,
        _options: &[OptionValue<'_>],
    ) -> Result<Configured, PluginError> {
        missing("configure")
    }

    fn deconfigure(&self) -> Result<(), PluginError> {
        Ok(())
    }

    fn login(&self) -> Result<(), PluginError> {
        Ok(())
    }

    fn reencipher(&self, _request: &Reencipher<'_>) -> Result<(), PluginError> {
        missing("reencipher")
    }

    fn generate_key(&self, _request: &GenerateRequest<'_>) -> Result<GeneratedKey, PluginError> {
        missing("generate")
    }

    fn set_key_properties(
        &self,
        _key_id: &str,
        _properties: &[Property<'_>],
    ) -> Result<(), PluginError> {
        missing("setting properties")
    }

    fn get_key_properties(&self, _key_id: &str) -> Result<Vec<Property<'static>>, PluginError> {
        missing("reading properties")
    }

    fn remove_key(&self, _key_id: &str, _options: &[OptionValue<'_>]) -> Result<(), PluginError> {
        missing("remove")
    }

    fn list_keys(
        &self,
        _request: &ListRequest<'_>,
        _found: &mut dyn FnMut(&ListedKey<'_>) -> Result<(), PluginError>,
    ) -> Result<(), PluginError> {
        missing("list")
    }

    fn import_key(&self, _request: &ImportRequest<'_>) -> Result<Vec<u8>, PluginError> {
        missing("import")
    }
}
