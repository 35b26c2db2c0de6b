//! Attributes that a certificate brings along (KMIP 1.4, 3.8-3.16; 2.1, 4.6-4.8 and 4.61-4.63).

use kmip::server::Failure;
use kmip::types::{
    AttributeValue, Certificate, CertificateIdentifier, CertificateIssuer, CertificateSubject,
    CryptographicAlgorithm, DigitalSignatureAlgorithm, X509CertificateIdentifier,
    X509CertificateIssuer, X509CertificateSubject,
};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::x509::{X509, X509NameRef, X509Ref};

use super::failed;

/// What can be read from a certificate. Of one that is not X.509, only the length.
pub(crate) fn certificate_attributes(
    certificate: &Certificate<'_>,
) -> Vec<AttributeValue<'static>> {
    let length = i32::try_from(certificate.certificate_value.len()).unwrap_or(i32::MAX);
    let mut values = vec![
        AttributeValue::CertificateType(certificate.certificate_type),
        AttributeValue::CertificateLength(length),
    ];
    if let Ok(x509) = X509::from_der(&certificate.certificate_value) {
        values.extend(key_attributes(&x509));
        values.extend(identity(&x509));
        values.extend(parts(x509.subject_name(), &SUBJECT));
        values.extend(parts(x509.issuer_name(), &ISSUER));
    }
    values
}

/// The public key in a certificate.
///
/// # Errors
/// If it is no X.509 certificate.
pub(crate) fn certificate_key(certificate: &Certificate<'_>) -> Result<PKey<Public>, Failure> {
    let x509 = X509::from_der(&certificate.certificate_value);
    x509.and_then(|x509| x509.public_key())
        .map_err(failed("the certificate has no public key that can be read"))
}

fn key_attributes(x509: &X509Ref) -> Vec<AttributeValue<'static>> {
    let mut values = Vec::new();
    if let Ok(key) = x509.public_key() {
        let algorithm = match key.id() {
            Id::RSA => Some(CryptographicAlgorithm::RSA),
            Id::EC => Some(CryptographicAlgorithm::EC),
            Id::DSA => Some(CryptographicAlgorithm::DSA),
            Id::ED25519 => Some(CryptographicAlgorithm::ED25519),
            Id::ED448 => Some(CryptographicAlgorithm::ED448),
            _ => None,
        };
        values.extend(algorithm.map(AttributeValue::CryptographicAlgorithm));
        let bits = i32::try_from(key.bits()).unwrap_or_default();
        values.push(AttributeValue::CryptographicLength(bits));
    }
    let algorithm = signature_algorithm(x509.signature_algorithm().object().nid());
    values.extend(algorithm.map(AttributeValue::DigitalSignatureAlgorithm));
    values
}

fn signature_algorithm(nid: Nid) -> Option<DigitalSignatureAlgorithm> {
    use DigitalSignatureAlgorithm as Algorithm;
    Some(match nid {
        Nid::MD5WITHRSAENCRYPTION => Algorithm::MD5_WITH_RSA_ENCRYPTION,
        Nid::SHA1WITHRSAENCRYPTION => Algorithm::SHA_1_WITH_RSA_ENCRYPTION,
        Nid::SHA224WITHRSAENCRYPTION => Algorithm::SHA_224_WITH_RSA_ENCRYPTION,
        Nid::SHA256WITHRSAENCRYPTION => Algorithm::SHA_256_WITH_RSA_ENCRYPTION,
        Nid::SHA384WITHRSAENCRYPTION => Algorithm::SHA_384_WITH_RSA_ENCRYPTION,
        Nid::SHA512WITHRSAENCRYPTION => Algorithm::SHA_512_WITH_RSA_ENCRYPTION,
        Nid::RSASSAPSS => Algorithm::RSASSA_PSS,
        Nid::ECDSA_WITH_SHA1 => Algorithm::ECDSA_WITH_SHA_1,
        Nid::ECDSA_WITH_SHA224 => Algorithm::ECDSA_WITH_SHA224,
        Nid::ECDSA_WITH_SHA256 => Algorithm::ECDSA_WITH_SHA256,
        Nid::ECDSA_WITH_SHA384 => Algorithm::ECDSA_WITH_SHA384,
        Nid::ECDSA_WITH_SHA512 => Algorithm::ECDSA_WITH_SHA512,
        _ => return None,
    })
}

/// Subject, issuer and serial number, as DER and as the texts of KMIP 1.0.
fn identity(x509: &X509Ref) -> Vec<AttributeValue<'static>> {
    let (Ok(subject), Ok(issuer)) = (x509.subject_name().to_der(), x509.issuer_name().to_der())
    else {
        return Vec::new();
    };
    let serial = x509.serial_number().to_bn();
    let magnitude = serial.as_ref().map(|n| n.to_vec()).unwrap_or_default();
    let serial_bytes = der_integer(&magnitude);
    let serial_text = serial
        .ok()
        .and_then(|n| n.to_hex_str().ok())
        .map(|s| s.to_string());
    let issuer_text = text(x509.issuer_name());
    vec![
        AttributeValue::X509CertificateSubject(X509CertificateSubject {
            subject_distinguished_name: subject.into(),
            ..X509CertificateSubject::default()
        }),
        AttributeValue::X509CertificateIssuer(X509CertificateIssuer {
            issuer_distinguished_name: issuer.clone().into(),
            ..X509CertificateIssuer::default()
        }),
        AttributeValue::X509CertificateIdentifier(X509CertificateIdentifier {
            issuer_distinguished_name: issuer.into(),
            certificate_serial_number: serial_bytes.into(),
            ..X509CertificateIdentifier::default()
        }),
        AttributeValue::CertificateIdentifier(CertificateIdentifier {
            issuer: issuer_text.clone().into(),
            serial_number: serial_text.map(Into::into),
            ..CertificateIdentifier::default()
        }),
        AttributeValue::CertificateSubject(CertificateSubject {
            certificate_subject_distinguished_name: text(x509.subject_name()).into(),
            ..CertificateSubject::default()
        }),
        AttributeValue::CertificateIssuer(CertificateIssuer {
            certificate_issuer_distinguished_name: issuer_text.into(),
            ..CertificateIssuer::default()
        }),
    ]
}

/// A distinguished name as text, the last part first (RFC 2253): `CN=...,O=...`.
fn text(name: &X509NameRef) -> String {
    let parts = name.entries().filter_map(|entry| {
        let key = entry.object().nid().short_name().ok()?;
        let value = entry.data().to_string().ok()?;
        Some(format!("{key}={value}"))
    });
    let mut parts: Vec<String> = parts.collect();
    parts.reverse();
    parts.join(",")
}

/// A serial number as DER INTEGER.
fn der_integer(magnitude: &[u8]) -> Vec<u8> {
    let sign = magnitude.first().is_none_or(|byte| byte & 0x80 != 0);
    // RFC 5280 allows at most 20 bytes; the short form of the length has room for 127.
    let length = (magnitude.len() + usize::from(sign)).min(127);
    let mut der = vec![0x02, length as u8];
    if sign {
        der.push(0);
    }
    der.extend_from_slice(&magnitude[..length - usize::from(sign)]);
    der
}

type Part = (Nid, fn(String) -> AttributeValue<'static>);

const SUBJECT: [Part; 9] = [
    (Nid::COMMONNAME, |t| {
        AttributeValue::CertificateSubjectCn(t.into())
    }),
    (Nid::ORGANIZATIONNAME, |t| {
        AttributeValue::CertificateSubjectO(t.into())
    }),
    (Nid::ORGANIZATIONALUNITNAME, |t| {
        AttributeValue::CertificateSubjectOu(t.into())
    }),
    (Nid::PKCS9_EMAILADDRESS, |t| {
        AttributeValue::CertificateSubjectEmail(t.into())
    }),
    (Nid::COUNTRYNAME, |t| {
        AttributeValue::CertificateSubjectC(t.into())
    }),
    (Nid::STATEORPROVINCENAME, |t| {
        AttributeValue::CertificateSubjectSt(t.into())
    }),
    (Nid::LOCALITYNAME, |t| {
        AttributeValue::CertificateSubjectL(t.into())
    }),
    (Nid::TITLE, |t| {
        AttributeValue::CertificateSubjectTitle(t.into())
    }),
    (Nid::DOMAINCOMPONENT, |t| {
        AttributeValue::CertificateSubjectDc(t.into())
    }),
];

const ISSUER: [Part; 9] = [
    (Nid::COMMONNAME, |t| {
        AttributeValue::CertificateIssuerCn(t.into())
    }),
    (Nid::ORGANIZATIONNAME, |t| {
        AttributeValue::CertificateIssuerO(t.into())
    }),
    (Nid::ORGANIZATIONALUNITNAME, |t| {
        AttributeValue::CertificateIssuerOu(t.into())
    }),
    (Nid::PKCS9_EMAILADDRESS, |t| {
        AttributeValue::CertificateIssuerEmail(t.into())
    }),
    (Nid::COUNTRYNAME, |t| {
        AttributeValue::CertificateIssuerC(t.into())
    }),
    (Nid::STATEORPROVINCENAME, |t| {
        AttributeValue::CertificateIssuerSt(t.into())
    }),
    (Nid::LOCALITYNAME, |t| {
        AttributeValue::CertificateIssuerL(t.into())
    }),
    (Nid::TITLE, |t| {
        AttributeValue::CertificateIssuerTitle(t.into())
    }),
    (Nid::DOMAINCOMPONENT, |t| {
        AttributeValue::CertificateIssuerDc(t.into())
    }),
];

fn parts(name: &X509NameRef, known: &[Part]) -> Vec<AttributeValue<'static>> {
    let found = known.iter().filter_map(|(nid, attribute)| {
        let entry = name.entries_by_nid(*nid).next()?;
        Some(attribute(entry.data().to_string().ok()?))
    });
    found.collect()
}
