//! How a server is reached, and how answers are shown.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use kmip::ProtocolVersion;
use kmip::types::AsynchronousIndicator;
use serde::Deserialize;

use crate::values::enumeration;

/// Which server, and who we are. What is not given is taken from the configuration file, whose
/// entries have the same values under the same names.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[command(next_help_heading = "Server")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServerOptions {
    // The environment is looked at later: for clap, what it says would conflict with other options.
    /// A server of the configuration file, or HOST[:PORT] (port 5696 without one); by default
    /// $KMIP_SERVER
    #[arg(short, long, value_name = "NAME|HOST[:PORT]")]
    #[serde(skip)]
    pub(crate) server: Option<String>,
    /// What the configuration file has instead of it: `HOST[:PORT]`.
    #[arg(skip)]
    pub(crate) address: Option<String>,
    /// A server that speaks KMIP over HTTPS, such as https://keys.example.com:5696/kmip
    #[arg(long, value_name = "URL", conflicts_with = "server")]
    pub(crate) https: Option<String>,
    /// Configuration file; by default $KMIP_CONFIG or $XDG_CONFIG_HOME/kmip/servers.toml
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
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
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) pass_phrase_file: Option<PathBuf>,
    /// PEM file with the CAs that are trusted, or a directory with such files that are named by
    /// hash, instead of those of the system
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) ca: Option<PathBuf>,
    /// PEM file with the certificates that are revoked: a current list of each CA between the
    /// server and the one that is trusted, this one included
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) crl: Option<PathBuf>,
    /// PEM file with the certificate or public key that the server must have, besides all other
    /// checks
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) pin: Option<PathBuf>,
    /// PEM file with the only certificate that is trusted, self-signed or not
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "ca",
        hide_short_help = true
    )]
    pub(crate) trust: Option<PathBuf>,
    /// Name that the server's certificate must be for, if it is not the host
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) host_name: Option<String>,
    /// Take a certificate that is for another host, if it is trusted otherwise: whoever has any
    /// certificate of the CAs can pose as the server
    #[arg(long, conflicts_with = "host_name", hide_short_help = true)]
    pub(crate) no_verify_host_name: bool,
    /// Do not verify the server's certificate: anybody in the network can pose as the server
    #[arg(long, conflicts_with_all = ["trust", "crl"], hide_short_help = true)]
    pub(crate) no_verify: bool,
    /// Oldest version of TLS that is spoken; by default 1.2
    #[arg(long, value_enum, value_name = "VERSION", hide_short_help = true)]
    pub(crate) tls_min: Option<TlsMinimum>,
    /// Cipher suites of TLS 1.2 and older, as openssl-ciphers(1) has them; old servers may need
    /// DEFAULT@SECLEVEL=1
    #[arg(long, value_name = "LIST", hide_short_help = true)]
    pub(crate) ciphers: Option<String>,
    /// Cipher suites of TLS 1.3, separated by colons
    #[arg(long, value_name = "LIST", hide_short_help = true)]
    pub(crate) cipher_suites: Option<String>,
    /// User name that is sent with each request
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) user: Option<String>,
    /// File with the password of --user; it is asked for on a terminal
    #[arg(long, value_name = "FILE", requires = "user", hide_short_help = true)]
    pub(crate) password_file: Option<PathBuf>,
    /// File with the ticket that `kmip login` wrote, sent with each request (KMIP 2.0 and later)
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "user",
        hide_short_help = true
    )]
    #[serde(skip)]
    pub(crate) ticket: Option<PathBuf>,
    /// Protocol version; the newest that both sides know otherwise
    #[arg(long, value_name = "VERSION", value_parser = known_version)]
    #[serde(deserialize_with = "of_file::version")]
    pub(crate) kmip_version: Option<ProtocolVersion>,
    /// Also send values that only other versions of the specification have, to a server that may know
    /// them nevertheless
    #[arg(long, hide_short_help = true)]
    pub(crate) other_versions: bool,
    /// Encoding of messages over HTTPS
    #[arg(long, value_enum, hide_short_help = true)]
    pub(crate) encoding: Option<MessageEncoding>,
    /// Seconds that an operation may take, connecting included
    #[arg(long, value_name = "SECONDS", value_parser = seconds, hide_short_help = true)]
    #[serde(deserialize_with = "of_file::seconds")]
    pub(crate) timeout: Option<Duration>,
}

/// An oldest version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize)]
pub(crate) enum TlsMinimum {
    #[value(name = "1.0")]
    #[serde(rename = "1.0")]
    V1_0,
    #[value(name = "1.1")]
    #[serde(rename = "1.1")]
    V1_1,
    #[value(name = "1.2")]
    #[serde(rename = "1.2")]
    V1_2,
    #[value(name = "1.3")]
    #[serde(rename = "1.3")]
    V1_3,
}

/// Encoding of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
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
    /// Whether the server does it later: mandatory (KMIP 2.0 and later), optional or prohibited. If it
    /// does, the status is 6, and the value is printed that `kmip poll` takes; what would follow the
    /// request, such as --activate or further objects, is not asked for
    #[arg(long, value_name = "HOW", value_parser = enumeration::<AsynchronousIndicator>, hide_short_help = true)]
    pub(crate) asynchronous: Option<AsynchronousIndicator>,
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
    duration(number)
}

fn duration(seconds: f64) -> Result<Duration, String> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("write a number of seconds above 0".to_owned()),
    }
}

/// Values of the configuration file that are checked as those of the command line are.
mod of_file {
    use std::time::Duration;

    use kmip::ProtocolVersion;
    use serde::de::{Deserialize, Deserializer, Error};

    pub(super) fn version<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ProtocolVersion>, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::known_version(&text).map(Some).map_err(Error::custom)
    }

    pub(super) fn seconds<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let number = f64::deserialize(deserializer)?;
        super::duration(number).map(Some).map_err(Error::custom)
    }
}
