//! Objects in a SQLite file.

mod additions;
mod group;
mod readers;
mod rows;
mod schema;

use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use kmip::types::ManagedObject;
use rusqlite::{Connection, OpenFlags};

use self::additions::Additions;
use self::group::{Part, Writer};
use self::readers::Readers;
use super::lookup;
use super::{Added, Addition, Found, Search, Store, StoreError, Transaction};
use crate::object::StoredObject;

/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Size of the cache of the connection that writes, in KiB. It is taken only as it is used.
const CACHE: i64 = 16 << 10;

/// A store in a SQLite file, which only its owner can read (mode 0600).
///
/// What is committed survives a crash of the process and of the machine; transactions that come
/// together are written to the disk together. The keys in it are not encrypted, unless a
/// [`SealedStore`](super::SealedStore) lies above it.
pub struct SqliteStore {
    readers: Readers,
    writer: Writer,
    additions: Additions,
}

impl SqliteStore {
    /// Opens the store in a file, which is made if there is none. A file of an older format is
    /// brought up to date.
    ///
    /// # Errors
    /// If the file cannot be opened or is no store of a format that is known. A database of another
    /// program stays as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        refuse_foreign(path)?;
        protect(path).map_err(|source| StoreError::Open {
            path: path.to_owned(),
            source,
        })?;
        let connection = connect(path)?;
        // FULL makes a commit wait until it is on the disk; without it, the last commits before a
        // power failure are lost. secure_delete overwrites destroyed keys.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        // What savepoints keep to go back to: it has keys in it, and is gone soon.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -CACHE)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        schema::prepare(&connection)?;
        connection.execute_batch("COMMIT")?;
        Ok(SqliteStore {
            readers: Readers::new(path),
            writer: Writer::new(connection),
            additions: Additions::default(),
        })
    }
}

/// Refuses a database that another program has made, before anything of it is changed.
fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    if std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
        return Ok(());
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(PATIENCE)?;
    match schema::is_foreign(&connection)? {
        true => Err(StoreError::Foreign {
            path: path.to_owned(),
        }),
        false => Ok(()),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Makes the file, or takes the rights of others from it.
fn protect(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        Ok(Box::new(SqliteTransaction(self.writer.begin()?)))
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        Ok(Box::new(self.readers.begin()?))
    }

    fn add(&self, addition: Addition) -> Result<Added, StoreError> {
        self.additions.make(addition, &self.writer)
    }
}

struct SqliteTransaction<'s>(Part<'s>);

impl Transaction for SqliteTransaction<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        self.0.read(|connection| rows::get(connection, identifier))
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        self.0
            .read(|connection| rows::content(connection, identifier))
    }

    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        self.0
            .change(|connection| rows::insert(connection, object, content))
    }

    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError> {
        self.0.change(|connection| rows::update(connection, object))
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        self.0
            .change(|connection| rows::set_content(connection, identifier, Some(content)))
    }

    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError> {
        let erased = self
            .0
            .change(|connection| rows::set_content(connection, identifier, None));
        match erased {
            Err(StoreError::Missing(_)) => Ok(()),
            erased => erased,
        }
    }

    fn remove(&mut self, identifier: &str) -> Result<(), StoreError> {
        self.0
            .change(|connection| rows::remove(connection, identifier))
    }

    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError> {
        self.0
            .read(|mut connection| lookup::find(&mut connection, search, found))
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        self.0
            .read(|connection| rows::list(connection, after, most))
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.keep()
    }
}
