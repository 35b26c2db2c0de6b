//! EP11 adapters, through IBM's EP11 host library (behaviour reference 9.4, 9.5, 9.7 and 9.9).
//!
//! * `library`: the library, opened at run time into a checked table of functions; `calls`:
//!   its calls with Rust types; `interface`: its structures. All `unsafe` of the backend is
//!   in the first two, and, for the kernel's device, in `pkey`;
//! * `adapter` and `target`: which adapters a call is for, and what happens when one fails;
//! * `token`: the layout of keys; `pairs`, `unwrap`, `reencipher`: what is done with them.
//!
//! EP11 calls its master key *wrapping key*; here it is a master key, as everywhere in zkey.

mod adapter;
#[allow(unsafe_code)]
mod calls;
mod interface;
#[allow(unsafe_code)]
mod library;
mod pairs;
#[allow(unsafe_code)]
mod pkey;
mod reencipher;
pub(super) mod return_code;
mod target;
mod token;
mod unwrap;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use self::adapter::{Adapter, Selection};
use self::library::Library;
use self::token::Token;
use super::ap_bus::ApBus;
use super::master_keys;
use super::{
    ApqnReport, BackendInfo, CardType, DigestAlgorithm, KeyKind, KeySpec, KeyStatus,
    ReencipherStep, Register, SecureKeyBackend, SecureKeyError, SignatureScheme, UnwrapRequest,
    UnwrappedKey,
};
use crate::abi::Apqn;

pub use library::LIBRARY_NAMES;
pub use pkey::{KernelPkey, PkeyDevice, PkeyVerdict};

/// The backend for EP11 adapters.
pub struct Ep11 {
    library: Arc<Library>,
    bus: Option<ApBus>,
    pkey: Box<dyn PkeyDevice>,
    selection: Mutex<Option<Arc<Selection>>>,
}

impl Ep11 {
    /// With the library, the adapters and the kernel of this machine.
    ///
    /// # Errors
    /// The library is not there, or cannot be used.
    pub fn open() -> Result<Ep11, SecureKeyError> {
        let library = Library::open(None)?;
        let pkey = Box::new(KernelPkey::new());
        Ok(Ep11::with(library, ApBus::system(), pkey))
    }

    /// With the library in this directory, and with other adapters and another kernel.
    ///
    /// # Errors
    /// The library is not there, or cannot be used.
    pub fn open_in(
        directory: &Path,
        bus: Option<ApBus>,
        pkey: Box<dyn PkeyDevice>,
    ) -> Result<Ep11, SecureKeyError> {
        Ok(Ep11::with(Library::open(Some(directory))?, bus, pkey))
    }

    fn with(library: Library, bus: Option<ApBus>, pkey: Box<dyn PkeyDevice>) -> Ep11 {
        Ep11 {
            library: Arc::new(library),
            bus,
            pkey,
            selection: Mutex::new(None),
        }
    }

    fn selection(&self) -> Result<Arc<Selection>, SecureKeyError> {
        let selection = self.selection.lock();
        let selection = selection.unwrap_or_else(PoisonError::into_inner);
        selection.clone().ok_or(SecureKeyError::NoApqn)
    }

    /// What the kernel tells about the adapter.
    fn firmware(&self, apqn: Apqn) -> String {
        let adapter = self.bus.as_ref().and_then(|bus| bus.adapter(apqn).ok());
        let Some(adapter) = adapter else {
            return String::new();
        };
        let mut text = format!(", CEX{}P", adapter.level);
        if let Some(firmware) = adapter.firmware {
            text += &format!(" with firmware {firmware}");
        }
        text
    }
}

impl std::fmt::Debug for Ep11 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ep11")
            .field("library", &self.library)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

impl SecureKeyBackend for Ep11 {
    fn info(&self) -> Result<BackendInfo, SecureKeyError> {
        let mut name = format!("EP11 host library {:?}", self.library);
        let mut master_key = None;
        if let Ok(selection) = self.selection() {
            name += &self.firmware(selection.first().apqn);
            master_key = Some(selection.first().current_pattern(&self.library)?);
        }
        Ok(BackendInfo {
            name,
            card_type: CardType::Ep11,
            warning: None,
            master_key,
        })
    }

    fn check_apqns(&self, apqns: &[Apqn]) -> Result<ApqnReport, SecureKeyError> {
        let mut master_keys = Vec::new();
        for apqn in apqns {
            let adapter = Adapter::open(&self.library, self.bus.as_ref(), *apqn)?;
            master_keys.push((*apqn, adapter.master_keys(&self.library)?));
        }
        let kind = CardType::Ep11.master_key_kind();
        let remarks = master_keys::compare(kind, &master_keys)?;
        Ok(ApqnReport { remarks })
    }

    fn select_apqn(&self, apqns: &[Apqn]) -> Result<Apqn, SecureKeyError> {
        let selection = Selection::of(&self.library, self.bus.as_ref(), apqns)?;
        let apqn = selection.first().apqn;
        let mut slot = self
            .selection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Arc::new(selection));
        Ok(apqn)
    }

    fn generate_identity_key(&self, spec: KeySpec) -> Result<Vec<u8>, SecureKeyError> {
        if matches!(spec, KeySpec::Rsa(bits) if !KeySpec::RSA_BITS.contains(&bits)) {
            return Err(SecureKeyError::UnsupportedKey { spec });
        }
        pairs::generate(&*self.selection()?, KeyKind::Identity, spec)
    }

    fn generate_wrapping_key(&self, bits: u32) -> Result<Vec<u8>, SecureKeyError> {
        let spec = KeySpec::Rsa(bits);
        if !KeySpec::RSA_BITS.contains(&bits) {
            return Err(SecureKeyError::UnsupportedKey { spec });
        }
        pairs::generate(&*self.selection()?, KeyKind::Wrapping, spec)
    }

    fn public_key(&self, key: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
        let pair = Token::parse(key)?.into_pair(KeyKind::Identity)?;
        Ok(pair.public.to_vec())
    }

    fn sign(
        &self,
        key: &[u8],
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, SecureKeyError> {
        let pair = Token::parse(key)?.into_pair(KeyKind::Identity)?;
        let pair = pair.demand(KeyKind::Identity)?;
        pairs::sign(&*self.selection()?, &pair, scheme, algorithm, digest)
    }

    fn unwrap_aes_key(&self, request: &UnwrapRequest<'_>) -> Result<UnwrappedKey, SecureKeyError> {
        let key_type = request.key_type;
        let card_type = CardType::Ep11;
        if !card_type.secure_key_types().contains(&key_type) {
            return Err(SecureKeyError::UnsupportedKeyType {
                key_type,
                card_type,
            });
        }
        let pair = Token::parse(request.wrapping_key)?.into_pair(KeyKind::Wrapping)?;
        let pair = pair.demand(KeyKind::Wrapping)?;
        let selection = self.selection()?;
        unwrap::unwrap(
            &selection,
            &*self.pkey,
            &pair,
            request.padding,
            request.wrapped,
        )
    }

    fn reencipher(&self, key: &[u8], step: ReencipherStep) -> Result<Vec<u8>, SecureKeyError> {
        match step {
            ReencipherStep::OldToCurrent => Err(SecureKeyError::NotLoaded(Register::Old)),
            ReencipherStep::CurrentToNew => {
                reencipher::reencipher(&*self.selection()?, &Token::parse(key)?)
            }
        }
    }

    fn verify(&self, key: &[u8]) -> Result<KeyStatus, SecureKeyError> {
        let token = Token::parse(key)?;
        let selection = self.selection()?;
        let register = selection.register_of(token.pattern())?;
        // Keys under the NEW master key cannot be used before it is set.
        if register == Register::Current {
            match &token {
                Token::Pair(pair) => pairs::prove(&selection, pair)?,
                Token::Aes(aes) => unwrap::prove_aes(&selection, aes)?,
            }
        }
        Ok(KeyStatus {
            kind: token.kind(),
            bits: token.bits(),
            register,
            master_key: token.pattern(),
        })
    }
}
