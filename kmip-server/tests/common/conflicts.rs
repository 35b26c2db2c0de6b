//! A store whose transactions fail at their end, as those of a shared database do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmip::types::ManagedObject;
use kmip_server::{Found, MemoryStore, Search, Store, StoreError, StoredObject, Transaction};

/// A store in memory, for several servers.
#[derive(Default)]
pub(crate) struct ConflictingStore {
    inner: MemoryStore,
    /// How many transactions conflict with others before the next one that does not.
    conflicts: AtomicUsize,
    /// After how many transactions, counted from 1, the database is away for one; 0 if it stays.
    away_at: AtomicUsize,
    /// How many transactions were begun that can change something.
    begun: AtomicUsize,
}

impl ConflictingStore {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn conflict(&self, times: usize) {
        self.conflicts.store(times, Ordering::SeqCst);
    }

    pub(crate) fn go_away_at(&self, transaction: usize) {
        self.away_at.store(transaction, Ordering::SeqCst);
    }

    /// Whether that has happened which was to happen.
    pub(crate) fn is_through(&self) -> bool {
        self.conflicts.load(Ordering::SeqCst) == 0 && self.away_at.load(Ordering::SeqCst) == 0
    }

    /// How many transactions that can change something were begun since this was asked the last time.
    pub(crate) fn begun(&self) -> usize {
        self.begun.swap(0, Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), StoreError> {
        let less = |count: usize| count.checked_sub(1);
        let count_down =
            |counter: &AtomicUsize| counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if count_down(&self.away_at) == Ok(1) {
            return Err(StoreError::Shared("the database is away".into()));
        }
        match count_down(&self.conflicts) {
            Ok(_) => Err(StoreError::Conflict("another server was faster".into())),
            Err(_) => Ok(()),
        }
    }
}

impl Store for ConflictingStore {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let inner = self.inner.begin()?;
        Ok(Box::new(Conflicting { store: self, inner }))
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.inner.view()
    }

    fn can_conflict(&self) -> bool {
        true
    }
}

struct Conflicting<'s> {
    store: &'s ConflictingStore,
    inner: Box<dyn Transaction + 's>,
}

impl Transaction for Conflicting<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        self.inner.get(identifier)
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        self.inner.content(identifier)
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
        self.store.check()?;
        self.inner.commit()
    }
}
