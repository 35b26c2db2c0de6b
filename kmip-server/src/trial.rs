//! Certificates for trials and tests: an authority that is made for them, and whom it certifies. Not for more than that, since whoever
//! has the files can issue certificates.

use std::fmt;
use std::net::IpAddr;

use kmip::types::DateTime;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef, X509Ref};

/// Names of a server on this machine.
pub const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Clocks of containers and virtual machines may differ a little. In seconds.
const EARLIER: i64 = 3600;

/// A kind of key for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum KeyKind {
    /// ECDSA on the curve P-256
    P256,
    /// ECDSA on the curve P-521
    P521,
    /// RSA with 3072 bits, for old peers
    Rsa,
}

impl KeyKind {
    fn generate(self) -> Result<PKey<Private>, ErrorStack> {
        let curve = match self {
            KeyKind::P256 => Nid::X9_62_PRIME256V1,
            KeyKind::P521 => Nid::SECP521R1,
            KeyKind::Rsa => return PKey::from_rsa(Rsa::generate(3072)?),
        };
        PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(curve)?)?)
    }
}

/// A key and the certificate for it.
pub type Certified = (PKey<Private>, X509);

/// An authority. Its certificates are valid for as many days as its own, from an hour ago.
pub struct Issuer {
    key: PKey<Private>,
    certificate: X509,
    kind: KeyKind,
    days: u32,
}

impl Issuer {
    /// A new authority with this Common Name.
    ///
    /// # Errors
    /// If cryptography does not work.
    pub fn new(common_name: &str, kind: KeyKind, days: u32) -> Result<Self, ErrorStack> {
        let key = kind.generate()?;
        let name = named(common_name)?;
        let mut builder = begun(&name, &name, &key, days)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().key_cert_sign().crl_sign();
        builder.append_extension(usage.build()?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Issuer {
            key,
            certificate: builder.build(),
            kind,
            days,
        })
    }

    /// Its key.
    pub fn key(&self) -> &PKeyRef<Private> {
        &self.key
    }

    /// Its certificate.
    pub fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// Certificate and key of a server with these names and IP addresses.
    ///
    /// # Errors
    /// If cryptography does not work.
    pub fn server(&self, common_name: &str, hosts: &[&str]) -> Result<Certified, ErrorStack> {
        self.issue(common_name, |builder| {
            builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
            let mut names = SubjectAlternativeName::new();
            for host in hosts {
                match host.parse::<IpAddr>() {
                    Ok(address) => names.ip(&address.to_string()),
                    Err(_) => names.dns(host),
                };
            }
            let names = names.build(&builder.x509v3_context(Some(&self.certificate), None))?;
            builder.append_extension(names)
        })
    }

    /// Certificate and key of a client with this Common Name.
    ///
    /// # Errors
    /// If cryptography does not work.
    pub fn client(&self, common_name: &str) -> Result<Certified, ErrorStack> {
        self.issue(common_name, |builder| {
            builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)
        })
    }

    fn issue(
        &self,
        common_name: &str,
        extend: impl FnOnce(&mut X509Builder) -> Result<(), ErrorStack>,
    ) -> Result<Certified, ErrorStack> {
        let key = self.kind.generate()?;
        let issuer = self.certificate.subject_name();
        let mut builder = begun(&*named(common_name)?, issuer, &key, self.days)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature();
        if self.kind == KeyKind::Rsa {
            // Old peers exchange keys by RSA.
            usage.key_encipherment();
        }
        builder.append_extension(usage.build()?)?;
        extend(&mut builder)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok((key, builder.build()))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").finish_non_exhaustive()
    }
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
    days: u32,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    let begin = DateTime::now().0 - EARLIER;
    builder.set_not_before(&*Asn1Time::from_unix(begin)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(days)?)?;
    Ok(builder)
}
