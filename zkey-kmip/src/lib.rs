//! A KMIP plugin for zkey, and a host that loads it.
//!
//! From the outside in:
//!
//! * [`abi`]: the C interface between host and plugin, both ends, and the safe trait behind it;
//! * [`plugin`]: the plugin, which puts the following together with the library `kmip`;
//! * [`config`]: its configuration directory, changed in transactions;
//! * [`profile`]: what must be known about a kind of key server;
//! * [`server_traits`]: what was learned about the server itself;
//! * [`identity`]: certificates and requests for the identity key;
//! * [`secure_key`]: what is needed of a coprocessor, and a backend in software; its keys reach
//!   OpenSSL through the module `provider`;
//! * [`properties`], [`files`]: zkey's file format, and files that are replaced as a whole;
//! * [`host`]: the command line host.

pub mod abi;
pub mod config;
mod der;
pub mod environment;
pub mod files;
mod flock;
pub mod host;
pub mod identity;
#[allow(unsafe_code)]
mod pattern;
pub mod plugin;
pub mod profile;
pub mod properties;
mod provider;
pub mod secure_key;

pub use zkey_needs::server_traits;
