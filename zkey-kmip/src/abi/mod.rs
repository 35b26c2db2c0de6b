//! The C interface between zkey (the host) and a key management system plugin.
//!
//! zkey loads a plugin as a shared object, asks its only exported function `kms_get_functions`
//! for a table of C functions, and calls those. This module holds both ends of that interface:
//!
//! * [`raw`]: the C structures, with their sizes and offsets checked at compile time;
//! * [`Kms`]: the safe trait that a plugin implements, with the types of [`values`] and the
//!   error type [`PluginError`];
//! * [`export`]: the function table made from any implementation of [`Kms`];
//! * [`load`]: the host's end, which loads a plugin and calls its table;
//! * [`options`]: the options that the KMIP plugin declares for zkey's command line;
//! * [`console`]: prompts and output of a plugin, which share the C streams of the host.
//!
//! Unsafe code is confined to [`raw`], [`export`], `borrow`, [`load`] and `stdio`.

#[allow(unsafe_code)]
mod borrow;
pub mod console;
pub mod error;
#[allow(unsafe_code)]
pub mod export;
pub mod kms;
#[allow(unsafe_code)]
pub mod load;
pub mod options;
#[allow(unsafe_code)]
pub mod raw;
#[allow(unsafe_code)]
mod stdio;
pub mod values;

pub use console::{Console, HostConsole};
pub use error::{Errno, PluginError};
pub use kms::{
    Configured, Context, GenerateRequest, GeneratedKey, ImportRequest, Kms, ListRequest, ListedKey,
    Reencipher,
};
pub use values::{
    Apqn, KEY_ID_SIZE, KEY_LABEL_SIZE, KeyMode, MasterKeyRegister, OptionValue, PluginCommand,
    Property, ReencipherMode, SecureKeyType,
};
