//! Who is at the other end of a connection.

use std::fmt;
use std::net::SocketAddr;

use openssl::nid::Nid;
use openssl::x509::{X509, X509Ref};

/// A client: its address and the certificate that it has proved to own.
#[derive(Clone, Default)]
pub struct Peer {
    address: Option<SocketAddr>,
    certificate: Option<X509>,
    /// Of the certificate; read once, since every request asks for it.
    common_name: Option<String>,
}

impl Peer {
    /// A client without an address or a certificate, such as one in the same process.
    pub fn local() -> Self {
        Peer::default()
    }

    /// A client on the network.
    pub fn new(address: SocketAddr, certificate: Option<X509>) -> Self {
        Peer {
            address: Some(address),
            common_name: certificate.as_deref().and_then(common_name),
            certificate,
        }
    }

    /// Where it connects from.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Its certificate, which was verified.
    pub fn certificate(&self) -> Option<&X509Ref> {
        self.certificate.as_deref()
    }

    /// The common name in its certificate, by which KMIP servers usually know their users.
    pub fn common_name(&self) -> Option<String> {
        self.common_name.clone()
    }
}

fn common_name(certificate: &X509Ref) -> Option<String> {
    let mut names = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    names.next()?.data().to_string().ok()
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("address", &self.address)
            .field("common_name", &self.common_name)
            .finish()
    }
}
