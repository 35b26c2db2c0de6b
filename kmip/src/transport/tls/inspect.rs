//! Looking at a server's certificate before it is trusted.

use openssl::pkey::{PKey, Public};
use openssl::x509::X509;

use super::client::{Handshake, failed};
use super::verify::Policy;
use super::{ClientTls, Error, Fingerprint, TlsConnector, VerificationError, probe};
use crate::transport::error::Error as TransportError;
use crate::transport::{Deadline, ServerAddress, TcpStream};

/// The certificate that a server presents, and what speaks against it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerCertificate {
    /// The certificate.
    pub certificate: X509,
    /// Its public key.
    pub public_key: PKey<Public>,
    /// The further certificates of the verified chain, from the issuer upwards.
    pub chain: Vec<X509>,
    /// Why the chain is not trusted, if it is not.
    pub chain_error: Option<VerificationError>,
    /// Why the certificate is not for this host, if it is not.
    pub host_name_error: Option<VerificationError>,
    /// Why the handshake failed after all, for instance because the server refused our own
    /// certificate.
    pub handshake_error: Option<TransportError>,
}

impl ServerCertificate {
    /// Whether the chain leads to a trusted authority.
    pub fn is_chain_verified(&self) -> bool {
        self.chain_error.is_none()
    }

    /// Whether the certificate is for the host that was asked for.
    pub fn is_for_host(&self) -> bool {
        self.host_name_error.is_none()
    }

    /// Whether the certificate is signed with its own key.
    pub fn is_self_signed(&self) -> bool {
        self.certificate.verify(&self.public_key).unwrap_or(false)
    }

    /// The fingerprint to compare with what the server's administrator says.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_certificate(&self.certificate)
    }
}

/// Fetches the certificate of `server` with one handshake, without trusting it.
///
/// `options` are used as for a connection, but nothing that verification finds ends the handshake;
/// pins are not looked at. No data is sent.
///
/// # Errors
/// If the server cannot be reached, or the handshake fails before it shows a certificate.
pub fn inspect_server(
    server: &ServerAddress,
    options: ClientTls,
    deadline: Deadline,
) -> Result<ServerCertificate, TransportError> {
    let connector = TlsConnector::new(options).map_err(|error| failed(server, error.into()))?;
    let stream = TcpStream::connect(server, deadline)?;
    let ignore = Policy {
        chain: false,
        host_name: false,
    };
    let Handshake { outcome, found } =
        connector.handshake(stream, server, deadline, ignore, true)?;
    let Some(certificate) = found.certificate else {
        return Err(match outcome {
            Err(error) if probe::is_about_offer(&error) => {
                probe::with_offer(error, connector.probe(server, deadline))
            }
            Err(error) => error,
            Ok(_) => failed(server, Error::NoCertificate.into()),
        });
    };
    let public_key = certificate
        .public_key()
        .map_err(Error::openssl("read the server's public key"))
        .map_err(|error| failed(server, error.into()))?;
    let (host_name, chain): (Vec<_>, Vec<_>) = found
        .errors
        .into_iter()
        .partition(VerificationError::is_host_name);
    Ok(ServerCertificate {
        certificate,
        public_key,
        chain: found.chain,
        chain_error: chain.into_iter().next(),
        host_name_error: host_name.into_iter().next(),
        handshake_error: outcome.err(),
    })
}
