//! The safe face of the plugin interface: what a key management system plugin does, without C.
//!
//! [`super::export`] turns any implementation of [`Kms`] into the C function table. Section
//! numbers below are those of the behaviour reference.

use std::io::Write;
use std::path::PathBuf;

use super::console::Console;
use super::error::PluginError;
use super::options;
use super::raw::UtilOpt;
use super::values::{
    Apqn, KeyMode, MasterKeyRegister, OptionValue, PluginCommand, Property, ReencipherMode,
    SecureKeyType,
};

/// What a plugin gets when it is initialised.
pub struct Context {
    /// The plugin's configuration directory, `<repository>/<plugin name>`.
    pub config_directory: PathBuf,
    /// The user asked for verbose messages, which go to standard error.
    pub verbose: bool,
    /// Where prompts and messages go.
    pub console: Box<dyn Console>,
}

/// Whether a configuration is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configured {
    /// Nothing is missing.
    Complete,
    /// Accepted, but more is needed; the host hears `-EAGAIN` and tells the user.
    Incomplete,
}

/// A request to re-encipher the plugin's own keys (9.9).
#[derive(Debug, Clone, Copy)]
pub struct Reencipher<'a> {
    /// In place, staged, or the completion of a staged run.
    pub mode: ReencipherMode,
    /// From which master key register to which.
    pub register: MasterKeyRegister,
    /// Options of the command line.
    pub options: &'a [OptionValue<'a>],
}

/// A request to generate a key (7.4).
#[derive(Debug, Clone, Copy)]
pub struct GenerateRequest<'a> {
    /// Type of the secure key to deliver.
    pub key_type: SecureKeyType,
    /// Size of the AES key; 0 means 256.
    pub key_bits: usize,
    /// Whole key or half of an XTS pair.
    pub mode: KeyMode,
    /// Properties to store with the key.
    pub properties: &'a [Property<'a>],
    /// Options of the command line.
    pub options: &'a [OptionValue<'a>],
    /// Room for the secure key in bytes. A larger result is an error, after the key was made:
    /// a plugin that can tell in advance refuses before it makes one.
    pub blob_capacity: usize,
    /// Room for the key identifier in bytes. An identifier that does not fit is an error too.
    pub key_id_capacity: usize,
}

/// A generated key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedKey {
    /// The secure key.
    pub blob: Vec<u8>,
    /// The identifier at the key management system.
    pub key_id: String,
    /// The label to show; too long a one is cut at a character boundary.
    pub label: String,
}

/// What a listing asks for (7.9).
#[derive(Debug, Clone, Copy)]
pub struct ListRequest<'a> {
    /// Pattern for the label, with wildcards.
    pub label_pattern: Option<&'a str>,
    /// Properties that keys must have.
    pub filter: &'a [Property<'a>],
    /// Options of the command line.
    pub options: &'a [OptionValue<'a>],
}

/// One key of a listing.
#[derive(Debug, Clone)]
pub struct ListedKey<'a> {
    /// The identifier at the key management system.
    pub key_id: &'a str,
    /// The label; keys without one show their identifier.
    pub label: &'a str,
    /// Type of the secure key that an import would make; `None` stands for any.
    pub key_type: Option<SecureKeyType>,
    /// Size of the AES key.
    pub key_bits: usize,
    /// All properties.
    pub properties: &'a [Property<'a>],
    /// Lines for the user beyond the properties.
    pub additional_info: &'a [String],
}

/// What an import asks for (7.10).
#[derive(Debug, Clone, Copy)]
pub struct ImportRequest<'a> {
    /// The identifier at the key management system.
    pub key_id: &'a str,
    /// Type of the secure key to deliver; `None` leaves it to the plugin.
    pub key_type: Option<SecureKeyType>,
    /// Room for the secure key in bytes.
    pub blob_capacity: usize,
}

/// A key management system plugin.
///
/// All methods take `&self`: the host calls functions of the interface from within the callback
/// of [`Kms::list_keys`], on the same handle (1.7). An implementation that keeps its state in
/// `RefCell`s must therefore not hold a borrow while it calls that callback. Only one thread uses
/// a handle.
///
/// An error becomes the negative errno and the last error text. A panic becomes `-EIO`; it does
/// not reach the host.
pub trait Kms: Sized + 'static {
    /// Prepares a fresh configuration directory. There is no handle yet, so the host only sees
    /// the errno of an error; its text goes to standard error.
    ///
    /// # Errors
    /// Whatever keeps the repository from being bound.
    fn bind(config_directory: &std::path::Path) -> Result<(), PluginError>;

    /// Opens the configuration. Should only fail for a broken configuration: everything else
    /// can be reported by the function that needs it.
    ///
    /// # Errors
    /// The text goes to standard error, since there is no handle to ask for it.
    fn initialize(context: Context) -> Result<Self, PluginError>;

    /// The options that this plugin adds to a command, ended by [`UtilOpt::END`].
    fn command_options(command: PluginCommand) -> Option<&'static [UtilOpt]> {
        options::table(command)
    }

    /// Whether keys of this type can be made with the APQNs as configured.
    fn supports_key_type(&self, key_type: SecureKeyType) -> bool;

    /// Writes the configuration for the user to `out` (11.3). Needs neither network nor adapter.
    ///
    /// # Errors
    /// `out` fails, or the configuration cannot be shown at all.
    fn info(&self, out: &mut dyn Write) -> Result<(), PluginError>;

    /// Changes the configuration. `apqns` is `None` when the user did not give any, and empty
    /// when the user removed all.
    ///
    /// # Errors
    /// The former configuration stays as it was.
    fn configure(
        &self,
        apqns: Option<&[Apqn]>,
        options: &[OptionValue<'_>],
    ) -> Result<Configured, PluginError>;

    /// Called before the host deletes the configuration directory.
    ///
    /// # Errors
    /// Keeps the host from unbinding.
    fn deconfigure(&self) -> Result<(), PluginError>;

    /// Called before the commands that will contact the key management system.
    ///
    /// # Errors
    /// The key management system does not let us in.
    fn login(&self) -> Result<(), PluginError>;

    /// Re-enciphers the plugin's own keys.
    ///
    /// # Errors
    /// The keys stay usable as they were.
    fn reencipher(&self, request: &Reencipher<'_>) -> Result<(), PluginError>;

    /// Generates a key at the key management system and fetches it as secure key.
    ///
    /// # Errors
    /// No key stays behind.
    fn generate_key(&self, request: &GenerateRequest<'_>) -> Result<GeneratedKey, PluginError>;

    /// Sets properties, and removes those without value.
    ///
    /// # Errors
    /// A property could not be set or removed.
    fn set_key_properties(
        &self,
        key_id: &str,
        properties: &[Property<'_>],
    ) -> Result<(), PluginError>;

    /// All properties of a key.
    ///
    /// # Errors
    /// The key is missing, or not one that a repository may use (7.7).
    fn get_key_properties(&self, key_id: &str) -> Result<Vec<Property<'static>>, PluginError>;

    /// Called when a key leaves the repository; changes its state when the options say so (7.8).
    ///
    /// # Errors
    /// The key stays in the repository.
    fn remove_key(&self, key_id: &str, options: &[OptionValue<'_>]) -> Result<(), PluginError>;

    /// Calls `found` for every key that matches. When `found` fails, the listing ends with its
    /// error. `found` may call any other method of this plugin.
    ///
    /// # Errors
    /// The key management system cannot be asked, or `found` failed.
    fn list_keys(
        &self,
        request: &ListRequest<'_>,
        found: &mut dyn FnMut(&ListedKey<'_>) -> Result<(), PluginError>,
    ) -> Result<(), PluginError>;

    /// Fetches a key as secure key.
    ///
    /// # Errors
    /// The key cannot be had, or does not fit.
    fn import_key(&self, request: &ImportRequest<'_>) -> Result<Vec<u8>, PluginError>;
}
