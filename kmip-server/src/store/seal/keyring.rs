//! The keys that contents are sealed with, themselves sealed with the master key.

use openssl::error::ErrorStack;
use zeroize::Zeroizing;

use super::cipher::{self, KEY_BYTES, Key, OVERHEAD};
use super::master_key::MasterKey;
use crate::store::StoreError;

/// Begin of every keyring, the number of its format included.
const MAGIC: &[u8; 8] = b"KMIPring";
const FORMAT: u8 = 1;
pub(super) const ID_BYTES: usize = 16;
const SALT_BYTES: usize = 16;

/// Which data key it is.
pub(super) type KeyId = [u8; ID_BYTES];

/// Data keys; the last one seals, all of them open.
#[derive(Clone)]
pub(super) struct Keyring {
    keys: Vec<(KeyId, Key)>,
}

impl Keyring {
    /// A keyring with one new key.
    pub(super) fn new() -> Result<Self, ErrorStack> {
        let mut keyring = Keyring { keys: Vec::new() };
        keyring.add()?;
        Ok(keyring)
    }

    /// Adds a new key, which seals from now on.
    pub(super) fn add(&mut self) -> Result<(), ErrorStack> {
        let id = cipher::random::<ID_BYTES>()?;
        self.keys.push((*id, cipher::random()?));
        Ok(())
    }

    /// Forgets all keys but the one that seals.
    pub(super) fn forget_old(&mut self) {
        self.keys.drain(..self.keys.len().saturating_sub(1));
    }

    /// The key that seals.
    pub(super) fn current(&self) -> Option<(&KeyId, &Key)> {
        self.keys.last().map(|(id, key)| (id, key))
    }

    /// The key with an identifier.
    pub(super) fn find(&self, wanted: &[u8]) -> Option<&Key> {
        let mut keys = self.keys.iter();
        keys.find(|(id, _)| id == wanted).map(|(_, key)| key)
    }

    /// The keyring, sealed with a master key.
    pub(super) fn seal(&self, master: &MasterKey) -> Result<Vec<u8>, ErrorStack> {
        let salt = cipher::random::<SALT_BYTES>()?;
        let head = head(master.is_derived(), &*salt);
        let mut plain = Zeroizing::new(Vec::with_capacity(self.keys.len() * ENTRY));
        for (id, key) in &self.keys {
            plain.extend_from_slice(id);
            plain.extend_from_slice(&**key);
        }
        let sealed = cipher::seal(&*master.key(&*salt)?, &head, &plain)?;
        Ok([head, sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) has made.
    ///
    /// # Errors
    /// If the master key is another one, or the keyring is damaged.
    pub(super) fn open(bytes: &[u8], master: &MasterKey) -> Result<Self, StoreError> {
        let wrong = || StoreError::WrongMasterKey;
        let (head, sealed) = bytes.split_at_checked(HEAD).ok_or_else(wrong)?;
        let salt = &head[HEAD - SALT_BYTES..];
        // A pass phrase in place of a key, or the other way round, is a wrong key as well.
        if *head != self::head(master.is_derived(), salt) || sealed.len() < OVERHEAD {
            return Err(wrong());
        }
        let key = master.key(salt)?;
        let plain = cipher::open(&key, head, sealed).ok_or_else(wrong)?;
        let entries = plain.chunks_exact(ENTRY);
        let whole = entries.remainder().is_empty();
        let mut keys = Vec::with_capacity(entries.len());
        for entry in entries {
            let (id, key) = entry.split_at(ID_BYTES);
            let (mut own, mut secret) = ([0; ID_BYTES], Zeroizing::new([0; KEY_BYTES]));
            own.copy_from_slice(id);
            secret.copy_from_slice(key);
            keys.push((own, secret));
        }
        match keys.is_empty() || !whole {
            true => Err(wrong()),
            false => Ok(Keyring { keys }),
        }
    }
}

const ENTRY: usize = ID_BYTES + KEY_BYTES;
const HEAD: usize = MAGIC.len() + 2 + SALT_BYTES;

/// The part that is not encrypted. It is authenticated.
fn head(derived: bool, salt: &[u8]) -> Vec<u8> {
    [MAGIC, &[FORMAT, u8::from(derived)][..], salt].concat()
}
