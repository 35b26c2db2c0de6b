//! Objects in a SQLite file.

use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kmip::types::{Attribute, Enumeration, ManagedObject, ObjectType};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use zeroize::Zeroizing;

use super::encoding::{Form, decode_attribute, decode_content, encode_attribute, encode_content};
use super::{Search, Store, StoreError, Transaction};
use crate::attributes::AttributeSet;
use crate::object::StoredObject;

/// A store in a SQLite file, which only its owner can read (mode 0600).
///
/// What is committed survives a crash of the process and of the machine. The keys in it are not
/// encrypted, unless a [`SealedStore`](super::SealedStore) lies above it.
pub struct SqliteStore {
    connection: Mutex<Connection>,
}

/// Format of the file, kept as its `user_version`.
const FORMAT: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE objects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    object_type INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    content_form INTEGER,
    content BLOB
) STRICT;
CREATE INDEX objects_by_owner ON objects (owner);
CREATE TABLE attributes (
    object INTEGER NOT NULL REFERENCES objects (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    instance INTEGER,
    form INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (object, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX attributes_by_value ON attributes (name, value);
PRAGMA user_version = 1;
";

impl SqliteStore {
    /// Opens the store in a file, which is made if there is none.
    ///
    /// # Errors
    /// If the file cannot be opened or is no store of this format.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        protect(path).map_err(|source| StoreError::Open {
            path: path.to_owned(),
            source,
        })?;
        Self::prepare(Connection::open(path)?)
    }

    fn prepare(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(Duration::from_secs(30))?;
        // FULL makes a commit wait until it is on the disk; without it, the last commits before a
        // power failure are lost. secure_delete overwrites destroyed keys.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            0 => connection.execute_batch(SCHEMA)?,
            FORMAT => {}
            found => {
                let known = FORMAT;
                return Err(StoreError::Format { found, known });
            }
        }
        connection.execute_batch("COMMIT")?;
        Ok(SqliteStore {
            connection: Mutex::new(connection),
        })
    }
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
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Box::new(SqliteTransaction {
            connection,
            open: true,
        }))
    }
}

struct SqliteTransaction<'s> {
    connection: MutexGuard<'s, Connection>,
    open: bool,
}

impl SqliteTransaction<'_> {
    fn number(&self, identifier: &str) -> Result<i64, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT number FROM objects WHERE identifier = ?")?;
        let number = statement
            .query_row([identifier], |row| row.get(0))
            .optional()?;
        number.ok_or_else(|| StoreError::Missing(identifier.to_owned()))
    }

    fn write_attributes(&self, number: i64, attributes: &AttributeSet) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO attributes (object, position, name, instance, form, value)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for (position, attribute) in attributes.iter().enumerate() {
            let encoded = encode_attribute(&attribute.value)?;
            statement.execute(params![
                number,
                position as i64,
                attribute.reference().to_string(),
                attribute.index,
                encoded.form.number(),
                encoded.bytes.as_slice(),
            ])?;
        }
        Ok(())
    }

    fn read(&self, head: Head) -> Result<StoredObject, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT instance, form, value FROM attributes WHERE object = ? ORDER BY position",
        )?;
        let mut rows = statement.query([head.number])?;
        let mut attributes = Vec::new();
        while let Some(row) = rows.next()? {
            let form = Form::from_number(row.get(1)?);
            attributes.push(Attribute {
                index: row.get(0)?,
                value: decode_attribute(form, row.get_ref(2)?.as_blob().unwrap_or_default())?,
            });
        }
        Ok(StoredObject {
            identifier: head.identifier,
            owner: head.owner,
            object_type: ObjectType::new(head.object_type),
            archived: head.archived,
            attributes: AttributeSet::from_stored(attributes),
        })
    }
}

/// A row of `objects` without the content.
struct Head {
    number: i64,
    identifier: String,
    owner: String,
    object_type: u32,
    archived: bool,
}

const HEAD: &str = "SELECT number, identifier, owner, object_type, archived FROM objects";

impl Head {
    fn new(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Head {
            number: row.get(0)?,
            identifier: row.get(1)?,
            owner: row.get(2)?,
            object_type: row.get(3)?,
            archived: row.get(4)?,
        })
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        let query = format!("{HEAD} WHERE identifier = ?");
        let mut statement = self.connection.prepare_cached(&query)?;
        let head = statement.query_row([identifier], Head::new).optional()?;
        head.map(|head| self.read(head)).transpose()
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT content_form, content FROM objects
             WHERE identifier = ? AND content IS NOT NULL",
        )?;
        let mut rows = statement.query([identifier])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let form = Form::from_number(row.get(0)?);
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(row.get(1)?);
        Ok(Some(decode_content(form, &bytes)?))
    }

    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        if self.number(&object.identifier).is_ok() {
            return Err(StoreError::Duplicate(object.identifier.clone()));
        }
        let content = content.map(encode_content).transpose()?;
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO objects (identifier, owner, object_type, archived, content_form, content)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        statement.execute(params![
            object.identifier,
            object.owner,
            object.object_type.value(),
            object.archived,
            content.as_ref().map(|content| content.form.number()),
            content.as_ref().map(|content| content.bytes.as_slice()),
        ])?;
        self.write_attributes(self.connection.last_insert_rowid(), &object.attributes)
    }

    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError> {
        let number = self.number(&object.identifier)?;
        self.connection
            .prepare_cached("UPDATE objects SET archived = ? WHERE number = ?")?
            .execute(params![object.archived, number])?;
        self.connection
            .prepare_cached("DELETE FROM attributes WHERE object = ?")?
            .execute([number])?;
        self.write_attributes(number, &object.attributes)
    }

    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE objects SET content = NULL, content_form = NULL WHERE identifier = ?",
            )?
            .execute([identifier])?;
        Ok(())
    }

    fn remove(&mut self, identifier: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM objects WHERE identifier = ?")?
            .execute([identifier])?;
        Ok(())
    }

    fn find(&self, search: &Search) -> Result<Vec<StoredObject>, StoreError> {
        let mut query = format!("{HEAD} WHERE owner = ?");
        let mut values = vec![Value::Text(search.owner.clone())];
        for attribute in &search.exact {
            // Custom attributes are found by name alone, since 1.x does not tell the vendor.
            query.push_str(" AND number IN (SELECT object FROM attributes WHERE name = ?");
            values.push(Value::Text(attribute.reference().to_string()));
            if attribute.value.tag().is_some() {
                query.push_str(" AND value = ?");
                let encoded = encode_attribute(&attribute.value)?;
                values.push(Value::Blob(encoded.bytes.to_vec()));
            }
            query.push(')');
        }
        query.push_str(" ORDER BY number DESC");
        let mut statement = self.connection.prepare_cached(&query)?;
        let heads = statement.query_map(params_from_iter(values), Head::new)?;
        heads.map(|head| self.read(head?)).collect()
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        let number = self.number(identifier)?;
        let content = encode_content(content)?;
        self.connection
            .prepare_cached("UPDATE objects SET content = ?, content_form = ? WHERE number = ?")?
            .execute(params![
                content.bytes.as_slice(),
                content.form.number(),
                number
            ])?;
        Ok(())
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        let after = after
            .map(|identifier| self.number(identifier))
            .transpose()?;
        let query = format!("{HEAD} WHERE number > ? ORDER BY number LIMIT ?");
        let mut statement = self.connection.prepare_cached(&query)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let heads = statement.query_map(params![after.unwrap_or(0), most], Head::new)?;
        heads.map(|head| self.read(head?)).collect()
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.connection.execute_batch("COMMIT")?;
        self.open = false;
        Ok(())
    }
}

impl Drop for SqliteTransaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // If this fails too, the next BEGIN reports it.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
