//! What people need to see of a certificate.

use std::fmt::{self, Write as _};

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKeyRef};
use openssl::x509::{X509NameRef, X509Ref};

/// The SHA-256 digest of a certificate or public key in DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate. All zero if OpenSSL cannot encode it, which no real certificate causes.
    pub fn of_certificate(certificate: &X509Ref) -> Self {
        let digest = certificate.digest(MessageDigest::sha256());
        Self::from_digest(digest.as_deref().unwrap_or_default())
    }

    /// Of a public key, over its SubjectPublicKeyInfo.
    pub fn of_public_key<T: HasPublic>(key: &PKeyRef<T>) -> Self {
        let der = key.public_key_to_der().unwrap_or_default();
        Fingerprint(openssl::sha::sha256(&der))
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn from_digest(digest: &[u8]) -> Self {
        Fingerprint(digest.try_into().unwrap_or_default())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char(':')?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Subject, issuer and validity on one line.
pub fn describe_certificate(certificate: &X509Ref) -> String {
    format!(
        "subject '{}', issuer '{}', valid from {} to {}",
        name(certificate.subject_name()),
        name(certificate.issuer_name()),
        certificate.not_before(),
        certificate.not_after(),
    )
}

/// A distinguished name as `CN=..., O=...`.
pub(super) fn name(name: &X509NameRef) -> String {
    let mut text = String::new();
    for entry in name.entries() {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let nid = entry.object().nid();
        text.push_str(nid.short_name().unwrap_or("?"));
        text.push('=');
        match entry.data().to_string() {
            Ok(value) => text.extend(value.chars().filter(|c| !c.is_control())),
            Err(_) => text.push('?'),
        }
    }
    text
}

/// The names and IP addresses for which a certificate is valid, without what a terminal would obey.
pub fn valid_for(certificate: &X509Ref) -> Vec<String> {
    let mut names = Vec::new();
    for alternative in certificate.subject_alt_names().iter().flatten() {
        if let Some(name) = alternative.dnsname() {
            names.push(name.to_owned());
        } else if let Some(address) = alternative.ipaddress() {
            names.extend(ip_text(address));
        }
    }
    if names.is_empty() {
        let common = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
        names.extend(common.filter_map(|entry| entry.data().to_string().ok()));
    }
    for name in &mut names {
        name.retain(|c| !c.is_control());
    }
    names
}

/// Whether the validity of a certificate is over.
pub(super) fn is_expired(certificate: &X509Ref) -> bool {
    Asn1Time::days_from_now(0).is_ok_and(|now| *certificate.not_after() < *now)
}

fn ip_text(address: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(address) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    let v6 = <[u8; 16]>::try_from(address).ok()?;
    Some(std::net::Ipv6Addr::from(v6).to_string())
}

#[cfg(test)]
mod tests {
    use openssl::x509::X509Builder;
    use openssl::x509::extension::SubjectAlternativeName;

    use super::*;

    #[test]
    fn names_do_not_control_the_terminal() {
        let mut builder = X509Builder::new().unwrap();
        let names = SubjectAlternativeName::new()
            .dns("a\x1b[2Kb")
            .dns("c\n.example")
            .build(&builder.x509v3_context(None, None))
            .unwrap();
        builder.append_extension(names).unwrap();
        assert_eq!(valid_for(&builder.build()), ["a[2Kb", "c.example"]);
    }
}
