//! What a client demands of TLS.

use std::path::PathBuf;

use openssl::pkey::{PKey, Public};
use openssl::ssl::{SslContextBuilder, SslMode, SslOptions, SslVersion};
use openssl::x509::X509;

use super::trust::Trust;
use super::{Error, Identity, LastHandshake};

/// `SSL_OP_CLEANSE_PLAINTEXT` of OpenSSL 3, which the crate openssl does not name: OpenSSL wipes what it
/// has deciphered once it was handed over.
const CLEANSE_PLAINTEXT: u64 = 1 << 1;

/// Protocol versions and cipher suites, for clients and servers.
#[derive(Clone, Debug)]
pub struct Protocol {
    pub(super) minimum: SslVersion,
    pub(super) maximum: Option<SslVersion>,
    pub(super) cipher_list: Option<String>,
    pub(super) cipher_suites: Option<String>,
}

/// TLS 1.2 or newer, with the cipher suites that the system's OpenSSL configuration offers.
impl Default for Protocol {
    fn default() -> Self {
        Protocol {
            minimum: SslVersion::TLS1_2,
            maximum: None,
            cipher_list: None,
            cipher_suites: None,
        }
    }
}

impl Protocol {
    /// The oldest version that is spoken.
    #[must_use]
    pub fn minimum_version(mut self, version: SslVersion) -> Self {
        self.minimum = version;
        self
    }

    /// The newest version that is spoken.
    #[must_use]
    pub fn maximum_version(mut self, version: SslVersion) -> Self {
        self.maximum = Some(version);
        self
    }

    /// Cipher suites of TLS 1.2 and older, in OpenSSL's notation (`openssl-ciphers(1)`). Old
    /// appliances may need `DEFAULT@SECLEVEL=1` or suites such as `AES256-SHA256`.
    #[must_use]
    pub fn cipher_list(mut self, list: impl Into<String>) -> Self {
        self.cipher_list = Some(list.into());
        self
    }

    /// Cipher suites of TLS 1.3, separated by colons.
    #[must_use]
    pub fn cipher_suites(mut self, suites: impl Into<String>) -> Self {
        self.cipher_suites = Some(suites.into());
        self
    }

    pub(super) fn apply(&self, context: &mut SslContextBuilder) -> Result<(), Error> {
        let version = |option, version: SslVersion| {
            move |source| Error::Option {
                option,
                value: version_name(version).to_owned(),
                source,
            }
        };
        let list = |option, value: &str| {
            let value = value.to_owned();
            move |source| Error::Option {
                option,
                value,
                source,
            }
        };
        context
            .set_min_proto_version(Some(self.minimum))
            .map_err(version("the minimum TLS version", self.minimum))?;
        if let Some(maximum) = self.maximum {
            context
                .set_max_proto_version(Some(maximum))
                .map_err(version("the maximum TLS version", maximum))?;
        }
        if let Some(ciphers) = &self.cipher_list {
            context
                .set_cipher_list(ciphers)
                .map_err(list("the cipher list", ciphers))?;
        }
        if let Some(suites) = &self.cipher_suites {
            context
                .set_ciphersuites(suites)
                .map_err(list("the TLS 1.3 cipher suites", suites))?;
        }
        context.set_mode(SslMode::AUTO_RETRY);
        let wipe = SslOptions::from_bits_retain(CLEANSE_PLAINTEXT);
        context.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION | wipe);
        Ok(())
    }

    /// The versions in words.
    pub(super) fn describe_versions(&self) -> String {
        let newest = self.maximum.unwrap_or(SslVersion::TLS1_3);
        if self.minimum == newest {
            return version_name(newest).to_owned();
        }
        format!("{} to {}", version_name(self.minimum), version_name(newest))
    }
}

fn version_name(version: SslVersion) -> &'static str {
    match version {
        SslVersion::TLS1 => "TLS 1.0",
        SslVersion::TLS1_1 => "TLS 1.1",
        SslVersion::TLS1_2 => "TLS 1.2",
        SslVersion::TLS1_3 => "TLS 1.3",
        _ => "an older protocol",
    }
}

/// What a client demands of TLS and offers to the server.
///
/// By default the server's chain must lead to a CA that the system trusts, and its certificate must
/// be for the host that was asked for.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    pub(super) protocol: Protocol,
    pub(super) trust: Vec<Trust>,
    pub(super) crl_files: Vec<PathBuf>,
    pub(super) skip_chain: bool,
    pub(super) skip_host_name: bool,
    pub(super) host_name: Option<String>,
    pub(super) trusted_certificate: Option<X509>,
    pub(super) pinned_certificate: Option<X509>,
    pub(super) pinned_public_key: Option<PKey<Public>>,
    pub(super) identity: Option<Identity>,
    pub(super) last_handshake: Option<LastHandshake>,
}

impl ClientTls {
    /// The defaults.
    pub fn new() -> Self {
        ClientTls::default()
    }

    /// Other protocol versions or cipher suites.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Trusts the CAs of the system, also where others are named. Without any of these four
    /// methods this is the default.
    #[must_use]
    pub fn system_cas(mut self) -> Self {
        self.trust.push(Trust::System);
        self
    }

    /// Trusts the certificates of a PEM file.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.trust.push(Trust::File(path.into()));
        self
    }

    /// Trusts the certificates of a directory whose files are named by subject hash
    /// (`openssl-rehash(1)`).
    #[must_use]
    pub fn ca_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.trust.push(Trust::Directory(path.into()));
        self
    }

    /// Trusts a CA.
    #[must_use]
    pub fn ca_certificate(mut self, certificate: X509) -> Self {
        self.trust.push(Trust::Certificate(certificate));
        self
    }

    /// Refuses certificates that the lists of a PEM file name as revoked (RFC 5280, section 5). It has
    /// to hold a current list of each CA between the server and the one that is trusted, this one
    /// included; without one, nobody is accepted.
    ///
    /// The file is read when the client is made: a client that lives longer than the lists are valid
    /// has to be made anew.
    #[must_use]
    pub fn crl_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.crl_files.push(path.into());
        self
    }

    /// Trusts exactly this server certificate, self-signed or not, and nothing else.
    #[must_use]
    pub fn trusted_certificate(mut self, certificate: X509) -> Self {
        self.trusted_certificate = Some(certificate);
        self
    }

    /// Demands, in addition to all other checks, this very server certificate.
    #[must_use]
    pub fn pinned_certificate(mut self, certificate: X509) -> Self {
        self.pinned_certificate = Some(certificate);
        self
    }

    /// Demands, in addition to all other checks, that the server has this public key.
    #[must_use]
    pub fn pinned_public_key(mut self, key: PKey<Public>) -> Self {
        self.pinned_public_key = Some(key);
        self
    }

    /// Whether the certificate chain is verified. Without it, and without a pin, anybody can pose
    /// as the server.
    #[must_use]
    pub fn verify_chain(mut self, verify: bool) -> Self {
        self.skip_chain = !verify;
        self
    }

    /// Whether the certificate must be for the host that was asked for.
    #[must_use]
    pub fn verify_host_name(mut self, verify: bool) -> Self {
        self.skip_host_name = !verify;
        self
    }

    /// The name or IP address that the certificate must be for, if it is another than that of the
    /// address that is connected to. A name is also sent to the server (SNI).
    #[must_use]
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.host_name = Some(name.into());
        self
    }

    /// What we prove to be.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Tells there what each handshake comes to.
    #[must_use]
    pub fn last_handshake(mut self, told: &LastHandshake) -> Self {
        self.last_handshake = Some(told.clone());
        self
    }

    pub(super) fn trust_sources(&self) -> Vec<Trust> {
        match (&self.trusted_certificate, self.trust.is_empty()) {
            (Some(certificate), _) => vec![Trust::Certificate(certificate.clone())],
            (None, true) => vec![Trust::System],
            (None, false) => self.trust.clone(),
        }
    }
}
