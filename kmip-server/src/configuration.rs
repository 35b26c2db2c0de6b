//! What can be set about a server.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use kmip::types::{
    EncodingOption, Interval, ProfileName, ProtocolVersion, QueryResponse, RandomNumberGenerator,
    SecretText, ServerInformation,
};

use crate::attestation::AttestationVerifier;
use crate::audit::AuditLog;
use crate::clock::{Clock, SystemClock};
use crate::crypto;
use crate::interfere::Personality;
use crate::notices::Notices;
use crate::password::Password;
use crate::policy::Policies;

/// Settings of a [`KeyServer`](crate::KeyServer).
#[non_exhaustive]
pub struct Configuration {
    /// The protocol versions that are spoken.
    pub versions: Vec<ProtocolVersion>,
    /// Vendor Identification in the answer to Query. Some clients choose their behaviour by it.
    pub vendor_identification: String,
    /// Server Information in the answer to Query; the named fields are shown from KMIP 2.0 on.
    pub server_information: ServerInformation<'static>,
    /// Profiles that Query claims.
    pub profiles: Vec<ProfileName>,
    /// Whether a Name may be used only once among the objects of a client that are not destroyed.
    pub unique_names: bool,
    /// How long a lease is. `None` for a server without leases.
    pub lease_time: Option<Interval>,
    /// How long a lease is for a key in the place of one that was compromised, where clients are
    /// to look more often; `None` for as long as any other.
    pub lease_time_after_compromise: Option<Interval>,
    /// What is encrypted when a key is wrapped and the request has no Encoding Option. The
    /// specification says the TTLV encoding of the Key Value. KMIP 1.0 has no such option, and
    /// clients that nevertheless expect the bare key need No Encoding here.
    pub default_encoding_option: EncodingOption,
    /// Whether a key that may wrap others (Wrap Key in its Cryptographic Usage Mask) may also unwrap those
    /// that were registered wrapped with it. The specification has a mask of its own for that.
    pub unwrap_with_wrapping_keys: bool,
    /// What Query tells in place of what it would: lists that are not empty replace those of the
    /// server; operations and object types are added to them. For tests of clients that depend on it.
    pub query: QueryResponse<'static>,
    /// The random number generator that keys are said to come from. They always come from that of
    /// OpenSSL.
    pub random_number_generator: RandomNumberGenerator<'static>,
    /// What the embedded PKCS#11 token says of itself.
    pub token: TokenInformation,
    /// Whom clients' objects and changes to them are told without being asked (Put and Notify).
    pub notices: Option<Arc<dyn Notices>>,
    /// Who judges attestations of clients, and says for which operations they have to attest. Without,
    /// no attestation is accepted.
    pub attestation: Option<Arc<dyn AttestationVerifier>>,
    /// What is done with the data of RNG Seed.
    pub seed_policy: SeedPolicy,
    /// Object group in which a client that wants a fresh member always finds one: a new AES-256 key.
    pub default_group: Option<String>,
    /// Who may log in with a name and a password. If there is anybody, everybody has to, unless
    /// [`login_is_optional`](Self::login_is_optional).
    pub users: BTreeMap<String, User>,
    /// Whether clients that give no name are let in by their certificate, although there are users.
    pub login_is_optional: bool,
    /// What clients may do with objects of others, and may not do with their own.
    pub policies: Policies,
    /// Whether certificates of clients must be for clients (Extended Key Usage clientAuth, RFC 5280,
    /// 4.2.1.12), as PyKMIP demands it. Those that are expressly for something else never pass TLS.
    pub demands_client_usage: bool,
    /// Whether clients get certificates from the authority of the server with which they can connect
    /// (Re-Provision). Listeners have to trust [`KeyServer::authority`](crate::KeyServer::authority)
    /// then; of what it issues otherwise (Certify), nothing makes a client.
    pub provisions: bool,
    /// The vendor whose server this one is to pass for. [`Personality::configure`] sets the rest.
    pub personality: Option<Personality>,
    /// Where it is noted who does what.
    pub audit: Option<Arc<AuditLog>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Called with errors that are not the client's and that it is not told.
    pub report: Arc<Report>,
}

/// What a server does with data for its random number generator (KMIP 1.4, 4.38; 2.1, 6.1.49). It
/// counts as no entropy in any case: who knows where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SeedPolicy {
    /// All of it is taken.
    #[default]
    Accept,
    /// Half of it is taken.
    Partial,
    /// None of it is taken.
    Ignore,
    /// Nobody may give any.
    Deny,
}

/// What a PKCS#11 library says of itself in CK_INFO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInformation {
    /// Its manufacturer, in at most 32 bytes; more are cut off.
    pub manufacturer: String,
    /// What it is, in at most 32 bytes; more are cut off.
    pub description: String,
    /// Its version, major and minor.
    pub version: (u8, u8),
}

impl Default for TokenInformation {
    fn default() -> Self {
        TokenInformation {
            manufacturer: "kmip-server".to_owned(),
            description: "KMIP reference key server".to_owned(),
            version: (1, 0),
        }
    }
}

/// Takes errors for a log.
pub type Report = dyn Fn(&(dyn Error + 'static)) + Send + Sync;

/// Somebody who logs in with a password.
#[derive(Debug, Clone)]
pub struct User {
    /// The password, or a hash of it.
    pub password: Password,
    /// Passwords that are good for once each. Which were used is noted in the store.
    pub one_time_passwords: Vec<SecretText<'static>>,
    /// The groups of the user, for operation policies.
    pub groups: Vec<String>,
}

impl User {
    /// A user with a password, none that are good for once, and in no group.
    pub fn new(password: impl Into<Password>) -> Self {
        User {
            password: password.into(),
            one_time_passwords: Vec::new(),
            groups: Vec::new(),
        }
    }
}

impl Configuration {
    /// The user with a name, if there is one.
    pub(crate) fn user(&self, name: Option<&str>) -> Option<&User> {
        self.users.get(name?)
    }
}

/// All versions, unique names, no leases, no users, and a vendor identification of its own.
impl Default for Configuration {
    fn default() -> Self {
        Configuration {
            versions: ProtocolVersion::ALL.to_vec(),
            vendor_identification: concat!("kmip-server ", env!("CARGO_PKG_VERSION")).to_owned(),
            server_information: ServerInformation {
                server_name: Some("kmip-server".into()),
                server_version: Some(env!("CARGO_PKG_VERSION").into()),
                product_name: Some("KMIP reference key server".into()),
                ..ServerInformation::default()
            },
            profiles: vec![
                ProfileName::BASELINE_SERVER_BASIC_KMIP_V1_2,
                ProfileName::BASELINE_SERVER_BASIC_KMIP_V1_3,
                ProfileName::BASELINE_SERVER_BASIC_KMIP_V1_4,
                ProfileName::BASELINE_SERVER,
            ],
            unique_names: true,
            lease_time: None,
            lease_time_after_compromise: None,
            default_encoding_option: EncodingOption::TTLV_ENCODING,
            unwrap_with_wrapping_keys: false,
            query: QueryResponse::default(),
            random_number_generator: crypto::generator(),
            token: TokenInformation::default(),
            notices: None,
            attestation: None,
            seed_policy: SeedPolicy::default(),
            default_group: None,
            users: BTreeMap::new(),
            login_is_optional: false,
            policies: Policies::default(),
            demands_client_usage: false,
            provisions: false,
            personality: None,
            audit: None,
            clock: Arc::new(SystemClock),
            report: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("versions", &self.versions)
            .field("vendor_identification", &self.vendor_identification)
            .field("unique_names", &self.unique_names)
            .finish_non_exhaustive()
    }
}
