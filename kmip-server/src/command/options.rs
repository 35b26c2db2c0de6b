//! Options of the server, on the command line and in configuration files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kmip::ProtocolVersion;
use serde::{Deserialize, Deserializer};

use crate::interfere::{Fault, Personality};
use crate::policy::Policies;

/// Options of the server. In a configuration file they have the same names; what is given on the
/// command line counts.
#[derive(Debug, Default, Clone, clap::Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Options {
    /// Configuration file: TOML, or if its name ends with `.conf`, a server.conf of PyKMIP
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where to listen for TTLV over TLS (by default 127.0.0.1:5696); with port 0, the system chooses
    /// a port, which the ready line shows
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// PEM file with the certificate of the server, and those of its CAs
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// PEM file with the private key of the server
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// PEM file with the CAs whose clients are accepted, or with certificates of clients
    #[arg(long, value_name = "FILE")]
    pub client_ca: Vec<PathBuf>,
    /// PEM file with revocation lists, of which each of those CAs needs a current one. Renewed lists hold
    /// for the next connection, without a restart.
    #[arg(long, value_name = "FILE")]
    pub client_crl: Vec<PathBuf>,
    /// Where the keys are kept: `memory` (the default), a SQLite file, or a PostgreSQL database, which
    /// several servers can share (`postgres://USER@HOST/DATABASE`; password in PGPASSWORD). Without a
    /// master key, it holds the keys unencrypted.
    #[arg(long, value_name = "memory|FILE|URL")]
    pub store: Option<PathBuf>,
    /// File to write the address to once the server is ready
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub ready_file: Option<PathBuf>,
    /// Path of KMIP over HTTPS, in TTLV, JSON and XML. Without --https-listen, it is offered at
    /// --listen instead of TTLV over TLS.
    #[arg(long, value_name = "PATH")]
    pub https: Option<String>,
    /// Where to listen for KMIP over HTTPS, beside TTLV over TLS; at the path /kmip without --https
    #[arg(long, value_name = "HOST:PORT")]
    pub https_listen: Option<String>,
    /// Offer a status page by HTTP at this address, or at this port of 127.0.0.1. Whoever can connect
    /// to it sees all objects, but no key.
    #[arg(long, value_name = "[HOST:]PORT")]
    pub admin: Option<String>,
    /// Results to show on the status page: what `kmip conformance run --json` has printed
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub conformance: Option<PathBuf>,
    /// File with the key that opens the store, as 64 hexadecimal digits; readable by its owner alone
    /// (or the digits in the environment as KMIP_MASTER_KEY)
    #[arg(long, value_name = "FILE", conflicts_with = "master_pass_phrase")]
    pub master_key: Option<PathBuf>,
    /// File with a pass phrase in place of a master key (or KMIP_MASTER_PASS_PHRASE)
    #[arg(long, value_name = "FILE")]
    pub master_pass_phrase: Option<PathBuf>,
    /// Change the master key of the store to that in this file, seal everything anew, and end
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub rotate_master_key: Option<PathBuf>,
    /// Append a JSON object to this file for each operation; SIGHUP opens it anew
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Print all messages to the standard error output, without their secrets
    #[arg(long)]
    pub log_messages: bool,
    /// Give clients certificates with which they can connect when they ask for it (Re-Provision)
    #[arg(long)]
    pub provision: bool,
    /// Oldest protocol version to speak
    #[arg(long, value_name = "VERSION")]
    #[serde(deserialize_with = "from_text")]
    pub min_version: Option<ProtocolVersion>,
    /// Newest protocol version to speak
    #[arg(long, value_name = "VERSION")]
    #[serde(deserialize_with = "from_text")]
    pub max_version: Option<ProtocolVersion>,
    /// Vendor identification that Query shows
    #[arg(long, value_name = "TEXT")]
    pub vendor: Option<String>,
    /// Pass for the server of a vendor, for tests of clients: gklm, vault or pykmip
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "from_text")]
    pub personality: Option<Personality>,
    /// Make a mistake, for tests of clients: drop, delay=MS, one-byte-records, reorder-fields or
    /// unknown-enumeration; with commas also operation=NAME, probability=P and count=N
    #[arg(long, value_name = "FAULT[,CONDITION...]")]
    #[serde(deserialize_with = "list_from_text")]
    pub fault: Vec<Fault>,
    /// File with `NAME:PASSWORD` lines, where the password may be a hash; who is not in it is refused
    #[arg(long, value_name = "FILE")]
    #[serde(rename = "users-file")]
    pub users: Option<PathBuf>,
    /// Make the hash of a password, which is read from the standard input, and end
    #[arg(long)]
    #[serde(skip)]
    pub hash_password: bool,
    /// File or directory with operation policies in JSON, as PyKMIP has them
    #[arg(long, value_name = "PATH")]
    pub policies: Option<PathBuf>,
    /// Let several objects of a client have the same name
    #[arg(long)]
    pub allow_duplicate_names: bool,
    /// Wrap the bare key if the request has no Encoding Option, as KMIP 1.0 and 1.1 clients of zkey
    /// expect, although the specification wants the encoded Key Value
    #[arg(long)]
    pub wrap_without_encoding: bool,
    /// Lease time in seconds; without it there are no leases
    #[arg(long, value_name = "SECONDS")]
    pub lease_time: Option<u32>,
    /// What only configuration files have.
    #[arg(skip)]
    #[serde(skip)]
    pub file: FileOptions,
}

/// What can be set in configuration files only.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct FileOptions {
    /// Limits of connections.
    pub limits: Limits,
    /// Users by their names.
    pub users: BTreeMap<String, FileUser>,
    /// Cipher suites and versions of TLS.
    pub tls: FileTls,
    /// Clients that are told what happens with their objects.
    pub notices: Vec<FileNotice>,
    /// Whether certificates must have the Extended Key Usage clientAuth.
    pub demand_client_usage: bool,
    /// Whether clients that give no name are let in by their certificate, although there are users.
    pub login_is_optional: bool,
}

/// Limits of connections.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections there may be.
    pub connections: Option<usize>,
    /// Longest request in bytes.
    pub message_size: Option<usize>,
    /// Seconds for a TLS handshake.
    pub handshake_seconds: Option<u64>,
    /// Seconds between requests, after which a connection is closed.
    pub idle_seconds: Option<u64>,
    /// Seconds for a request to arrive, and for the response to be taken.
    pub request_seconds: Option<u64>,
}

/// A user.
#[derive(Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct FileUser {
    /// The password in clear.
    pub password: Option<String>,
    /// The hash of the password.
    pub password_hash: Option<String>,
    /// Passwords that are good for once each.
    pub one_time_passwords: Vec<String>,
    /// Groups, for operation policies.
    pub groups: Vec<String>,
}

impl std::fmt::Debug for FileUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileUser")
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

/// A client that listens, and is sent Put and Notify.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct FileNotice {
    /// Where it listens, with TLS.
    pub listener: String,
    /// The certificate of the client whose objects it is told about, in a PEM file.
    pub certificate: Option<PathBuf>,
    /// The user whose objects it is told about.
    pub user: Option<String>,
    /// The CAs of the listener; without any, those of clients.
    pub ca: Vec<PathBuf>,
    /// Certificate with which the server connects, in a PEM file; without one, that with which it
    /// listens, which must be good for clients then.
    pub cert: Option<PathBuf>,
    /// The private key of that.
    pub key: Option<PathBuf>,
}

/// TLS.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct FileTls {
    /// Cipher suites of TLS 1.2, as OpenSSL writes them.
    pub ciphers: Option<String>,
    /// Cipher suites of TLS 1.3, separated by colons.
    pub suites: Option<String>,
    /// Whether TLS 1.3 and later are not spoken.
    pub only_1_2: bool,
}

impl Options {
    /// Takes what the command line does not say from a configuration file.
    pub(super) fn fill(&mut self, file: Options) {
        macro_rules! fill {
            ($($name:ident),*) => { $(self.$name = self.$name.take().or(file.$name);)* };
        }
        fill!(
            listen,
            cert,
            key,
            store,
            https,
            https_listen,
            admin,
            conformance,
            audit,
            min_version,
            max_version,
            vendor,
            personality,
            users,
            policies,
            lease_time
        );
        // A key on the command line replaces a pass phrase in the file.
        if self.master_key.is_none() && self.master_pass_phrase.is_none() {
            self.master_key = file.master_key;
            self.master_pass_phrase = file.master_pass_phrase;
        }
        if self.client_ca.is_empty() {
            self.client_ca = file.client_ca;
        }
        if self.client_crl.is_empty() {
            self.client_crl = file.client_crl;
        }
        self.fault.extend(file.fault);
        self.log_messages |= file.log_messages;
        self.provision |= file.provision;
        self.allow_duplicate_names |= file.allow_duplicate_names;
        self.wrap_without_encoding |= file.wrap_without_encoding;
        self.file = file.file;
    }

    /// Makes relative paths, which are relative to the file that they stand in, usable.
    pub(super) fn resolve(&mut self, directory: &Path) {
        let paths = [
            &mut self.cert,
            &mut self.key,
            &mut self.conformance,
            &mut self.master_key,
            &mut self.master_pass_phrase,
            &mut self.audit,
            &mut self.users,
            &mut self.policies,
        ];
        let of_notices = self.file.notices.iter_mut();
        let of_notices = of_notices.flat_map(|notice| {
            let others = [&mut notice.certificate, &mut notice.cert, &mut notice.key];
            notice.ca.iter_mut().chain(others.into_iter().flatten())
        });
        let of_clients = self.client_ca.iter_mut().chain(&mut self.client_crl);
        let lists = of_clients.chain(of_notices);
        for path in paths.into_iter().flatten().chain(lists) {
            *path = directory.join(&*path);
        }
        let is_file = |store: &&mut PathBuf| {
            store.as_path() != Path::new("memory") && !super::storage::is_shared(store)
        };
        if let Some(store) = self.store.as_mut().filter(is_file) {
            *store = directory.join(&*store);
        }
    }

    /// The operation policies, if there are any.
    pub(super) fn read_policies(&self) -> Result<Policies, crate::policy::PolicyError> {
        match &self.policies {
            Some(path) => Policies::read(path),
            None => Ok(Policies::default()),
        }
    }
}

fn from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

fn list_from_text<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    let values = texts.iter().map(|text| text.parse());
    let values: Result<Vec<T>, _> = values.collect();
    values.map_err(serde::de::Error::custom)
}
