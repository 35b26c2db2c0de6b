//! What the file looks like, and how older ones become like that.

use rusqlite::{Connection, params};

use super::super::StoreError;
use super::super::encoding::{Form, decode_attribute, encode_attributes};
use super::rows;
use crate::attributes::AttributeSet;
use kmip::types::Attribute;

/// Format of the file, kept as its `user_version`.
const FORMAT: i64 = 4;

/// `lookups` has the keys of each object. `AUTOINCREMENT` lets no number be used again, so that the
/// order of numbers is that of creation. What a search reads stands before the content, which would
/// otherwise be read, too, however large it is; in older files it stands behind it.
const SCHEMA: &str = "
CREATE TABLE objects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    object_type INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    attributes BLOB NOT NULL,
    content_form INTEGER,
    content BLOB
) STRICT;
CREATE TABLE lookups (
    key INTEGER NOT NULL,
    object INTEGER NOT NULL,
    PRIMARY KEY (key, object)
) STRICT, WITHOUT ROWID;
";

/// Whether there are tables, but not those of a store.
pub(super) fn is_foreign(connection: &Connection) -> Result<bool, StoreError> {
    let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let count = "SELECT count(*), count(*) FILTER (WHERE name = 'objects') FROM sqlite_master";
    let (all, own): (i64, i64) =
        connection.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(all > 0 && (format == 0 || own == 0))
}

/// Makes the tables of a new file, or brings those of an older one up to date. A transaction is open.
pub(super) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match found {
        0 => connection.execute_batch(SCHEMA)?,
        1 => from_1(connection)?,
        // 2 had no keys for searches among the objects of all clients; in 3 they were not beside the others.
        2 | 3 => rows::renew_keys(connection)?,
        FORMAT => return Ok(()),
        found => {
            let known = FORMAT;
            return Err(StoreError::Format { found, known });
        }
    }
    connection.pragma_update(None, "user_version", FORMAT)?;
    Ok(())
}

/// Format 1 had a row for each attribute, all of them indexed.
fn from_1(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "DROP INDEX objects_by_owner;
         ALTER TABLE objects ADD COLUMN attributes BLOB NOT NULL DEFAULT x'';
         CREATE TABLE lookups (
            key INTEGER NOT NULL,
            object INTEGER NOT NULL,
            PRIMARY KEY (key, object)
         ) STRICT, WITHOUT ROWID;",
    )?;
    let mut heads = connection.prepare("SELECT number FROM objects")?;
    let mut heads = heads.query([])?;
    let mut values = connection.prepare(
        "SELECT instance, form, value FROM attributes WHERE object = ? ORDER BY position",
    )?;
    while let Some(head) = heads.next()? {
        let number: i64 = head.get(0)?;
        let mut attributes = Vec::new();
        let mut rows = values.query([number])?;
        while let Some(row) = rows.next()? {
            let form = Form::from_number(row.get(1)?);
            attributes.push(Attribute {
                index: row.get(0)?,
                value: decode_attribute(form, row.get_ref(2)?.as_blob().unwrap_or_default())?,
            });
        }
        let attributes = AttributeSet::from_stored(attributes);
        connection
            .prepare_cached("UPDATE objects SET attributes = ? WHERE number = ?")?
            .execute(params![encode_attributes(&attributes)?, number])?;
    }
    connection.execute_batch("DROP TABLE attributes;")?;
    rows::renew_keys(connection)
}
