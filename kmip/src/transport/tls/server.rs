//! The server's side of a handshake.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use openssl::ex_data::Index;
use openssl::ssl::{
    ClientHelloResponse, Ssl, SslContext, SslMethod, SslOptions, SslRef, SslSessionCacheMode,
    SslStream, SslVerifyMode,
};
use openssl::stack::Stack;
use openssl::x509::{X509, X509Name};

use super::ahead::ReadAhead;
use super::error::{Error, HandshakeError};
use super::renewal::{RenewedContext, Report};
use super::stream::{self, Failure};
use super::trust::{self, Trust};
use super::verify::{Findings, Policy};
use super::{Identity, Protocol, TlsStream};
use crate::transport::error::{Cause, Error as TransportError, Phase, Timeout};
use crate::transport::{Deadline, IoLimits, Stream};

/// Whether clients have to show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClientAuthentication {
    /// They are not asked for one.
    None,
    /// They may show one; one that is not trusted is refused.
    Optional,
    /// They must show one.
    #[default]
    Required,
}

/// What a server demands of TLS and shows to clients.
#[derive(Clone, Debug)]
pub struct ServerTls {
    identity: Identity,
    protocol: Protocol,
    client_authentication: ClientAuthentication,
    client_trust: Vec<Trust>,
    client_crl_files: Vec<PathBuf>,
    on_client_crl_renewal: Reporter,
}

#[derive(Clone, Default)]
struct Reporter(Option<Arc<Report>>);

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Some(..)",
            None => "None",
        })
    }
}

impl ServerTls {
    /// A server that demands client certificates. None are trusted until CAs are named.
    pub fn new(identity: Identity) -> Self {
        ServerTls {
            identity,
            protocol: Protocol::default(),
            client_authentication: ClientAuthentication::default(),
            client_trust: Vec::new(),
            client_crl_files: Vec::new(),
            on_client_crl_renewal: Reporter::default(),
        }
    }

    /// Other protocol versions or cipher suites.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Whether clients have to show a certificate.
    #[must_use]
    pub fn client_authentication(mut self, demand: ClientAuthentication) -> Self {
        self.client_authentication = demand;
        self
    }

    /// Accepts client certificates of the CAs of a PEM file, and any certificate in it itself.
    #[must_use]
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_trust.push(Trust::File(path.into()));
        self
    }

    /// Accepts client certificates of this CA, or this very certificate.
    #[must_use]
    pub fn client_ca(mut self, certificate: X509) -> Self {
        self.client_trust.push(Trust::Certificate(certificate));
        self
    }

    /// Refuses client certificates that the lists of a PEM file name as revoked (RFC 5280, section 5). It
    /// has to hold a current list of each CA between a client and the one that is trusted, this one
    /// included; without one, none of its clients is accepted.
    ///
    /// Each handshake looks whether a file of lists has changed or has been replaced, and then all of them
    /// are read anew: renewed lists hold from the next handshake on, without a restart. Meanwhile other
    /// handshakes go on with the previous lists. These also stay where one of the files is gone, cannot be
    /// read or holds no list, until it can be taken: see
    /// [`on_client_crl_renewal`](Self::on_client_crl_renewal). A file is best replaced by renaming.
    ///
    /// A client that is connected already stays so. Sessions are not resumed, so that it is checked when it
    /// comes again.
    #[must_use]
    pub fn client_crl_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_crl_files.push(path.into());
        self
    }

    /// Called when renewed lists of [`client_crl_file`](Self::client_crl_file) hold from now on, or with why
    /// the previous ones still do. A failure is told once for each change of a file; it is tried again
    /// after a while all the same. The handshake that has found it out waits for it.
    #[must_use]
    pub fn on_client_crl_renewal(
        mut self,
        report: impl Fn(Result<(), &Error>) + Send + Sync + 'static,
    ) -> Self {
        self.on_client_crl_renewal = Reporter(Some(Arc::new(report)));
        self
    }

    /// What all handshakes have in common. Only the revocation lists are read.
    fn context(&self) -> Result<SslContext, Error> {
        let failed = Error::openssl;
        let mut context = SslContext::builder(SslMethod::tls_server())
            .map_err(failed("make a server context"))?;
        self.protocol.apply(&mut context)?;
        self.identity.install(&mut context)?;
        // Without it, OpenSSL refuses clients that resume a session in which they were authenticated.
        context
            .set_session_id_context(b"kmip")
            .map_err(failed("set the session context"))?;
        context.set_client_hello_callback(|ssl, _| {
            note_offer(ssl);
            Ok(ClientHelloResponse::SUCCESS)
        });
        if !self.client_crl_files.is_empty() {
            // Whoever resumes a session is checked against no list, not even after it has run out.
            context.set_options(SslOptions::NO_TICKET);
            context.set_session_cache_mode(SslSessionCacheMode::OFF);
            context
                .set_num_tickets(0)
                .map_err(failed("give no session tickets"))?;
        }
        let store = trust::store(&self.client_trust, &self.client_crl_files)?;
        let mut names = Stack::<X509Name>::new().map_err(failed("list the client CAs"))?;
        for certificate in store.all_certificates() {
            let name = certificate.subject_name().to_owned();
            names
                .push(name.map_err(failed("list the client CAs"))?)
                .map_err(failed("list the client CAs"))?;
        }
        context.set_client_ca_list(names);
        context.set_cert_store(store);
        Ok(context.build())
    }
}

/// Answers TLS handshakes as [`ServerTls`] says. Cheap to clone.
#[derive(Clone)]
pub struct TlsAcceptor {
    context: Arc<RenewedContext<MakeContext>>,
    on_client_crl_renewal: Reporter,
    client_authentication: ClientAuthentication,
    trusted: String,
    offered: String,
}

type MakeContext = Box<dyn Fn() -> Result<SslContext, Error> + Send + Sync>;

impl TlsAcceptor {
    /// Reads the files that `options` name.
    ///
    /// # Errors
    /// If a file is wrong or OpenSSL does not accept an option.
    pub fn new(mut options: ServerTls) -> Result<Self, Error> {
        let trusted = trust::describe(&options.client_trust);
        let offered = options.protocol.describe_versions();
        let client_authentication = options.client_authentication;
        let on_client_crl_renewal = std::mem::take(&mut options.on_client_crl_renewal);
        // So that renewed lists change nothing else.
        options.client_trust = trust::read(options.client_trust)?;
        let crl_files = options.client_crl_files.clone();
        let make: MakeContext = Box::new(move || options.context());
        Ok(TlsAcceptor {
            context: Arc::new(RenewedContext::new(crl_files, make)?),
            on_client_crl_renewal,
            client_authentication,
            trusted,
            offered,
        })
    }

    /// Negotiates TLS with the client `peer` (as shown to people) over `stream`.
    ///
    /// # Errors
    /// If the client does not finish in time, if the peers cannot agree, or if the client's
    /// certificate is missing or not accepted.
    pub fn accept<S: Stream>(
        &self,
        mut stream: S,
        peer: &str,
        deadline: Deadline,
    ) -> Result<TlsStream<S>, TransportError> {
        let failed = |cause| TransportError::new(peer, Phase::Handshake, cause);
        let limit = deadline.remaining();
        stream.set_limits(IoLimits {
            deadline,
            ..IoLimits::NONE
        });
        let context = self
            .context
            .current(self.on_client_crl_renewal.0.as_deref());
        let ssl = Ssl::new(&context).map_err(Error::openssl("make a connection"));
        let mut ssl = ssl.map_err(|error| failed(error.into()))?;
        let findings = self.watch(&mut ssl);
        let stream = SslStream::new(ssl, ReadAhead::new(stream))
            .map_err(Error::openssl("make a connection"));
        let mut stream = stream.map_err(|error| failed(error.into()))?;
        let Err(error) = stream.accept() else {
            return Ok(TlsStream::new(stream, None));
        };
        Err(failed(match findings.take().errors.into_iter().next() {
            Some(error) => Cause::Tls(error.into()),
            None => match stream::classify(error) {
                Failure::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                    Cause::Timeout(Timeout::Connect(limit.unwrap_or_default()))
                }
                Failure::Io(error) => Cause::Io(error),
                failure => Cause::Tls(self.explain(failure, stream.ssl())),
            },
        }))
    }

    fn watch(&self, ssl: &mut Ssl) -> Findings {
        let mode = match self.client_authentication {
            ClientAuthentication::None => SslVerifyMode::NONE,
            ClientAuthentication::Optional => SslVerifyMode::PEER,
            ClientAuthentication::Required => {
                SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT
            }
        };
        let policy = Policy {
            chain: true,
            host_name: false,
        };
        Findings::watch(ssl, mode, policy, &self.trusted)
    }

    fn explain(&self, failure: Failure, ssl: &SslRef) -> Error {
        let (alert, closed, source) = match failure {
            Failure::Alert(alert, source) => (Some(alert), false, Some(source)),
            Failure::Protocol(source) => (None, false, Some(source)),
            Failure::Closed | Failure::Io(_) => (None, true, None),
        };
        Error::from(Box::new(HandshakeError {
            alert,
            closed,
            offered: match offer(ssl) {
                Some(theirs) => format!("{}; the peer offered {theirs}", self.offered),
                None => self.offered.clone(),
            },
            taken: Vec::new(),
            advice: source.as_ref().and_then(stream::advice),
            source,
        }))
    }
}

/// Where the cipher suites of a client are kept until its handshake is over.
fn offer_index() -> Option<Index<Ssl, Vec<u8>>> {
    static INDEX: OnceLock<Option<Index<Ssl, Vec<u8>>>> = OnceLock::new();
    *INDEX.get_or_init(|| Ssl::new_ex_index().ok())
}

fn note_offer(ssl: &mut SslRef) {
    let suites = ssl.client_hello_ciphers().map(<[u8]>::to_vec);
    if let (Some(index), Some(suites)) = (offer_index(), suites) {
        ssl.set_ex_data(index, suites);
    }
}

/// The cipher suites that a client has offered, as far as OpenSSL knows them.
fn offer(ssl: &SslRef) -> Option<String> {
    let suites = ssl.ex_data(offer_index()?)?;
    let lists = ssl.bytes_to_cipher_list(suites, false).ok()?;
    let names: Vec<&str> = lists.suites.iter().map(|suite| suite.name()).collect();
    Some(format!("cipher suites {}", names.join(":")))
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("client_authentication", &self.client_authentication)
            .finish_non_exhaustive()
    }
}
