//! What a plugin finds on its machine. Tests bring their own.

use crate::abi::Apqn;
use crate::environment;
use crate::profile::ProfileDirectory;
use crate::secure_key::{self, CardType, SecureKeyBackend, SecureKeyError};

/// Environment variable with the fingerprint of the server's certificate, for scripts.
pub const FINGERPRINT_VARIABLE: &str = "ZKEY_KMIP_SERVER_FINGERPRINT";

/// Environment variable with which nobody is asked anything, if it has any value.
pub const BATCH_VARIABLE: &str = "ZKEY_KMIP_BATCH";

/// Environment variable with which `kms info` asks the server, too, if it has any value.
pub const INFO_CHECK_VARIABLE: &str = "ZKEY_KMIP_INFO_CHECK";

/// Opens the backend for a type of adapters.
pub type OpenBackend = dyn Fn(CardType) -> Result<Box<dyn SecureKeyBackend>, SecureKeyError>;

/// Tells the type of the adapter with an APQN.
pub type CardTypeOf = dyn Fn(Apqn) -> Result<CardType, SecureKeyError>;

/// The machine as far as a plugin depends on it.
pub struct Surroundings {
    /// Where the profiles are.
    pub profiles: ProfileDirectory,
    /// How to open a backend.
    pub open_backend: Box<OpenBackend>,
    /// How to find out the type of an adapter.
    pub card_type_of: Box<CardTypeOf>,
    /// SHA-256 fingerprint of the server's certificate that the user accepts beforehand, in
    /// hexadecimal with or without colons.
    pub accepted_fingerprint: Option<String>,
    /// What the command line asks for is done without a question, and nothing beyond it. The server is
    /// only accepted by its fingerprint.
    pub asks_nothing: bool,
    /// `info` connects, and looks whether the wrapping key is in use.
    pub checks_in_info: bool,
}

impl Surroundings {
    /// This machine, as the environment says.
    pub fn from_environment() -> Surroundings {
        Surroundings {
            profiles: ProfileDirectory::from_environment(),
            open_backend: Box::new(secure_key::open),
            card_type_of: Box::new(secure_key::card_type_of),
            accepted_fingerprint: environment::variable(FINGERPRINT_VARIABLE)
                .map(|value| value.to_string_lossy().into_owned()),
            asks_nothing: environment::variable(BATCH_VARIABLE).is_some(),
            checks_in_info: environment::variable(INFO_CHECK_VARIABLE).is_some(),
        }
    }
}
