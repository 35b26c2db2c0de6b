//! Opening the store, and changing its master key.

use std::env;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::CommandError;
use super::options::Options;
use crate::store::{
    MasterKey, MemoryStore, SealedStore, SqliteStore, Store, StoreError, UnsealedStore,
};

const KEY_VARIABLE: &str = "KMIP_MASTER_KEY";
const PHRASE_VARIABLE: &str = "KMIP_MASTER_PASS_PHRASE";

/// The store, sealed if there is a master key.
pub(super) fn open(options: &Options) -> Result<Arc<dyn Store>, CommandError> {
    let inner = open_inner(options)?;
    match master_key(options)? {
        Some(key) => Ok(Arc::new(SealedStore::open(inner, key)?)),
        None if SealedStore::is_sealed(&*inner)? => Err(StoreError::Sealed.into()),
        // Nobody else has what is in this process only.
        None if is_memory(options) => Ok(inner),
        None => Ok(Arc::new(UnsealedStore::new(inner))),
    }
}

/// Changes the master key of the store to the one in a file.
pub(super) fn rotate(options: &Options, new: &Path) -> Result<(), CommandError> {
    let old = master_key(options)?.ok_or(CommandError::Missing("--master-key"))?;
    let new = MasterKey::from_file(new)?;
    if is_memory(options) {
        return Err(CommandError::NothingToRotate);
    }
    Ok(SealedStore::rotate(&*open_inner(options)?, &old, &new)?)
}

fn is_memory(options: &Options) -> bool {
    let store = options.store.as_deref();
    store.is_none_or(|store| store == Path::new("memory"))
}

fn open_inner(options: &Options) -> Result<Arc<dyn Store>, CommandError> {
    match &options.store {
        Some(place) if is_shared(place) => shared_store(place.to_str().unwrap_or_default()),
        Some(path) if !is_memory(options) => Ok(Arc::new(SqliteStore::open(path)?)),
        _ => Ok(Arc::new(MemoryStore::new())),
    }
}

/// Whether a store is a database that several servers can share.
pub(super) fn is_shared(place: &Path) -> bool {
    let text = place.to_str().unwrap_or_default();
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

#[cfg(feature = "postgres")]
fn shared_store(address: &str) -> Result<Arc<dyn Store>, CommandError> {
    Ok(Arc::new(crate::PostgresStore::open(address)?))
}

#[cfg(not(feature = "postgres"))]
fn shared_store(_: &str) -> Result<Arc<dyn Store>, CommandError> {
    Err(CommandError::NoPostgres)
}

/// The master key of the options or, if they have none, of the environment.
fn master_key(options: &Options) -> Result<Option<MasterKey>, CommandError> {
    let variable = |name| env::var(name).ok().map(Zeroizing::new);
    let key = match (&options.master_key, &options.master_pass_phrase) {
        (Some(path), _) => MasterKey::from_file(path)?,
        (None, Some(path)) => MasterKey::from_pass_phrase_file(path)?,
        (None, None) => match (variable(KEY_VARIABLE), variable(PHRASE_VARIABLE)) {
            (Some(digits), _) => MasterKey::from_digits(&digits, KEY_VARIABLE)?,
            (None, Some(phrase)) => MasterKey::from_pass_phrase(&phrase, PHRASE_VARIABLE)?,
            (None, None) => return Ok(None),
        },
    };
    Ok(Some(key))
}
