//! What the database looks like, and how older ones become like that.

use postgres::{Client, Error};

use super::super::StoreError;
use super::{failure, rows};

/// What brings a database from each format to the next. What has been published is not changed any
/// more; something new is added at the end.
const MIGRATIONS: [Migration; 3] = [
    Migration::Statements(TABLES),
    // For searches among the objects of all clients.
    Migration::Keys,
    // The two keys of a value are side by side.
    Migration::Keys,
];

enum Migration {
    Statements(&'static str),
    /// Gives all objects their keys anew.
    Keys,
}

const TABLES: &str = "
CREATE TABLE kmip_objects (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    object_type BIGINT NOT NULL,
    archived BOOLEAN NOT NULL,
    content_form BIGINT,
    content BYTEA,
    attributes BYTEA NOT NULL
);
CREATE TABLE kmip_lookups (
    key BIGINT NOT NULL,
    object BIGINT NOT NULL REFERENCES kmip_objects (number) ON DELETE CASCADE,
    PRIMARY KEY (key, object)
);
CREATE INDEX kmip_lookups_by_object ON kmip_lookups (object);
";

/// Only one server at a time changes the tables.
const LOCK: i64 = 0x6b6d_6970;

/// Makes the tables in a new database, or brings those of an older format up to date.
pub(super) fn prepare(client: &mut Client) -> Result<(), StoreError> {
    let mut transaction = client.transaction().map_err(failure)?;
    let mut found = || -> Result<i64, Error> {
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
        transaction
            .batch_execute("CREATE TABLE IF NOT EXISTS kmip_format (format BIGINT NOT NULL)")?;
        let row = transaction.query_opt("SELECT format FROM kmip_format", &[])?;
        row.map_or(Ok(0), |row| row.try_get(0))
    };
    let found = found().map_err(failure)?;
    let known = MIGRATIONS.len() as i64;
    let Some(missing) = usize::try_from(found)
        .ok()
        .and_then(|at| MIGRATIONS.get(at..))
    else {
        return Err(StoreError::Format { found, known });
    };
    for migration in missing {
        match migration {
            Migration::Statements(sql) => transaction.batch_execute(sql).map_err(failure)?,
            Migration::Keys => rows::renew_keys(&mut transaction)?,
        }
    }
    let mut note = || -> Result<(), Error> {
        transaction.execute("DELETE FROM kmip_format", &[])?;
        transaction.execute("INSERT INTO kmip_format VALUES ($1)", &[&known])?;
        Ok(())
    };
    if !missing.is_empty() {
        note().map_err(failure)?;
    }
    transaction.commit().map_err(failure)
}
