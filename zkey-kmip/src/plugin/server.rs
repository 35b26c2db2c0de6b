//! The connection to the configured KMIP server (behaviour reference 5).

use std::path::Path;
use std::sync::Arc;

use kmip::ProtocolVersion;
use kmip::client::{self, Client, ClientBuilder, Problem};
use kmip::transport::tls::{self, ClientTls, Identity, LastHandshake};
use kmip::transport::{Cause, Timeouts};
use kmip::types::ResultReason;
use openssl::pkey::PKey;
use openssl::x509::X509;

use super::attributes::AttributeStyle;
use super::credential::{self, CredentialFile};
use super::known::Known;
use super::peer::Peer;
use super::target::Target;
use crate::abi::{Errno, PluginError};
use crate::config::{Config, ConfigError, ConfigFile, Connection, Part, ProtocolSetting};
use crate::files::{self, FileError};
use crate::identity::certificates_from_pem;
use crate::profile::{Profile, ProfileDirectory, VersionChoice};
use crate::secure_key::{SecureKeyBackend, tls_identity_for};
use crate::server_traits::{ServerTrait, ServerTraits};

/// A connected server with what must be known about it.
pub(super) struct Server {
    pub(super) peer: Peer,
    pub(super) style: AttributeStyle,
    pub(super) known: Known,
    /// Identifier of the wrapping key.
    pub(super) wrapping_key_id: String,
    /// Token of the wrapping key.
    pub(super) wrapping_key: Vec<u8>,
    /// State of the wrapping key, if this connection has shown it.
    pub(super) wrapping_key_state: Option<String>,
}

impl Server {
    /// Connects as configured.
    pub(super) fn connect(
        config: &Config,
        backend: &Arc<dyn SecureKeyBackend>,
        profiles: &ProfileDirectory,
    ) -> Result<Server, PluginError> {
        let wrapping = config
            .wrapping_key()
            .ok_or(ConfigError::Incomplete(Part::WrappingKey))?;
        let peer = Server::open(config, backend, profiles)?;
        Ok(Server {
            style: peer.style(),
            known: Known::default(),
            peer,
            wrapping_key_id: wrapping.id,
            wrapping_key: config.read(ConfigFile::WrappingKey)?,
            wrapping_key_state: None,
        })
    }

    /// Connects as configured, also while there is no wrapping key yet.
    pub(super) fn open(
        config: &Config,
        backend: &Arc<dyn SecureKeyBackend>,
        profiles: &ProfileDirectory,
    ) -> Result<Peer, PluginError> {
        let connection = config.connection()?;
        let credential = credential::of(&connection)?;
        let profile = profiles.named(&connection.profile)?;
        let target = Target::new(&connection.server, &profile)?;
        let key = config.read(ConfigFile::IdentityKey)?;
        let certificate = config.read(ConfigFile::ClientCertificate)?;
        let identity = identity(backend, &key, &certificate)?;
        let handshake = LastHandshake::default();
        let tls = tls_options(&connection)?.identity(identity);
        let tls = tls.last_handshake(&handshake);
        let choice = match connection.protocol {
            ProtocolSetting::Agreed { major, minor } => VersionChoice::Fixed { major, minor },
            ProtocolSetting::FromProfile => profile.kmip_version,
        };
        let route = Route {
            target: &target,
            profile: &profile,
            tls: &tls,
            credential: credential.as_ref(),
            choice,
        };
        let learned = config.server_traits();
        let client = route.connect(&learned)?;
        Ok(Peer::new(client, profile, learned, handshake))
    }
}

/// How to connect.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) target: &'a Target,
    pub(super) profile: &'a Profile,
    pub(super) tls: &'a ClientTls,
    pub(super) credential: Option<&'a CredentialFile>,
    pub(super) choice: VersionChoice,
}

impl Route<'_> {
    /// Connects, to the first server that can be reached.
    pub(super) fn connect(&self, learned: &ServerTraits) -> Result<Client, PluginError> {
        let traits = self.profile.server_traits.as_ref().unwrap_or(learned);
        Ok(self.builder(traits)?.connect()?)
    }

    fn builder(&self, traits: &ServerTraits) -> Result<ClientBuilder, PluginError> {
        let servers = &self.profile.failover_servers;
        let (mut tls, mut credential) = (self.tls.clone(), None);
        if let Some(file) = self.credential {
            credential =
                Some(file.credential_for([&self.target.address].into_iter().chain(servers))?);
            tls = file.demand_key(tls);
        }
        let mut builder = Client::builder(self.target.address.clone())
            .tls(tls)
            .timeouts(timeouts(self.profile))
            .sends_charset(traits.has(ServerTrait::ContentCharset))
            .sends_numbers(traits.has(ServerTrait::NumericValues));
        for server in servers {
            builder = builder.fallback_server(server.clone());
        }
        if let Some(credential) = credential {
            builder = builder.credential(credential);
        }
        let builder = self.target.apply(builder);
        match self.choice {
            VersionChoice::Auto => Ok(builder),
            VersionChoice::Fixed { major, minor } => Ok(builder.version(version(major, minor)?)),
        }
    }
}

/// The time limits that a profile sets.
pub(super) fn timeouts(profile: &Profile) -> Timeouts {
    let mut timeouts = Timeouts::default();
    if let Some(limit) = profile.connect_timeout {
        timeouts = timeouts.with_connect(limit);
    }
    if let Some(limit) = profile.response_timeout {
        timeouts = timeouts.with_read(limit).with_operation(limit);
    }
    timeouts
}

/// A version that the library knows.
pub(super) fn version(major: u32, minor: u32) -> Result<ProtocolVersion, PluginError> {
    let known = ProtocolVersion::ALL.into_iter().find(|version| {
        u32::try_from(version.major) == Ok(major) && u32::try_from(version.minor) == Ok(minor)
    });
    known.ok_or_else(|| {
        PluginError::invalid(format!(
            "KMIP {major}.{minor} is not a version that this plugin speaks (1.0 to 2.1)"
        ))
    })
}

/// Who this client is.
pub(super) fn identity(
    backend: &Arc<dyn SecureKeyBackend>,
    key: &[u8],
    certificate: &[u8],
) -> Result<Identity, PluginError> {
    let mut chain = certificates_from_pem(certificate)?;
    let certificate = chain.remove(0);
    let key = tls_identity_for(backend, key, &certificate)?;
    Identity::new(key, certificate, chain).map_err(|error| {
        PluginError::invalid("identity key and client certificate cannot be used").caused_by(error)
    })
}

/// Whom to trust, by the configured CA certificates.
pub(super) fn trust_options(ca_bundle: Option<&Path>) -> ClientTls {
    match ca_bundle {
        None => ClientTls::new(),
        Some(path) if path.is_dir() => ClientTls::new().ca_directory(path),
        Some(path) => ClientTls::new().ca_file(path),
    }
}

fn tls_options(connection: &Connection) -> Result<ClientTls, PluginError> {
    let mut tls = trust_options(connection.ca_bundle.as_deref())
        .verify_chain(connection.verify_server_certificate)
        .verify_host_name(connection.verify_host_name);
    if let Some(path) = &connection.server_certificate {
        let certificate = read(path, X509::from_pem)?;
        tls = if connection.verify_server_certificate {
            tls.trusted_certificate(certificate)
        } else {
            tls.pinned_certificate(certificate)
        };
    }
    if let Some(path) = &connection.server_public_key {
        tls = tls.pinned_public_key(read(path, PKey::public_key_from_pem)?);
    }
    Ok(tls)
}

fn read<T>(
    path: &Path,
    decode: impl Fn(&[u8]) -> Result<T, openssl::error::ErrorStack>,
) -> Result<T, PluginError> {
    let content = files::read_regular(path);
    let content = content.map_err(|cause| FileError::new("read", path, cause))?;
    decode(&content).map_err(|error| {
        let text = format!("{} is damaged", path.display());
        PluginError::new(Errno::EPERM, text).caused_by(error)
    })
}

impl From<client::Error> for PluginError {
    fn from(error: client::Error) -> Self {
        let errno = match error.problem() {
            _ if error.is_timeout() => Errno::ETIMEDOUT,
            Problem::Transport(_) | Problem::NoServer(_) => Errno::EIO,
            Problem::Tls(_) | Problem::Encode(_) => Errno::EINVAL,
            _ => Errno::EBADMSG,
        };
        let advice = advice(&error);
        let error = PluginError::new(errno, error.to_string()).caused_by(error);
        match advice {
            Some(advice) => PluginError::new(errno, format!("{error}. {advice}")),
            None => error,
        }
    }
}

/// What the user can do about it.
fn advice(error: &client::Error) -> Option<&'static str> {
    if is_other_server(error) {
        Some(
            "If the server was given a new certificate, run 'zkey kms configure --kmip-server \
             <SERVER>' again; if not, somebody may pose as the server",
        )
    } else if error.result_reason() == Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL) {
        Some(
            "If the server wants a user name and a password, the file named by '--credential-file' with \
             '--kmip-server' must have the right ones",
        )
    } else {
        None
    }
}

/// Whether the server does not have the certificate or key that was configured.
fn is_other_server(error: &client::Error) -> bool {
    match error.problem() {
        Problem::Transport(error) => matches!(
            error.cause(),
            Cause::Tls(tls::Error::OtherCertificate { .. } | tls::Error::OtherPublicKey { .. })
        ),
        _ => false,
    }
}
