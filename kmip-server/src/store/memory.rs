//! Objects that live as long as the process.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::hash_map::{self, HashMap};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kmip::types::{IntoOwned, ManagedObject};

use super::lookup::{Candidates, Key, Take, find, keys};
use super::{Found, Search, Store, StoreError, Transaction};
use crate::object::StoredObject;

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    objects: RwLock<Objects>,
}

/// What is looked up is in hash tables, so that it takes no longer among many objects.
#[derive(Default)]
struct Objects {
    next: u64,
    /// By number, that is in the order of creation.
    entries: BTreeMap<u64, Arc<Entry>>,
    identifiers: HashMap<String, Arc<Entry>>,
    lookups: HashMap<Key, Entries>,
}

/// The entries that have a key. Most keys are those of a name, which one object has.
enum Entries {
    One(Arc<Entry>),
    /// By number.
    Several(BTreeMap<u64, Arc<Entry>>),
}

impl Entries {
    fn insert(&mut self, entry: Arc<Entry>) {
        match self {
            Entries::One(other) => {
                let both = [other.clone(), entry].map(|entry| (entry.number, entry));
                *self = Entries::Several(both.into());
            }
            Entries::Several(entries) => {
                entries.insert(entry.number, entry);
            }
        }
    }

    /// Takes an entry away. Whether none is left.
    fn remove(&mut self, number: u64) -> bool {
        match self {
            Entries::One(only) => only.number == number,
            Entries::Several(entries) => {
                entries.remove(&number);
                entries.is_empty()
            }
        }
    }

    /// Newest first.
    fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (one, several) = match self {
            Entries::One(entry) => (Some(entry), None),
            Entries::Several(entries) => (None, Some(entries)),
        };
        let several = several
            .into_iter()
            .flat_map(|entries| entries.values().rev());
        one.into_iter().chain(several).map(Arc::as_ref)
    }
}

#[derive(Clone)]
struct Entry {
    number: u64,
    object: StoredObject,
    keys: Vec<Key>,
    content: Option<ManagedObject<'static>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore::default()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        // Whoever panicked with the lock has left no half-made changes: they are undone on drop.
        let objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(MemoryTransaction {
            objects: Access::Write(objects),
            before: Vec::new(),
        }))
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(MemoryTransaction {
            objects: Access::Read(objects),
            before: Vec::new(),
        }))
    }
}

impl Objects {
    fn entry(&self, identifier: &str) -> Option<&Entry> {
        self.identifiers.get(identifier).map(Arc::as_ref)
    }

    /// Puts an entry in its place, or takes away what is there; gives back what was there.
    fn put(&mut self, number: u64, entry: Option<Arc<Entry>>) -> Option<Arc<Entry>> {
        let old = self.entries.remove(&number);
        if let Some(old) = &old {
            self.identifiers.remove(&old.object.identifier);
            for key in &old.keys {
                if let hash_map::Entry::Occupied(mut entries) = self.lookups.entry(*key) {
                    if entries.get_mut().remove(number) {
                        entries.remove();
                    }
                }
            }
        }
        if let Some(entry) = entry {
            let identifier = entry.object.identifier.clone();
            self.identifiers.insert(identifier, entry.clone());
            for key in &entry.keys {
                let entries = self.lookups.entry(*key);
                let entries = entries.and_modify(|entries| entries.insert(entry.clone()));
                entries.or_insert_with(|| Entries::One(entry.clone()));
            }
            self.entries.insert(number, entry);
        }
        old
    }
}

impl Candidates for &Objects {
    fn get(&mut self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        Ok(self.entry(identifier).map(|entry| entry.object.clone()))
    }

    fn with_key(&mut self, key: Key, take: &mut Take<'_>) -> Result<(), StoreError> {
        let entries = self.lookups.get(&key);
        hand_over(entries.into_iter().flat_map(Entries::iter), take);
        Ok(())
    }

    fn all(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        hand_over(self.entries.values().rev().map(Arc::as_ref), take);
        Ok(())
    }
}

fn hand_over<'e>(mut entries: impl Iterator<Item = &'e Entry>, take: &mut Take<'_>) {
    let _ = entries.try_for_each(|entry| take(Cow::Borrowed(&entry.object)));
}

enum Access<'s> {
    Read(RwLockReadGuard<'s, Objects>),
    Write(RwLockWriteGuard<'s, Objects>),
}

impl Deref for Access<'_> {
    type Target = Objects;

    fn deref(&self) -> &Objects {
        match self {
            Access::Read(objects) => objects,
            Access::Write(objects) => objects,
        }
    }
}

struct MemoryTransaction<'s> {
    objects: Access<'s>,
    /// What the entries were that have changed, oldest change first.
    before: Vec<(u64, Option<Arc<Entry>>)>,
}

impl MemoryTransaction<'_> {
    fn objects_mut(&mut self) -> Result<&mut Objects, StoreError> {
        match &mut self.objects {
            Access::Write(objects) => Ok(objects.deref_mut()),
            Access::Read(_) => Err(StoreError::ReadOnly),
        }
    }

    fn put(&mut self, number: u64, entry: Option<Entry>) -> Result<(), StoreError> {
        let old = self.objects_mut()?.put(number, entry.map(Arc::new));
        self.before.push((number, old));
        Ok(())
    }

    /// A copy of the entry of an object that is to be changed.
    fn existing(&self, identifier: &str) -> Result<Entry, StoreError> {
        let found = self.objects.entry(identifier).cloned();
        found.ok_or_else(|| StoreError::Missing(identifier.to_owned()))
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        let entry = self.objects.entry(identifier);
        Ok(entry.map(|entry| entry.object.clone()))
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        let entry = self.objects.entry(identifier);
        Ok(entry.and_then(|entry| entry.content.clone()))
    }

    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        let identifier = &object.identifier;
        if self.objects.entry(identifier).is_some() {
            return Err(StoreError::Duplicate(identifier.clone()));
        }
        let entry = Entry {
            number: self.objects.next,
            object: object.clone(),
            keys: keys(object)?,
            content: content.cloned().into_owned(),
        };
        self.objects_mut()?.next += 1;
        self.put(entry.number, Some(entry))
    }

    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError> {
        let mut entry = self.existing(&object.identifier)?;
        entry.object = object.clone();
        entry.keys = keys(object)?;
        self.put(entry.number, Some(entry))
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        let mut entry = self.existing(identifier)?;
        entry.content = Some(content.clone().into_owned());
        self.put(entry.number, Some(entry))
    }

    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError> {
        let Ok(mut entry) = self.existing(identifier) else {
            return Ok(());
        };
        entry.content = None;
        self.put(entry.number, Some(entry))
    }

    fn remove(&mut self, identifier: &str) -> Result<(), StoreError> {
        match self.objects.entry(identifier).map(|entry| entry.number) {
            Some(number) => self.put(number, None),
            None => Ok(()),
        }
    }

    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError> {
        find(&mut &*self.objects, search, found)
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        let first = match after {
            Some(identifier) => self.existing(identifier)?.number + 1,
            None => 0,
        };
        let entries = self.objects.entries.range(first..).take(most);
        Ok(entries.map(|(_, entry)| entry.object.clone()).collect())
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.before.clear();
        Ok(())
    }
}

impl Drop for MemoryTransaction<'_> {
    fn drop(&mut self) {
        if let Access::Write(objects) = &mut self.objects {
            for (number, before) in self.before.drain(..).rev() {
                objects.put(number, before);
            }
        }
    }
}
