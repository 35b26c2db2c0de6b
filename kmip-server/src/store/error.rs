//! What can go wrong with a store.

use std::path::PathBuf;

use kmip::server::Failure;
use kmip::types::ResultReason;

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
    #[error("changes could not be written: {0}")]
    Group(String),
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
        use rusqlite::ErrorCode::{DiskFull, SystemIoFailure};
        match self {
            StoreError::Database(error) => {
                matches!(error.sqlite_error_code(), Some(DiskFull | SystemIoFailure))
            }
            StoreError::Group(_) => true,
            _ => false,
        }
    }
}
