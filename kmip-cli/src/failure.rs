//! Why a command cannot do its work.

use std::io;
use std::path::{Path, PathBuf};

use kmip::codec::Error;

/// A fault that ends the command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file or directory cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// The input is no message.
    #[error("{name}: {what}")]
    NoMessage { name: String, what: String },
    /// The input is a broken message.
    #[error("{name}: {source}")]
    Message { name: String, source: Error },
    /// Nothing has the name.
    #[error("nothing in the specifications is called `{0}`")]
    UnknownName(String),
    /// The tables of the specification are broken: a fault of this program.
    #[error("the tables of this program are broken: {0}")]
    Tables(#[from] kmip_spec::TableError),
    /// Standard output is gone.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// Test cases cannot be played.
    #[error(transparent)]
    Play(#[from] crate::conformance::PlayError),
    /// A file of published TTLV is not what it should be.
    #[error("{}: {what}", path.display())]
    Vectors { path: PathBuf, what: String },
}

impl Failure {
    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Failure {
        let path = path.to_owned();
        |source| Failure::Read { path, source }
    }

    pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Failure {
        let path = path.to_owned();
        |source| Failure::Write { path, source }
    }

    pub(crate) fn no_message(name: &str, what: String) -> Failure {
        let name = name.to_owned();
        Failure::NoMessage { name, what }
    }

    /// Whether nobody wants to read the output any more, which is no fault.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
