//! Certificates for a day.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use kmip::transport::tls::Identity;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef, X509Ref};

use super::Files;

/// An authority whose certificates are valid for a day. Its key is never written.
pub struct Authority {
    key: PKey<Private>,
    certificate: X509,
}

impl Authority {
    /// A new authority.
    ///
    /// # Panics
    /// If cryptography does not work.
    pub fn new() -> Self {
        let made = || {
            let key = new_key()?;
            let name = named("kmip test authority")?;
            let mut builder = begun(&name, &name, &key)?;
            let basic = BasicConstraints::new().critical().ca().build()?;
            builder.append_extension(basic)?;
            let usage = KeyUsage::new().critical().key_cert_sign().build()?;
            builder.append_extension(usage)?;
            builder.sign(&key, MessageDigest::sha256())?;
            let certificate = builder.build();
            Ok::<_, ErrorStack>(Authority { key, certificate })
        };
        made().expect("an authority")
    }

    /// Its certificate.
    pub fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// Certificate and key of a server on this machine.
    ///
    /// # Panics
    /// If cryptography does not work.
    pub fn server(&self) -> Identity {
        self.issue("localhost", |builder| {
            builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
            let context = builder.x509v3_context(Some(&self.certificate), None);
            let names = SubjectAlternativeName::new()
                .dns("localhost")
                .ip("127.0.0.1")
                .ip("::1")
                .build(&context)?;
            builder.append_extension(names)
        })
    }

    /// Certificate and key of a client called `name`.
    ///
    /// # Panics
    /// If cryptography does not work.
    pub fn client(&self, name: &str) -> Identity {
        self.issue(name, |builder| {
            builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)
        })
    }

    fn issue(
        &self,
        name: &str,
        extend: impl FnOnce(&mut X509Builder) -> Result<(), ErrorStack>,
    ) -> Identity {
        let made = || {
            let key = new_key()?;
            let mut builder = begun(&*named(name)?, self.certificate.subject_name(), &key)?;
            extend(&mut builder)?;
            builder.sign(&self.key, MessageDigest::sha256())?;
            Ok::<_, ErrorStack>((key, builder.build()))
        };
        let (key, certificate) = made().expect("a certificate");
        Identity::new(key, certificate, Vec::new()).expect("a key for its certificate")
    }

    /// Writes the authority's certificate, and certificate and key of somebody.
    pub(super) fn write(&self, directory: &Path, identity: &Identity) -> io::Result<Files> {
        let files = Files {
            ca: directory.join("ca.pem"),
            certificate: directory.join("client.crt"),
            key: directory.join("client.key"),
        };
        std::fs::write(&files.ca, self.certificate.to_pem()?)?;
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

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn named(common_name: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn begun(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<Private>,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    // Clocks of containers and virtual machines may differ a little.
    let begin = kmip::types::DateTime::now().0 - 3600;
    builder.set_not_before(&*Asn1Time::from_unix(begin)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(1)?)?;
    Ok(builder)
}
