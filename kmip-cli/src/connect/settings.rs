//! What a connection needs, put together from options and configuration file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kmip::client::{Client, ClientBuilder};
use kmip::transport::tls::{self, ClientTls, FileError, Identity};
use kmip::transport::{HttpsUrl, ServerAddress, Timeouts};
use kmip::types::Credential;
use kmip::{Encoding, ProtocolVersion};
use openssl::pkey::PKey;
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::configuration::{Configuration, ConfigurationError, Entry};
use super::{secrets, ticket};
use crate::arguments::{MessageEncoding, ServerOptions, known_version};
use crate::failure::Failure;

/// Everything about a server. Options go before what the configuration file says.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    /// Our certificate, where it is a file.
    pub(crate) cert: Option<PathBuf>,
    key: Option<PathBuf>,
    p12: Option<PathBuf>,
    pass_phrase_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    pin: Option<PathBuf>,
    trust: Option<PathBuf>,
    host_name: Option<String>,
    pub(crate) no_verify: bool,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ticket: Option<PathBuf>,
    pub(crate) version: Option<ProtocolVersion>,
    timeout: Option<Duration>,
}

/// Where a server is, and how it is spoken to.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// TTLV over TLS.
    Tls(ServerAddress),
    /// HTTPS.
    Https(HttpsUrl, Encoding),
}

impl Place {
    /// The server.
    pub(crate) fn address(&self) -> &ServerAddress {
        match self {
            Place::Tls(address) => address,
            Place::Https(url, _) => url.server(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Tls(address) => address.fmt(f),
            Place::Https(url, _) => url.fmt(f),
        }
    }
}

impl Settings {
    /// Puts options and configuration file together.
    pub(crate) fn resolve(options: &ServerOptions) -> Result<Self, ConfigurationError> {
        let configuration = Configuration::load(options.config.as_deref())?;
        let entry = entry(options, &configuration)?;
        let encoding = options.encoding.or(entry.encoding);
        let version = match (options.kmip_version, &entry.kmip_version) {
            (Some(version), _) => Some(version),
            (None, Some(text)) => {
                Some(
                    known_version(text).map_err(|what| ConfigurationError::Version {
                        server: options.server.clone().unwrap_or_default(),
                        what,
                    })?,
                )
            }
            (None, None) => None,
        };
        // An identity on the command line replaces the one of the file as a whole.
        let own_identity = options.cert.is_some() || options.p12.is_some();
        let identity = |option: &Option<PathBuf>, entry: Option<PathBuf>| match own_identity {
            true => option.clone(),
            false => option.clone().or(entry),
        };
        let own_trust = options.ca.is_some() || options.trust.is_some();
        let trust = |option: &Option<PathBuf>, entry: Option<PathBuf>| match own_trust {
            true => option.clone(),
            false => option.clone().or(entry),
        };
        let settings = Settings {
            place: place(&entry, encoding)?,
            cert: identity(&options.cert, entry.cert),
            key: identity(&options.key, entry.key),
            p12: identity(&options.p12, entry.p12),
            pass_phrase_file: options.pass_phrase_file.clone().or(entry.pass_phrase_file),
            ca: trust(&options.ca, entry.ca),
            trust: trust(&options.trust, entry.trust),
            pin: options.pin.clone().or(entry.pin),
            host_name: options.host_name.clone().or(entry.host_name),
            no_verify: options.no_verify || entry.no_verify,
            password_file: match options.user {
                Some(_) => options.password_file.clone(),
                None => entry.password_file,
            },
            user: options.user.clone().or(entry.user),
            ticket: options.ticket.clone(),
            version,
            timeout: options.timeout.or(entry.timeout.and_then(positive)),
        };
        match (&settings.cert, &settings.key) {
            (None, Some(_)) => Err(ConfigurationError::KeyAlone),
            _ => Ok(settings),
        }
    }

    /// Connects, and agrees on the version.
    pub(crate) fn connect(&self) -> Result<Client, Failure> {
        Ok(self.builder()?.connect()?)
    }

    /// A client that is set up and not connected.
    pub(crate) fn builder(&self) -> Result<ClientBuilder, Failure> {
        let mut builder = Client::builder(self.place.address().clone())
            .tls(self.tls()?)
            .timeouts(self.timeouts());
        if let Place::Https(url, encoding) = &self.place {
            builder = builder.https(url.path(), *encoding);
        }
        if let Some(version) = self.version {
            builder = builder.version(version);
        }
        if let Some(path) = &self.ticket {
            builder = builder.credential(Credential::ticket(ticket::read(path)?));
            if self.version.is_none() {
                // Older versions have no tickets.
                builder = builder.versions(ProtocolVersion::V2_0, ProtocolVersion::LATEST);
            }
        } else if let Some((user, password)) = self.credential()? {
            builder = builder.username_and_password(&user, &password);
        }
        Ok(builder)
    }

    /// How long to wait for what.
    pub(crate) fn timeouts(&self) -> Timeouts {
        match self.timeout {
            Some(timeout) => Timeouts::default()
                .with_connect(timeout)
                .with_read(timeout)
                .with_write(timeout)
                .with_operation(timeout),
            None => Timeouts::default(),
        }
    }

    /// What is demanded of TLS.
    pub(crate) fn tls(&self) -> Result<ClientTls, Failure> {
        let mut tls = ClientTls::new();
        tls = match &self.ca {
            Some(path) if path.is_dir() => tls.ca_directory(path),
            Some(path) => tls.ca_file(path),
            None => tls,
        };
        if let Some(path) = &self.trust {
            tls = tls.trusted_certificate(pinned(path)?.0.ok_or_else(|| not_a_pin(path))?);
        }
        if let Some(path) = &self.pin {
            tls = match pinned(path)? {
                (Some(certificate), _) => tls.pinned_certificate(certificate),
                (None, Some(key)) => tls.pinned_public_key(key),
                (None, None) => return Err(not_a_pin(path)),
            };
        }
        if let Some(name) = &self.host_name {
            tls = tls.host_name(name.as_str());
        }
        if self.no_verify {
            tls = tls.verify_chain(false).verify_host_name(false);
        }
        if let Some(identity) = self.identity()? {
            tls = tls.identity(identity);
        }
        Ok(tls)
    }

    /// Who we are.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, Failure> {
        let what = "the pass phrase of the private key";
        let option = "--pass-phrase-file";
        let file = self.pass_phrase_file.as_deref();
        if let Some(path) = &self.p12 {
            let phrase = secrets::from_file_or_terminal(file, what, option)?;
            let identity = Identity::from_pkcs12_file(path, &phrase);
            return identity.map(Some).map_err(Failure::Tls);
        }
        let Some(cert) = &self.cert else {
            return Ok(None);
        };
        let key = self.key.as_ref().unwrap_or(cert);
        let phrase = file.map(secrets::from_file).transpose()?;
        let read = |phrase: Option<&Zeroizing<String>>| {
            Identity::from_pem_files(cert, key, phrase.map(|phrase| phrase.as_str()))
        };
        match read(phrase.as_ref()) {
            Err(tls::Error::File(FileError::Encrypted { .. })) => {
                let phrase = secrets::from_file_or_terminal(None, what, option)?;
                read(Some(&phrase))
            }
            identity => identity,
        }
        .map(Some)
        .map_err(Failure::Tls)
    }

    /// User name and password.
    pub(crate) fn credential(&self) -> Result<Option<(String, Zeroizing<String>)>, Failure> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        let file = self.password_file.as_deref();
        let password = secrets::from_file_or_terminal(file, "the password", "--password-file")?;
        Ok(Some((user.clone(), password)))
    }
}

/// The entry of the file that the options mean, with the address from the options if that is given
/// there.
fn entry(
    options: &ServerOptions,
    configuration: &Configuration,
) -> Result<Entry, ConfigurationError> {
    if let Some(url) = &options.https {
        return Ok(Entry {
            https: Some(url.clone()),
            ..Entry::default()
        });
    }
    if let Some(name) = &options.server {
        return Ok(match configuration.servers.get(name) {
            Some(entry) => entry.clone(),
            None => Entry {
                address: Some(name.clone()),
                ..Entry::default()
            },
        });
    }
    let servers = &configuration.servers;
    match &configuration.default {
        Some(name) => servers
            .get(name)
            .cloned()
            .ok_or_else(|| ConfigurationError::NoDefault {
                path: configuration.path.clone(),
                name: name.clone(),
            }),
        None if servers.len() == 1 => Ok(servers.values().next().cloned().unwrap_or_default()),
        None => Err(ConfigurationError::NoServer(configuration.path.clone())),
    }
}

fn place(entry: &Entry, encoding: Option<MessageEncoding>) -> Result<Place, ConfigurationError> {
    let encoding = match encoding {
        Some(MessageEncoding::Json) => Encoding::Json,
        Some(MessageEncoding::Xml) => Encoding::Xml,
        Some(MessageEncoding::Ttlv) | None => Encoding::Ttlv,
    };
    match (&entry.address, &entry.https) {
        (None, Some(url)) => Ok(Place::Https(url.parse()?, encoding)),
        (Some(_), None) if encoding != Encoding::Ttlv => Err(ConfigurationError::Encoding),
        (Some(address), None) => Ok(Place::Tls(address.parse()?)),
        (None, None) | (Some(_), Some(_)) => Err(ConfigurationError::Unaddressed(
            entry.address.clone().unwrap_or_default(),
        )),
    }
}

fn positive(seconds: f64) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(seconds).ok()?;
    Some(time).filter(|time| !time.is_zero())
}

type Pin = (Option<X509>, Option<PKey<openssl::pkey::Public>>);

/// The certificate or the public key of a file.
fn pinned(path: &Path) -> Result<Pin, Failure> {
    let pem = std::fs::read(path).map_err(Failure::reading(path))?;
    Ok((
        X509::from_pem(&pem).ok(),
        PKey::public_key_from_pem(&pem).ok(),
    ))
}

fn not_a_pin(path: &Path) -> Failure {
    ConfigurationError::Pin(path.to_owned()).into()
}
