//! How a client is set up.

use std::fmt;
use std::time::Duration;

use crate::Encoding;
use crate::transport::tls::{ClientTls, TlsConnector};
use crate::transport::{
    DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, ServerAddress, Stream, TcpStream, Timeouts,
};
use crate::types::{AsynchronousIndicator, Authentication, Credential, ProtocolVersion};

#[cfg(feature = "tokio")]
use super::asynchronous::AsyncClient;
use super::attestation::Attest;
use super::blocking::Client;
#[cfg(feature = "tokio")]
use super::connect::asynchronous::{self, AsyncConnect};
use super::connect::{Connect, TlsConnect};
use super::error::{Error, Problem};
use super::observe::Hook;
use super::on_message::{Message, OnMessage};
use super::versions::VersionCache;

/// The settings of a [`Client`].
pub struct ClientBuilder {
    pub(super) servers: Vec<ServerAddress>,
    pub(super) recovery: Duration,
    tls: ClientTls,
    way: Way,
    pub(super) http: Option<(String, Encoding)>,
    pub(super) sends_charset: bool,
    pub(super) sends_numbers: bool,
    pub(super) sends_other_values: bool,
    pub(super) asynchronous: Option<AsynchronousIndicator>,
    pub(super) timeouts: Timeouts,
    pub(super) maximum_message_size: usize,
    pub(super) oldest: ProtocolVersion,
    pub(super) newest: ProtocolVersion,
    pub(super) negotiate: bool,
    pub(super) authentication: Option<Authentication<'static>>,
    pub(super) maximum_response_size: Option<i32>,
    pub(super) client_correlation_value: Option<String>,
    pub(super) maximum_batch_items: usize,
    pub(super) versions: VersionCache,
    pub(super) hooks: Vec<Box<dyn Hook>>,
    pub(super) attest: Option<Box<dyn Attest>>,
}

/// How the server is reached.
enum Way {
    Tls,
    Clear,
    Own(Box<dyn Connect>),
    #[cfg(feature = "tokio")]
    OwnAsync(Box<dyn AsyncConnect>),
}

/// So many items a batch has at most, unless set otherwise; servers have been met that refuse more
/// than a hundred.
const MAXIMUM_BATCH_ITEMS: usize = 50;
/// So long a fallback server is stayed with, unless set otherwise.
const RECOVERY: Duration = Duration::from_secs(60);

impl ClientBuilder {
    pub(super) fn new(server: ServerAddress) -> Self {
        ClientBuilder {
            servers: vec![server],
            recovery: RECOVERY,
            tls: ClientTls::new(),
            way: Way::Tls,
            http: None,
            sends_charset: false,
            sends_numbers: false,
            sends_other_values: false,
            asynchronous: None,
            timeouts: Timeouts::default(),
            maximum_message_size: DEFAULT_MAXIMUM_MESSAGE_SIZE,
            oldest: ProtocolVersion::V1_0,
            newest: ProtocolVersion::LATEST,
            negotiate: true,
            authentication: None,
            maximum_response_size: None,
            client_correlation_value: None,
            maximum_batch_items: MAXIMUM_BATCH_ITEMS,
            versions: VersionCache::new(),
            hooks: Vec::new(),
            attest: None,
        }
    }

    /// A further server of the same cluster, used when those before it cannot be reached.
    #[must_use]
    pub fn fallback_server(mut self, server: ServerAddress) -> Self {
        self.servers.push(server);
        self
    }

    /// How long to stay with a fallback server before those before it are tried again: one minute
    /// unless set otherwise, and up to five for a server that fails each time.
    #[must_use]
    pub fn recover_after(mut self, time: Duration) -> Self {
        self.recovery = time;
        self
    }

    /// How TLS is done.
    #[must_use]
    pub fn tls(mut self, options: ClientTls) -> Self {
        self.tls = options;
        self
    }

    /// Posts messages in `encoding` to `path` on the server, by default
    /// [`DEFAULT_PATH`](crate::transport::DEFAULT_PATH), as HTTP in TLS (HTTPS).
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

    /// Puts numbers instead of names for the values of enumerations and masks into JSON and XML,
    /// for servers that spell names in another way. By default names are sent. A client whose names a
    /// server cannot read (*Invalid Message*) sends the message once more with numbers, and goes on
    /// with them if the server can read those.
    #[must_use]
    pub fn sends_numbers(mut self, sends: bool) -> Self {
        self.sends_numbers = sends;
        self
    }

    /// Sends values of enumerations and masks that the specification does not have in the version that is
    /// spoken, but in others, for servers that know them nevertheless. By default such a request is
    /// refused and not sent. Vendors' values are always sent.
    #[must_use]
    pub fn sends_values_of_other_versions(mut self, sends: bool) -> Self {
        self.sends_other_values = sends;
        self
    }

    /// Says with each request whether the server may do it later, or has to (Asynchronous Indicator;
    /// *Mandatory* since KMIP 2.0). By default nothing is said, which most servers take for *Prohibited*.
    /// Nothing is said with those about what is done later (Poll, Cancel, Process, Query Asynchronous
    /// Requests) nor with logins, which are done at once.
    ///
    /// What the server does later fails with an error that has a
    /// [value to poll for](Error::asynchronous_correlation_value).
    #[must_use]
    pub fn asynchronous(mut self, indicator: AsynchronousIndicator) -> Self {
        self.asynchronous = Some(indicator);
        self
    }

    /// Sends everything, keys included, in clear over TCP. For tests and tunnels.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.way = Way::Clear;
        self
    }

    /// Another way to reach the server.
    #[must_use]
    pub fn connect_with(mut self, connect: impl Connect + 'static) -> Self {
        self.way = Way::Own(Box::new(connect));
        self
    }

    /// Another way to reach the server, for the asynchronous client.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn connect_async_with(mut self, connect: impl AsyncConnect + 'static) -> Self {
        self.way = Way::OwnAsync(Box::new(connect));
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

    /// The most items that [`Client::call_all`] puts into one message: 50 unless set otherwise.
    #[must_use]
    pub fn maximum_batch_items(mut self, items: usize) -> Self {
        self.maximum_batch_items = items;
        self
    }

    /// Names each request to the server (Client Correlation Value, since KMIP 1.4; left out before),
    /// so that the server's log can be searched for it.
    #[must_use]
    pub fn client_correlation_value(mut self, value: impl Into<String>) -> Self {
        self.client_correlation_value = Some(value.into());
        self
    }

    /// Shares with other clients which versions were negotiated with which servers.
    #[must_use]
    pub fn version_cache(mut self, versions: VersionCache) -> Self {
        self.versions = versions;
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
        self.credential(Credential::username_and_password(
            username.to_owned(),
            password.to_owned(),
        ))
    }

    /// Makes attestations when the server demands them; see [`Attest`]. Tells the server that this
    /// is possible (Attestation Capable Indicator, since KMIP 1.2).
    #[must_use]
    pub fn attestation(mut self, attest: impl Attest + 'static) -> Self {
        self.attest = Some(Box::new(attest));
        self
    }

    /// Watches requests and responses, in addition to the hooks given before.
    #[must_use]
    pub fn hook(mut self, hook: impl Hook + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Calls `observe` with each message as it is sent or received, for logs and for tickets to
    /// the server's vendor. Messages may contain keys in clear.
    #[must_use]
    pub fn on_message(self, observe: impl FnMut(Message<'_>) + Send + 'static) -> Self {
        self.hook(OnMessage(observe))
    }

    /// Connects to the server and negotiates the version.
    ///
    /// # Errors
    /// If the TLS options are wrong, no server can be reached and trusted, or there is no common
    /// version.
    pub fn connect(mut self) -> Result<Client, Error> {
        let connect: Box<dyn Connect> = match std::mem::replace(&mut self.way, Way::Tls) {
            Way::Tls => Box::new(TlsConnect(self.tls_connector()?)),
            Way::Clear => Box::new(|server: &ServerAddress, deadline: Deadline| {
                Ok(Box::new(TcpStream::connect(server, deadline)?) as Box<dyn Stream>)
            }),
            Way::Own(connect) => connect,
            #[cfg(feature = "tokio")]
            Way::OwnAsync(_) => return Err(self.error(Problem::OtherKind("asynchronous"))),
        };
        Client::start(self, connect)
    }

    /// Connects to the server and negotiates the version, without blocking.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    #[cfg(feature = "tokio")]
    pub async fn connect_async(mut self) -> Result<AsyncClient, Error> {
        let connect: Box<dyn AsyncConnect> = match std::mem::replace(&mut self.way, Way::Tls) {
            Way::Tls => Box::new(asynchronous::Tls(self.tls_connector()?)),
            Way::Clear => Box::new(asynchronous::Clear),
            Way::Own(_) => return Err(self.error(Problem::OtherKind("blocking"))),
            Way::OwnAsync(connect) => connect,
        };
        AsyncClient::start(self, connect).await
    }

    fn tls_connector(&self) -> Result<TlsConnector, Error> {
        TlsConnector::new(self.tls.clone()).map_err(|error| self.error(Problem::Tls(error)))
    }

    fn error(&self, problem: Problem) -> Error {
        Error::new(self.servers[0].to_string(), None, problem)
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
