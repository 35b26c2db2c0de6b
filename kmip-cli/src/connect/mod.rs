//! From options and configuration file to a connected client.

mod configuration;
mod exchange;
mod secrets;
mod settings;
pub(crate) mod ticket;
mod tls;

pub(crate) use configuration::{Configuration, ConfigurationError};
pub(crate) use exchange::Exchange;
pub(crate) use settings::{Place, Settings};

use kmip::client::Client;

use crate::arguments::ServerOptions;
use crate::failure::Failure;

/// A connected client.
pub(crate) fn connect(options: &ServerOptions) -> Result<Client, Failure> {
    Settings::resolve(options)?.connect()
}
