//! A store in clear, which another process may seal meanwhile.

use std::sync::Arc;

use kmip::types::ManagedObject;

use super::sealed_store::{KEYRING, is_sealed};
use crate::object::StoredObject;
use crate::store::{Added, Addition, Found, Search, Store, StoreError, Transaction};

/// A [`Store`] without a master key. As soon as the one below is sealed, nothing is changed any more, and
/// no content is read: what lies in clear in a sealed store cannot be read, and what is sealed is not
/// what a client wants.
pub(crate) struct UnsealedStore(Arc<dyn Store>);

impl UnsealedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        UnsealedStore(inner)
    }
}

impl Store for UnsealedStore {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let inner = self.0.begin()?;
        // Its content, since others would wait for the object.
        match inner.content(KEYRING)? {
            None => Ok(Box::new(UnsealedTransaction { inner })),
            Some(_) => Err(StoreError::MasterKeyChanged),
        }
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let inner = self.0.view()?;
        Ok(Box::new(UnsealedTransaction { inner }))
    }

    fn add(&self, mut addition: Addition) -> Result<Added, StoreError> {
        addition.expected_contents.push((KEYRING.to_owned(), None));
        let added = self.0.add(addition)?;
        if added == Added::Hindered && self.0.view()?.content(KEYRING)?.is_some() {
            return Err(StoreError::MasterKeyChanged);
        }
        Ok(added)
    }

    fn can_conflict(&self) -> bool {
        self.0.can_conflict()
    }
}

struct UnsealedTransaction<'s> {
    inner: Box<dyn Transaction + 's>,
}

impl Transaction for UnsealedTransaction<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        self.inner.get(identifier)
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        let content = self.inner.content(identifier)?;
        // A client may have registered something that looks like it. So only then is looked for a
        // keyring: reading a key takes one step, not two.
        let looks_sealed = content.as_ref().is_some_and(is_sealed);
        match looks_sealed && self.inner.content(KEYRING)?.is_some() {
            true => Err(StoreError::MasterKeyChanged),
            false => Ok(content),
        }
    }

    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        self.inner.insert(object, content)
    }

    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError> {
        self.inner.update(object)
    }

    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError> {
        self.inner.erase_content(identifier)
    }

    fn remove(&mut self, identifier: &str) -> Result<(), StoreError> {
        self.inner.remove(identifier)
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        self.inner.replace_content(identifier, content)
    }

    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError> {
        self.inner.find(search, found)
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        self.inner.list(after, most)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.inner.commit()
    }
}
