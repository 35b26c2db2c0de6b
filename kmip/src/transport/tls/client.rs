//! The client's side of a handshake, and the checks that belong to each connection.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use openssl::ssl::{Ssl, SslContext, SslMethod, SslRef, SslStream, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::verify::X509CheckFlags;

use super::ahead::ReadAhead;
use super::error::{Error, HandshakeError};
use super::stream::{self, Failure};
use super::verify::{Findings, Found, Policy};
use super::{Agreed, Alert, ClientTls, Fingerprint, TlsStream, trust};
use crate::transport::error::{Cause, Error as TransportError, Phase, Timeout};
use crate::transport::{Deadline, IoLimits, ServerAddress, Stream};

/// Makes TLS connections that satisfy [`ClientTls`]. Cheap to clone.
#[derive(Clone)]
pub struct TlsConnector {
    context: SslContext,
    pub(super) options: Arc<ClientTls>,
}

impl TlsConnector {
    /// Reads the files that `options` name.
    ///
    /// # Errors
    /// If a file is wrong or OpenSSL does not accept an option.
    pub fn new(options: ClientTls) -> Result<Self, Error> {
        let mut context = SslContext::builder(SslMethod::tls_client())
            .map_err(Error::openssl("make a client context"))?;
        options.protocol.apply(&mut context)?;
        context.set_cert_store(trust::store(&options.trust_sources(), &options.crl_files)?);
        if let Some(identity) = &options.identity {
            identity.install(&mut context)?;
        }
        Ok(TlsConnector {
            context: context.build(),
            options: Arc::new(options),
        })
    }

    /// Negotiates TLS with `server` over `stream` and makes all checks.
    ///
    /// # Errors
    /// If the server does not answer in time, if the peers cannot agree, or if the server's
    /// certificate is not accepted.
    pub fn connect<S: Stream>(
        &self,
        stream: S,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Result<TlsStream<S>, TransportError> {
        let policy = self.policy();
        let Handshake { outcome, found } =
            self.handshake(stream, server, deadline, policy, policy.host_name)?;
        self.check(outcome, &found, server)
    }

    /// A handshake under `policy`. With
    /// `look_at_name`, the host name is looked at even if it does not count.
    pub(super) fn handshake<S: Stream>(
        &self,
        mut stream: S,
        server: &ServerAddress,
        deadline: Deadline,
        policy: Policy,
        look_at_name: bool,
    ) -> Result<Handshake<S>, TransportError> {
        stream.set_limits(IoLimits {
            deadline,
            ..IoLimits::NONE
        });
        let (ssl, open) = self.begin(server, deadline, policy, look_at_name)?;
        let mut stream = SslStream::new(ssl, ReadAhead::new(stream))
            .map_err(Error::openssl("make a connection"))
            .map_err(|error| failed(server, error.into()))?;
        let shaken = stream.connect();
        let (outcome, found) = self.conclude(shaken, stream.ssl(), open, server);
        let outcome = outcome.map(|()| TlsStream::new(stream, self.advice_on_refusal()));
        Ok(Handshake { outcome, found })
    }

    /// What comes before a handshake, however its stream is driven.
    pub(super) fn begin(
        &self,
        server: &ServerAddress,
        deadline: Deadline,
        policy: Policy,
        look_at_name: bool,
    ) -> Result<(Ssl, OpenHandshake), TransportError> {
        let ssl = self.prepare(server, look_at_name);
        let (mut ssl, offered) = ssl.map_err(|error| failed(server, error.into()))?;
        let trusted = trust::describe(&self.options.trust_sources());
        let findings = Findings::watch(&mut ssl, SslVerifyMode::PEER, policy, &trusted);
        let open = OpenHandshake {
            findings,
            offered,
            policy,
            limit: deadline.remaining(),
        };
        Ok((ssl, open))
    }

    /// What a handshake has come to, and what it has found out.
    pub(super) fn conclude(
        &self,
        shaken: Result<(), openssl::ssl::Error>,
        ssl: &SslRef,
        open: OpenHandshake,
        server: &ServerAddress,
    ) -> (Result<(), TransportError>, Found) {
        let mut found = open.findings.take();
        if found.certificate.is_none() {
            found.certificate = ssl.peer_certificate();
        }
        let policy = open.policy;
        let Err(error) = shaken else {
            if let Some(told) = &self.options.last_handshake {
                told.set(Agreed::on(ssl));
            }
            return (Ok(()), found);
        };
        let cause = match found.errors.iter().find(|error| policy.counts(error)) {
            Some(error) => Cause::Tls(error.clone().into()),
            None => match stream::classify(error) {
                Failure::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                    Cause::Timeout(Timeout::Connect(open.limit.unwrap_or_default()))
                }
                Failure::Io(error) => Cause::Io(error),
                failure => Cause::Tls(self.explain(failure, ssl, open.offered)),
            },
        };
        (Err(failed(server, cause)), found)
    }

    /// The checks that come after a handshake that went as `outcome` says.
    pub(super) fn check<T>(
        &self,
        outcome: Result<T, TransportError>,
        found: &Found,
        server: &ServerAddress,
    ) -> Result<T, TransportError> {
        let pinned = self
            .check_pins(found)
            .map_err(|error| failed(server, error.into()));
        match (outcome, pinned) {
            (Ok(stream), Ok(())) => Ok(stream),
            // Another certificate than the trusted one says more than that it does not verify.
            (Err(_), Err(other)) if found.certificate.is_some() => Err(other),
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        }
    }

    /// Which findings of a connection that is to be used count.
    pub(super) fn policy(&self) -> Policy {
        Policy {
            chain: !self.options.skip_chain,
            host_name: !self.options.skip_host_name,
        }
    }

    fn prepare(&self, server: &ServerAddress, check_name: bool) -> Result<(Ssl, String), Error> {
        let failed = Error::openssl;
        let mut ssl = Ssl::new(&self.context).map_err(failed("make a connection"))?;
        let (name, ip) = match &self.options.host_name {
            Some(name) => (name.as_str(), name.parse().ok()),
            None => (server.host(), server.ip()),
        };
        // The root label is no part of the names in certificates.
        let name = name.strip_suffix('.').unwrap_or(name);
        if ip.is_none() {
            ssl.set_hostname(name)
                .map_err(failed("set the server name"))?;
        }
        if check_name {
            expect_name(&mut ssl, name, ip).map_err(failed("set the expected host name"))?;
        }
        let ciphers = match (
            &self.options.protocol.cipher_list,
            &self.options.protocol.cipher_suites,
        ) {
            (None, None) => "the system's default cipher suites".to_owned(),
            (list, suites) => {
                let given: Vec<&str> = list.iter().chain(suites).map(String::as_str).collect();
                format!("cipher suites {}", given.join(" and "))
            }
        };
        let versions = self.options.protocol.describe_versions();
        let certificate = match &self.options.identity {
            Some(identity) => identity.describe(),
            None => "no certificate of our own".to_owned(),
        };
        Ok((ssl, format!("{versions}, {ciphers}, {certificate}")))
    }

    fn check_pins(&self, found: &Found) -> Result<(), Error> {
        let presented = found.certificate.as_ref().ok_or(Error::NoCertificate)?;
        let same = |expected: &Option<X509>, kind| match expected {
            Some(expected) if **expected != **presented => Err(Error::OtherCertificate {
                kind,
                expected: Fingerprint::of_certificate(expected),
                presented: Fingerprint::of_certificate(presented),
            }),
            _ => Ok(()),
        };
        same(&self.options.trusted_certificate, "trusted")?;
        same(&self.options.pinned_certificate, "pinned")?;
        if let Some(expected) = &self.options.pinned_public_key {
            let key = presented
                .public_key()
                .map_err(Error::openssl("read the server's public key"))?;
            if !key.public_eq(expected) {
                return Err(Error::OtherPublicKey {
                    expected: Fingerprint::of_public_key(expected),
                    presented: Fingerprint::of_public_key(&key),
                });
            }
        }
        Ok(())
    }

    fn explain(&self, failure: Failure, ssl: &SslRef, offered: String) -> Error {
        let (alert, closed, source) = match failure {
            Failure::Alert(alert, source) => (Some(alert), false, Some(source)),
            Failure::Protocol(source) => (None, false, Some(source)),
            Failure::Closed | Failure::Io(_) => (None, true, None),
        };
        let advice = match alert {
            Some(alert) => self.advice(alert),
            None if closed => {
                Some("it may not speak TLS here, or refuse our address or certificate".to_owned())
            }
            None => source.as_ref().and_then(stream::advice),
        };
        Error::from(Box::new(HandshakeError {
            alert,
            closed,
            offered: format!("{offered}, in state '{}'", ssl.state_string_long()),
            taken: Vec::new(),
            advice,
            source,
        }))
    }

    /// What may help against an alert of the server.
    fn advice(&self, alert: Alert) -> Option<String> {
        let own = &self.options.identity;
        Some(match (alert, own) {
            (Alert::PROTOCOL_VERSION, _) => {
                "the server speaks none of these TLS versions".to_owned()
            }
            (Alert::HANDSHAKE_FAILURE | Alert::INSUFFICIENT_SECURITY, Some(_)) => {
                "the server has no cipher suite in common with us, or refuses our certificate"
                    .to_owned()
            }
            (Alert::HANDSHAKE_FAILURE, None) => {
                "the server may demand a client certificate, and none is configured".to_owned()
            }
            (alert, None) if alert.is_about_certificate() => {
                "the server demands a client certificate, and none is configured".to_owned()
            }
            (alert, Some(own)) if alert.is_about_certificate() => {
                format!("the server refuses {}", own.describe())
            }
            _ => return None,
        })
    }

    /// [`Self::advice`], for alerts that come after the handshake.
    pub(super) fn advice_on_refusal(&self) -> Option<String> {
        self.advice(Alert::CERTIFICATE_REQUIRED)
    }
}

/// A handshake under way.
pub(super) struct OpenHandshake {
    findings: Findings,
    /// What we have offered, in words.
    offered: String,
    policy: Policy,
    limit: Option<std::time::Duration>,
}

/// A handshake that has taken place, successful or not.
pub(super) struct Handshake<S> {
    pub(super) outcome: Result<TlsStream<S>, TransportError>,
    /// What was found out about the server.
    pub(super) found: Found,
}

fn expect_name(
    ssl: &mut Ssl,
    name: &str,
    ip: Option<IpAddr>,
) -> Result<(), openssl::error::ErrorStack> {
    let parameters = ssl.param_mut();
    parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match ip {
        Some(ip) => parameters.set_ip(ip),
        None => parameters.set_host(name),
    }
}

pub(super) fn failed(server: &ServerAddress, cause: Cause) -> TransportError {
    TransportError::new(server.to_string(), Phase::Handshake, cause)
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
