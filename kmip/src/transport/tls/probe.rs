//! What a server would have taken that has refused our offer.
//!
//! A refusal is an alert that says no more than that. So that people need not guess, the server is
//! asked again, without limits on our side; nothing is sent over these connections.

use std::time::Duration;

use super::client::Handshake;
use super::verify::Policy;
use super::{Alert, Error, Protocol, TlsConnector, TlsVersion};
use crate::transport::error::{Cause, Error as TransportError};
use crate::transport::{Deadline, ServerAddress, TcpStream};

/// So long the answers are waited for at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a connection failed since the peers had no version or cipher suite in common, as far as
/// the alert says.
pub(crate) fn is_about_offer(error: &TransportError) -> bool {
    let Cause::Tls(Error::Handshake(error)) = error.cause() else {
        return false;
    };
    matches!(
        error.alert,
        Some(Alert::HANDSHAKE_FAILURE | Alert::PROTOCOL_VERSION | Alert::INSUFFICIENT_SECURITY)
    )
}

/// What a server took when it was asked again.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    /// In words.
    text: String,
    /// The newest first.
    versions: Vec<TlsVersion>,
}

/// Adds what the server takes to the error of a handshake.
pub(crate) fn with_offer(error: TransportError, offer: Offer) -> TransportError {
    let (peer, phase) = (error.peer().to_owned(), error.phase());
    let mut cause = error.into_cause();
    if let Cause::Tls(Error::Handshake(error)) = &mut cause {
        error.offered = format!("{}; {}", error.offered, offer.text);
        error.taken = offer.versions;
    }
    TransportError::new(peer, phase, cause)
}

impl TlsConnector {
    /// Asks a server what it takes.
    pub(crate) fn probe(&self, server: &ServerAddress, deadline: Deadline) -> Offer {
        let deadline = Deadline::after(PATIENCE).or_earlier(deadline);
        let newest = Protocol::default().minimum_version(TlsVersion::TLS1_3);
        let old = Protocol::default()
            .minimum_version(TlsVersion::TLS1)
            .maximum_version(TlsVersion::TLS1_2)
            .cipher_list("ALL:@SECLEVEL=0");
        let (texts, versions): (Vec<String>, Vec<Option<TlsVersion>>) = [newest, old]
            .into_iter()
            .filter_map(|protocol| self.takes(protocol, server, deadline))
            .unzip();
        let text = match texts.is_empty() {
            true => "the server took nothing else that it was offered then".to_owned(),
            false => format!("asked again, the server took {}", texts.join(" and ")),
        };
        let versions = versions.into_iter().flatten().collect();
        Offer { text, versions }
    }

    /// Version and cipher suite that a server chooses, if it chooses any, in words, and the version.
    fn takes(
        &self,
        protocol: Protocol,
        server: &ServerAddress,
        deadline: Deadline,
    ) -> Option<(String, Option<TlsVersion>)> {
        let options = (*self.options).clone().protocol(protocol);
        let connector = TlsConnector::new(options).ok()?;
        let stream = TcpStream::connect(server, deadline).ok()?;
        // Nothing is sent, so nobody need be trusted.
        let ignore = Policy {
            chain: false,
            host_name: false,
        };
        let shaken = connector.handshake(stream, server, deadline, ignore, false);
        let Handshake { outcome, .. } = shaken.ok()?;
        let stream = outcome.ok()?;
        let text = format!("{} with {}", stream.version(), stream.cipher());
        Some((text, stream.ssl().version2()))
    }
}
