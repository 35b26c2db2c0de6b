//! A backend that is watched, and that can be made to fail.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use zkey_kmip::abi::Apqn;
use zkey_kmip::secure_key::{
    ApqnReport, BackendInfo, DigestAlgorithm, KeySpec, KeyStatus, ReencipherStep, SecureKeyBackend,
    SecureKeyError, SignatureScheme, UnwrapRequest, UnwrappedKey, WrapPadding,
};

/// What happens when a signature is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Mood {
    Signs,
    Fails,
    Panics,
    MakesTooMuch,
}

/// What is seen of a backend, and what it shall do.
#[derive(Default)]
pub(crate) struct Watch {
    signatures: Mutex<Vec<(SignatureScheme, DigestAlgorithm)>>,
    mood: AtomicUsize,
}

impl Watch {
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood.store(mood as usize, Ordering::SeqCst);
    }

    /// The signatures that were made since the last call.
    pub(crate) fn take_signatures(&self) -> Vec<(SignatureScheme, DigestAlgorithm)> {
        std::mem::take(&mut self.signatures.lock().unwrap())
    }

    fn is(&self, mood: Mood) -> bool {
        self.mood.load(Ordering::SeqCst) == mood as usize
    }
}

/// Passes everything on to a backend, and takes note of the signatures.
pub(crate) struct Observed {
    backend: Arc<dyn SecureKeyBackend>,
    watch: Arc<Watch>,
}

impl Observed {
    pub(crate) fn new(backend: Arc<dyn SecureKeyBackend>, watch: Arc<Watch>) -> Observed {
        Observed { backend, watch }
    }
}

impl Deref for Observed {
    type Target = Watch;

    fn deref(&self) -> &Watch {
        &self.watch
    }
}

impl SecureKeyBackend for Observed {
    fn sign(
        &self,
        key: &[u8],
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, SecureKeyError> {
        if self.is(Mood::Fails) {
            return Err(SecureKeyError::NoApqn);
        }
        assert!(!self.is(Mood::Panics), "the backend is in a panic");
        let mut signature = self.backend.sign(key, scheme, algorithm, digest)?;
        self.signatures.lock().unwrap().push((scheme, algorithm));
        if self.is(Mood::MakesTooMuch) {
            signature.resize(10_000, 0);
        }
        Ok(signature)
    }

    fn info(&self) -> Result<BackendInfo, SecureKeyError> {
        self.backend.info()
    }

    fn check_apqns(&self, apqns: &[Apqn]) -> Result<ApqnReport, SecureKeyError> {
        self.backend.check_apqns(apqns)
    }

    fn select_apqn(&self, apqns: &[Apqn]) -> Result<Apqn, SecureKeyError> {
        self.backend.select_apqn(apqns)
    }

    fn generate_identity_key(&self, spec: KeySpec) -> Result<Vec<u8>, SecureKeyError> {
        self.backend.generate_identity_key(spec)
    }

    fn knows_padding(&self, padding: WrapPadding) -> bool {
        self.backend.knows_padding(padding)
    }

    fn generate_wrapping_key(&self, bits: u32) -> Result<Vec<u8>, SecureKeyError> {
        self.backend.generate_wrapping_key(bits)
    }

    fn public_key(&self, key: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
        self.backend.public_key(key)
    }

    fn unwrap_aes_key(&self, request: &UnwrapRequest<'_>) -> Result<UnwrappedKey, SecureKeyError> {
        self.backend.unwrap_aes_key(request)
    }

    fn reencipher(&self, key: &[u8], step: ReencipherStep) -> Result<Vec<u8>, SecureKeyError> {
        self.backend.reencipher(key, step)
    }

    fn verify(&self, key: &[u8]) -> Result<KeyStatus, SecureKeyError> {
        self.backend.verify(key)
    }
}
