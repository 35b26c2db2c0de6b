//! Certificates and requests for identity keys, as OpenSSL reads them.

mod client_certificate;

use std::sync::Arc;
use std::time::SystemTime;

use openssl::asn1::Asn1Time;
use openssl::pkey::{PKey, Public};
use openssl::x509::{X509, X509Req};
use tempfile::TempDir;
use zkey_kmip::abi::{Errno, PluginError};
use zkey_kmip::identity::{
    CertificateOptions, IdentityError, certificate_request, digest_by_name, request_to_pem,
    self_signed_certificate,
};
use zkey_kmip::secure_key::software::{MasterKeyFile, Software};
use zkey_kmip::secure_key::{CardType, Curve, DigestAlgorithm, KeySpec, SecureKeyBackend};

pub(crate) struct Identity {
    _directory: TempDir,
    backend: Arc<dyn SecureKeyBackend>,
    key: Vec<u8>,
}

impl Identity {
    fn new(spec: KeySpec) -> Identity {
        let directory = tempfile::tempdir().unwrap();
        let file = MasterKeyFile::at(directory.path().join("master-key"));
        let backend: Arc<dyn SecureKeyBackend> = Arc::new(Software::new(CardType::Cca, file));
        let key = backend.generate_identity_key(spec).unwrap();
        Identity {
            _directory: directory,
            backend,
            key,
        }
    }

    fn ecc() -> Identity {
        Identity::new(KeySpec::Ecc(Curve::Prime256v1))
    }

    fn encoded_public(&self) -> Vec<u8> {
        self.backend.public_key(&self.key).unwrap()
    }

    fn public(&self) -> PKey<Public> {
        PKey::public_key_from_der(&self.encoded_public()).unwrap()
    }

    fn request(&self, options: &CertificateOptions<'_>) -> Result<X509Req, IdentityError> {
        certificate_request(&*self.backend, &self.key, options)
    }

    fn certificate(&self, options: &CertificateOptions<'_>) -> Result<X509, IdentityError> {
        let now = SystemTime::now();
        self_signed_certificate(&*self.backend, &self.key, options, now, 30)
    }
}

fn options<'a>() -> CertificateOptions<'a> {
    CertificateOptions {
        subject: Some("CN=client"),
        host_name: "host.example",
        ..CertificateOptions::default()
    }
}

fn text(certificate: &X509) -> String {
    String::from_utf8(certificate.to_text().unwrap()).unwrap()
}

fn request_text(request: &X509Req) -> String {
    String::from_utf8(request.to_text().unwrap()).unwrap()
}

#[test]
fn every_kind_of_key_makes_valid_certificates_and_requests() {
    for (spec, rsa_pss, algorithm) in [
        (KeySpec::Ecc(Curve::Prime256v1), false, "ecdsa-with-SHA256"),
        (KeySpec::Ecc(Curve::Secp384r1), true, "ecdsa-with-SHA384"),
        (KeySpec::DEFAULT, false, "ecdsa-with-SHA512"),
        (
            KeySpec::Ecc(Curve::BrainpoolP320r1),
            false,
            "ecdsa-with-SHA384",
        ),
        (KeySpec::Rsa(2048), false, "sha256WithRSAEncryption"),
        (KeySpec::Rsa(2048), true, "rsassaPss"),
    ] {
        let identity = Identity::new(spec);
        let options = CertificateOptions {
            rsa_pss,
            ..options()
        };
        let certificate = identity.certificate(&options).unwrap();
        assert!(certificate.verify(&identity.public()).unwrap());
        assert_eq!(certificate.version(), 2);
        assert!(
            text(&certificate).contains(algorithm),
            "{}",
            text(&certificate)
        );
        let request = identity.request(&options).unwrap();
        assert!(request.verify(&identity.public()).unwrap());
        assert!(request_text(&request).contains(algorithm));
        assert!(request.public_key().unwrap().public_eq(&identity.public()));
    }
}

#[test]
fn every_digest_can_be_chosen() {
    for spec in [KeySpec::Ecc(Curve::Prime256v1), KeySpec::Rsa(2048)] {
        let identity = Identity::new(spec);
        for digest in DigestAlgorithm::ALL {
            for rsa_pss in [false, true] {
                let options = CertificateOptions {
                    digest: Some(digest),
                    rsa_pss,
                    ..options()
                };
                // Verified by OpenSSL before it is handed out.
                identity.certificate(&options).unwrap();
                identity.request(&options).unwrap();
            }
        }
    }
    assert_eq!(digest_by_name("SHA384").unwrap(), DigestAlgorithm::Sha384);
    assert!(matches!(
        digest_by_name("no"),
        Err(IdentityError::UnknownDigest(_))
    ));
    assert!(matches!(
        digest_by_name("sha3-256"),
        Err(IdentityError::UnsupportedDigest(_))
    ));
}

#[test]
fn what_a_client_needs_is_added_unless_it_is_there() {
    let identity = Identity::ecc();
    let certificate = identity.certificate(&options()).unwrap();
    let names = certificate.subject_alt_names().unwrap();
    assert_eq!(names[0].dnsname(), Some("host.example"));
    assert!(text(&certificate).contains("TLS Web Client Authentication"));
    let request = identity.request(&options()).unwrap();
    assert!(request_text(&request).contains("DNS:host.example"));
    assert!(request_text(&request).contains("TLS Web Client Authentication"));
    let certificate = identity
        .certificate(&CertificateOptions {
            extensions: Some(
                "subjectAltName=DNS:other.example,IP:192.0.2.1;keyUsage=critical,digitalSignature;\
                 extendedKeyUsage=serverAuth;subjectKeyIdentifier=hash;\
                 authorityKeyIdentifier=keyid:always",
            ),
            ..options()
        })
        .unwrap();
    let names = certificate.subject_alt_names().unwrap();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0].dnsname(), Some("other.example"));
    let text = text(&certificate);
    assert!(text.contains("X509v3 Key Usage: critical"), "{text}");
    assert!(!text.contains("Client Authentication") && !text.contains("host.example"));
    assert_eq!(
        certificate.subject_key_id().unwrap().as_slice(),
        certificate.authority_key_id().unwrap().as_slice()
    );
}

#[test]
fn subjects_keep_their_order_and_their_sets() {
    let identity = Identity::ecc();
    let subject = "C=DE;O=Example äöü;OU=One;+OU=Two;CN=client;2.5.4.65=pseudonym";
    let certificate = identity
        .certificate(&CertificateOptions {
            subject: Some(subject),
            ..options()
        })
        .unwrap();
    let name = certificate.subject_name();
    let entries: Vec<_> = name
        .entries()
        .map(|entry| {
            let kind = entry.object().nid().short_name().unwrap_or("?").to_owned();
            (kind, entry.data().to_string().unwrap())
        })
        .collect();
    let expected = [
        ("C", "DE"),
        ("O", "Example äöü"),
        ("OU", "One"),
        ("OU", "Two"),
        ("CN", "client"),
        ("pseudonym", "pseudonym"),
    ];
    let expected = expected.map(|(kind, value)| (kind.to_owned(), value.to_owned()));
    assert_eq!(entries, expected);
    // The two units are one set.
    let text = text(&certificate);
    assert!(text.replace(' ', "").contains("OU=One+OU=Two"), "{text}");
    assert_eq!(
        certificate.issuer_name().to_der().unwrap(),
        name.to_der().unwrap()
    );
}

#[test]
fn malformed_subjects_and_extensions_are_told() {
    let identity = Identity::ecc();
    let long = format!("CN={}", "x".repeat(65));
    for subject in [
        "",
        ";;",
        "CN",
        "CN=",
        "=x",
        "nonsense=x",
        "C=Germany",
        "CN=a;CN=a",
        "CN=a;+CN=a",
        "CN=\0",
        &long,
    ] {
        let options = CertificateOptions {
            subject: Some(subject),
            ..options()
        };
        for error in [
            identity.certificate(&options).err(),
            identity.request(&options).err(),
        ] {
            let error: PluginError = error.unwrap_or_else(|| panic!("{subject}")).into();
            assert_eq!(error.errno(), Errno::EINVAL);
            assert!(error.to_string().contains("subject"), "{error}");
        }
    }
    for extensions in [
        "keyUsage",
        "keyUsage=",
        "=x",
        "nonsense=1",
        "keyUsage=nonsense",
        "subjectAltName=@section",
        "keyUsage=keyAgreement;keyUsage=digitalSignature",
        "keyUsage=\0",
    ] {
        let options = CertificateOptions {
            extensions: Some(extensions),
            ..options()
        };
        for error in [
            identity.certificate(&options).err(),
            identity.request(&options).err(),
        ] {
            let error: PluginError = error.unwrap_or_else(|| panic!("{extensions}")).into();
            assert_eq!(error.errno(), Errno::EINVAL);
            assert!(error.to_string().contains("extensions"), "{error}");
        }
    }
}

#[test]
fn renewal_takes_over_what_the_old_certificate_had() {
    let old = Identity::ecc();
    let old_certificate = old
        .certificate(&CertificateOptions {
            subject: Some("O=Example;CN=client"),
            extensions: Some(
                "subjectAltName=DNS:old.example;subjectKeyIdentifier=hash;\
                 authorityKeyIdentifier=keyid:always;keyUsage=critical,digitalSignature",
            ),
            ..options()
        })
        .unwrap();
    let new = Identity::new(KeySpec::Rsa(2048));
    let renewed = CertificateOptions {
        renew: Some(&old_certificate),
        subject: Some("OU=Added"),
        ..options()
    };
    let certificate = new.certificate(&renewed).unwrap();
    let text = text(&certificate);
    let without_blanks = text.replace(' ', "");
    assert!(
        without_blanks.contains("O=Example,CN=client,OU=Added"),
        "{text}"
    );
    assert!(text.contains("X509v3 Key Usage: critical"), "{text}");
    let names = certificate.subject_alt_names().unwrap();
    assert_eq!(names[0].dnsname(), Some("old.example"));
    // What belongs to the old key and its issuer does not stay.
    assert_ne!(
        certificate.subject_key_id().unwrap().as_slice(),
        old_certificate.subject_key_id().unwrap().as_slice()
    );
    assert!(certificate.authority_key_id().is_none());
    assert!(request_text(&new.request(&renewed).unwrap()).contains("old.example"));
    let twice = CertificateOptions {
        subject: Some("CN=client"),
        ..renewed
    };
    assert!(matches!(
        new.certificate(&twice),
        Err(IdentityError::DuplicateRdn(_))
    ));
    let twice = CertificateOptions {
        extensions: Some("subjectAltName=DNS:new.example"),
        ..renewed
    };
    assert!(matches!(
        new.certificate(&twice),
        Err(IdentityError::DuplicateExtension(_))
    ));
}

#[test]
fn certificates_are_valid_from_now_for_the_days() {
    let identity = Identity::ecc();
    let now = SystemTime::now();
    let certificate =
        self_signed_certificate(&*identity.backend, &identity.key, &options(), now, 400).unwrap();
    let seconds = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    let start = Asn1Time::from_unix(seconds).unwrap();
    let end = Asn1Time::from_unix(seconds + 400 * 86400).unwrap();
    assert!(*certificate.not_before() == *start);
    assert!(*certificate.not_after() == *end);
    let again = identity.certificate(&options()).unwrap();
    let serial = |certificate: &X509| certificate.serial_number().to_bn().unwrap();
    assert_ne!(serial(&certificate), serial(&again));
    assert!(serial(&certificate).num_bits() > 100);
    let endless =
        self_signed_certificate(&*identity.backend, &identity.key, &options(), now, u32::MAX);
    assert!(matches!(endless, Err(IdentityError::Validity(_))));
}

#[test]
fn requests_can_have_the_new_header() {
    let identity = Identity::ecc();
    let request = identity.request(&options()).unwrap();
    let usual = String::from_utf8(request_to_pem(&request, false).unwrap()).unwrap();
    assert!(usual.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
    let new = String::from_utf8(request_to_pem(&request, true).unwrap()).unwrap();
    assert!(new.starts_with("-----BEGIN NEW CERTIFICATE REQUEST-----\n"));
    assert!(new.contains("-----END NEW CERTIFICATE REQUEST-----"));
    assert!(X509Req::from_pem(new.as_bytes()).is_ok());
}

#[test]
fn a_token_of_another_master_key_makes_no_certificate() {
    let identity = Identity::ecc();
    let other = Identity::ecc();
    let made = certificate_request(&*identity.backend, &other.key, &options());
    assert!(matches!(made, Err(IdentityError::Backend(_))));
}
