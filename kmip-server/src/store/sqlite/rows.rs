//! The statements.

use std::borrow::Cow;

use kmip::types::{Enumeration, ManagedObject, ObjectType};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use zeroize::Zeroizing;

use super::super::StoreError;
use super::super::encoding::{
    Form, attributes_of, decode_content, encode_attributes, encode_content,
};
use super::super::lookup::{Candidates, Key, Take, keys};
use crate::object::StoredObject;

pub(super) fn get(
    connection: &Connection,
    identifier: &str,
) -> Result<Option<StoredObject>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT identifier, owner, object_type, archived, attributes FROM objects
         WHERE identifier = ?",
    )?;
    let mut rows = statement.query([identifier])?;
    rows.next()?.map(read).transpose()
}

pub(super) fn content(
    connection: &Connection,
    identifier: &str,
) -> Result<Option<ManagedObject<'static>>, StoreError> {
    let mut statement = connection.prepare_cached(
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

pub(super) fn insert(
    connection: &Connection,
    object: &StoredObject,
    content: Option<&ManagedObject<'_>>,
) -> Result<(), StoreError> {
    let content = content.map(encode_content).transpose()?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO objects
             (identifier, owner, object_type, archived, content_form, content, attributes)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    let inserted = statement.execute(params![
        object.identifier,
        object.owner,
        object.object_type.value(),
        object.archived,
        content.as_ref().map(|content| content.form.number()),
        content.as_ref().map(|content| content.bytes.as_slice()),
        encode_attributes(&object.attributes)?,
    ])?;
    if inserted == 0 {
        return Err(StoreError::Duplicate(object.identifier.clone()));
    }
    let number = connection.last_insert_rowid();
    keys(object)?
        .into_iter()
        .try_for_each(|key| add_key(connection, number, key))
}

pub(super) fn update(connection: &Connection, object: &StoredObject) -> Result<(), StoreError> {
    let number = number(connection, &object.identifier)?;
    let before = get(connection, &object.identifier)?;
    connection
        .prepare_cached("UPDATE objects SET archived = ?, attributes = ? WHERE number = ?")?
        .execute(params![
            object.archived,
            encode_attributes(&object.attributes)?,
            number
        ])?;
    let before = before.as_ref().map(keys).transpose()?.unwrap_or_default();
    let after = keys(object)?;
    for key in before.iter().filter(|key| !after.contains(key)) {
        delete_key(connection, number, *key)?;
    }
    let mut new = after.iter().filter(|key| !before.contains(key));
    new.try_for_each(|key| add_key(connection, number, *key))
}

/// Replaces the content, or deletes it.
pub(super) fn set_content(
    connection: &Connection,
    identifier: &str,
    content: Option<&ManagedObject<'_>>,
) -> Result<(), StoreError> {
    let content = content.map(encode_content).transpose()?;
    let changed = connection
        .prepare_cached("UPDATE objects SET content = ?, content_form = ? WHERE identifier = ?")?
        .execute(params![
            content.as_ref().map(|content| content.bytes.as_slice()),
            content.as_ref().map(|content| content.form.number()),
            identifier
        ])?;
    match changed {
        0 => Err(StoreError::Missing(identifier.to_owned())),
        _ => Ok(()),
    }
}

pub(super) fn remove(connection: &Connection, identifier: &str) -> Result<(), StoreError> {
    let Some(object) = get(connection, identifier)? else {
        return Ok(());
    };
    let number = number(connection, identifier)?;
    for key in keys(&object)? {
        delete_key(connection, number, key)?;
    }
    connection
        .prepare_cached("DELETE FROM objects WHERE number = ?")?
        .execute([number])?;
    Ok(())
}

impl Candidates for &Connection {
    fn get(&mut self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        get(self, identifier)
    }

    fn with_key(&mut self, key: Key, take: &mut Take<'_>) -> Result<(), StoreError> {
        let sql = "SELECT identifier, owner, object_type, archived, attributes
             FROM lookups CROSS JOIN objects ON number = object WHERE key = ? ORDER BY object DESC";
        hand_over(self, sql, [key], take)
    }

    fn all(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let sql = "SELECT identifier, owner, object_type, archived, attributes FROM objects
             ORDER BY number DESC";
        hand_over(self, sql, [], take)
    }
}

fn hand_over(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    take: &mut Take<'_>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        if take(Cow::Owned(read(row)?)).is_break() {
            break;
        }
    }
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<StoredObject>, StoreError> {
    let after = after.map(|identifier| number(connection, identifier));
    let after = after.transpose()?.unwrap_or(0);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(
        "SELECT identifier, owner, object_type, archived, attributes FROM objects
         WHERE number > ? ORDER BY number LIMIT ?",
    )?;
    let mut rows = statement.query([after, most])?;
    let mut listed = Vec::new();
    while let Some(row) = rows.next()? {
        listed.push(read(row)?);
    }
    Ok(listed)
}

/// Gives all objects their keys anew, since those of an older format were others.
pub(super) fn renew_keys(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM lookups", [])?;
    let mut statement = connection.prepare(
        "SELECT identifier, owner, object_type, archived, attributes, number FROM objects",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number = row.get(5)?;
        let keys = keys(&read(row)?)?;
        keys.into_iter()
            .try_for_each(|key| add_key(connection, number, key))?;
    }
    Ok(())
}

fn number(connection: &Connection, identifier: &str) -> Result<i64, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT number FROM objects WHERE identifier = ?")?;
    let number = statement.query_row([identifier], |row| row.get(0));
    let missing = || StoreError::Missing(identifier.to_owned());
    number.optional()?.ok_or_else(missing)
}

fn add_key(connection: &Connection, number: i64, key: Key) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO lookups (key, object) VALUES (?, ?)")?
        .execute([key, number])?;
    Ok(())
}

fn delete_key(connection: &Connection, number: i64, key: Key) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM lookups WHERE key = ? AND object = ?")?
        .execute([key, number])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<StoredObject, StoreError> {
    let identifier: String = row.get(0)?;
    let attributes = row.get_ref(4)?.as_blob().unwrap_or_default();
    Ok(StoredObject {
        attributes: attributes_of(&identifier, attributes)?,
        identifier,
        owner: row.get(1)?,
        object_type: ObjectType::new(row.get(2)?),
        archived: row.get(3)?,
    })
}
