//! What a connection needs, put together from options and configuration file.

use std::time::Duration;

use kmip::client::{Client, ClientBuilder};
use kmip::transport::{HttpsUrl, ServerAddress, Timeouts};
use kmip::types::Credential;
use kmip::{Encoding, ProtocolVersion};
use zeroize::Zeroizing;

use super::configuration::{Configuration, ConfigurationError, variable};
use super::{secrets, ticket};
use crate::arguments::{MessageEncoding, ServerOptions};
use crate::failure::Failure;

/// Everything about a server. Options go before what the configuration file says.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(super) options: ServerOptions,
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
        let mut options = options.clone();
        if options.server.is_none() && options.https.is_none() {
            let server = variable("KMIP_SERVER").map(|name| name.to_string_lossy().into_owned());
            options.server = server;
        }
        let (name, entry) = entry(&options, &configuration)?;
        refuse_contradictions(&name, &entry)?;
        let options = combine(options, entry);
        if options.key.is_some() && options.cert.is_none() {
            return Err(ConfigurationError::KeyAlone);
        }
        let place = place(name, &options)?;
        Ok(Settings { place, options })
    }

    /// A client that is set up and not connected.
    pub(crate) fn builder(&self) -> Result<ClientBuilder, Failure> {
        let mut builder = Client::builder(self.place.address().clone())
            .tls(self.tls()?)
            .timeouts(self.timeouts());
        if let Place::Https(url, encoding) = &self.place {
            builder = builder.https(url.path(), *encoding);
        }
        if let Some(version) = self.version() {
            builder = builder.version(version);
        }
        builder = builder.sends_values_of_other_versions(self.options.other_versions);
        if let Some(path) = &self.options.ticket {
            builder = builder.credential(Credential::ticket(ticket::read(path)?));
            if self.version().is_none() {
                // Older versions have no tickets.
                builder = builder.versions(ProtocolVersion::V2_0, ProtocolVersion::LATEST);
            }
        } else if let Some((user, password)) = self.credential()? {
            builder = builder.username_and_password(&user, &password);
        }
        Ok(builder)
    }

    /// The version that is demanded.
    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.options.kmip_version
    }

    /// Whether the server's certificate is not verified.
    pub(crate) fn no_verify(&self) -> bool {
        self.options.no_verify
    }

    /// Whether the certificate may be for another host.
    pub(crate) fn no_verify_host_name(&self) -> bool {
        self.options.no_verify || self.options.no_verify_host_name
    }

    /// How long to wait for what.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let all = |timeout: Duration| {
            Timeouts::default()
                .with_connect(timeout)
                .with_read(timeout)
                .with_write(timeout)
                .with_operation(timeout)
        };
        self.options.timeout.map_or_else(Timeouts::default, all)
    }

    /// User name and password.
    fn credential(&self) -> Result<Option<(String, Zeroizing<String>)>, Failure> {
        let Some(user) = &self.options.user else {
            return Ok(None);
        };
        let file = self.options.password_file.as_deref();
        let password = secrets::from_file_or_terminal(file, "the password", "--password-file")?;
        Ok(Some((user.clone(), password)))
    }
}

/// What clap refuses on the command line: checks that another value switches off.
fn refuse_contradictions(name: &str, entry: &ServerOptions) -> Result<(), ConfigurationError> {
    let pairs = [
        (
            entry.no_verify && entry.trust.is_some(),
            "no-verify",
            "trust",
        ),
        (entry.no_verify && entry.crl.is_some(), "no-verify", "crl"),
        (
            entry.no_verify_host_name && entry.host_name.is_some(),
            "no-verify-host-name",
            "host-name",
        ),
    ];
    match pairs.into_iter().find(|(is_there, ..)| *is_there) {
        None => Ok(()),
        Some((_, one, other)) => Err(ConfigurationError::Contradiction {
            name: name.to_owned(),
            one,
            other,
        }),
    }
}

/// What the command line says and, where it says nothing, the file.
fn combine(options: ServerOptions, file: ServerOptions) -> ServerOptions {
    // An identity on the command line replaces the one of the file as a whole, and so do those who
    // are trusted, and the user. A list of revoked certificates stays until there is another one.
    let own_identity = options.cert.is_some() || options.p12.is_some();
    let own_trust = options.ca.is_some() || options.trust.is_some();
    // Who asks for a check gets it.
    let asks_for_name = options.host_name.is_some();
    let asks_for_checks =
        own_trust || options.pin.is_some() || options.crl.is_some() || asks_for_name;
    let own_user = options.user.is_some() || options.ticket.is_some();
    ServerOptions {
        address: file.address,
        https: file.https,
        cert: options.cert.or(file.cert.filter(|_| !own_identity)),
        key: options.key.or(file.key.filter(|_| !own_identity)),
        p12: options.p12.or(file.p12.filter(|_| !own_identity)),
        pass_phrase_file: options
            .pass_phrase_file
            .or(file.pass_phrase_file.filter(|_| !own_identity)),
        ca: options.ca.or(file.ca.filter(|_| !own_trust)),
        trust: options.trust.or(file.trust.filter(|_| !own_trust)),
        crl: options.crl.or(file.crl),
        pin: options.pin.or(file.pin),
        host_name: options.host_name.or(file.host_name),
        no_verify_host_name: options.no_verify_host_name
            || (file.no_verify_host_name && !asks_for_name),
        no_verify: options.no_verify || (file.no_verify && !asks_for_checks),
        tls_min: options.tls_min.or(file.tls_min),
        ciphers: options.ciphers.or(file.ciphers),
        cipher_suites: options.cipher_suites.or(file.cipher_suites),
        user: options.user.or(file.user.filter(|_| !own_user)),
        password_file: options
            .password_file
            .or(file.password_file.filter(|_| !own_user)),
        kmip_version: options.kmip_version.or(file.kmip_version),
        other_versions: options.other_versions || file.other_versions,
        encoding: options.encoding.or(file.encoding),
        timeout: options.timeout.or(file.timeout),
        server: options.server,
        config: options.config,
        ticket: options.ticket,
    }
}

/// The entry of the file that the options mean, and its name, or one with the address that they
/// give.
fn entry(
    options: &ServerOptions,
    configuration: &Configuration,
) -> Result<(String, ServerOptions), ConfigurationError> {
    if let Some(url) = &options.https {
        let entry = ServerOptions {
            https: Some(url.clone()),
            ..ServerOptions::default()
        };
        return Ok((url.clone(), entry));
    }
    let servers = &configuration.servers;
    if let Some(name) = &options.server {
        let address = || ServerOptions {
            address: Some(name.clone()),
            ..ServerOptions::default()
        };
        let entry = servers.get(name).cloned().unwrap_or_else(address);
        return Ok((name.clone(), entry));
    }
    let name = match &configuration.default {
        Some(name) => name,
        None if servers.len() == 1 => &servers.keys().next().cloned().unwrap_or_default(),
        None => return Err(ConfigurationError::NoServer(configuration.path.clone())),
    };
    match servers.get(name) {
        Some(entry) => Ok((name.clone(), entry.clone())),
        None => Err(ConfigurationError::NoDefault {
            path: configuration.path.clone(),
            name: name.clone(),
        }),
    }
}

fn place(name: String, options: &ServerOptions) -> Result<Place, ConfigurationError> {
    let encoding = match options.encoding {
        Some(MessageEncoding::Json) => Encoding::Json,
        Some(MessageEncoding::Xml) => Encoding::Xml,
        Some(MessageEncoding::Ttlv) | None => Encoding::Ttlv,
    };
    match (&options.address, &options.https) {
        (None, Some(url)) => Ok(Place::Https(url.parse()?, encoding)),
        (Some(_), None) if encoding != Encoding::Ttlv => Err(ConfigurationError::Encoding),
        (Some(address), None) => Ok(Place::Tls(address.parse()?)),
        (None, None) | (Some(_), Some(_)) => Err(ConfigurationError::Unaddressed(name)),
    }
}
