//! The configuration file: servers by name.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::arguments::ServerOptions;

/// The options or the configuration file are wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is no TOML, or has what is not known.
    #[error("{}: {}", path.display(), what.trim().replace('\n', " "))]
    Syntax { path: PathBuf, what: String },
    /// Nobody says which server.
    #[error(
        "which server? give --server HOST[:PORT] or --https URL, or put servers into {}",
        .0.display()
    )]
    NoServer(PathBuf),
    /// The default server of the file is not in it.
    #[error("{}: there is no server `{name}` in it", path.display())]
    NoDefault { path: PathBuf, name: String },
    /// An address is wrong.
    #[error("{0}")]
    Address(#[from] kmip::transport::AddressError),
    /// An entry of the file has no address, or two.
    #[error("server `{0}` of the configuration file: give it an address or an https URL")]
    Unaddressed(String),
    /// One value of an entry switches off what the other asks for.
    #[error(
        "server `{name}` of the configuration file: `{one}` and `{other}` contradict each other"
    )]
    Contradiction {
        name: String,
        one: &'static str,
        other: &'static str,
    },
    /// JSON and XML have no frame of their own.
    #[error("JSON and XML need HTTPS: give --https URL")]
    Encoding,
    /// A private key without its certificate.
    #[error("--key needs --cert, the certificate that belongs to the key")]
    KeyAlone,
    /// A file with a password cannot be read.
    #[error("cannot read the password file {}: {source}", path.display())]
    Password { path: PathBuf, source: io::Error },
    /// There is neither a file with the password nor anybody to ask.
    #[error("{what} is needed: name a file with {option}")]
    NoPassword {
        what: &'static str,
        option: &'static str,
    },
    /// A pin is neither certificate nor key.
    #[error("{}: there is no certificate or public key in PEM in it", .0.display())]
    Pin(PathBuf),
}

/// The configuration file. Relative paths in it start where the file is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// The server that is meant when none is named.
    pub(crate) default: Option<String>,
    /// The servers.
    #[serde(default)]
    pub(crate) servers: BTreeMap<String, ServerOptions>,
    /// Where it stands, whether it is there or not.
    #[serde(skip)]
    pub(crate) path: PathBuf,
}

impl Configuration {
    /// Reads the file that is named here or in the environment, or else that of the user, which need
    /// not be there.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, ConfigurationError> {
        let path = path.map(Path::to_owned);
        let path = path.or_else(|| variable("KMIP_CONFIG").map(PathBuf::from));
        let place = path.clone().unwrap_or_else(default_path);
        let text = match fs::read_to_string(&place) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Configuration {
                    path: place,
                    ..Configuration::default()
                });
            }
            Err(source) => {
                return Err(ConfigurationError::Read {
                    path: place,
                    source,
                });
            }
        };
        let mut configuration: Configuration =
            toml::from_str(&text).map_err(|error| ConfigurationError::Syntax {
                path: place.clone(),
                what: syntax_error(&error, &text),
            })?;
        let directory = place.parent().unwrap_or(Path::new("")).to_owned();
        for entry in configuration.servers.values_mut() {
            start_at(entry, &directory);
        }
        configuration.path = place;
        Ok(configuration)
    }
}

fn start_at(entry: &mut ServerOptions, directory: &Path) {
    let files = [
        &mut entry.cert,
        &mut entry.key,
        &mut entry.p12,
        &mut entry.pass_phrase_file,
        &mut entry.ca,
        &mut entry.crl,
        &mut entry.pin,
        &mut entry.trust,
        &mut entry.password_file,
    ];
    for path in files.into_iter().flatten() {
        *path = directory.join(&*path);
    }
}

/// A variable of the environment that is not empty.
pub(super) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn default_path() -> PathBuf {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let base = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(home)
        .unwrap_or_default();
    base.join("kmip/servers.toml")
}

/// The message with the number of its line: the quotation of the library spans several lines.
fn syntax_error(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .map(|span| 1 + text[..span.start].matches('\n').count());
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}
