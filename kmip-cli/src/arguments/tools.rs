//! Commands about servers rather than about objects on them.

use std::path::PathBuf;

use clap::Args;
use kmip_server::trial::KeyKind;

use super::server::{Online, ServerOptions, ShowOptions};
use super::{InputOptions, OutputOptions, Target};

#[derive(Debug, Args)]
pub(crate) struct QueryOptions {
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct VersionsOptions {
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct ServersOptions {
    /// Configuration file; by default $KMIP_CONFIG or $XDG_CONFIG_HOME/kmip/servers.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) show: ShowOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Raw {
    /// File, `-` for standard input (as without it), or the message itself, in any form that
    /// `kmip decode` reads
    pub(crate) message: Option<String>,
    /// How the answer is shown
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub(crate) to: Target,
    #[command(flatten)]
    pub(crate) input: InputOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A server of the configuration file, HOST[:PORT], or an https URL; the same as --server and
    /// --https
    #[arg(value_name = "SERVER", conflicts_with_all = ["server", "https"])]
    pub(crate) target: Option<String>,
    /// Also make, fetch and destroy objects, to see what works; all are removed again
    #[arg(long)]
    pub(crate) write: bool,
    /// Write a profile of the server for the zkey plugin; more certain with --write
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(flatten)]
    pub(crate) show: ShowOptions,
}

#[derive(Debug, Args)]
pub(crate) struct DevCerts {
    /// Directory for the files; it is made if need be, and none of the files may be there
    pub(crate) directory: PathBuf,
    /// A further name or IP address of the server, besides localhost, 127.0.0.1 and ::1
    #[arg(long = "host", value_name = "NAME|IP")]
    pub(crate) hosts: Vec<String>,
    /// Name in the client's certificate, by which servers know it
    #[arg(long, value_name = "NAME", default_value = "dev")]
    pub(crate) client: String,
    /// Days that the certificates are valid
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,
    /// Kind of the keys
    #[arg(long, value_enum, default_value_t = KeyKind::P256)]
    pub(crate) key_type: KeyKind,
    #[command(flatten)]
    pub(crate) show: ShowOptions,
}
