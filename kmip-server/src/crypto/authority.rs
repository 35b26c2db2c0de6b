//! The certification authority of the server.

use std::cmp::Ordering;

use kmip::server::Failure;
use kmip::types::{CertificateRequestType, ResultReason, Secret};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef, X509Ref, X509Req};
use zeroize::Zeroizing;

use super::failed;
use super::generate::random;
use crate::refusal;

/// How long certificates are valid, in days.
const VALIDITY: u32 = 365;

/// What the authority is called.
const ORGANIZATION: &str = "KMIP reference key server";
const COMMON_NAME: &str = "certification authority";

/// Issues certificates. Its key is made when the first one is asked for, and is kept in the store like
/// those of clients: it is for tests and demonstrations.
pub(crate) struct CertificationAuthority {
    key: PKey<Private>,
    certificate: X509,
}

impl CertificationAuthority {
    /// A new authority.
    ///
    /// # Errors
    /// If cryptography does not work.
    pub(crate) fn new() -> Result<Self, Failure> {
        Self::make().map_err(failed("the authority cannot be made"))
    }

    /// The authority that [`to_pem`](Self::to_pem) has written.
    ///
    /// # Errors
    /// If it has not.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, Failure> {
        let read = |pem| {
            Ok(CertificationAuthority {
                key: PKey::private_key_from_pem(pem)?,
                certificate: X509::from_pem(pem)?,
            })
        };
        read(pem).map_err(failed("the authority cannot be read"))
    }

    /// Key and certificate.
    ///
    /// # Errors
    /// If cryptography does not work.
    pub(crate) fn to_pem(&self) -> Result<Secret<'static>, Failure> {
        let write = || {
            let key = Zeroizing::new(self.key.private_key_to_pem_pkcs8()?);
            Ok([&key[..], &self.certificate.to_pem()?].concat())
        };
        let pem = write().map_err(failed("the authority cannot be written"));
        pem.map(Secret::owned)
    }

    /// A certificate in DER for a public key, with the subject of the request, or if there is none
    /// the given common name.
    ///
    /// # Errors
    /// If the request is not for this key, or not by its owner, or of an unknown kind.
    pub(crate) fn certify(
        &self,
        key: &PKeyRef<Public>,
        request: Option<(CertificateRequestType, &[u8])>,
        common_name: &str,
    ) -> Result<Vec<u8>, Failure> {
        let subject = match request {
            Some((kind, bytes)) => {
                let (subject, own) = read(kind, bytes)?;
                match own.public_eq(key) {
                    true => subject,
                    false => return Err(invalid("the certificate request is for another key")),
                }
            }
            None => named("the server", common_name).map_err(failed("the name of the subject"))?,
        };
        self.signed(key, &subject)
    }

    /// A certificate in DER for the key and the subject of a request.
    ///
    /// # Errors
    /// If it is not by the owner of the key, or of an unknown kind.
    pub(crate) fn certify_request(
        &self,
        kind: CertificateRequestType,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let (subject, key) = read(kind, bytes)?;
        self.signed(&key, &subject)
    }

    fn signed(&self, key: &PKeyRef<Public>, subject: &X509NameRef) -> Result<Vec<u8>, Failure> {
        let serial = random(16)?;
        let certificate = self.issue(key, subject, &serial, |_| Ok(()));
        certificate
            .and_then(|certificate| certificate.to_der())
            .map_err(failed("the certificate cannot be signed"))
    }

    /// A certificate with which a client connects.
    ///
    /// # Errors
    /// If cryptography does not work.
    pub(crate) fn certify_client(
        &self,
        key: &PKeyRef<Public>,
        subject: &X509NameRef,
    ) -> Result<X509, Failure> {
        let serial = random(16)?;
        let for_clients = |builder: &mut X509Builder| {
            builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)
        };
        let certificate = self.issue(key, subject, &serial, for_clients);
        certificate.map_err(failed("the certificate cannot be signed"))
    }

    /// Its own certificate.
    pub(crate) fn certificate(&self) -> &X509 {
        &self.certificate
    }

    /// Whether a certificate says that it comes from an authority like this.
    pub(crate) fn has_issued(certificate: &X509Ref) -> bool {
        let own = named(ORGANIZATION, COMMON_NAME);
        let issuer = certificate.issuer_name();
        own.is_ok_and(|own| issuer.try_cmp(&own).is_ok_and(Ordering::is_eq))
    }

    fn make() -> Result<Self, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        let name = named(ORGANIZATION, COMMON_NAME)?;
        let mut serial = [0; 16];
        openssl::rand::rand_bytes(&mut serial)?;
        let mut builder = started(&name, &serial)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        let ca = BasicConstraints::new().critical().ca().build()?;
        builder.append_extension(ca)?;
        let identifier = SubjectKeyIdentifier::new();
        let identifier = identifier.build(&builder.x509v3_context(None, None))?;
        builder.append_extension(identifier)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(CertificationAuthority {
            key,
            certificate: builder.build(),
        })
    }

    fn issue(
        &self,
        key: &PKeyRef<Public>,
        subject: &X509NameRef,
        serial: &[u8],
        more: impl FnOnce(&mut X509Builder) -> Result<(), ErrorStack>,
    ) -> Result<X509, ErrorStack> {
        let mut builder = started(subject, serial)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.set_pubkey(key)?;
        builder.append_extension(BasicConstraints::new().build()?)?;
        let mut identifier = AuthorityKeyIdentifier::new();
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let identifier = identifier.keyid(false).build(&context)?;
        builder.append_extension(identifier)?;
        more(&mut builder)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

fn started(subject: &X509NameRef, serial: &[u8]) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_subject_name(subject)?;
    let mut serial = BigNum::from_slice(serial)?;
    // Positive and of at most 16 bytes (RFC 5280, 4.1.2.2).
    serial.clear_bit(127)?;
    let serial = serial.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    let (from, to) = (
        Asn1Time::days_from_now(0)?,
        Asn1Time::days_from_now(VALIDITY)?,
    );
    builder.set_not_before(&from)?;
    builder.set_not_after(&to)?;
    Ok(builder)
}

fn named(organization: &str, common_name: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_text("O", organization)?;
    name.append_entry_by_text("CN", common_name)?;
    Ok(name.build())
}

fn invalid(message: &'static str) -> Failure {
    Failure::new(ResultReason::INVALID_CSR, message)
}

/// The key in a request that its owner has made, for this subject or none.
///
/// # Errors
/// If it is for somebody else, or was not made by the owner of the key.
pub(crate) fn requested_key(
    kind: CertificateRequestType,
    bytes: &[u8],
    subject: &X509NameRef,
) -> Result<PKey<Public>, Failure> {
    let (wanted, key) = read(kind, bytes)?;
    let same = wanted.try_cmp(subject).is_ok_and(Ordering::is_eq);
    match same || wanted.entries().next().is_none() {
        true => Ok(key),
        false => Err(invalid(
            "the certificate request is for another subject than that of the client",
        )),
    }
}

/// The subject and the key of a request, after checking that the owner of the key has made it.
fn read(kind: CertificateRequestType, bytes: &[u8]) -> Result<(X509Name, PKey<Public>), Failure> {
    let request = match kind {
        CertificateRequestType::PKCS_10 => X509Req::from_der(bytes),
        CertificateRequestType::PEM => X509Req::from_pem(bytes),
        _ => {
            let message = format!("certificate requests as {kind:?} are not supported");
            return Err(refusal::not_supported(message));
        }
    };
    let request = request.map_err(|_| invalid("the certificate request cannot be read"))?;
    let own = request.public_key();
    let own = own.map_err(|_| invalid("the certificate request has no key that can be read"))?;
    if !request.verify(&own).unwrap_or(false) {
        return Err(invalid(
            "the certificate request is not signed with its key",
        ));
    }
    let subject = request.subject_name().to_owned();
    let subject = subject.map_err(failed("the name of the subject"))?;
    Ok((subject, own))
}
