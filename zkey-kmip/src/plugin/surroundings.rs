//! What a plugin finds on its machine. Tests bring their own.

use crate::abi::Apqn;
use crate::profile::ProfileDirectory;
use crate::secure_key::{self, CardType, SecureKeyBackend, SecureKeyError};

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
}

impl Surroundings {
    /// This machine, as the environment says.
    pub fn from_environment() -> Surroundings {
        Surroundings {
            profiles: ProfileDirectory::from_environment(),
            open_backend: Box::new(secure_key::open),
            card_type_of: Box::new(secure_key::card_type_of),
        }
    }
}
