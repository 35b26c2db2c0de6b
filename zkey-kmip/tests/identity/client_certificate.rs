//! The certificate that an authority has issued.

use std::time::{Duration, SystemTime};

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use zkey_kmip::identity::{CertificateOptions, ClientCertificate, IdentityError};
use zkey_kmip::secure_key::KeySpec;

use crate::{Identity, options};

/// A certificate authority.
struct Authority {
    key: PKey<Private>,
}

impl Authority {
    fn new() -> Authority {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        Authority { key }
    }

    fn issue(&self, public: &PKey<Public>, from: SystemTime, days: u64) -> X509 {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, "authority")
            .unwrap();
        let name = name.build();
        let mut serial = BigNum::new().unwrap();
        serial.rand(64, MsbOption::MAYBE_ZERO, false).unwrap();
        let time = |time: SystemTime| {
            let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            Asn1Time::from_unix(seconds.as_secs() as i64).unwrap()
        };
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        builder.set_pubkey(public).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder
            .set_serial_number(&Asn1Integer::from_bn(&serial).unwrap())
            .unwrap();
        builder.set_not_before(&time(from)).unwrap();
        let end = from + Duration::from_secs(days * 86400);
        builder.set_not_after(&time(end)).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        builder.build()
    }
}

fn days_ago(days: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(days * 86400)
}

#[test]
fn the_client_certificate_must_be_for_the_identity_key() {
    let authority = Authority::new();
    let identity = Identity::ecc();
    let issued = authority.issue(&identity.public(), days_ago(1), 30);
    let found =
        ClientCertificate::find(&issued.to_pem().unwrap(), &identity.encoded_public()).unwrap();
    assert_eq!((found.algorithm, found.remarks.len()), ("ECC", 0));
    let other = Identity::ecc();
    let error = ClientCertificate::find(&issued.to_pem().unwrap(), &other.encoded_public());
    assert!(matches!(error, Err(IdentityError::WrongKey)));
    for pem in [
        &b""[..],
        b"nonsense",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n",
    ] {
        let error = ClientCertificate::find(pem, &identity.encoded_public());
        assert!(matches!(error, Err(IdentityError::NoCertificate)));
    }
}

#[test]
fn the_chain_is_kept_behind_the_certificate() {
    let authority = Authority::new();
    let authority_public =
        PKey::public_key_from_der(&authority.key.public_key_to_der().unwrap()).unwrap();
    let identity = Identity::new(KeySpec::Rsa(2048));
    let issuer = authority.issue(&authority_public, days_ago(1), 30);
    let issued = authority.issue(&identity.public(), days_ago(1), 30);
    let pem = [issuer.to_pem().unwrap(), issued.to_pem().unwrap()].concat();
    let found = ClientCertificate::find(&pem, &identity.encoded_public()).unwrap();
    assert_eq!(found.algorithm, "RSA");
    let chain = X509::stack_from_pem(&found.pem).unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[0].to_der().unwrap(), issued.to_der().unwrap());
    assert_eq!(chain[1].to_der().unwrap(), issuer.to_der().unwrap());
}

#[test]
fn expired_certificates_are_refused_and_early_ones_remarked() {
    let authority = Authority::new();
    let identity = Identity::ecc();
    let expired = authority.issue(&identity.public(), days_ago(31), 30);
    let error = ClientCertificate::find(&expired.to_pem().unwrap(), &identity.encoded_public());
    assert!(matches!(error, Err(IdentityError::Expired(_))));
    let tomorrow = SystemTime::now() + Duration::from_secs(86400);
    let early = authority.issue(&identity.public(), tomorrow, 30);
    let found =
        ClientCertificate::find(&early.to_pem().unwrap(), &identity.encoded_public()).unwrap();
    assert!(found.remarks[0].contains("not valid before"));
    let server = identity
        .certificate(&CertificateOptions {
            extensions: Some("extendedKeyUsage=serverAuth"),
            ..options()
        })
        .unwrap();
    let found =
        ClientCertificate::find(&server.to_pem().unwrap(), &identity.encoded_public()).unwrap();
    assert!(found.remarks[0].contains("client authentication"));
}
