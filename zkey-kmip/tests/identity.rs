//! Certificates and requests for identity keys, as OpenSSL reads them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Builder, X509NameBuilder, X509Req};
use tempfile::TempDir;
use zkey_kmip::abi::{Errno, PluginError};
use zkey_kmip::identity::{
    CertificateOptions, ClientCertificate, IdentityError, certificate_request, digest_by_name,
    request_to_pem, self_signed_certificate,
};
use zkey_kmip::secure_key::software::{MasterKeyFile, Software};
use zkey_kmip::secure_key::{CardType, Curve, DigestAlgorithm, KeySpec, SecureKeyBackend};

struct Identity {
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

#[test]
fn a_token_of_another_master_key_makes_no_certificate() {
    let identity = Identity::ecc();
    let other = Identity::ecc();
    let made = certificate_request(&*identity.backend, &other.key, &options());
    assert!(matches!(made, Err(IdentityError::Backend(_))));
}
