//! Objects that live as long as the process.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kmip::types::{IntoOwned, ManagedObject};

use super::lookup::{Candidates, Key, Take, find, keys};
use super::{Found, Search, Store, StoreError, Transaction};
use crate::object::StoredObject;

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    objects: RwLock<Objects>,
}

#[derive(Default)]
struct Objects {
    next: u64,
    /// By order of creation.
    entries: BTreeMap<u64, Entry>,
    numbers: HashMap<String, u64>,
    lookups: BTreeSet<(Key, u64)>,
}

#[derive(Clone)]
struct Entry {
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
        self.entries.get(self.numbers.get(identifier)?)
    }

    /// Puts an entry in its place, or takes away what is there; gives back what was there.
    fn put(&mut self, number: u64, entry: Option<Entry>) -> Option<Entry> {
        let old = self.entries.remove(&number);
        if let Some(old) = &old {
            self.numbers.remove(&old.object.identifier);
            for key in &old.keys {
                self.lookups.remove(&(*key, number));
            }
        }
        if let Some(entry) = entry {
            let identifier = entry.object.identifier.clone();
            self.numbers.insert(identifier, number);
            self.lookups
                .extend(entry.keys.iter().map(|key| (*key, number)));
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
        let numbers = self.lookups.range((key, 0)..=(key, u64::MAX)).rev();
        let entries = numbers.filter_map(|(_, number)| self.entries.get(number));
        hand_over(entries, take);
        Ok(())
    }

    fn all(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        hand_over(self.entries.values().rev(), take);
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
    before: Vec<(u64, Option<Entry>)>,
}

impl MemoryTransaction<'_> {
    fn objects_mut(&mut self) -> Result<&mut Objects, StoreError> {
        match &mut self.objects {
            Access::Write(objects) => Ok(objects.deref_mut()),
            Access::Read(_) => Err(StoreError::ReadOnly),
        }
    }

    fn put(&mut self, number: u64, entry: Option<Entry>) -> Result<(), StoreError> {
        let old = self.objects_mut()?.put(number, entry);
        self.before.push((number, old));
        Ok(())
    }

    /// Number and copy of the entry of an object that is to be changed.
    fn existing(&self, identifier: &str) -> Result<(u64, Entry), StoreError> {
        let number = self.objects.numbers.get(identifier).copied();
        let found = number.and_then(|number| Some((number, self.objects.entries.get(&number)?)));
        let (number, entry) = found.ok_or_else(|| StoreError::Missing(identifier.to_owned()))?;
        Ok((number, entry.clone()))
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
        if self.objects.numbers.contains_key(identifier) {
            return Err(StoreError::Duplicate(identifier.clone()));
        }
        let entry = Entry {
            object: object.clone(),
            keys: keys(object)?,
            content: content.cloned().into_owned(),
        };
        let objects = self.objects_mut()?;
        let number = objects.next;
        objects.next += 1;
        self.put(number, Some(entry))
    }

    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError> {
        let (number, mut entry) = self.existing(&object.identifier)?;
        entry.object = object.clone();
        entry.keys = keys(object)?;
        self.put(number, Some(entry))
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        let (number, mut entry) = self.existing(identifier)?;
        entry.content = Some(content.clone().into_owned());
        self.put(number, Some(entry))
    }

    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError> {
        let Ok((number, mut entry)) = self.existing(identifier) else {
            return Ok(());
        };
        entry.content = None;
        self.put(number, Some(entry))
    }

    fn remove(&mut self, identifier: &str) -> Result<(), StoreError> {
        match self.objects.numbers.get(identifier).copied() {
            Some(number) => self.put(number, None),
            None => Ok(()),
        }
    }

    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError> {
        find(&mut &*self.objects, search, found)
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        let first = match after {
            Some(identifier) => self.existing(identifier)?.0 + 1,
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
