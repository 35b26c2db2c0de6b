//! Objects in a PostgreSQL database, which several servers share.

mod pool;
mod rows;
mod schema;

use std::cell::{RefCell, RefMut};

use kmip::types::ManagedObject;
use postgres::error::SqlState;
use postgres::{Config, Error};

use self::pool::{Pool, Pooled, Session, is_connection};
use super::lookup::{self, names};
use super::{Found, Search, Store, StoreError, Transaction};
use crate::object::StoredObject;

/// A store in a PostgreSQL database. Servers that share it see each other's objects at once, and a
/// name or a state changes only once, whoever changes it: who reads an object to change it locks
/// its row, who looks for a name to use it locks the name. What is committed is as safe as the
/// database makes it (`synchronous_commit`).
///
/// Keys are not encrypted in the database, unless a [`SealedStore`](super::SealedStore) lies above
/// it. When the database is started again, servers go on as soon
/// as it is back.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Pool,
}

impl PostgresStore {
    /// Opens the store in the database with an address such as `postgres://USER@HOST/DATABASE`
    /// (PostgreSQL 15, 34.1.1), and makes its tables if there are none. Without a password in it, that
    /// of the environment (`PGPASSWORD`) is taken. TLS is demanded unless the database is on this
    /// machine, where it is used if the database offers it; its certificate has to be one that the
    /// system trusts. `sslmode=require`, `sslmode=prefer` and `sslmode=disable` say otherwise.
    ///
    /// # Errors
    /// If the address is malformed, the database cannot be reached, or its tables are of a newer
    /// format.
    pub fn open(address: &str) -> Result<Self, StoreError> {
        let mut config: Config = address
            .parse()
            .map_err(|error: Error| StoreError::Address(error.into()))?;
        pool::demand_tls(&mut config, address);
        let pool = Pool::new(config)?;
        // The session shows that the database is there.
        let mut pooled = pool.get("")?;
        schema::prepare(pooled.session()?.client())?;
        drop(pooled);
        Ok(PostgresStore { pool })
    }

    fn transaction(&self, begin: &str, reads: bool) -> Result<PostgresTransaction<'_>, StoreError> {
        Ok(PostgresTransaction {
            pooled: RefCell::new(self.pool.get(begin)?),
            reads,
            open: true,
        })
    }
}

impl Store for PostgresStore {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        // Before anything is read that others might change alone.
        let begin = "BEGIN; LOCK TABLE kmip_objects IN ROW EXCLUSIVE MODE";
        Ok(Box::new(self.transaction(begin, false)?))
    }

    fn begin_alone(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let begin = "BEGIN; LOCK TABLE kmip_objects IN SHARE ROW EXCLUSIVE MODE";
        Ok(Box::new(self.transaction(begin, false)?))
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(Box::new(self.transaction(begin, true)?))
    }

    fn can_conflict(&self) -> bool {
        true
    }
}

struct PostgresTransaction<'s> {
    pooled: RefCell<Pooled<'s>>,
    /// Whether it only reads.
    reads: bool,
    /// Until it is committed.
    open: bool,
}

impl PostgresTransaction<'_> {
    fn session<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut pooled: RefMut<'_, _> = self.pooled.borrow_mut();
        work(pooled.session()?)
    }
}

impl Transaction for PostgresTransaction<'_> {
    fn get(&self, identifier: &str) -> Result<Option<StoredObject>, StoreError> {
        self.session(|session| rows::get(session, identifier, !self.reads))
    }

    fn content(&self, identifier: &str) -> Result<Option<ManagedObject<'static>>, StoreError> {
        self.session(|session| rows::content(session, identifier))
    }

    fn insert(
        &mut self,
        object: &StoredObject,
        content: Option<&ManagedObject<'_>>,
    ) -> Result<(), StoreError> {
        self.session(|session| rows::insert(session, object, content))
    }

    fn update(&mut self, object: &StoredObject) -> Result<(), StoreError> {
        self.session(|session| rows::update(session, object))
    }

    fn replace_content(
        &mut self,
        identifier: &str,
        content: &ManagedObject<'_>,
    ) -> Result<(), StoreError> {
        let changed =
            self.session(|session| rows::set_content(session, identifier, Some(content)))?;
        match changed {
            true => Ok(()),
            false => Err(StoreError::Missing(identifier.to_owned())),
        }
    }

    fn erase_content(&mut self, identifier: &str) -> Result<(), StoreError> {
        self.session(|session| rows::set_content(session, identifier, None).map(drop))
    }

    fn remove(&mut self, identifier: &str) -> Result<(), StoreError> {
        self.session(|session| rows::remove(session, identifier))
    }

    fn find(&self, search: &Search, found: &mut Found<'_>) -> Result<(), StoreError> {
        self.session(|session| {
            if !self.reads {
                // In the same order in all servers, lest they wait for each other.
                for name in names(search)? {
                    rows::lock(session, name)?;
                }
            }
            lookup::find(session, search, found)
        })
    }

    fn list(&self, after: Option<&str>, most: usize) -> Result<Vec<StoredObject>, StoreError> {
        self.session(|session| rows::list(session, after, most))
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.open = false;
        let pooled = self.pooled.get_mut();
        // If it is lost on the way, nobody knows whether it has happened: not a conflict, lest it
        // happen twice.
        let committed = pooled.session()?.control("COMMIT");
        committed.map_err(|error| {
            pooled.discard();
            match is_conflict(&error) {
                true => StoreError::Conflict(error.into()),
                false => StoreError::Shared(error.into()),
            }
        })
    }
}

impl Drop for PostgresTransaction<'_> {
    fn drop(&mut self) {
        if self.open {
            let pooled = self.pooled.get_mut();
            let ended = pooled.session().map(|session| session.control("ROLLBACK"));
            if !matches!(ended, Ok(Ok(()))) {
                pooled.discard();
            }
        }
    }
}

/// What a statement before COMMIT failed with.
fn failure(error: Error) -> StoreError {
    match is_conflict(&error) || is_connection(&error) {
        true => StoreError::Conflict(error.into()),
        false => StoreError::Shared(error.into()),
    }
}

/// Whether other transactions were in the way, or the database is being stopped.
fn is_conflict(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        [
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
        ]
        .contains(code)
    })
}
