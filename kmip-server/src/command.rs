//! The server as a command: its options, and running it until a signal comes.

use std::error::Error;
use std::io::Write;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use kmip::ProtocolVersion;
use kmip::server::ServeOptions;
use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip::types::{EncodingOption, Interval, SecretText};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::configuration::{Configuration, User};
use crate::server::{KeyServer, serve};
use crate::store::{MemoryStore, SqliteStore, Store};

/// How long requests that have arrived may take after a signal to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Options of the server.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Where to listen; with port 0, the system chooses a port, which the ready line shows
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5696")]
    pub listen: String,
    /// PEM file with the certificate of the server, and those of its CAs
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// PEM file with the private key of the server
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// PEM file with the CAs whose clients are accepted, or with certificates of clients
    #[arg(long, value_name = "FILE", required = true)]
    pub client_ca: Vec<PathBuf>,
    /// Where the keys are kept: `memory`, a SQLite file, or a PostgreSQL database, which several
    /// servers can share (`postgres://USER@HOST/DATABASE`; password in PGPASSWORD)
    #[arg(long, value_name = "memory|FILE|URL", default_value = "memory")]
    pub store: PathBuf,
    /// File to write the address to once the server is ready
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Offer KMIP over HTTPS at this path, in TTLV, JSON and XML, instead of TTLV over TLS
    #[arg(long, value_name = "PATH")]
    pub https: Option<String>,
    /// Oldest protocol version to speak
    #[arg(long, value_name = "VERSION", default_value_t = ProtocolVersion::V1_0)]
    pub min_version: ProtocolVersion,
    /// Newest protocol version to speak
    #[arg(long, value_name = "VERSION", default_value_t = ProtocolVersion::LATEST)]
    pub max_version: ProtocolVersion,
    /// Vendor identification that Query shows
    #[arg(long, value_name = "TEXT")]
    pub vendor: Option<String>,
    /// File with `NAME:PASSWORD` lines; who is not in it is refused
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
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
}

/// What keeps the server from running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A file cannot be read or written.
    #[error("{path}: cannot access the file")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line in the file of users is not `NAME:PASSWORD`.
    #[error("{path}, line {line}: write NAME:PASSWORD")]
    Users {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// The file of users has none, which must not mean that everybody may log in.
    #[error(
        "{path}: there are no users in it; leave out '--users' to let in whoever has a certificate"
    )]
    NoUsers {
        /// The file.
        path: PathBuf,
    },
    /// No version lies between the oldest and the newest.
    #[error("there is no protocol version from {0} to {1}")]
    Versions(ProtocolVersion, ProtocolVersion),
    /// The address cannot be listened on.
    #[error("{address}: cannot listen")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Certificates or keys are wrong.
    #[error("TLS cannot be set up")]
    Tls(#[from] kmip::transport::tls::Error),
    /// The store does not work.
    #[error("the keys cannot be accessed")]
    Store(#[from] crate::StoreError),
    /// The program cannot use a database.
    #[error("this program was built without the feature `postgres`, which the store needs")]
    NoPostgres,
    /// Signals cannot be caught.
    #[error("signals cannot be caught")]
    Signals(#[source] io::Error),
}

/// Runs a server until SIGTERM or SIGINT comes. Prints `ready HOST:PORT` once clients can connect.
///
/// # Errors
/// If the server cannot be started.
pub fn run(options: &Options) -> Result<(), CommandError> {
    // Before the server runs, so that an early signal is not lost.
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(CommandError::Signals)?;
    let configuration = configuration(options)?;
    let store = open_store(&options.store)?;
    let identity = Identity::from_pem_files(&options.cert, &options.key, None)?;
    let mut tls = ServerTls::new(identity);
    for path in &options.client_ca {
        tls = tls.client_ca_file(path);
    }
    let acceptor = TlsAcceptor::new(tls)?;
    let listening = |source| CommandError::Listen {
        address: options.listen.clone(),
        source,
    };
    let addresses = options.listen.to_socket_addrs().map_err(listening)?;
    let listener = TcpListener::bind(&addresses.collect::<Vec<_>>()[..]).map_err(listening)?;
    let server = KeyServer::new(configuration, store);
    let on_error = |error: &kmip::transport::Error| eprintln!("kmip-server: {}", chain(error));
    let mut serve_options = ServeOptions::default().on_error(on_error);
    if let Some(path) = &options.https {
        serve_options = serve_options.https(path.as_str());
    }
    let server = serve(listener, acceptor, server, serve_options).map_err(listening)?;
    announce(&server.address().to_string(), options.ready_file.as_deref())?;
    signals.forever().next();
    server.shutdown(GRACE);
    Ok(())
}

fn configuration(options: &Options) -> Result<Configuration, CommandError> {
    let (oldest, newest) = (options.min_version, options.max_version);
    let versions: Vec<_> = ProtocolVersion::ALL
        .into_iter()
        .filter(|version| (oldest..=newest).contains(version))
        .collect();
    if versions.is_empty() {
        return Err(CommandError::Versions(oldest, newest));
    }
    let mut configuration = Configuration {
        versions,
        unique_names: !options.allow_duplicate_names,
        lease_time: options.lease_time.map(Interval),
        report: Arc::new(|error| eprintln!("kmip-server: {}", chain(error))),
        ..Configuration::default()
    };
    if options.wrap_without_encoding {
        configuration.default_encoding_option = EncodingOption::NO_ENCODING;
    }
    if let Some(vendor) = &options.vendor {
        configuration.vendor_identification.clone_from(vendor);
    }
    if let Some(path) = &options.users {
        let text = fs::read_to_string(path).map_err(|source| CommandError::File {
            path: path.clone(),
            source,
        })?;
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, password) = line.split_once(':').ok_or_else(|| CommandError::Users {
                path: path.clone(),
                line: number + 1,
            })?;
            let password = SecretText::owned(password.to_owned());
            let users = &mut configuration.users;
            users.insert(name.to_owned(), User::new(password));
        }
        if configuration.users.is_empty() {
            return Err(CommandError::NoUsers { path: path.clone() });
        }
    }
    Ok(configuration)
}

fn open_store(place: &Path) -> Result<Arc<dyn Store>, CommandError> {
    let text = place.to_str().unwrap_or_default();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return shared_store(text);
    }
    Ok(match text == "memory" {
        true => Arc::new(MemoryStore::new()),
        false => Arc::new(SqliteStore::open(place)?),
    })
}

#[cfg(feature = "postgres")]
fn shared_store(address: &str) -> Result<Arc<dyn Store>, CommandError> {
    Ok(Arc::new(crate::PostgresStore::open(address)?))
}

#[cfg(not(feature = "postgres"))]
fn shared_store(_: &str) -> Result<Arc<dyn Store>, CommandError> {
    Err(CommandError::NoPostgres)
}

/// Tells whoever waits that clients can connect, and where.
fn announce(address: &str, ready_file: Option<&Path>) -> Result<(), CommandError> {
    if let Some(path) = ready_file {
        let temporary = path.with_extension("tmp");
        // Renamed, so that it is complete as soon as it is there.
        replace_new(&temporary, format!("{address}\n").as_bytes())
            .and_then(|()| fs::rename(&temporary, path))
            .map_err(|source| CommandError::File {
                path: path.to_owned(),
                source,
            })?;
    }
    // Nobody may be reading it.
    let _ = writeln!(io::stdout(), "ready {address}").and_then(|()| io::stdout().flush());
    Ok(())
}

/// Writes a file that is made anew: nothing that bears the name already, such as a link that somebody
/// else has put there, is written to.
fn replace_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::File::create_new(path)?.write_all(content)
}

/// An error with its causes.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
