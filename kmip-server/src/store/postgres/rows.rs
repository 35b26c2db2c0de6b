//! The statements.

use std::borrow::Cow;

use kmip::types::{Enumeration, ManagedObject, ObjectType};
use postgres::{Error, Row, Transaction};
use zeroize::Zeroizing;

use super::super::StoreError;
use super::super::encoding::{
    Form, attributes_of, decode_content, encode_attributes, encode_content,
};
use super::super::lookup::{Candidates, Key, Take, keys};
use super::failure;
use super::pool::Session;
use crate::object::StoredObject;

/// An object. If it may be changed, others wait until the transaction ends.
pub(super) fn get(
    session: &mut Session,
    identifier: &str,
    lock: bool,
) -> Result<Option<StoredObject>, StoreError> {
    const READ: &str = "SELECT identifier, owner, object_type, archived, attributes
         FROM kmip_objects WHERE identifier = $1";
    const LOCK: &str = "SELECT identifier, owner, object_type, archived, attributes
         FROM kmip_objects WHERE identifier = $1 FOR UPDATE";
    let rows = session.query(if lock { LOCK } else { READ }, &[&identifier]);
    rows.map_err(failure)?.first().map(read).transpose()
}

pub(super) fn content(
    session: &mut Session,
    identifier: &str,
) -> Result<Option<ManagedObject<'static>>, StoreError> {
    let rows = session.query(
        "SELECT content_form, content FROM kmip_objects
         WHERE identifier = $1 AND content IS NOT NULL",
        &[&identifier],
    );
    let rows = rows.map_err(failure)?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let columns = || -> Result<_, Error> { Ok((row.try_get(0)?, row.try_get(1)?)) };
    let (form, bytes): (_, Vec<u8>) = columns().map_err(failure)?;
    let bytes = Zeroizing::new(bytes);
    Ok(Some(decode_content(Form::from_number(form), &bytes)?))
}

pub(super) fn insert(
    session: &mut Session,
    object: &StoredObject,
    content: Option<&ManagedObject<'_>>,
) -> Result<(), StoreError> {
    let content = content.map(encode_content).transpose()?;
    // The keys go with it, so that it is one exchange with the database.
    let inserted = session.query(
        "WITH new AS (
             INSERT INTO kmip_objects
                 (identifier, owner, object_type, archived, content_form, content, attributes)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING number
         ), added AS (
             INSERT INTO kmip_lookups (key, object) SELECT unnest($8::BIGINT[]), number FROM new
         )
         SELECT number FROM new",
        &[
            &object.identifier,
            &object.owner,
            &i64::from(object.object_type.value()),
            &object.archived,
            &content.as_ref().map(|content| content.form.number()),
            &content.as_ref().map(|content| content.bytes.as_slice()),
            &encode_attributes(&object.attributes)?,
            &keys(object)?,
        ],
    );
    match inserted.map_err(failure)?.is_empty() {
        true => Err(StoreError::Duplicate(object.identifier.clone())),
        false => Ok(()),
    }
}

pub(super) fn update(session: &mut Session, object: &StoredObject) -> Result<(), StoreError> {
    let changed = session.query(
        "UPDATE kmip_objects SET archived = $2, attributes = $3 WHERE identifier = $1
         RETURNING number",
        &[
            &object.identifier,
            &object.archived,
            &encode_attributes(&object.attributes)?,
        ],
    );
    let changed = changed.map_err(failure)?;
    let missing = || StoreError::Missing(object.identifier.clone());
    let number: i64 = changed.first().ok_or_else(missing)?.get(0);
    let keys = keys(object)?;
    let mut renew = || -> Result<(), Error> {
        session.execute(
            "DELETE FROM kmip_lookups WHERE object = $1 AND key <> ALL ($2)",
            &[&number, &keys],
        )?;
        session.execute(
            "INSERT INTO kmip_lookups (key, object) SELECT unnest($2::BIGINT[]), $1
             ON CONFLICT DO NOTHING",
            &[&number, &keys],
        )?;
        Ok(())
    };
    renew().map_err(failure)
}

/// Replaces the content, or deletes it. Tells whether there is such an object.
pub(super) fn set_content(
    session: &mut Session,
    identifier: &str,
    content: Option<&ManagedObject<'_>>,
) -> Result<bool, StoreError> {
    let content = content.map(encode_content).transpose()?;
    let changed = session.execute(
        "UPDATE kmip_objects SET content = $2, content_form = $3 WHERE identifier = $1",
        &[
            &identifier,
            &content.as_ref().map(|content| content.bytes.as_slice()),
            &content.as_ref().map(|content| content.form.number()),
        ],
    );
    Ok(changed.map_err(failure)? > 0)
}

pub(super) fn remove(session: &mut Session, identifier: &str) -> Result<(), StoreError> {
    let removed = session.execute(
        "DELETE FROM kmip_objects WHERE identifier = $1",
        &[&identifier],
    );
    removed.map(drop).map_err(failure)
}

/// Waits until no other transaction has this key, and keeps it until the transaction ends.
pub(super) fn lock(session: &mut Session, key: Key) -> Result<(), StoreError> {
    let locked = session.execute("SELECT pg_advisory_xact_lock($1)", &[&key]);
    locked.map(drop).map_err(failure)
}

impl Candidates for Session {
    fn get(&mut self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        get(self, identifier, false)
    }

    fn with_key(&mut self, key: Key, take: &mut Take<'_>) -> Result<(), StoreError> {
        self.for_each(
            "SELECT identifier, owner, object_type, archived, attributes
             FROM kmip_lookups JOIN kmip_objects ON number = object
             WHERE key = $1 ORDER BY object DESC",
            &[&key],
            |row| Ok(take(Cow::Owned(read(&row)?))),
        )
    }

    fn all(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        self.for_each(
            "SELECT identifier, owner, object_type, archived, attributes FROM kmip_objects
             ORDER BY number DESC",
            &[],
            |row| Ok(take(Cow::Owned(read(&row)?))),
        )
    }
}

/// Gives all objects their keys anew, since those of an older format were others.
pub(super) fn renew_keys(transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
    // Other servers must not add some meanwhile.
    let alone = "LOCK TABLE kmip_objects IN SHARE ROW EXCLUSIVE MODE; DELETE FROM kmip_lookups";
    transaction.batch_execute(alone).map_err(failure)?;
    let mut after = 0_i64;
    loop {
        let rows = transaction.query(
            "SELECT identifier, owner, object_type, archived, attributes, number
             FROM kmip_objects WHERE number > $1 ORDER BY number LIMIT 1000",
            &[&after],
        );
        let rows = rows.map_err(failure)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = row.try_get(5).map_err(failure)?;
            let added = transaction.execute(
                "INSERT INTO kmip_lookups (key, object) SELECT unnest($2::BIGINT[]), $1",
                &[&after, &keys(&read(&row)?)?],
            );
            added.map_err(failure)?;
        }
    }
}

pub(super) fn list(
    session: &mut Session,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<StoredObject>, StoreError> {
    if let Some(identifier) = after {
        if get(session, identifier, false)?.is_none() {
            return Err(StoreError::Missing(identifier.to_owned()));
        }
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = session.query(
        "SELECT identifier, owner, object_type, archived, attributes FROM kmip_objects
         WHERE number > coalesce((SELECT number FROM kmip_objects WHERE identifier = $1), 0)
         ORDER BY number LIMIT $2",
        &[&after, &most],
    );
    rows.map_err(failure)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<StoredObject, StoreError> {
    let columns = || -> Result<_, Error> {
        let object_type: i64 = row.try_get(2)?;
        let attributes: &[u8] = row.try_get(4)?;
        let object = StoredObject {
            identifier: row.try_get(0)?,
            owner: row.try_get(1)?,
            object_type: ObjectType::new(u32::try_from(object_type).unwrap_or_default()),
            archived: row.try_get(3)?,
            attributes: Default::default(),
        };
        Ok((object, attributes))
    };
    let (mut object, attributes) = columns().map_err(failure)?;
    object.attributes = attributes_of(&object.identifier, attributes)?;
    Ok(object)
}
