//! Certificates for a day.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use kmip::transport::tls::Identity;
use openssl::error::ErrorStack;
use openssl::x509::X509Ref;

use super::Files;
use crate::trial::{Certified, Issuer, KeyKind, LOCAL_HOSTS};

/// An authority whose certificates are valid for a day. Its key is never written.
#[derive(Debug)]
pub struct Authority(Issuer);

impl Authority {
    /// A new authority.
    ///
    /// # Panics
    /// If cryptography does not work.
    pub fn new() -> Self {
        Authority(Issuer::new("kmip test authority", KeyKind::P256, 1).expect("an authority"))
    }

    /// Its certificate.
    pub fn certificate(&self) -> &X509Ref {
        self.0.certificate()
    }

    /// Certificate and key of a server on this machine.
    ///
    /// # Panics
    /// If cryptography does not work.
    pub fn server(&self) -> Identity {
        identity(self.0.server("localhost", &LOCAL_HOSTS))
    }

    /// Certificate and key of a client called `name`.
    ///
    /// # Panics
    /// If cryptography does not work.
    pub fn client(&self, name: &str) -> Identity {
        identity(self.0.client(name))
    }

    /// Writes the authority's certificate, and certificate and key of somebody.
    pub(super) fn write(&self, directory: &Path, identity: &Identity) -> io::Result<Files> {
        let files = Files {
            ca: directory.join("ca.pem"),
            certificate: directory.join("client.crt"),
            key: directory.join("client.key"),
        };
        std::fs::write(&files.ca, self.certificate().to_pem()?)?;
        std::fs::write(&files.certificate, identity.certificate().to_pem()?)?;
        let mut options = OpenOptions::new();
        let key = options.write(true).create(true).truncate(true).mode(0o600);
        let pem = identity.key().private_key_to_pem_pkcs8()?;
        key.open(&files.key)?.write_all(&pem)?;
        Ok(files)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Authority::new()
    }
}

fn identity(certified: Result<Certified, ErrorStack>) -> Identity {
    let (key, certificate) = certified.expect("a certificate");
    Identity::new(key, certificate, Vec::new()).expect("a key for its certificate")
}
