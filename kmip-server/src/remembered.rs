//! Passwords that were right. Clients send theirs with each message, and to compare one with a hash
//! takes a tenth of a second.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use kmip::types::SecretText;
use openssl::sha::sha256;
use zeroize::Zeroizing;

use crate::password::Password;

/// Digests of the passwords that were right, each with a secret of this process.
#[derive(Default)]
pub(crate) struct Remembered {
    right: Mutex<HashMap<String, [u8; 32]>>,
    secret: OnceLock<Zeroizing<[u8; 32]>>,
    /// How many comparisons with hashes are under way.
    under_way: Mutex<usize>,
    ended: Condvar,
}

/// How many comparisons with hashes go on at a time: each takes up to 256 MiB and a processor.
const MOST: usize = 2;

impl Remembered {
    /// Whether a password is that of a user.
    pub(crate) fn check(&self, name: &str, own: &Password, given: &SecretText<'_>) -> bool {
        let Some(secret) = self.secret().filter(|_| own.is_slow()) else {
            return self.compare(own, given);
        };
        let parts = [&secret[..], given.expose().as_bytes()].concat();
        let digest = sha256(&Zeroizing::new(parts));
        let is_known = || {
            let known = self.lock().get(name).copied();
            known.is_some_and(|known| openssl::memcmp::eq(&known, &digest))
        };
        if is_known() {
            return true;
        }
        let _turn = self.turn();
        // Another message may have brought it meanwhile.
        if is_known() {
            return true;
        }
        if !own.matches(given) {
            return false;
        }
        self.lock().insert(name.to_owned(), digest);
        true
    }

    /// Compares a password with a kept one, in its turn if that takes long.
    pub(crate) fn compare(&self, own: &Password, given: &SecretText<'_>) -> bool {
        let _turn = own.is_slow().then(|| self.turn());
        own.matches(given)
    }

    /// Waits until one of few may compare.
    fn turn(&self) -> Turn<'_> {
        let under_way = self.under_way.lock();
        let under_way = under_way.unwrap_or_else(PoisonError::into_inner);
        let free = self.ended.wait_while(under_way, |count| *count >= MOST);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Turn(self)
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

/// The turn of one that compares.
struct Turn<'r>(&'r Remembered);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let under_way = self.0.under_way.lock();
        *under_way.unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_compare_at_a_time_and_everybody_gets_a_turn() {
        let remembered = Remembered::default();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let _turn = remembered.turn();
                    let under_way = *remembered.under_way.lock().unwrap();
                    assert!((1..=MOST).contains(&under_way), "{under_way}");
                    std::thread::yield_now();
                });
            }
        });
        assert_eq!(*remembered.under_way.lock().unwrap(), 0);
    }
}
