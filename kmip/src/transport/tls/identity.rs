//! A private key and the certificate that belongs to it.

use std::fmt;
use std::path::Path;

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::ssl::SslContextBuilder;
use openssl::x509::{X509, X509Ref};

use super::certificate::{self, describe_certificate};
use super::{Error, FileError, FileRole, files};

/// Who we are: a private key, its certificate, and certificates of intermediate authorities.
///
/// The key can be any that OpenSSL handles, also one that lives in a hardware module and is
/// reached through a provider, in whatever library context. If it cannot sign and puts an error of
/// library `ERR_LIB_USER` or above on OpenSSL's queue, the text of the error is told.
#[derive(Clone)]
pub struct Identity {
    key: PKey<Private>,
    certificate: X509,
    chain: Vec<X509>,
    /// Where it came from, for errors.
    origin: String,
}

impl Identity {
    /// An identity from its parts; `chain` leads from the issuer of `certificate` upwards.
    ///
    /// # Errors
    /// If the key does not belong to the certificate.
    pub fn new(key: PKey<Private>, certificate: X509, chain: Vec<X509>) -> Result<Self, Error> {
        let origin = format!("'{}'", certificate::name(certificate.subject_name()));
        let identity = Identity {
            key,
            certificate,
            chain,
            origin: origin.clone(),
        };
        identity.checked(origin, "that was given".to_owned())
    }

    /// Reads a certificate, optionally followed by its chain, and a key from PEM files. Both may be
    /// the same file.
    ///
    /// # Errors
    /// If a file cannot be read or holds something else, if the key is encrypted and `pass_phrase`
    /// is missing or wrong, or if the key does not belong to the certificate.
    pub fn from_pem_files(
        certificate: &Path,
        key: &Path,
        pass_phrase: Option<&str>,
    ) -> Result<Self, Error> {
        let mut chain = files::certificates(certificate, FileRole::Certificate)?;
        let leaf = chain.remove(0);
        let identity = Identity {
            key: files::private_key(key, pass_phrase)?,
            certificate: leaf,
            chain,
            origin: format!("'{}'", certificate.display()),
        };
        let (certificate, key) = (certificate.display(), key.display());
        identity.checked(format!("'{certificate}'"), format!("'{key}'"))
    }

    /// Reads a PKCS#12 file.
    ///
    /// # Errors
    /// If the file cannot be read or decrypted or lacks key or certificate.
    pub fn from_pkcs12_file(path: &Path, password: &str) -> Result<Self, Error> {
        let role = FileRole::Pkcs12;
        let der = files::read(path, role)?;
        let content = |expected, source| FileError::Content {
            role,
            path: path.to_owned(),
            expected,
            source,
        };
        let store =
            Pkcs12::from_der(&der).map_err(|source| content("PKCS#12 structure", Some(source)))?;
        let parsed = store
            .parse2(password)
            .map_err(|source| FileError::PassPhrase {
                role,
                path: path.to_owned(),
                source,
            })?;
        let key = parsed.pkey.ok_or_else(|| content("private key", None))?;
        let certificate = parsed.cert.ok_or_else(|| content("certificate", None))?;
        let chain = parsed.ca.into_iter().flatten().collect();
        let origin = format!("'{}'", path.display());
        let identity = Identity {
            key,
            certificate,
            chain,
            origin: origin.clone(),
        };
        identity.checked(origin.clone(), origin)
    }

    /// The certificate.
    pub fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// The private key.
    pub fn key(&self) -> &PKeyRef<Private> {
        &self.key
    }

    /// The certificates of intermediate authorities.
    pub fn chain(&self) -> &[X509] {
        &self.chain
    }

    /// The certificate and where it came from, and whether it has expired, for errors.
    pub(super) fn describe(&self) -> String {
        let expired = match certificate::is_expired(&self.certificate) {
            true => "the EXPIRED certificate",
            false => "the certificate",
        };
        let certificate = describe_certificate(&self.certificate);
        format!("{expired} {} ({certificate})", self.origin)
    }

    pub(super) fn install(&self, context: &mut SslContextBuilder) -> Result<(), Error> {
        let doing = Error::openssl;
        context
            .set_certificate(&self.certificate)
            .map_err(doing("use the certificate"))?;
        context
            .set_private_key(&self.key)
            .map_err(doing("use the private key"))?;
        for certificate in &self.chain {
            context
                .add_extra_chain_cert(certificate.clone())
                .map_err(doing("use the certificate chain"))?;
        }
        Ok(())
    }

    fn checked(self, certificate: String, key: String) -> Result<Self, Error> {
        let public = self
            .certificate
            .public_key()
            .map_err(Error::openssl("read the public key of the certificate"))?;
        if public.public_eq(&self.key) {
            Ok(self)
        } else {
            Err(Error::KeyMismatch { certificate, key })
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &describe_certificate(&self.certificate))
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
