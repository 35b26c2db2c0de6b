//! The client certificate, as a certificate authority issued it.

use openssl::asn1::Asn1Time;
use openssl::pkey::{Id, PKey, PKeyRef, Public};
use openssl::x509::X509;

use super::{IdentityError, extensions};

/// A certificate that was found good for an identity key, with its chain.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate and those of its issuers, as PEM: the certificate is the first one.
    pub pem: Vec<u8>,
    /// The certificate.
    pub certificate: X509,
    /// What `kmip.conf` calls its algorithm: `ECC`, `RSA` or `RSA-PSS`.
    pub algorithm: &'static str,
    /// What the user should know, although it does not forbid the use.
    pub remarks: Vec<String>,
}

impl ClientCertificate {
    /// Finds the certificate for the identity key with this public key, in DER.
    ///
    /// # Errors
    /// There is none, or it has expired.
    pub fn find(pem: &[u8], public_key: &[u8]) -> Result<ClientCertificate, IdentityError> {
        let public = PKey::public_key_from_der(public_key)
            .map_err(IdentityError::openssl("read the public key"))?;
        let mut chain = certificates_from_pem(pem)?;
        let position = chain
            .iter()
            .position(|one| one.public_key().is_ok_and(|key| same_key(&key, &public)))
            .ok_or(IdentityError::WrongKey)?;
        let certificate = chain.remove(position);
        let mut pem = to_pem(&certificate)?;
        for issuer in &chain {
            pem.extend(to_pem(issuer)?);
        }
        let algorithm = match certificate.public_key().map(|key| key.id()) {
            Ok(Id::EC) => "ECC",
            Ok(Id::RSA) => "RSA",
            Ok(Id::RSA_PSS) => "RSA-PSS",
            _ => return Err(IdentityError::KeyKind),
        };
        let remarks = check(&certificate)?;
        Ok(ClientCertificate {
            pem,
            certificate,
            algorithm,
            remarks,
        })
    }
}

/// All certificates in a PEM text.
///
/// # Errors
/// There is none.
pub fn certificates_from_pem(pem: &[u8]) -> Result<Vec<X509>, IdentityError> {
    match X509::stack_from_pem(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(IdentityError::NoCertificate),
    }
}

fn check(certificate: &X509) -> Result<Vec<String>, IdentityError> {
    let now = Asn1Time::days_from_now(0).map_err(IdentityError::openssl("read the clock"))?;
    if *certificate.not_after() < *now {
        let end = certificate.not_after().to_string();
        return Err(IdentityError::Expired(end));
    }
    let mut remarks = Vec::new();
    if *certificate.not_before() > *now {
        let start = certificate.not_before();
        remarks.push(format!("the certificate is not valid before {start}"));
    }
    if !extensions::may_authenticate_client(certificate)? {
        remarks.push(
            "the extended key usage of the certificate does not include client authentication: \
             KMIP servers may refuse it"
                .to_owned(),
        );
    }
    Ok(remarks)
}

/// Whether two keys are the same, also when one is restricted to RSA-PSS.
fn same_key(one: &PKeyRef<Public>, other: &PKeyRef<Public>) -> bool {
    if let (Ok(one), Ok(other)) = (one.rsa(), other.rsa()) {
        return one.n() == other.n() && one.e() == other.e();
    }
    one.public_eq(other)
}

fn to_pem(certificate: &X509) -> Result<Vec<u8>, IdentityError> {
    certificate
        .to_pem()
        .map_err(IdentityError::openssl("encode a certificate"))
}
