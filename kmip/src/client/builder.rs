//! How a client is set up.

use std::fmt;

use crate::Encoding;
use crate::transport::tls::{ClientTls, TlsConnector};
use crate::transport::{
    self, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, ServerAddress, Stream, TcpStream, Timeouts,
};
use crate::types::{
    Authentication, Credential, CredentialType, CredentialValue, ProtocolVersion, SecretText,
    UsernameAndPasswordCredential,
};

use super::blocking::Client;
use super::error::{Error, Problem};

/// Makes streams to servers. What [`ClientBuilder::tls`] and [`ClientBuilder::without_tls`] do
/// not cover can be done by an implementation of one's own.
pub trait Connect: Send {
    /// A new stream to `server`, authenticated as far as need be.
    ///
    /// # Errors
    /// If the server cannot be reached in time or is not trusted.
    fn connect(
        &mut self,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<Box<dyn Stream>, transport::Error>;
}

impl<F> Connect for F
where
    F: FnMut(&ServerAddress, Deadline) -> Result<Box<dyn Stream>, transport::Error> + Send,
{
    fn connect(
        &mut self,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<Box<dyn Stream>, transport::Error> {
        self(server, deadline)
    }
}

/// The settings of a [`Client`].
pub struct ClientBuilder {
    pub(super) servers: Vec<ServerAddress>,
    tls: ClientTls,
    connect: Option<Box<dyn Connect>>,
    pub(super) http: Option<(String, Encoding)>,
    pub(super) sends_charset: bool,
    pub(super) timeouts: Timeouts,
    pub(super) maximum_message_size: usize,
    pub(super) oldest: ProtocolVersion,
    pub(super) newest: ProtocolVersion,
    pub(super) negotiate: bool,
    pub(super) authentication: Option<Authentication<'static>>,
    pub(super) maximum_response_size: Option<i32>,
    pub(super) observe: Option<Observe>,
}

/// See [`ClientBuilder::on_message`].
pub(super) type Observe = Box<dyn FnMut(Message<'_>) + Send>;

/// A message on its way. Debug does not show its bytes.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Message<'m> {
    /// The server, as shown to people.
    pub server: &'m str,
    /// Whether it is a request, else it is a response.
    pub is_request: bool,
    /// The message as it is encoded.
    pub bytes: &'m [u8],
}

impl ClientBuilder {
    pub(super) fn new(server: ServerAddress) -> Self {
        ClientBuilder {
            servers: vec![server],
            tls: ClientTls::new(),
            connect: None,
            http: None,
            sends_charset: false,
            timeouts: Timeouts::default(),
            maximum_message_size: DEFAULT_MAXIMUM_MESSAGE_SIZE,
            oldest: ProtocolVersion::V1_0,
            newest: ProtocolVersion::LATEST,
            negotiate: true,
            authentication: None,
            maximum_response_size: None,
            observe: None,
        }
    }

    /// A further server of the same cluster, used when those before it cannot be reached.
    #[must_use]
    pub fn fallback_server(mut self, server: ServerAddress) -> Self {
        self.servers.push(server);
        self
    }

    /// How TLS is done.
    #[must_use]
    pub fn tls(mut self, options: ClientTls) -> Self {
        self.tls = options;
        self
    }

    /// Posts messages in `encoding` to `path` on the server, by default
    /// [`DEFAULT_PATH`](transport::DEFAULT_PATH), as HTTP in TLS (HTTPS).
    #[must_use]
    pub fn https(mut self, path: impl Into<String>, encoding: Encoding) -> Self {
        self.http = Some((path.into(), encoding));
        self
    }

    /// Names the character set in the Content-Type of requests over HTTPS, which some servers
    /// demand and others refuse. By default it is left out. A client whose choice is refused (HTTP
    /// status 406, 415 or 422) tries the other one.
    #[must_use]
    pub fn sends_charset(mut self, sends: bool) -> Self {
        self.sends_charset = sends;
        self
    }

    /// Sends everything, keys included, in clear over TCP. For tests and tunnels.
    #[must_use]
    pub fn without_tls(self) -> Self {
        self.connect_with(|server: &ServerAddress, deadline: Deadline| {
            Ok(Box::new(TcpStream::connect(server, deadline)?) as Box<dyn Stream>)
        })
    }

    /// Another way to reach the server.
    #[must_use]
    pub fn connect_with(mut self, connect: impl Connect + 'static) -> Self {
        self.connect = Some(Box::new(connect));
        self
    }

    /// How long to wait for what.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The longest response that is accepted, in bytes.
    #[must_use]
    pub fn maximum_message_size(mut self, bytes: usize) -> Self {
        self.maximum_message_size = bytes;
        self
    }

    /// Tells the server how long responses may be (Maximum Response Size), in bytes. By default
    /// nothing is said.
    #[must_use]
    pub fn maximum_response_size(mut self, bytes: i32) -> Self {
        self.maximum_response_size = Some(bytes);
        self
    }

    /// Speaks this version and does not negotiate.
    #[must_use]
    pub fn version(mut self, version: ProtocolVersion) -> Self {
        (self.oldest, self.newest, self.negotiate) = (version, version, false);
        self
    }

    /// Negotiates one of the versions from `oldest` to `newest`. By default all that the library
    /// knows are acceptable.
    #[must_use]
    pub fn versions(mut self, oldest: ProtocolVersion, newest: ProtocolVersion) -> Self {
        (self.oldest, self.newest, self.negotiate) = (oldest, newest, true);
        self
    }

    /// Sends a credential with each request, in addition to those given before.
    #[must_use]
    pub fn credential(mut self, credential: Credential<'static>) -> Self {
        self.authentication
            .get_or_insert_default()
            .credential
            .push(credential);
        self
    }

    /// Sends a user name and a password with each request.
    #[must_use]
    pub fn username_and_password(self, username: &str, password: &str) -> Self {
        self.credential(Credential {
            credential_type: CredentialType::USERNAME_AND_PASSWORD,
            credential_value: CredentialValue::UsernameAndPassword(UsernameAndPasswordCredential {
                username: username.to_owned().into(),
                password: Some(SecretText::owned(password.to_owned())),
                ..UsernameAndPasswordCredential::default()
            }),
            ..Credential::default()
        })
    }

    /// Calls `observe` with each message as it is sent or received, for logs and for tickets to
    /// the server's vendor. Messages may contain keys in clear.
    #[must_use]
    pub fn on_message(mut self, observe: impl FnMut(Message<'_>) + Send + 'static) -> Self {
        self.observe = Some(Box::new(observe));
        self
    }

    /// Connects to the server and negotiates the version.
    ///
    /// # Errors
    /// If the TLS options are wrong, no server can be reached and trusted, or there is no common
    /// version.
    pub fn connect(mut self) -> Result<Client, Error> {
        let connect = match self.connect.take() {
            Some(connect) => connect,
            None => Box::new(self.tls_connect()?),
        };
        Client::start(self, connect)
    }

    fn tls_connect(&self) -> Result<TlsConnect, Error> {
        match TlsConnector::new(self.tls.clone()) {
            Ok(connector) => Ok(TlsConnect(connector)),
            Err(error) => {
                let server = self.servers[0].to_string();
                Err(Error::new(server, None, Problem::Tls(error)))
            }
        }
    }
}

struct TlsConnect(TlsConnector);

impl Connect for TlsConnect {
    fn connect(
        &mut self,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<Box<dyn Stream>, transport::Error> {
        let stream = TcpStream::connect(server, deadline)?;
        Ok(Box::new(self.0.connect(stream, server, deadline)?))
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("server", &self.server)
            .field("is_request", &self.is_request)
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("servers", &self.servers)
            .field("tls", &self.tls)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
