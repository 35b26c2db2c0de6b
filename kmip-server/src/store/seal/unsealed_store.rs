//! A store in clear, which another process may seal meanwhile.

use std::sync::Arc;

use super::sealed_store::KEYRING;
use crate::store::{Store, StoreError, Transaction};

/// A [`Store`] without a master key. As soon as the one below is sealed, nothing is changed any more:
/// what lies in clear in a sealed store cannot be read.
pub(crate) struct UnsealedStore(Arc<dyn Store>);

impl UnsealedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        UnsealedStore(inner)
    }
}

impl Store for UnsealedStore {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let transaction = self.0.begin()?;
        // Its content, since others would wait for the object.
        match transaction.content(KEYRING)? {
            None => Ok(transaction),
            Some(_) => Err(StoreError::MasterKeyChanged),
        }
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.0.view()
    }

    fn can_conflict(&self) -> bool {
        self.0.can_conflict()
    }
}
