//! The KMIP plugin: what zkey's commands mean for configuration, secure keys and KMIP server.
//!
//! [`Plugin`] holds what lives as long as a handle. Each command has a module of its own.

mod attributes;
mod configure;
mod credential;
mod given;
mod info;
mod known;
mod left_behind;
mod listing;
mod pair;
mod peer;
mod properties;
mod public_key;
mod reencipher;
mod remembered;
mod remove;
mod retrieve;
mod search;
mod server;
mod surroundings;
mod target;
mod unused;
mod wrapping;

use std::cell::{Cell, RefCell, RefMut};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::abi::options::code;
use crate::abi::{
    Apqn, Configured, Console, Context, Errno, GenerateRequest, GeneratedKey, ImportRequest, Kms,
    ListRequest, ListedKey, OptionValue, PluginError, Property, Reencipher, SecureKeyType,
};
use crate::config::{Config, ConfigError, HeldIntent, Intended, Intent, Part};
use crate::provider::ReleaseUnused;
use crate::secure_key::{CardType, SecureKeyBackend};
use given::GivenKeys;
use pair::Pair;
use server::Server;

pub use surroundings::{
    BATCH_VARIABLE, CardTypeOf, FINGERPRINT_VARIABLE, INFO_CHECK_VARIABLE, OpenBackend,
    Surroundings,
};

/// The plugin behind a handle.
pub struct Plugin {
    console: Box<dyn Console>,
    verbose: bool,
    surroundings: Surroundings,
    config: RefCell<Config>,
    /// Opened when the first secure key is used, for this type of adapters.
    backend: RefCell<Option<(CardType, Arc<dyn SecureKeyBackend>)>>,
    has_warned: Cell<bool>,
    /// Connected when the first key is asked for.
    server: RefCell<Option<Server>>,
    /// What was made with this handle of a pair of keys for XTS, until it is one.
    pair: RefCell<Option<Pair>>,
    /// Keys that the host was given with this handle.
    given: RefCell<GivenKeys>,
    /// Dropped after all that may hold a key of OpenSSL.
    _provider: ReleaseUnused,
}

impl Plugin {
    /// Opens the configuration.
    ///
    /// # Errors
    /// It is damaged, or its directory cannot be used.
    pub fn new(context: Context, surroundings: Surroundings) -> Result<Plugin, PluginError> {
        let plugin = Plugin {
            config: RefCell::new(Config::open(&context.config_directory)?),
            console: context.console,
            verbose: context.verbose,
            surroundings,
            backend: RefCell::new(None),
            has_warned: Cell::new(false),
            server: RefCell::new(None),
            pair: RefCell::new(None),
            given: RefCell::default(),
            _provider: ReleaseUnused,
        };
        plugin.warn_of_backend();
        Ok(plugin)
    }

    /// The backend for the configured APQNs, working with one of them.
    fn backend(&self) -> Result<Arc<dyn SecureKeyBackend>, PluginError> {
        let config = self.config.borrow();
        config.require(Part::Apqns)?;
        let card_type = config
            .card_type()?
            .ok_or(ConfigError::Incomplete(Part::Apqns))?;
        self.open_backend(card_type, &config.apqns()?)
    }

    fn open_backend(
        &self,
        card_type: CardType,
        apqns: &[Apqn],
    ) -> Result<Arc<dyn SecureKeyBackend>, PluginError> {
        let mut slot = self.backend.borrow_mut();
        if let Some((open_type, backend)) = &*slot {
            if *open_type == card_type {
                return Ok(Arc::clone(backend));
            }
        }
        let backend: Arc<dyn SecureKeyBackend> =
            (self.surroundings.open_backend)(card_type)?.into();
        let apqn = backend.select_apqn(apqns)?;
        self.note(&format!("using APQN {apqn} with {}", backend.info()?.name));
        *slot = Some((card_type, Arc::clone(&backend)));
        Ok(backend)
    }

    /// The connection to the configured server.
    fn server(&self) -> Result<RefMut<'_, Server>, PluginError> {
        if let Some(missing) = self.config.borrow().missing() {
            return Err(ConfigError::Incomplete(missing).into());
        }
        let mut slot = self.server.borrow_mut();
        if slot.is_none() {
            let backend = self.backend()?;
            let config = self.config.borrow();
            let profiles = &self.surroundings.profiles;
            let mut server = Server::connect(&config, &backend, profiles)?;
            let name = config.server().unwrap_or_default();
            left_behind::clean_up(self, &mut server.peer, name);
            *slot = Some(server);
        }
        RefMut::filter_map(slot, Option::as_mut)
            .map_err(|_| PluginError::invalid("the connection to the KMIP server is gone"))
    }

    /// Writes down that an object is going to be made at this server.
    fn intend(&self, server: &str, object: Intended) -> Result<HeldIntent, PluginError> {
        let intent = Intent::new(server, object).map_err(|error| {
            PluginError::new(Errno::EIO, "OpenSSL has no random numbers").caused_by(error)
        })?;
        Ok(self.config.borrow().intend(intent)?)
    }

    /// Tells something that only interests those who want to know all.
    fn note(&self, text: &str) {
        if self.verbose {
            self.console.warn(text);
        }
    }

    /// Says what the backend has to say on each use.
    fn warn_of_backend(&self) {
        if self.has_warned.replace(true) {
            return;
        }
        let card_type = self.config.borrow().card_type();
        let card_type = card_type.ok().flatten().unwrap_or(CardType::Cca);
        // An error will be told by the command that needs the backend.
        let backend = (self.surroundings.open_backend)(card_type);
        let info = backend.and_then(|backend| backend.info());
        if let Some(warning) = info.ok().and_then(|info| info.warning) {
            self.console.warn(&format!("WARNING: {warning}"));
        }
    }

    fn print(&self, text: &str) -> Result<(), PluginError> {
        self.console
            .print(text)
            .map_err(|error| PluginError::io("cannot write to standard output", error))
    }

    /// Whether to do what the command line asks for, which takes something away.
    fn confirm(&self, question: &str) -> Result<bool, PluginError> {
        self.ask(question, true)
    }

    /// Asks the user, or takes the answer for those who want no questions.
    fn ask(&self, question: &str, without_asking: bool) -> Result<bool, PluginError> {
        if self.surroundings.asks_nothing {
            return Ok(without_asking);
        }
        self.console
            .confirm(question)
            .map_err(|error| PluginError::io("cannot ask a question", error))
    }

    /// The type of secure key to make: the one asked for, if the adapters can make it, or their
    /// default.
    fn key_type(&self, wanted: Option<SecureKeyType>) -> Result<SecureKeyType, PluginError> {
        let config = self.config.borrow();
        let card_type = config
            .card_type()?
            .ok_or(ConfigError::Incomplete(Part::Apqns))?;
        let possible = card_type.secure_key_types();
        match wanted {
            None => Ok(possible[0]),
            Some(wanted) if possible.contains(&wanted) => Ok(wanted),
            Some(wanted) => Err(PluginError::invalid(format!(
                "the associated {card_type} adapters cannot make keys of type {wanted}"
            ))),
        }
    }
}

impl Kms for Plugin {
    fn bind(_config_directory: &Path) -> Result<(), PluginError> {
        Ok(())
    }

    fn initialize(context: Context) -> Result<Self, PluginError> {
        Plugin::new(context, Surroundings::from_environment())
    }

    fn supports_key_type(&self, key_type: SecureKeyType) -> bool {
        match self.config.borrow().card_type() {
            Ok(Some(card_type)) => card_type.secure_key_types().contains(&key_type),
            _ => true,
        }
    }

    fn info(&self, out: &mut dyn Write) -> Result<(), PluginError> {
        let check = self.surroundings.checks_in_info.then(|| info::check(self));
        remembered::keep(self);
        let profiles = &self.surroundings.profiles;
        let text = info::describe(&self.config.borrow(), profiles, check.as_ref());
        out.write_all(text.as_bytes())
            .map_err(|error| PluginError::io("cannot write to standard output", error))?;
        check.map_or(Ok(()), |check| check.map(drop))
    }

    fn configure(
        &self,
        apqns: Option<&[Apqn]>,
        options: &[OptionValue<'_>],
    ) -> Result<Configured, PluginError> {
        configure::run(self, apqns, options)
    }

    /// Works without a connection, so it only tells what stays at the server.
    fn deconfigure(&self) -> Result<(), PluginError> {
        let config = self.config.borrow();
        if let (Some(server), Some(key)) = (config.server(), config.wrapping_key()) {
            let id = key.id;
            self.console.warn(&format!(
                "INFO: the wrapping key {id} stays at KMIP server {server}; it can be destroyed there"
            ));
        }
        for held in given::left(&config)? {
            let text = format!("INFO: after an interrupted command, {}", held.intent());
            self.console.warn(&text);
        }
        Ok(())
    }

    fn login(&self) -> Result<(), PluginError> {
        Ok(())
    }

    fn reencipher(&self, request: &Reencipher<'_>) -> Result<(), PluginError> {
        reencipher::run(self, request)
    }

    fn generate_key(&self, request: &GenerateRequest<'_>) -> Result<GeneratedKey, PluginError> {
        let result = retrieve::generate(self, request);
        remembered::keep(self);
        result
    }

    fn set_key_properties(
        &self,
        key_id: &str,
        properties: &[Property<'_>],
    ) -> Result<(), PluginError> {
        let pair = pair::completed_by(self, key_id, properties);
        let result = properties::set(self, key_id, properties);
        let result = match (result, pair) {
            (Ok(()), Some(pair)) => {
                pair.complete(self);
                Ok(())
            }
            (Err(error), Some(pair)) => Err(pair.take_back(self, error)),
            (result, None) => result,
        };
        remembered::keep(self);
        result
    }

    fn get_key_properties(&self, key_id: &str) -> Result<Vec<Property<'static>>, PluginError> {
        let result = properties::get(self, key_id);
        remembered::keep(self);
        result
    }

    fn remove_key(&self, key_id: &str, options: &[OptionValue<'_>]) -> Result<(), PluginError> {
        let result = remove::run(self, key_id, options);
        remembered::keep(self);
        result
    }

    fn list_keys(
        &self,
        request: &ListRequest<'_>,
        found: &mut dyn FnMut(&ListedKey<'_>) -> Result<(), PluginError>,
    ) -> Result<(), PluginError> {
        let result = listing::run(self, request, found);
        remembered::keep(self);
        result
    }

    fn import_key(&self, request: &ImportRequest<'_>) -> Result<Vec<u8>, PluginError> {
        let result = retrieve::import(self, request);
        remembered::keep(self);
        result
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        given::settle(self);
    }
}

/// The options that a command does not know are an error of the host.
fn unsupported(option: &OptionValue<'_>) -> PluginError {
    PluginError::invalid(format!("{option} is not supported by this command"))
}

/// The value of `--key-type`, if it is given.
fn key_type_option(options: &[OptionValue<'_>]) -> Result<Option<SecureKeyType>, PluginError> {
    let mut wanted = None;
    for option in options {
        match option.code {
            code::KEY_TYPE => {
                let name = option.text()?;
                let known = SecureKeyType::from_name(name).ok_or_else(|| {
                    PluginError::invalid(format!("`{name}` is not a type of secure keys"))
                });
                wanted = Some(known?);
            }
            _ => return Err(unsupported(option)),
        }
    }
    Ok(wanted)
}
