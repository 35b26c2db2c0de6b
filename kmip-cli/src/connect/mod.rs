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

use crate::arguments::Online;
use crate::failure::Failure;

/// A connected client.
pub(crate) fn connect(options: &Online) -> Result<Client, Failure> {
    let mut builder = Settings::resolve(&options.server)?.builder()?;
    if let Some(indicator) = options.asynchronous {
        builder = builder.asynchronous(indicator);
    }
    Ok(builder.connect()?)
}
