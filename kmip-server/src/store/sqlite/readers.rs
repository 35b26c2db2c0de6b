//! Connections that only read. They see what is permanent, and nobody waits for them.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kmip::types::ManagedObject;
use rusqlite::Connection;

use super::super::{Found, Search, StoreError, Transaction, lookup};
use super::{connect, rows};
use crate::object::StoredObject;

/// How many connections are kept for later.
const KEPT: usize = 8;
/// Size of the cache of a connection in KiB: enough for the upper levels of the trees of a million objects,
/// and for a thousand candidates. It is taken only as it is used.
const CACHE: i64 = 4096;

/// The connections that nobody uses.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Readers {
            path: path.to_owned(),
            idle: Mutex::default(),
        }
    }

    /// One state of the store.
    pub(super) fn begin(&self) -> Result<View<'_>, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.path)?;
                connection.pragma_update(None, "query_only", true)?;
                connection.pragma_update(None, "cache_size", -CACHE)?;
                connection
            }
        };
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(View {
            readers: self,
            connection: Some(connection),
        })
    }
}

/// A transaction that reads.
pub(super) struct View<'r> {
    readers: &'r Readers,
    /// Until it is dropped.
    connection: Option<Connection>,
}

impl View<'_> {
    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::ReadOnly)
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let ended = connection
            .prepare_cached("COMMIT")
            .and_then(|mut end| end.execute([]));
        let idle = self.readers.idle.lock();
        let mut idle = idle.unwrap_or_else(PoisonError::into_inner);
        if ended.is_ok() && idle.len() < KEPT {
            idle.push(connection);
        }
    }
}

impl Transaction for View<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        rows::get(self.connection()?, identifier)
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        rows::content(self.connection()?, identifier)
    }

    fn insert(
        &mut self,
        _: &StoredObject,
        _: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn update(&mut self, _: &StoredObject) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn replace_content(&mut self, _: &str, _: &ManagedObject<'_>) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn erase_content(&mut self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn remove(&mut self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError> {
        lookup::find(&mut self.connection()?, search, found)
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        rows::list(self.connection()?, after, most)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}
