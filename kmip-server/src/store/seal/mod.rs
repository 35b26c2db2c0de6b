//! Encryption of what a store keeps at rest.
//!
//! A *master key*, which lives outside the store, opens the *keyring*, which lies in the store; its
//! *data keys* seal the contents of the objects. All three steps are AES-256-GCM. Attributes are not
//! sealed, since objects are found by them.

mod cipher;
mod keyring;
mod master_key;
mod sealed_store;
mod unsealed_store;

pub use master_key::{MasterKey, MasterKeyError};
pub use sealed_store::SealedStore;
pub(crate) use unsealed_store::UnsealedStore;
