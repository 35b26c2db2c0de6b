//! A store above another one that sees sealed contents only.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use kmip::types::{Enumeration, ManagedObject, OpaqueDataType, OpaqueObject, Secret};
use zeroize::Zeroizing;

use super::cipher;
use super::keyring::{ID_BYTES, KeyId, Keyring};
use super::master_key::MasterKey;
use crate::object::StoredObject;
use crate::store::encoding::{Form, decode_content, encode_content};
use crate::store::{
    Added, Addition, Found, INTERNAL_OWNER, Search, Store, StoreError, Transaction,
};

/// Where the keyring is.
pub(super) const KEYRING: &str = "kmip-server:keyring";
/// Type of the opaque objects that sealed contents are: one of a vendor's.
const SEALED: OpaqueDataType = OpaqueDataType(0x8053_4C44);
/// How many objects are sealed anew between two looks into the store.
const BATCH: usize = 256;

/// A [`Store`] whose contents of objects (keys, certificates, secrets) lie encrypted in another one.
///
/// Each is sealed for its object, client and type, so that somebody who can write to the store below
/// cannot pass one for another, nor a clear one for a sealed one.
pub struct SealedStore {
    inner: Arc<dyn Store>,
    master: MasterKey,
    keyring: RwLock<Opened>,
}

/// A keyring, and what it is in the store.
#[derive(Clone)]
struct Opened {
    keyring: Keyring,
    sealed: Vec<u8>,
}

impl SealedStore {
    /// Opens a sealed store. One that is not sealed yet is sealed now, with all that is in it.
    ///
    /// # Errors
    /// If it was sealed with another master key, or is out of order.
    pub fn open(inner: Arc<dyn Store>, master: MasterKey) -> Result<Self, StoreError> {
        // The transaction ends with the statement: sealing the store needs one of its own.
        let found = load(&*inner.view()?, &master)?;
        let keyring = match found {
            Some(keyring) => keyring,
            None => first(&*inner, &master)?,
        };
        Ok(SealedStore {
            inner,
            master,
            keyring: RwLock::new(keyring),
        })
    }

    /// Whether a store can be opened only with a master key.
    ///
    /// # Errors
    /// If the store is out of order.
    pub fn is_sealed(store: &dyn Store) -> Result<bool, StoreError> {
        Ok(store.view()?.get(KEYRING)?.is_some())
    }

    /// Changes the master key, and seals all contents with a new data key. That is one transaction:
    /// it happens completely or not at all. Other processes that have the store open change
    /// nothing from then on, until they are started again with the new key.
    ///
    /// # Errors
    /// If the old master key is wrong, or the store is out of order.
    pub fn rotate(inner: &dyn Store, old: &MasterKey, new: &MasterKey) -> Result<(), StoreError> {
        let mut transaction = inner.begin_alone()?;
        let opened = load(&*transaction, old)?.ok_or(StoreError::WrongMasterKey)?;
        let keyring = opened.keyring;
        let mut next = keyring.clone();
        next.add()?;
        let reseal = |object: &StoredObject, content: &ManagedObject<'_>| {
            let plain = open(&keyring, object, content)?;
            seal(&next, object, &plain)
        };
        replace_contents(&mut *transaction, reseal)?;
        next.forget_old();
        transaction.replace_content(KEYRING, &opaque(next.seal(new)?))?;
        transaction.commit()
    }

    fn known(&self) -> Opened {
        let known = self.keyring.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keyring as it is now. Another process may have changed it.
    fn present(&self, transaction: &dyn Transaction) -> Result<Keyring, StoreError> {
        let known = self.known();
        if let Some(ManagedObject::OpaqueObject(ring)) = transaction.content(KEYRING)? {
            if ring.opaque_data_value.expose() == known.sealed {
                return Ok(known.keyring);
            }
        }
        self.reload(transaction)
    }

    /// Reads a keyring that another process has changed.
    fn reload(&self, transaction: &dyn Transaction) -> Result<Keyring, StoreError> {
        let changed = match load(transaction, &self.master) {
            Ok(Some(changed)) => changed,
            Ok(None) | Err(StoreError::WrongMasterKey) => return Err(StoreError::MasterKeyChanged),
            Err(error) => return Err(error),
        };
        let keyring = changed.keyring.clone();
        let known = self.keyring.write();
        *known.unwrap_or_else(PoisonError::into_inner) = changed;
        Ok(keyring)
    }
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").finish_non_exhaustive()
    }
}

impl Store for SealedStore {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let inner = self.inner.begin()?;
        // What is sealed with a key that is gone would be lost.
        Ok(Box::new(SealedTransaction {
            store: self,
            keyring: self.present(&*inner)?,
            inner,
        }))
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        Ok(Box::new(SealedTransaction {
            store: self,
            keyring: self.known().keyring,
            inner: self.inner.view()?,
        }))
    }

    fn add(&self, addition: Addition) -> Result<Added, StoreError> {
        let known = self.known();
        let mut sealed = addition.clone();
        sealed.content = seal(&known.keyring, &addition.object, &addition.content)?;
        let keyring = (KEYRING.to_owned(), Some(opaque(known.sealed)));
        sealed.expected_contents.push(keyring);
        match self.inner.add(sealed)? {
            // Perhaps since the keyring is another one by now, or since a content lies there sealed.
            Added::Hindered => addition.alone(self.begin()?),
            added => Ok(added),
        }
    }

    fn can_conflict(&self) -> bool {
        self.inner.can_conflict()
    }
}

struct SealedTransaction<'s> {
    store: &'s SealedStore,
    keyring: Keyring,
    inner: Box<dyn Transaction + 's>,
}

impl Transaction for SealedTransaction<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        self.inner.get(identifier)
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        let Some(object) = self.inner.get(identifier)? else {
            return Ok(None);
        };
        let Some(content) = self.inner.content(identifier)? else {
            return Ok(None);
        };
        if key_id(&content).is_some_and(|id| self.keyring.find(id).is_none()) {
            let changed = self.store.reload(&*self.inner)?;
            return open(&changed, &object, &content).map(Some);
        }
        open(&self.keyring, &object, &content).map(Some)
    }

    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        let sealed = content.map(|content| seal(&self.keyring, object, content));
        self.inner.insert(object, sealed.transpose()?.as_ref())
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

    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError> {
        self.inner.find(search, found)
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        let object = self.inner.get(identifier)?;
        let object = object.ok_or_else(|| StoreError::Missing(identifier.to_owned()))?;
        let sealed = seal(&self.keyring, &object, content)?;
        self.inner.replace_content(identifier, &sealed)
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        self.inner.list(after, most)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.inner.commit()
    }
}

/// The keyring of a store, if it has one.
fn load(transaction: &dyn Transaction, master: &MasterKey) -> Result<Option<Opened>, StoreError> {
    // What a client has put in its place before the store was sealed is none.
    let own = transaction.get(KEYRING)?;
    if own.is_some_and(|object| object.owner != INTERNAL_OWNER) {
        return Err(StoreError::WrongMasterKey);
    }
    match transaction.content(KEYRING)? {
        Some(ManagedObject::OpaqueObject(ring)) => {
            let sealed = ring.opaque_data_value.expose().to_vec();
            let keyring = Keyring::open(&sealed, master)?;
            Ok(Some(Opened { keyring, sealed }))
        }
        Some(_) => Err(StoreError::WrongMasterKey),
        None => Ok(None),
    }
}

/// Gives a store its keyring, and seals what is in it.
fn first(store: &dyn Store, master: &MasterKey) -> Result<Opened, StoreError> {
    let keyring = Keyring::new()?;
    let sealed = keyring.seal(master)?;
    let mut transaction = store.begin_alone()?;
    let object = StoredObject::internal(KEYRING);
    match transaction.insert(&object, Some(&opaque(sealed.clone()))) {
        // Another process was faster.
        Err(StoreError::Duplicate(_)) => {
            drop(transaction);
            return load(&*store.view()?, master)?.ok_or(StoreError::WrongMasterKey);
        }
        inserted => inserted?,
    }
    replace_contents(&mut *transaction, |object, content| {
        seal(&keyring, object, content)
    })?;
    transaction.commit()?;
    Ok(Opened { keyring, sealed })
}

/// Replaces the content of every object but the keyring.
fn replace_contents(
    transaction: &mut dyn Transaction,
    with: impl Fn(&StoredObject, &ManagedObject<'_>) -> Result<ManagedObject<'static>, StoreError>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let objects = transaction.list(after.as_deref(), BATCH)?;
        let Some(last) = objects.last() else {
            return Ok(());
        };
        after = Some(last.identifier.clone());
        for object in objects.iter().filter(|object| object.identifier != KEYRING) {
            if let Some(content) = transaction.content(&object.identifier)? {
                transaction.replace_content(&object.identifier, &with(object, &content)?)?;
            }
        }
    }
}

fn opaque(bytes: Vec<u8>) -> ManagedObject<'static> {
    ManagedObject::OpaqueObject(OpaqueObject {
        opaque_data_type: SEALED,
        opaque_data_value: Secret::owned(bytes),
        ..OpaqueObject::default()
    })
}

/// The data key that something is sealed with, if it is sealed.
fn key_id<'o>(content: &'o ManagedObject<'_>) -> Option<&'o [u8]> {
    match content {
        ManagedObject::OpaqueObject(object) if object.opaque_data_type == SEALED => {
            object.opaque_data_value.expose().get(..ID_BYTES)
        }
        _ => None,
    }
}

/// Whether a content is sealed, as far as one can see.
pub(super) fn is_sealed(content: &ManagedObject<'_>) -> bool {
    key_id(content).is_some()
}

fn seal(
    keyring: &Keyring,
    object: &StoredObject,
    content: &ManagedObject<'_>,
) -> Result<ManagedObject<'static>, StoreError> {
    let (id, key) = keyring.current().ok_or(StoreError::WrongMasterKey)?;
    let encoded = encode_content(content)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(encoded.bytes.len() + 1));
    // 14 or 21.
    plain.push(encoded.form.number() as u8);
    plain.extend_from_slice(&encoded.bytes);
    let sealed = cipher::seal(key, &context(id, object), &plain)?;
    Ok(opaque([&id[..], &sealed].concat()))
}

fn open(
    keyring: &Keyring,
    object: &StoredObject,
    content: &ManagedObject<'_>,
) -> Result<ManagedObject<'static>, StoreError> {
    let damaged = || StoreError::Damaged(object.identifier.clone());
    let id = key_id(content).ok_or_else(damaged)?;
    let ManagedObject::OpaqueObject(sealed) = content else {
        return Err(damaged());
    };
    let key = keyring.find(id).ok_or_else(damaged)?;
    let sealed = &sealed.opaque_data_value.expose()[ID_BYTES..];
    let plain = cipher::open(key, &context(id, object), sealed).ok_or_else(damaged)?;
    let (form, bytes) = plain.split_first().ok_or_else(damaged)?;
    Ok(decode_content(Form::from_number((*form).into()), bytes)?)
}

/// What a content is sealed for: another object, client or type does not open it.
fn context(id: &[u8], object: &StoredObject) -> Vec<u8> {
    debug_assert_eq!(id.len(), size_of::<KeyId>());
    let mut context = b"kmip-server content".to_vec();
    context.extend_from_slice(id);
    context.extend_from_slice(&object.object_type.value().to_be_bytes());
    for text in [&object.identifier, &object.owner] {
        // The length keeps the end of one from passing for the begin of the next.
        context.extend_from_slice(&(text.len() as u64).to_be_bytes());
        context.extend_from_slice(text.as_bytes());
    }
    context
}
