//! Options of `kmip conformance run` and `kmip conformance serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kmip::{Encoding, ProtocolVersion};

/// Which cases are played, and against what.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) cases: CaseOptions,
    /// Play each case against a server of its own within this program
    #[arg(long, required_unless_present = "server", conflicts_with = "server")]
    pub(crate) embedded: bool,
    #[command(flatten)]
    pub(crate) live: LiveOptions,
    /// Encoding of the messages
    #[arg(long, value_enum, value_name = "ENCODING", default_value_t = WireEncoding::Ttlv)]
    pub(crate) encoding: WireEncoding,
    #[command(flatten)]
    pub(crate) report: ReportOptions,
}

/// Which cases are played to clients, and where.
#[derive(Debug, Args)]
pub(crate) struct HostOptions {
    #[command(flatten)]
    pub(crate) cases: CaseOptions,
    /// Where to listen; with port 0, the system chooses a port, which the ready line shows
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5696")]
    pub(crate) listen: String,
    /// PEM file with the certificate of the server, and those of its CAs
    #[arg(long, value_name = "FILE", requires_all = ["key", "ca"])]
    pub(crate) cert: Option<PathBuf>,
    /// PEM file with the private key of the server
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// PEM file with the CAs of the clients
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) ca: Option<PathBuf>,
    /// Directory with what `kmip dev-certs` makes, instead of --cert, --key and --ca
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "cert",
        required_unless_present = "cert"
    )]
    pub(crate) dev_certs: Option<PathBuf>,
    /// Speak KMIP over HTTPS, at this path: in TTLV, JSON and XML as each request is
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "/kmip")]
    pub(crate) https: Option<String>,
    /// End when no request has come for so long; requests that did not come are failures
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    #[command(flatten)]
    pub(crate) report: ReportOptions,
}

/// Which cases are played.
#[derive(Debug, Args)]
pub(crate) struct CaseOptions {
    /// Directory of test cases, searched at any depth for *.xml
    pub(crate) directory: PathBuf,
    /// Play only the case with this name; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) case: Vec<String>,
    /// Play only the cases with this text in their name; can be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// Play only the cases of this protocol version; can be given several times
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Vec<ProtocolVersion>,
}

/// Where the results go.
#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
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
    /// Listen here for what the server tells its clients (Put and Notify); --ca has issued the
    /// certificate with which it connects
    #[arg(
        long,
        value_name = "HOST:PORT",
        requires_all = ["server", "notices_cert", "notices_key"]
    )]
    pub(crate) notices: Option<String>,
    /// PEM file with the certificate of this listener
    #[arg(long, value_name = "FILE", requires = "notices")]
    pub(crate) notices_cert: Option<PathBuf>,
    /// PEM file with its private key
    #[arg(long, value_name = "FILE", requires = "notices")]
    pub(crate) notices_key: Option<PathBuf>,
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
