//! Secure keys: keys that only a coprocessor can use, enciphered under its master key.
//!
//! [`SecureKeyBackend`] is what the plugin needs of a coprocessor. [`cca`] and [`ep11`] drive the
//! two modes of coprocessors; [`software`] stands in for one on machines without.

mod algorithm;
pub mod ap_bus;
mod backend;
pub mod cca;
pub mod ep11;
mod error;
mod master_keys;
pub mod selftest;
mod signature;
pub mod software;
mod spec;
mod tls_identity;

use crate::environment;

pub use backend::{
    ApqnReport, BackendInfo, DigestAlgorithm, KeyKind, KeyStatus, ReencipherStep, Register,
    SecureKeyBackend, SignatureScheme, UnwrapRequest, UnwrappedKey, VerificationPattern,
    WrapPadding, secure_key_size,
};
pub use error::{CallFailure, SecureKeyError};
pub use master_keys::{MasterKeyPatterns, RegisterContent};
pub use spec::{CardType, Curve, KeySpec, KeySpecError};
pub use tls_identity::{tls_identity, tls_identity_for};

/// Environment variable that chooses the backend; `software` is the only value so far.
pub const BACKEND_VARIABLE: &str = "ZKEY_KMIP_BACKEND";

/// Environment variable that tells the software backend, on a machine without adapters, which
/// type of adapters to stand in for: `CCA` (the default) or `EP11`.
pub const CARD_TYPE_VARIABLE: &str = "ZKEY_KMIP_SOFTWARE_CARD_TYPE";

/// The type of the adapter with this APQN: what the kernel says, or, where there are no adapters
/// and the software backend is asked for, what the environment says.
///
/// # Errors
/// There is no such adapter, or the environment makes no sense.
pub fn card_type_of(apqn: crate::abi::Apqn) -> Result<CardType, SecureKeyError> {
    if let Some(bus) = ap_bus::ApBus::system() {
        return bus.card_type(apqn);
    }
    if environment::variable(BACKEND_VARIABLE).is_none() {
        let problem = ap_bus::ApqnProblem::NoCard;
        return Err(SecureKeyError::Apqn { apqn, problem });
    }
    match environment::variable(CARD_TYPE_VARIABLE) {
        None => Ok(CardType::Cca),
        Some(name) => {
            let name = name.to_string_lossy();
            CardType::from_name(&name).ok_or_else(|| SecureKeyError::UnknownCardType {
                name: name.into_owned(),
            })
        }
    }
}

/// Opens the backend for adapters of this type: the one that the environment names, or the one
/// with the host library of the adapters.
///
/// # Errors
/// There is no such backend, or it cannot be opened on this machine.
pub fn open(card_type: CardType) -> Result<Box<dyn SecureKeyBackend>, SecureKeyError> {
    let chosen = environment::variable(BACKEND_VARIABLE);
    match chosen.as_deref().map(std::ffi::OsStr::to_string_lossy) {
        Some(name) if name.eq_ignore_ascii_case("software") => {
            Ok(Box::new(software::Software::from_environment(card_type)))
        }
        Some(name) => Err(SecureKeyError::UnknownBackend {
            name: name.into_owned(),
        }),
        None => match card_type {
            CardType::Cca => Ok(Box::new(cca::Cca::system())),
            CardType::Ep11 => Ok(Box::new(ep11::Ep11::open()?)),
        },
    }
}
