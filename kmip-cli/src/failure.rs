//! Why a command cannot do its work.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kmip::client;
use kmip::codec::{Error, ErrorKind};
use kmip::transport::{self, tls};
use kmip_server::command::CommandError;
use serde_json::{Value as Json, json};

use crate::online::show;
use crate::values;

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
    /// The server cannot be reached or refuses something.
    #[error("{}{}", chain(.0), advice(.0))]
    Server(client::Error),
    /// A message could not be carried.
    #[error("{}", chain(.0))]
    Transport(transport::Error),
    /// TLS cannot be set up.
    #[error("{}", chain(.0))]
    Tls(tls::Error),
    /// The key server cannot be run.
    #[error("{}", chain(.0))]
    Serve(CommandError),
    /// The options or the configuration file are wrong.
    #[error("{0}")]
    Configuration(#[from] crate::connect::ConfigurationError),
    /// A file holds no key or certificate, or not the one that is wanted.
    #[error("{}: {what}", path.display())]
    Content { path: PathBuf, what: String },
    /// The server's answer lacks what is needed, or cannot be shown as asked for.
    #[error("{0}")]
    Answer(String),
    /// A file is there that is not to be overwritten.
    #[error("{} is there already; it is not overwritten", .0.display())]
    Exists(PathBuf),
    /// Options contradict each other, or do not say enough.
    #[error("{0}")]
    Usage(String),
    /// OpenSSL failed.
    #[error("OpenSSL cannot {doing}: {source}")]
    OpenSsl {
        doing: &'static str,
        source: openssl::error::ErrorStack,
    },
    /// Nobody has said that it may be done.
    #[error("nothing was destroyed: {0}")]
    NotConfirmed(&'static str),
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        Failure::Server(error)
    }
}

/// Exit status where the server does later what it was asked for.
pub(crate) const LATER: u8 = 6;

/// Standard output gets what `kmip poll` wants, and nothing else.
fn tell_later(correlation: &str, error: &client::Error, json: bool) {
    let operation = error.operation().map(show::named).unwrap_or_default();
    // Nothing can be done if nobody reads it.
    let _ = match json {
        true => show::json(&json!({
            "status": "pending",
            "operation": operation,
            "correlation": correlation,
        })),
        false => {
            eprintln!(
                "kmip: the server does {operation} later; `kmip poll {correlation}` asks for it"
            );
            show::line(correlation)
        }
    };
}

/// What helps against an error of the client.
fn advice(error: &client::Error) -> &'static str {
    let client::Problem::Encode(fault) = error.problem() else {
        return "";
    };
    match fault.kind() {
        ErrorKind::ValueNotInVersion { .. } => {
            "; with --other-versions it is sent all the same, to a server that may know it"
        }
        _ => "",
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let text = kmip::with_causes(error);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// [`chain`], for use as a function of errors of the client.
pub(crate) fn chain_of(error: &client::Error) -> String {
    chain(error)
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

    pub(crate) fn openssl(
        doing: &'static str,
    ) -> impl FnOnce(openssl::error::ErrorStack) -> Failure {
        move |source| Failure::OpenSsl { doing, source }
    }

    /// The status to end with, as the help says.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Configuration(_)
            | Failure::Usage(_)
            | Failure::NotConfirmed(_)
            | Failure::Tls(_) => 2,
            Failure::Serve(
                CommandError::Missing(_)
                | CommandError::Config { .. }
                | CommandError::Users { .. }
                | CommandError::User { .. }
                | CommandError::NoUsers { .. }
                | CommandError::ListsAndProvision
                | CommandError::Versions(..),
            ) => 2,
            Failure::Transport(_) => 3,
            Failure::Server(error) if error.asynchronous_correlation_value().is_some() => LATER,
            Failure::Server(error) => match error.problem() {
                client::Problem::Address(_) | client::Problem::Tls(_) => 2,
                client::Problem::Failed(_) if error.is_not_found() => 5,
                client::Problem::Failed(_) => 4,
                client::Problem::Encode(_) => 1,
                _ => 3,
            },
            _ => 1,
        })
    }

    /// Tells people, or programs, what has happened.
    pub(crate) fn tell(&self, json: bool) {
        if let Failure::Server(error) = self {
            if let Some(correlation) = error.asynchronous_correlation_value() {
                return tell_later(&values::to_hex(correlation), error, json);
            }
        }
        match json {
            true => eprintln!("{}", kmip::json::for_terminal(&self.to_json().to_string())),
            false => eprintln!("kmip: {self}"),
        }
    }

    fn to_json(&self) -> Json {
        let mut object = json!({ "error": self.to_string() });
        if let Failure::Server(error) = self {
            object["server"] = error.server().into();
            object["operation"] = error.operation().map(show::named).into();
            object["reason"] = error.result_reason().map(show::named).into();
            object["retryable"] = error.is_retryable().into();
            object["may_have_been_performed"] = error.may_have_been_performed().into();
        }
        object
    }

    /// Whether nobody wants to read the output any more, which is no fault.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
