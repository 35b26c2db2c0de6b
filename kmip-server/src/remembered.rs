//! Passwords that were right. Clients send theirs with each message, and to compare one with a hash
//! takes a tenth of a second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use kmip::types::SecretText;
use openssl::sha::sha256;
use zeroize::Zeroizing;

use crate::password::Password;

/// Digests of the passwords that were right, each with a secret of this process.
#[derive(Default)]
pub(crate) struct Remembered {
    right: Mutex<HashMap<String, [u8; 32]>>,
    secret: OnceLock<Zeroizing<[u8; 32]>>,
}

impl Remembered {
    /// Whether a password is that of a user.
    pub(crate) fn check(&self, name: &str, own: &Password, given: &SecretText<'_>) -> bool {
        let Some(secret) = self.secret().filter(|_| own.is_slow()) else {
            return own.matches(given);
        };
        let parts = [&secret[..], given.expose().as_bytes()].concat();
        let digest = sha256(&Zeroizing::new(parts));
        let known = self.lock().get(name).copied();
        if known.is_some_and(|known| openssl::memcmp::eq(&known, &digest)) {
            return true;
        }
        // Not while others wait.
        if !own.matches(given) {
            return false;
        }
        self.lock().insert(name.to_owned(), digest);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, [u8; 32]>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` without random numbers: then nothing is remembered.
    fn secret(&self) -> Option<&[u8; 32]> {
        if let Some(secret) = self.secret.get() {
            return Some(secret);
        }
        let mut fresh = Zeroizing::new([0; 32]);
        openssl::rand::rand_bytes(&mut *fresh).ok()?;
        Some(self.secret.get_or_init(|| fresh))
    }
}
