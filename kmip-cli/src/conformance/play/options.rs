//! Options of `kmip conformance run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kmip::{Encoding, ProtocolVersion};

/// Which cases are played, and against what.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Directory of test cases, searched at any depth for *.xml
    pub(crate) directory: PathBuf,
    /// Play each case against a server of its own within this program
    #[arg(long, required_unless_present = "server", conflicts_with = "server")]
    pub(crate) embedded: bool,
    #[command(flatten)]
    pub(crate) live: LiveOptions,
    /// Play only the cases with this text in their name; can be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// Play only the cases of this protocol version; can be given several times
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Vec<ProtocolVersion>,
    /// Encoding of the messages
    #[arg(long, value_enum, value_name = "ENCODING", default_value_t = WireEncoding::Ttlv)]
    pub(crate) encoding: WireEncoding,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Also write the results as a page in HTML: a matrix of versions and groups, and the messages
    /// of the cases that fail (with -v of all)
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print the results as JSON; the last line goes to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// A line for each case, and all differences
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// A server that is running somewhere.
#[derive(Debug, Args)]
pub(crate) struct LiveOptions {
    /// The server to play the cases against
    #[arg(long, value_name = "HOST:PORT", requires_all = ["cert", "key", "ca"])]
    pub(crate) server: Option<String>,
    /// PEM file with the certificate of the client
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// PEM file with the private key of the client
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// PEM file with the CAs of the server
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Speak KMIP over HTTPS, at this path of the server
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "/kmip")]
    pub(crate) https: Option<String>,
}

/// An encoding of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WireEncoding {
    Ttlv,
    Json,
    Xml,
}

impl From<WireEncoding> for Encoding {
    fn from(encoding: WireEncoding) -> Self {
        match encoding {
            WireEncoding::Ttlv => Encoding::Ttlv,
            WireEncoding::Json => Encoding::Json,
            WireEncoding::Xml => Encoding::Xml,
        }
    }
}
