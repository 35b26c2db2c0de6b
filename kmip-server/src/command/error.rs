//! What keeps the server from running.

use std::io;
use std::path::{Path, PathBuf};

use kmip::ProtocolVersion;

/// What keeps the server from running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A file cannot be read or written.
    #[error("{path}: cannot access the file")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The configuration file is wrong.
    #[error("{path}, line {line}: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// An option is missing, on the command line and in the configuration file.
    #[error("'{0}' is missing")]
    Missing(&'static str),
    /// A line in the file of users is not `NAME:PASSWORD`.
    #[error(
        "{path}, line {line}: write NAME:PASSWORD, or NAME:HASH as 'kmip serve --hash-password' makes it"
    )]
    Users {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// A user in the configuration file has no password, or more than one.
    #[error("user `{name}`: {message}")]
    User {
        /// Name of the user.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A client that is to be told something is described wrongly.
    #[error("notices for `{listener}`: {message}")]
    Notice {
        /// Where the client listens.
        listener: String,
        /// What is wrong.
        message: String,
    },
    /// The certification authority for clients cannot be had.
    #[error("the certification authority of the server cannot be read or made")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file of users has none, which must not mean that everybody may log in.
    #[error(
        "{path}: there are no users in it; leave out '--users' to let in whoever has a certificate"
    )]
    NoUsers {
        /// The file.
        path: PathBuf,
    },
    /// No version lies between the oldest and the newest.
    #[error("there is no protocol version from {0} to {1}")]
    Versions(ProtocolVersion, ProtocolVersion),
    /// The address cannot be listened on.
    #[error("{address}: cannot listen")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Certificates or keys are wrong.
    #[error("TLS cannot be set up")]
    Tls(#[from] kmip::transport::tls::Error),
    /// The store does not work.
    #[error("the keys cannot be accessed")]
    Store(#[from] crate::StoreError),
    /// The program cannot use a database.
    #[error("this program was built without the feature `postgres`, which the store needs")]
    NoPostgres,
    /// There is no store that lasts whose master key could be changed.
    #[error("a store in memory has no master key: give '--store FILE' and the master key of it")]
    NothingToRotate,
    /// The master key cannot be had.
    #[error("there is no master key")]
    MasterKey(#[from] crate::MasterKeyError),
    /// Revocation lists, and an authority that has none.
    #[error(
        "'--client-crl' and '--provision' exclude each other: the server's own authority has no revocation list"
    )]
    ListsAndProvision,
    /// Operation policies cannot be read.
    #[error("the operation policies are wrong")]
    Policies(#[from] crate::PolicyError),
    /// A password cannot be hashed.
    #[error("the password cannot be hashed")]
    Hash(#[from] openssl::error::ErrorStack),
    /// Signals cannot be caught.
    #[error("signals cannot be caught")]
    Signals(#[source] io::Error),
}

impl CommandError {
    /// Tells that a file cannot be accessed.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| CommandError::File { path, source }
    }
}
