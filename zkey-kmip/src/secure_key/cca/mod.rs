//! The backend for CCA coprocessors.
//!
//! The host library is opened when the first adapter is selected, so commands that need no key
//! work without it. Each operation runs on the selected APQN; if that one fails ([return codes 12
//! and 16](super::CallFailure::is_of_adapter)), the others of the list are tried, which have the same
//! master keys.
//!
//! Key pairs are under the APKA master key, AES keys under the AES master key. Identity keys may
//! only sign and wrapping keys only unwrap, which the adapter enforces; keys that the C plugin
//! made may do both.

mod adapters;
mod aes_token;
mod explain;
mod keys;
#[allow(unsafe_code)]
mod library;
mod pair_token;
mod parameters;
mod verify;

use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use self::adapters::Adapter;
use self::aes_token::AesToken;
use self::keys::Purpose;
use self::pair_token::{PairToken, PublicHalf, is_pair};
use super::ap_bus::ApBus;
use super::master_keys::compare;
use super::{
    ApqnReport, BackendInfo, CardType, DigestAlgorithm, KeyKind, KeySpec, KeyStatus,
    MasterKeyPatterns, ReencipherStep, Register, RegisterContent, SecureKeyBackend, SecureKeyError,
    SignatureScheme, UnwrapRequest, UnwrappedKey, WrapPadding,
};
use crate::abi::{Apqn, SecureKeyType};

/// The CCA backend.
pub struct Cca {
    library: OsString,
    bus: Option<ApBus>,
    /// Locked as long as a verb runs: the choice of an adapter holds for the whole library.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those to work with.
    apqns: Vec<Apqn>,
    /// The one that is in use.
    adapter: Option<Adapter>,
}

impl Cca {
    /// The adapters of this machine, with the host library that the dynamic linker finds.
    pub fn system() -> Cca {
        Cca::new(OsStr::new(library::NAME), ApBus::system())
    }

    /// The adapters of `bus`, with this host library: a name that the dynamic linker searches
    /// for, or a path.
    pub fn new(library: &OsStr, bus: Option<ApBus>) -> Cca {
        Cca {
            library: library.to_owned(),
            bus,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever was interrupted, the next operation finds an adapter or selects one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn activate<'s>(
        &self,
        state: &'s mut State,
        apqn: Apqn,
    ) -> Result<&'s Adapter, SecureKeyError> {
        // The library reads the domain only when it is loaded.
        state.adapter = None;
        let adapter = Adapter::select(&self.library, self.bus.as_ref(), apqn)?;
        Ok(state.adapter.insert(adapter))
    }

    /// Runs an operation on the adapter in use, or on the first of the others that does not fail.
    fn run<T>(
        &self,
        operation: impl Fn(&Adapter) -> Result<T, SecureKeyError>,
    ) -> Result<T, SecureKeyError> {
        let mut state = self.state();
        let mut first_error = None;
        let mut failed = None;
        if let Some(adapter) = &state.adapter {
            match operation(adapter) {
                Err(error) if is_of_adapter(&error) => {
                    failed = Some(adapter.apqn);
                    first_error = Some(error);
                }
                result => return result,
            }
        }
        for apqn in state.apqns.clone() {
            if failed == Some(apqn) {
                continue;
            }
            match self.activate(&mut state, apqn).and_then(&operation) {
                Err(error) if is_of_adapter(&error) => {
                    first_error.get_or_insert(error);
                }
                result => return result,
            }
        }
        // The next operation begins with the first one again.
        state.adapter = None;
        Err(first_error.unwrap_or(SecureKeyError::NoApqn))
    }

    /// The master keys for AES keys: sysfs knows also whether NEW is complete.
    fn aes_master_keys(&self, adapter: &Adapter) -> Result<MasterKeyPatterns, SecureKeyError> {
        let bus = self.bus.as_ref();
        match bus.and_then(|bus| bus.master_keys(adapter.apqn, CardType::Cca)) {
            Some(keys) => Ok(keys),
            None => adapter.master_keys()?.1.ok_or_else(|| {
                adapter.nonsense("CSUACFQ", "neither it nor sysfs tell the AES master keys")
            }),
        }
    }

    fn apka_master_keys(
        &self,
        apqns: &[Apqn],
    ) -> Result<Vec<(Apqn, MasterKeyPatterns)>, SecureKeyError> {
        let mut state = self.state();
        let former = state.adapter.as_ref().map(|adapter| adapter.apqn);
        let mut keys = Vec::with_capacity(apqns.len());
        for apqn in apqns {
            keys.push((*apqn, self.activate(&mut state, *apqn)?.master_keys()?.0));
        }
        if let Some(former) = former {
            self.activate(&mut state, former)?;
        }
        Ok(keys)
    }
}

impl SecureKeyBackend for Cca {
    fn info(&self) -> Result<BackendInfo, SecureKeyError> {
        let state = self.state();
        let name = match &state.adapter {
            Some(adapter) => format!("the CCA host library {}", adapter.version),
            None => "the CCA host library".to_owned(),
        };
        let adapter = state.adapter.as_ref();
        let current = adapter.and_then(|adapter| self.aes_master_keys(adapter).ok());
        Ok(BackendInfo {
            name,
            card_type: CardType::Cca,
            warning: None,
            master_key: match current.map(|keys| keys.current) {
                Some(RegisterContent::Key(pattern)) => Some(pattern),
                _ => None,
            },
        })
    }

    fn check_apqns(&self, apqns: &[Apqn]) -> Result<ApqnReport, SecureKeyError> {
        let mut report = ApqnReport::default();
        if let Some(bus) = &self.bus {
            for apqn in apqns {
                bus.check(*apqn, CardType::Cca)?;
            }
            report.remarks = bus.check_master_keys(apqns, CardType::Cca)?;
        }
        let apka = self.apka_master_keys(apqns)?;
        report.remarks.extend(compare("APKA", &apka)?);
        Ok(report)
    }

    fn select_apqn(&self, apqns: &[Apqn]) -> Result<Apqn, SecureKeyError> {
        let mut state = self.state();
        state.apqns = apqns.to_vec();
        let mut first_error = None;
        for apqn in apqns {
            match self.activate(&mut state, *apqn) {
                Ok(adapter) => return Ok(adapter.apqn),
                Err(error) => first_error.get_or_insert(error),
            };
        }
        Err(first_error.unwrap_or(SecureKeyError::NoApqn))
    }

    fn generate_identity_key(&self, spec: KeySpec) -> Result<Vec<u8>, SecureKeyError> {
        spec.check()?;
        self.run(|adapter| adapter.generate_pair(spec, Purpose::Sign))
    }

    fn generate_wrapping_key(&self, bits: u32) -> Result<Vec<u8>, SecureKeyError> {
        let spec = KeySpec::Rsa(bits);
        spec.check()?;
        self.run(|adapter| adapter.generate_pair(spec, Purpose::Unwrap))
    }

    fn public_key(&self, key: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
        PairToken::read(key)?
            .public_key()?
            .public_key_to_der()
            .map_err(SecureKeyError::openssl("encode a public key"))
    }

    fn sign(
        &self,
        key: &[u8],
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, SecureKeyError> {
        let token = PairToken::read(key)?;
        let suits = match scheme {
            SignatureScheme::Ecdsa => matches!(token.public, PublicHalf::Ecc { .. }),
            SignatureScheme::RsaPkcs1 | SignatureScheme::RsaPss => {
                matches!(token.public, PublicHalf::Rsa { .. })
            }
        };
        if !suits || digest.len() != algorithm.size() {
            return Err(SecureKeyError::UnsupportedSignature);
        }
        let (signature, _) = self.run(|a| a.sign(key, &token, scheme, algorithm, digest))?;
        Ok(signature)
    }

    fn knows_padding(&self, padding: WrapPadding) -> bool {
        // CSNDSYI has no keywords for other hashes.
        matches!(
            padding,
            WrapPadding::Pkcs1V15
                | WrapPadding::Oaep(DigestAlgorithm::Sha1 | DigestAlgorithm::Sha256)
        )
    }

    fn unwrap_aes_key(&self, request: &UnwrapRequest<'_>) -> Result<UnwrappedKey, SecureKeyError> {
        let &UnwrapRequest {
            wrapping_key,
            padding,
            wrapped,
            key_type,
        } = request;
        let card_type = CardType::Cca;
        if !card_type.secure_key_types().contains(&key_type) {
            return Err(SecureKeyError::UnsupportedKeyType {
                key_type,
                card_type,
            });
        }
        let PublicHalf::Rsa { modulus, .. } = PairToken::read(wrapping_key)?.public else {
            return Err(SecureKeyError::WrongKind {
                found: KeyKind::Identity,
                wanted: KeyKind::Wrapping,
            });
        };
        self.run(|adapter| {
            let is_cipher = key_type == SecureKeyType::CcaAesCipher;
            if is_cipher {
                adapter.check_aescipher()?;
            }
            // The length is public.
            if wrapped.len() != modulus.len() {
                return Err(adapter.cannot_unwrap());
            }
            let (key, _) = adapter.import(wrapping_key, padding, wrapped)?;
            // Afterwards it may be hidden.
            let bits = AesToken::read(&key).map_err(|_| adapter.no_aes_key())?.bits;
            if !is_cipher {
                let token = key.to_vec();
                return Ok(UnwrappedKey { token, bits });
            }
            let open = Zeroizing::new(adapter.to_cipher(&key)?.0);
            let token = adapter.restrict(&open)?.0;
            Ok(UnwrappedKey { token, bits })
        })
    }

    fn reencipher(&self, key: &[u8], step: ReencipherStep) -> Result<Vec<u8>, SecureKeyError> {
        if is_pair(key) {
            let token = PairToken::read(key)?;
            return self.run(|adapter| {
                check_step(&adapter.master_keys()?.0, token.pattern, step)?;
                adapter.change_pair(key, &token, step)
            });
        }
        let token = AesToken::read(key)?;
        self.run(|adapter| {
            check_step(&self.aes_master_keys(adapter)?, token.pattern, step)?;
            adapter.change_aes(key, step)
        })
    }

    fn verify(&self, key: &[u8]) -> Result<KeyStatus, SecureKeyError> {
        self.run(|adapter| {
            if is_pair(key) {
                self.verify_pair(adapter, key)
            } else {
                self.verify_aes(adapter, key)
            }
        })
    }
}

fn is_of_adapter(error: &SecureKeyError) -> bool {
    match error {
        SecureKeyError::Call { failure, .. } => failure.is_of_adapter(),
        SecureKeyError::Apqn { .. } => true,
        _ => false,
    }
}

/// Checks that the registers allow the step. It is for the adapter to say if the token names a
/// master key that none of them has.
fn check_step(
    keys: &MasterKeyPatterns,
    pattern: &[u8],
    step: ReencipherStep,
) -> Result<(), SecureKeyError> {
    let (from, to, target) = match step {
        ReencipherStep::OldToCurrent => (Register::Old, Register::Current, keys.current),
        ReencipherStep::CurrentToNew => (Register::Current, Register::New, keys.new),
    };
    if !matches!(target, RegisterContent::Key(_)) {
        return Err(SecureKeyError::NotLoaded(to));
    }
    match keys.find(pattern) {
        Some(found) if found != from => Err(SecureKeyError::WrongRegister {
            found,
            wanted: from,
        }),
        _ => Ok(()),
    }
}
