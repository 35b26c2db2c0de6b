//! What can go wrong with a store.

use std::path::PathBuf;
use std::sync::Arc;

use kmip::server::Failure;
use kmip::types::ResultReason;
use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};

/// A store that is out of order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file of the store cannot be made or protected.
    #[error("cannot open the key store {path}: check the directory and its permissions")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file was written by another version of this program.
    #[error("the key store has format {found}, this program knows format {known} only")]
    Format {
        /// Format of the file.
        found: i64,
        /// The format that is known.
        known: i64,
    },
    /// The file is a database of another program.
    #[error(
        "{path} is a database of another program, such as PyKMIP, whose objects cannot be taken over: \
         name another file"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database reports an error.
    #[error("the key store does not work")]
    Database(#[from] rusqlite::Error),
    /// An object cannot be written or read.
    #[error("an object in the key store is damaged or cannot be stored")]
    Encoding(#[from] kmip::codec::Error),
    /// What is known of an object cannot be read.
    #[error("the object `{identifier}` in the key store is damaged")]
    Unreadable {
        /// Its identifier.
        identifier: String,
        /// Why.
        #[source]
        source: kmip::codec::Error,
    },
    /// The master key is not the one that the store was sealed with.
    #[error(
        "the master key does not open this key store: it was sealed with another one, or its keyring \
         is damaged"
    )]
    WrongMasterKey,
    /// The store is sealed, and there is no master key.
    #[error("the key store is sealed: give its master key")]
    Sealed,
    /// Another process has sealed the store, or changed its master key, since this one has begun.
    /// What this one would write could not be read any more.
    #[error(
        "another process has sealed the key store or changed its master key: start this server again \
         with the present one"
    )]
    MasterKeyChanged,
    /// The sealed content of an object is not what was stored with it.
    #[error(
        "the content of the object `{0}` cannot be opened: it is damaged, or was not sealed by this \
         server for this object"
    )]
    Damaged(String),
    /// Cryptography does not work.
    #[error("the key store cannot encrypt")]
    Cryptography(#[from] openssl::error::ErrorStack),
    /// Another transaction was in the way, or the database went away before it was asked to commit.
    /// Nothing has changed, and the whole transaction can be repeated.
    #[error("the key store was busy with other changes, or lost its database")]
    Conflict(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A shared database does not work, or cannot be reached.
    #[error("the database of the key store does not work")]
    Shared(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The address of a database is malformed.
    #[error("the address of the database is malformed")]
    Address(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Others have committed together with this transaction, and it failed for all.
    #[error("changes could not be written together with those of others")]
    Group(#[source] Arc<rusqlite::Error>),
    /// A transaction that only reads was to change something.
    #[error("a transaction for reading was asked to change the key store")]
    ReadOnly,
    /// Two objects with one identifier.
    #[error("there is an object `{0}` already")]
    Duplicate(String),
    /// The object to be changed does not exist.
    #[error("there is no object `{0}`")]
    Missing(String),
}

impl StoreError {
    /// Whether the whole transaction can be repeated: another one was in the way, or has made at the same time
    /// what there is only one of.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, StoreError::Conflict(_) | StoreError::Duplicate(_))
    }

    /// What a client is told of it: it is not its fault, nor its business.
    pub(crate) fn told(&self) -> Failure {
        match self.is_out_of_space() {
            true => Failure::new(
                ResultReason::GENERAL_FAILURE,
                "the store cannot be written, perhaps since its disk is full",
            ),
            false => Failure::internal(),
        }
    }

    /// Whether the place where the store lies cannot be written now, such as a full disk. What is
    /// there can still be read.
    fn is_out_of_space(&self) -> bool {
        let error = match self {
            StoreError::Database(error) => error,
            StoreError::Group(error) => error,
            _ => return false,
        };
        // SQLite says that the disk is full where a write fails with ENOSPC. A quota and a limit of the size
        // of files (EDQUOT, EFBIG) are errors of writing to it, and whatever keeps the index of the
        // write-ahead log from growing is one of its size.
        match error.sqlite_error() {
            Some(error) => {
                error.code == ErrorCode::DiskFull
                    || [SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE].contains(&error.extended_code)
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi::{
        Error, SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR, SQLITE_IOERR_FSYNC,
        SQLITE_IOERR_READ,
    };

    use super::*;

    #[test]
    fn only_what_a_full_disk_leads_to_is_told_as_one() {
        let told = |code| {
            let error = || rusqlite::Error::SqliteFailure(Error::new(code), None);
            let alone = StoreError::Database(error()).told().to_string();
            let together = StoreError::Group(Arc::new(error())).told().to_string();
            assert_eq!(alone, together);
            alone
        };
        for code in [SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE] {
            assert!(told(code).contains("disk is full"), "{code}");
        }
        for code in [
            SQLITE_IOERR,
            SQLITE_IOERR_READ,
            SQLITE_IOERR_FSYNC,
            SQLITE_BUSY,
            SQLITE_CORRUPT,
        ] {
            assert!(!told(code).contains("disk is full"), "{code}");
        }
    }
}
