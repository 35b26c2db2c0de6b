//! Where objects are kept.

mod encoding;
mod error;
mod memory;
mod seal;
mod sqlite;

use kmip::types::{Attribute, ManagedObject};

use crate::object::StoredObject;

pub use error::StoreError;
pub use memory::MemoryStore;
pub use seal::{MasterKey, MasterKeyError, SealedStore};
pub use sqlite::SqliteStore;

/// Who owns what the server keeps for itself in a store. No client has such a name, since those of
/// clients begin with how they were authenticated.
pub(crate) const INTERNAL_OWNER: &str = "kmip-server";

/// Begin of the identifiers of such objects.
pub(crate) const INTERNAL_PREFIX: &str = "kmip-server:";

/// A place for objects. Used from many threads.
pub trait Store: Send + Sync {
    /// Begins a transaction. Until it ends, others wait.
    ///
    /// # Errors
    /// If the store is out of order.
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError>;
}

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

    /// The objects that a search finds, newest first.
    ///
    /// # Errors
    /// If the store is out of order.
    fn find(&self, search: &Search) -> Result<Vec<StoredObject>, StoreError>;

    /// Replaces the content of an object. What is known of it, and its place among the others, stay.
    ///
    /// # Errors
    /// If there is no such object, or the store is out of order.
    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError>;

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
    /// The client that the objects belong to.
    pub owner: String,
    /// Values that an object must have among its attributes. The index is of no importance, and
    /// attributes with the same name in KMIP 1.x are the same.
    pub exact: Vec<Attribute<'static>>,
}
