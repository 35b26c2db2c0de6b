//! A key server for the tests of other programs: in this process, on a free port of the loopback
//! interface, with certificates of its own.
//!
//! ```
//! use kmip::client::NewKey;
//! use kmip_server::testing::Server;
//!
//! let server = Server::start();
//! let mut client = server.client().connect()?;
//! let key = client.create(NewKey::aes(256).name("disk"))?;
//! client.activate(&key)?;
//! # Ok::<(), kmip::client::Error>(())
//! ```
//!
//! Clients that are not written in Rust, or are programs of their own, take the certificates from
//! files:
//!
//! ```
//! use kmip_server::testing::{Personality, Server};
//!
//! let server = Server::builder()
//!     .personality(Personality::PyKmip)
//!     .fault("delay=20,operation=Get")
//!     .start();
//! let directory = tempfile::tempdir()?;
//! let files = server.write_certificates(directory.path())?;
//! println!("{} {}", server.address(), files.ca.display());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Everything here panics where it fails, as tests do.

mod authority;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kmip::client::{Client, ClientBuilder};
use kmip::server::{Engine, ServeOptions};
use kmip::transport::ServerAddress;
use kmip::transport::tls::{ClientTls, ServerTls, TlsAcceptor};
use kmip::types::ProtocolVersion;

pub use crate::interfere::{Fault, Personality};
pub use authority::Authority;

use crate::configuration::Configuration;
use crate::interfere::Interference;
use crate::server::KeyServer;
use crate::store::{MemoryStore, Store};

/// Name of the client that is not called otherwise.
const CLIENT: &str = "client";

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    server: kmip::server::Server,
    authority: Authority,
}

impl Server {
    /// Starts a server with the default settings and an empty store in memory.
    ///
    /// # Panics
    /// If that does not work.
    pub fn start() -> Self {
        Server::builder().start()
    }

    /// A server with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The authority whose clients are let in, and that has issued the server's own certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Settings of a client that connects to this server. Two of them are the same client.
    ///
    /// # Panics
    /// If no certificate can be made.
    pub fn client(&self) -> ClientBuilder {
        self.client_named(CLIENT)
    }

    /// As [`client`](Self::client), with a certificate for this name. Clients with different names
    /// do not see each other's objects.
    ///
    /// # Panics
    /// If no certificate can be made.
    pub fn client_named(&self, name: &str) -> ClientBuilder {
        let address: ServerAddress = self.address().to_string().parse().expect("an address");
        Client::builder(address).tls(self.client_tls(name))
    }

    /// TLS of a client with this name.
    ///
    /// # Panics
    /// If no certificate can be made.
    pub fn client_tls(&self, name: &str) -> ClientTls {
        ClientTls::new()
            .ca_certificate(self.authority.certificate().to_owned())
            .identity(self.authority.client(name))
    }

    /// Writes what a client needs into a directory, the private key readable by its owner alone.
    ///
    /// # Errors
    /// If a file cannot be written.
    ///
    /// # Panics
    /// If no certificate can be made.
    pub fn write_certificates(&self, directory: &Path) -> io::Result<Files> {
        self.authority
            .write(directory, &self.authority.client(CLIENT))
    }
}

/// Certificates in PEM files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Files {
    /// The authority of the server.
    pub ca: PathBuf,
    /// Certificate of the client.
    pub certificate: PathBuf,
    /// Private key of the client.
    pub key: PathBuf,
}

/// Settings of a [`Server`].
#[must_use]
pub struct Builder {
    configuration: Configuration,
    store: Arc<dyn Store>,
    serve: ServeOptions,
    interference: Interference,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            configuration: Configuration {
                report: Arc::new(|error| eprintln!("the server reports: {error}")),
                ..Configuration::default()
            },
            store: Arc::new(MemoryStore::new()),
            serve: ServeOptions::default(),
            interference: Interference::default(),
        }
    }
}

impl Builder {
    /// The protocol versions that are spoken, from one to another.
    pub fn versions(self, oldest: ProtocolVersion, newest: ProtocolVersion) -> Self {
        self.configure(|configuration| {
            let spoken = |version: &ProtocolVersion| (oldest..=newest).contains(version);
            configuration.versions = ProtocolVersion::ALL.into_iter().filter(spoken).collect();
        })
    }

    /// Where the objects are kept.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Passes for the server of a vendor.
    pub fn personality(mut self, personality: Personality) -> Self {
        self.interference.personality = Some(personality);
        self.configure(|configuration| {
            configuration.personality = Some(personality);
            personality.configure(configuration);
        })
    }

    /// Makes a mistake, in the notation of [`Fault`]. There can be several.
    ///
    /// # Panics
    /// If there is no such fault.
    pub fn fault(mut self, fault: &str) -> Self {
        let fault = fault.parse();
        let fault = fault.unwrap_or_else(|error| panic!("{error}"));
        self.interference.faults.push(fault);
        self
    }

    /// KMIP over HTTPS at this path, in all encodings, instead of TTLV over TLS.
    pub fn https(mut self, path: &str) -> Self {
        self.serve = self.serve.https(path);
        self
    }

    /// Limits of connections.
    pub fn limits(mut self, change: impl FnOnce(ServeOptions) -> ServeOptions) -> Self {
        self.serve = change(self.serve);
        self
    }

    /// Any other setting.
    pub fn configure(mut self, change: impl FnOnce(&mut Configuration)) -> Self {
        change(&mut self.configuration);
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    /// If that does not work.
    pub fn start(self) -> Server {
        let authority = Authority::new();
        let protocol = self.interference.personality.map(Personality::protocol);
        let tls = ServerTls::new(authority.server())
            .client_ca(authority.certificate().to_owned())
            .protocol(protocol.unwrap_or_default());
        let acceptor = TlsAcceptor::new(tls).expect("TLS of the server");
        let mut serve = self.serve;
        let interference = Arc::new(self.interference);
        if interference.is_needed() {
            serve = serve.on_exchange(move |exchange| interference.apply(exchange));
        }
        let engine = Arc::new(Engine::new(KeyServer::new(self.configuration, self.store)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let server = kmip::server::serve(listener, acceptor, engine, serve);
        Server {
            server: server.expect("a server"),
            authority,
        }
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("configuration", &self.configuration)
            .field("interference", &self.interference)
            .finish_non_exhaustive()
    }
}
