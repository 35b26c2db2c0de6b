//! Objects that live as long as the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::types::{Attribute, IntoOwned, ManagedObject};

use super::{Search, Store, StoreError, Transaction};
use crate::attributes::same_name;
use crate::object::StoredObject;

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    objects: Mutex<Objects>,
}

#[derive(Default)]
struct Objects {
    next: u64,
    entries: HashMap<String, Entry>,
}

#[derive(Clone)]
struct Entry {
    /// Order of creation.
    number: u64,
    object: StoredObject,
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
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(MemoryTransaction {
            objects,
            before: Vec::new(),
        }))
    }
}

struct MemoryTransaction<'s> {
    objects: MutexGuard<'s, Objects>,
    /// What the entries were that have changed, oldest change first.
    before: Vec<(String, Option<Entry>)>,
}

impl MemoryTransaction<'_> {
    fn change(&mut self, identifier: &str) -> Option<&mut Entry> {
        let entry = self.objects.entries.get_mut(identifier)?;
        self.before
            .push((identifier.to_owned(), Some(entry.clone())));
        Some(entry)
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        let entry = self.objects.entries.get(identifier);
        Ok(entry.map(|entry| entry.object.clone()))
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        let entry = self.objects.entries.get(identifier);
        Ok(entry.and_then(|entry| entry.content.clone()))
    }

    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        let identifier = &object.identifier;
        if self.objects.entries.contains_key(identifier) {
            return Err(StoreError::Duplicate(identifier.clone()));
        }
        let entry = Entry {
            number: self.objects.next,
            object: object.clone(),
            content: content.cloned().into_owned(),
        };
        self.objects.next += 1;
        self.objects.entries.insert(identifier.clone(), entry);
        self.before.push((identifier.clone(), None));
        Ok(())
    }

    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError> {
        let entry = self
            .change(&object.identifier)
            .ok_or_else(|| StoreError::Missing(object.identifier.clone()))?;
        entry.object = object.clone();
        Ok(())
    }

    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError> {
        if let Some(entry) = self.change(identifier) {
            entry.content = None;
        }
        Ok(())
    }

    fn remove(&mut self, identifier: &str) -> Result<(), StoreError> {
        if self.change(identifier).is_some() {
            self.objects.entries.remove(identifier);
        }
        Ok(())
    }

    fn find(&self, search: &Search) -> Result<Vec<StoredObject>, StoreError> {
        let entries = self.objects.entries.values();
        let mut found: Vec<&Entry> = entries
            .filter(|entry| fits(&entry.object, search))
            .collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.number));
        Ok(found.iter().map(|entry| entry.object.clone()).collect())
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        let entry = self
            .change(identifier)
            .ok_or_else(|| StoreError::Missing(identifier.to_owned()))?;
        entry.content = Some(content.clone().into_owned());
        Ok(())
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        let entries = &self.objects.entries;
        let after = after.map(|identifier| {
            let entry = entries.get(identifier);
            let missing = || StoreError::Missing(identifier.to_owned());
            entry.map(|entry| entry.number).ok_or_else(missing)
        });
        let after = after.transpose()?;
        let mut listed: Vec<&Entry> = entries
            .values()
            .filter(|entry| Some(entry.number) > after)
            .collect();
        listed.sort_by_key(|entry| entry.number);
        listed.truncate(most);
        Ok(listed.iter().map(|entry| entry.object.clone()).collect())
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.before.clear();
        Ok(())
    }
}

impl Drop for MemoryTransaction<'_> {
    fn drop(&mut self) {
        for (identifier, before) in self.before.drain(..).rev() {
            match before {
                Some(entry) => self.objects.entries.insert(identifier, entry),
                None => self.objects.entries.remove(&identifier),
            };
        }
    }
}

fn fits(object: &StoredObject, search: &Search) -> bool {
    let has = |wanted: &Attribute<'_>| {
        let reference = wanted.reference();
        object.attributes.iter().any(|own| {
            own.value == wanted.value || same_name(own, &reference) && same_custom(own, wanted)
        })
    };
    object.owner == search.owner && search.exact.iter().all(has)
}

/// Custom attributes whose names differ only in where the vendor ends.
fn same_custom(own: &Attribute<'_>, wanted: &Attribute<'_>) -> bool {
    use kmip::types::AttributeValue::Custom;
    match (&own.value, &wanted.value) {
        (Custom(own), Custom(wanted)) => own.value == wanted.value,
        _ => false,
    }
}
