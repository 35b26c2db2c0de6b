//! A certificate authority for tests.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{HasPublic, PKey, Private, Public};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder, X509NameRef, X509Req};

const DAY: i64 = 24 * 60 * 60;

/// A certificate authority.
#[derive(Clone)]
pub struct Authority {
    pub(crate) key: PKey<Private>,
    certificate: X509,
}

impl Authority {
    /// A new authority called `name`.
    pub fn new(name: &str) -> Self {
        Self::certified(name, None)
    }

    /// An authority called `name` that this one has certified.
    pub fn intermediate(&self, name: &str) -> Self {
        Self::certified(name, Some(self))
    }

    fn certified(name: &str, superior: Option<&Authority>) -> Self {
        let key = elliptic_curve_key();
        let name = distinguished_name(name);
        let issuer = superior.map_or(&*name, |superior| superior.certificate.subject_name());
        let mut builder = builder(&name, issuer, &key, (-1, 365));
        let authority = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(authority).unwrap();
        let usage = KeyUsage::new()
            .critical()
            .key_cert_sign()
            .crl_sign()
            .build();
        builder.append_extension(usage.unwrap()).unwrap();
        let signer = superior.map_or(&key, |superior| &superior.key);
        builder.sign(signer, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        Authority { key, certificate }
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &X509 {
        &self.certificate
    }

    /// A certificate for a server on this machine, found by name and by both loopback addresses.
    pub fn server(&self) -> Certified {
        Request::new("localhost")
            .dns("localhost")
            .ip("127.0.0.1")
            .ip("::1")
            .signed_by(self)
    }

    /// A certificate for a client called `name`.
    pub fn client(&self, name: &str) -> Certified {
        Request::new(name).for_client().signed_by(self)
    }

    /// Signs a certificate signing request in PEM, with the extensions it asks for. Returns the
    /// certificate in PEM.
    pub fn sign_request(&self, pem: &[u8]) -> Vec<u8> {
        let request = X509Req::from_pem(pem).unwrap();
        let key = request.public_key().unwrap();
        assert!(
            request.verify(&key).unwrap(),
            "the request is not signed with its own key"
        );
        let subject = request.subject_name();
        let mut builder = builder(subject, self.certificate.subject_name(), &key, (-1, 90));
        for extension in request.extensions().iter().flatten() {
            builder.append_extension2(extension).unwrap();
        }
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        builder.build().to_pem().unwrap()
    }

    /// A certificate for a public key of any type.
    pub fn certify(&self, key: &PKey<Public>, name: &str) -> X509 {
        let (name, issuer) = (distinguished_name(name), self.certificate.subject_name());
        let mut builder = builder(&name, issuer, key, (-1, 90));
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    /// Writes the authority's certificate as PEM to `path`.
    pub fn write_pem(&self, path: &Path) {
        std::fs::write(path, self.certificate.to_pem().unwrap()).unwrap();
    }
}

/// An RSA key as one of type id-RSASSA-PSS (RFC 4055, 1.2 and 3.1), with the parameters of an
/// AlgorithmIdentifier in DER, or without.
pub fn restrict_to_pss(public: &PKey<Public>, algorithm: Option<&[u8]>) -> PKey<Public> {
    const ALGORITHM: &[u8] = &[0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    let der = |tag: u8, parts: &[&[u8]]| {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        match length {
            [0, short @ 0..0x80] => [&[tag, short], &*content].concat(),
            [0, long] => [&[tag, 0x81, long], &*content].concat(),
            [high, low] => [&[tag, 0x82, high, low], &*content].concat(),
        }
    };
    let key = public.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
    let algorithm = algorithm.unwrap_or(ALGORITHM);
    let info = der(0x30, &[algorithm, &der(3, &[&[0], &key])]);
    PKey::public_key_from_der(&info).unwrap()
}

/// What a certificate is to be like.
#[derive(Clone)]
pub struct Request {
    name: String,
    dns: Vec<String>,
    ip: Vec<IpAddr>,
    client: bool,
    rsa: bool,
    /// Validity in days from now.
    validity: (i64, i64),
}

impl Request {
    /// A server certificate with the common name `name` and an elliptic-curve key, valid for 90
    /// days.
    pub fn new(name: &str) -> Self {
        Request {
            name: name.to_owned(),
            dns: Vec::new(),
            ip: Vec::new(),
            client: false,
            rsa: false,
            validity: (-1, 90),
        }
    }

    /// Adds a DNS name.
    pub fn dns(mut self, name: &str) -> Self {
        self.dns.push(name.to_owned());
        self
    }

    /// Adds an IP address.
    pub fn ip(mut self, address: &str) -> Self {
        self.ip.push(address.parse().unwrap());
        self
    }

    /// For a client instead of a server.
    pub fn for_client(mut self) -> Self {
        self.client = true;
        self
    }

    /// With an RSA key of 2048 bits.
    pub fn rsa(mut self) -> Self {
        self.rsa = true;
        self
    }

    /// That expired yesterday.
    pub fn expired(mut self) -> Self {
        self.validity = (-10, -1);
        self
    }

    /// Signed by `authority`.
    pub fn signed_by(&self, authority: &Authority) -> Certified {
        let key = self.key();
        let issuer = authority.certificate.subject_name().to_owned().unwrap();
        self.certify(key, &issuer, Some(&authority.key))
    }

    /// Signed with its own key.
    pub fn self_signed(&self) -> Certified {
        let issuer = distinguished_name(&self.name);
        self.certify(self.key(), &issuer, None)
    }

    fn key(&self) -> PKey<Private> {
        match self.rsa {
            true => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            false => elliptic_curve_key(),
        }
    }

    fn certify(
        &self,
        key: PKey<Private>,
        issuer: &X509Name,
        signer: Option<&PKey<Private>>,
    ) -> Certified {
        let subject = distinguished_name(&self.name);
        let mut builder = builder(&subject, issuer, &key, self.validity);
        let mut usage = ExtendedKeyUsage::new();
        let usage = match self.client {
            true => usage.client_auth(),
            false => usage.server_auth(),
        };
        builder.append_extension(usage.build().unwrap()).unwrap();
        if !(self.dns.is_empty() && self.ip.is_empty()) {
            let mut names = SubjectAlternativeName::new();
            for name in &self.dns {
                names.dns(name);
            }
            for address in &self.ip {
                names.ip(&address.to_string());
            }
            let names = names.build(&builder.x509v3_context(None, None)).unwrap();
            builder.append_extension(names).unwrap();
        }
        let signer = signer.unwrap_or(&key);
        builder.sign(signer, MessageDigest::sha256()).unwrap();
        Certified {
            certificate: builder.build(),
            key,
        }
    }
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Certified {
    /// The certificate.
    pub certificate: X509,
    /// Its private key.
    pub key: PKey<Private>,
}

impl Certified {
    /// The certificate in PEM.
    pub fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    /// The key in PEM (PKCS#8).
    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }

    /// Writes `NAME.crt` and `NAME.key` in PEM into `directory`; returns both paths.
    pub fn write_pem(&self, directory: &Path, name: &str) -> (PathBuf, PathBuf) {
        let certificate = directory.join(format!("{name}.crt"));
        let key = directory.join(format!("{name}.key"));
        std::fs::write(&certificate, self.certificate_pem()).unwrap();
        std::fs::write(&key, self.key_pem()).unwrap();
        (certificate, key)
    }

    /// Both in PKCS#12.
    pub fn pkcs12(&self, password: &str) -> Vec<u8> {
        self.pkcs12_with_chain(password, &[])
    }

    /// Both in PKCS#12, with the certificates of intermediate authorities.
    pub fn pkcs12_with_chain(&self, password: &str, chain: &[&X509]) -> Vec<u8> {
        let mut authorities = Stack::new().unwrap();
        for certificate in chain {
            authorities.push((*certificate).clone()).unwrap();
        }
        let mut builder = Pkcs12::builder();
        builder.pkey(&self.key).cert(&self.certificate);
        if !chain.is_empty() {
            builder.ca(authorities);
        }
        builder.build2(password).unwrap().to_der().unwrap()
    }
}

/// So many days from now.
pub(crate) fn day(days: i64) -> Asn1Time {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Asn1Time::from_unix(i64::try_from(now).unwrap() + days * DAY).unwrap()
}

fn elliptic_curve_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn distinguished_name(common: &str) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, common).unwrap();
    name.build()
}

fn builder<T: HasPublic>(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<T>,
    validity: (i64, i64),
) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::ONE, false).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&day(validity.0)).unwrap();
    builder.set_not_after(&day(validity.1)).unwrap();
    builder
}
