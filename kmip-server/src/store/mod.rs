//! Where objects are kept.

mod addition;
mod encoding;
mod error;
mod lookup;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod seal;
mod sqlite;

use std::ops::ControlFlow;

use kmip::types::{Attribute, ManagedObject, OpaqueObject, Secret};
use openssl::sha::sha256;

use crate::object::StoredObject;

pub(crate) use addition::is_name_in_use;
pub use addition::{Added, Addition};
pub use error::StoreError;
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
pub(crate) use seal::UnsealedStore;
pub use seal::{MasterKey, MasterKeyError, SealedStore};
pub use sqlite::SqliteStore;

/// Who owns what the server keeps for itself in a store. No client has such a name, since those of
/// clients begin with how they were authenticated.
pub(crate) const INTERNAL_OWNER: &str = "kmip-server";

/// Begin of the identifiers of such objects.
pub(crate) const INTERNAL_PREFIX: &str = "kmip-server:";

/// The identifier of such an object: of this kind, known by these bytes, which cannot be told from it.
pub(crate) fn internal_identifier(kind: &str, known_by: &[u8]) -> String {
    let digest = sha256(known_by);
    let (high, low) = digest.split_at(16);
    let number = |half: &[u8]| {
        half.iter()
            .fold(0, |number, byte| number << 8 | u128::from(*byte))
    };
    format!(
        "{INTERNAL_PREFIX}{kind}:{:032x}{:032x}",
        number(high),
        number(low)
    )
}

/// The content of such an object.
pub(crate) fn internal_content(bytes: Secret<'static>) -> ManagedObject<'static> {
    ManagedObject::OpaqueObject(OpaqueObject {
        opaque_data_value: bytes,
        ..OpaqueObject::default()
    })
}

/// A place for objects. Used from many threads.
pub trait Store: Send + Sync {
    /// Begins a transaction. Others wait until it ends, or at least for the objects that it has
    /// got. A thread has one at a time.
    ///
    /// # Errors
    /// If the store is out of order.
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError>;

    /// As [`begin`](Self::begin), but no other transaction, of whatever process, changes anything until
    /// this one ends.
    ///
    /// # Errors
    /// If the store is out of order.
    fn begin_alone(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.begin()
    }

    /// Begins a transaction that only reads: it sees one state of the store, waits for no other
    /// transaction and need not be committed. Changes are refused, if the store tells the two apart.
    ///
    /// # Errors
    /// If the store is out of order.
    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.begin()
    }

    /// Makes an [`Addition`] permanent, alone or together with others that come at the same time, if its
    /// conditions are met. Not within a transaction of the same thread.
    ///
    /// # Errors
    /// If there is an object with its identifier, it cannot be made permanent, or the store is out of order.
    fn add(&self, addition: Addition) -> Result<Added, StoreError> {
        addition.alone(self.begin()?)
    }

    /// Whether transactions may fail with [`StoreError::Conflict`], to be repeated as a whole.
    fn can_conflict(&self) -> bool {
        false
    }
}

/// What takes the objects that a search finds, one by one, until it has enough.
pub type Found<'f> = dyn FnMut(StoredObject) -> ControlFlow<()> + 'f;

/// Changes that happen together or, if the transaction is dropped uncommitted, not at all.
pub trait Transaction {
    /// The object with this identifier.
    ///
    /// # Errors
    /// If the store is out of order.
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError>;

    /// The content of the object with this identifier, if it has any.
    ///
    /// # Errors
    /// If the store is out of order.
    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError>;

    /// Adds an object.
    ///
    /// # Errors
    /// If there is one with its identifier, or the store is out of order.
    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError>;

    /// Replaces what is known of an object. The content stays.
    ///
    /// # Errors
    /// If there is no such object, or the store is out of order.
    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError>;

    /// Deletes the content of an object so that it cannot be restored.
    ///
    /// # Errors
    /// If the store is out of order.
    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError>;

    /// Removes an object without a trace.
    ///
    /// # Errors
    /// If the store is out of order.
    fn remove(&mut self, identifier: &str) -> Result<(), StoreError>;

    /// Replaces the content of an object. What is known of it, and its place among the others, stay.
    ///
    /// # Errors
    /// If there is no such object, or the store is out of order.
    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError>;

    /// Hands over the objects that a search finds, newest first, until `found` breaks. Among transactions that change
    /// something, only one at a time may search for the same name.
    ///
    /// # Errors
    /// If the store is out of order.
    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError>;

    /// The objects of all clients, oldest first: at most `most`, of those that were added after the
    /// object `after`. For the server itself; clients see what [`find`](Self::find) finds.
    ///
    /// # Errors
    /// If there is no object `after`, or the store is out of order.
    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError>;

    /// Makes the changes permanent. When this returns, not even a crash undoes them, if the store
    /// is a lasting one.
    ///
    /// # Errors
    /// If the changes could not be made permanent; then none was made.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a store looks objects up by.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The client that the objects belong to; without one, they may be anybody's but the server's
    /// own.
    pub owner: Option<String>,
    /// Values that an object must have among its attributes. The index is of no importance, and
    /// attributes with the same name in KMIP 1.x are the same.
    pub exact: Vec<Attribute<'static>>,
}
