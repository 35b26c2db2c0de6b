//! What is demanded of the server's TLS, and who we are to it.

use std::path::Path;

use kmip::transport::tls::{self, ClientTls, FileError, Identity, Protocol, TlsVersion};
use openssl::pkey::{PKey, Public};
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::{ConfigurationError, Settings, secrets};
use crate::arguments::TlsMinimum;
use crate::failure::Failure;

impl Settings {
    /// What is demanded of TLS.
    pub(crate) fn tls(&self) -> Result<ClientTls, Failure> {
        let options = &self.options;
        let mut tls = ClientTls::new().protocol(self.protocol());
        tls = match &options.ca {
            Some(path) if path.is_dir() => tls.ca_directory(path),
            Some(path) => tls.ca_file(path),
            None => tls,
        };
        if let Some(path) = &options.crl {
            tls = tls.crl_file(path);
        }
        if let Some(path) = &options.trust {
            match pin(path)? {
                Pin::Certificate(certificate) => tls = tls.trusted_certificate(certificate),
                Pin::PublicKey(_) => return Err(not_a_pin(path)),
            }
        }
        if let Some(path) = &options.pin {
            tls = match pin(path)? {
                Pin::Certificate(certificate) => tls.pinned_certificate(certificate),
                Pin::PublicKey(key) => tls.pinned_public_key(key),
            };
        }
        if let Some(name) = &options.host_name {
            tls = tls.host_name(name.as_str());
        }
        if options.no_verify {
            tls = tls.verify_chain(false);
        }
        if options.no_verify || options.no_verify_host_name {
            tls = tls.verify_host_name(false);
        }
        if let Some(identity) = self.identity()? {
            tls = tls.identity(identity);
        }
        Ok(tls)
    }

    /// The oldest version of TLS, if one is given.
    pub(crate) fn tls_min(&self) -> Option<TlsMinimum> {
        self.options.tls_min
    }

    /// Versions and cipher suites.
    pub(crate) fn protocol(&self) -> Protocol {
        let options = &self.options;
        let mut protocol = Protocol::default();
        if let Some(minimum) = options.tls_min {
            protocol = protocol.minimum_version(match minimum {
                TlsMinimum::V1_0 => TlsVersion::TLS1,
                TlsMinimum::V1_1 => TlsVersion::TLS1_1,
                TlsMinimum::V1_2 => TlsVersion::TLS1_2,
                TlsMinimum::V1_3 => TlsVersion::TLS1_3,
            });
        }
        if let Some(list) = &options.ciphers {
            protocol = protocol.cipher_list(list.as_str());
        }
        if let Some(list) = &options.cipher_suites {
            protocol = protocol.cipher_suites(list.as_str());
        }
        protocol
    }

    /// Who we are.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, Failure> {
        let what = "the pass phrase of the private key";
        let option = "--pass-phrase-file";
        let file = self.options.pass_phrase_file.as_deref();
        if let Some(path) = &self.options.p12 {
            let phrase = secrets::from_file_or_terminal(file, what, option)?;
            let identity = Identity::from_pkcs12_file(path, &phrase);
            return identity.map(Some).map_err(Failure::Tls);
        }
        let Some(cert) = &self.options.cert else {
            return Ok(None);
        };
        let key = self.options.key.as_ref().unwrap_or(cert);
        let phrase = file.map(secrets::from_file).transpose()?;
        let read = |phrase: Option<&Zeroizing<String>>| {
            Identity::from_pem_files(cert, key, phrase.map(|phrase| phrase.as_str()))
        };
        match read(phrase.as_ref()) {
            Err(tls::Error::File(FileError::Encrypted { .. })) => {
                let phrase = secrets::from_file_or_terminal(None, what, option)?;
                read(Some(&phrase))
            }
            identity => identity,
        }
        .map(Some)
        .map_err(Failure::Tls)
    }
}

enum Pin {
    Certificate(X509),
    PublicKey(PKey<Public>),
}

/// The certificate or the public key of a file.
fn pin(path: &Path) -> Result<Pin, Failure> {
    let pem = std::fs::read(path).map_err(Failure::reading(path))?;
    let certificate = X509::from_pem(&pem).map(Pin::Certificate);
    let key = |_| PKey::public_key_from_pem(&pem).map(Pin::PublicKey);
    certificate.or_else(key).map_err(|_| not_a_pin(path))
}

fn not_a_pin(path: &Path) -> Failure {
    ConfigurationError::Pin(path.to_owned()).into()
}
