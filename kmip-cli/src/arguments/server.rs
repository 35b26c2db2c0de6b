//! How a server is reached, and how answers are shown.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use kmip::ProtocolVersion;

/// Which server, and who we are. What is not given is taken from the configuration file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerOptions {
    /// A server of the configuration file, or HOST[:PORT] (port 5696 without one)
    #[arg(short, long, value_name = "NAME|HOST[:PORT]", env = "KMIP_SERVER")]
    pub(crate) server: Option<String>,
    /// A server that speaks KMIP over HTTPS, such as https://keys.example.com:5696/kmip
    #[arg(long, value_name = "URL", conflicts_with = "server")]
    pub(crate) https: Option<String>,
    /// Configuration file; by default $XDG_CONFIG_HOME/kmip/servers.toml
    #[arg(long, value_name = "FILE", env = "KMIP_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// PEM file with our certificate, and perhaps those of its CAs
    #[arg(long, value_name = "FILE", conflicts_with = "p12")]
    pub(crate) cert: Option<PathBuf>,
    /// PEM file with our private key; by default that of --cert
    #[arg(long, value_name = "FILE", conflicts_with = "p12")]
    pub(crate) key: Option<PathBuf>,
    /// PKCS#12 file with our key and certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) p12: Option<PathBuf>,
    /// File with the pass phrase of --key or --p12; it is asked for on a terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) pass_phrase_file: Option<PathBuf>,
    /// PEM file or directory with the CAs that are trusted, instead of those of the system
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) ca: Option<PathBuf>,
    /// PEM file with the certificate or public key that the server must have, besides all other
    /// checks
    #[arg(long, value_name = "FILE")]
    pub(crate) pin: Option<PathBuf>,
    /// PEM file with the only certificate that is trusted, self-signed or not
    #[arg(long, value_name = "FILE", conflicts_with = "ca")]
    pub(crate) trust: Option<PathBuf>,
    /// Name that the server's certificate must be for, if it is not the host
    #[arg(long, value_name = "NAME")]
    pub(crate) host_name: Option<String>,
    /// Do not verify the server's certificate: anybody in the network can pose as the server
    #[arg(long, conflicts_with = "trust")]
    pub(crate) no_verify: bool,
    /// User name that is sent with each request
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// File with the password of --user; it is asked for on a terminal
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
    /// File with the ticket that `kmip login` wrote, sent with each request (KMIP 2.0 and later)
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    pub(crate) ticket: Option<PathBuf>,
    /// Protocol version; the newest that both sides know otherwise
    #[arg(long, value_name = "VERSION", value_parser = known_version)]
    pub(crate) kmip_version: Option<ProtocolVersion>,
    /// Encoding of messages over HTTPS
    #[arg(long, value_enum)]
    pub(crate) encoding: Option<MessageEncoding>,
    /// Seconds that an operation may take, connecting included
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
}

/// Encoding of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageEncoding {
    Ttlv,
    Json,
    Xml,
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ShowOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The options of all commands that talk to a server.
#[derive(Debug, Clone, Args)]
pub(crate) struct Online {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    #[command(flatten)]
    pub(crate) show: ShowOptions,
}

pub(crate) fn known_version(text: &str) -> Result<ProtocolVersion, String> {
    let version: ProtocolVersion = text.parse().map_err(|error| format!("{error}"))?;
    match version.is_known() {
        true => Ok(version),
        false => Err(format!(
            "KMIP {version} is not a version that this program speaks (1.0 to 2.1)"
        )),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "write a number".to_owned())?;
    match Duration::try_from_secs_f64(number) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("write a number of seconds above 0".to_owned()),
    }
}
