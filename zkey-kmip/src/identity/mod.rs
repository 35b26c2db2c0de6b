//! The identity of this client: certificates and requests for its identity key (behaviour
//! reference 2.1, 9.8).
//!
//! The private key is a secure key, so OpenSSL cannot sign: what is to be signed is put together
//! here, signed by the backend, and verified with OpenSSL afterwards.

mod client_certificate;
mod error;
mod extensions;
mod subject;
mod validity;

pub use client_certificate::{ClientCertificate, certificates_from_pem};
pub use error::IdentityError;
use error::reason;

use std::time::SystemTime;

use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{Id, PKey, Public};
use openssl::rand::rand_bytes;
use openssl::x509::{X509, X509Builder, X509Req, X509ReqBuilder};

use self::extensions::Subject;
use crate::der::{self, BIT_STRING, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, context};
use crate::secure_key::{DigestAlgorithm, SecureKeyBackend, SignatureScheme};

/// extensionRequest, 1.2.840.113549.1.9.14
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];

/// What a certificate or request shall say.
#[derive(Debug, Clone, Copy, Default)]
pub struct CertificateOptions<'a> {
    /// The subject, `type=value;...`.
    pub subject: Option<&'a str>,
    /// Extensions, `name=value;...`.
    pub extensions: Option<&'a str>,
    /// A certificate to take subject and extensions from.
    pub renew: Option<&'a X509>,
    /// The digest; without it, one of the strength of the key.
    pub digest: Option<DigestAlgorithm>,
    /// Sign with RSA-PSS. Without effect for elliptic curve keys.
    pub rsa_pss: bool,
    /// Name of this host, for the subject alternative name.
    pub host_name: &'a str,
}

/// The digest of this name in OpenSSL.
///
/// # Errors
/// There is none, or adapters cannot sign with it.
pub fn digest_by_name(name: &str) -> Result<DigestAlgorithm, IdentityError> {
    let known = MessageDigest::from_name(name)
        .ok_or_else(|| IdentityError::UnknownDigest(name.to_owned()))?;
    DigestAlgorithm::ALL
        .into_iter()
        .find(|digest| digest.message_digest().type_() == known.type_())
        .ok_or_else(|| IdentityError::UnsupportedDigest(name.to_owned()))
}

/// Makes a certificate signing request for an identity key.
///
/// # Errors
/// The options cannot be used, or the backend cannot sign.
pub fn certificate_request(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    options: &CertificateOptions<'_>,
) -> Result<X509Req, IdentityError> {
    let signer = Signer::new(backend, key, options)?;
    let mut builder = X509ReqBuilder::new().map_err(IdentityError::openssl("make a request"))?;
    builder
        .set_pubkey(&signer.public)
        .map_err(IdentityError::openssl("make a request"))?;
    let extensions = extensions::extensions(
        Subject::Request(builder),
        options.extensions,
        options.renew,
        options.host_name,
    )?;
    let attribute = der::encode(
        SEQUENCE,
        &[
            &der::encode(OBJECT_IDENTIFIER, &[EXTENSION_REQUEST]),
            &der::encode(SET, &[&der::encode(SEQUENCE, &[&extensions])]),
        ],
    );
    let content = der::encode(
        SEQUENCE,
        &[
            &der::encode(INTEGER, &[&[0]]),
            &subject_of(options)?,
            &signer.encoded,
            &der::encode(context(0), &[&attribute]),
        ],
    );
    let request = X509Req::from_der(&signer.sign(&content)?)
        .map_err(IdentityError::openssl("read the request"))?;
    match request.verify(&signer.public) {
        Ok(true) => Ok(request),
        _ => Err(IdentityError::BadSignature),
    }
}

/// Makes a self-signed certificate for an identity key, valid from `now` on.
///
/// # Errors
/// The options cannot be used, or the backend cannot sign.
pub fn self_signed_certificate(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    options: &CertificateOptions<'_>,
    now: SystemTime,
    days: u32,
) -> Result<X509, IdentityError> {
    let signer = Signer::new(backend, key, options)?;
    let mut builder = X509Builder::new().map_err(IdentityError::openssl("make a certificate"))?;
    builder
        .set_pubkey(&signer.public)
        .map_err(IdentityError::openssl("make a certificate"))?;
    let extensions = extensions::extensions(
        Subject::Certificate(builder),
        options.extensions,
        options.renew,
        options.host_name,
    )?;
    let subject = subject_of(options)?;
    let version_3 = der::encode(INTEGER, &[&[2]]);
    let content = der::encode(
        SEQUENCE,
        &[
            &der::encode(context(0), &[&version_3]),
            &serial_number()?,
            &signer.algorithm(),
            &subject,
            &validity::days_from(now, days).ok_or(IdentityError::Validity(days))?,
            &subject,
            &signer.encoded,
            &der::encode(context(3), &[&der::encode(SEQUENCE, &[&extensions])]),
        ],
    );
    let certificate = X509::from_der(&signer.sign(&content)?)
        .map_err(IdentityError::openssl("read the certificate"))?;
    match certificate.verify(&signer.public) {
        Ok(true) => Ok(certificate),
        _ => Err(IdentityError::BadSignature),
    }
}

/// A request in PEM form, with the header that some certificate authorities want if `new_header`.
///
/// # Errors
/// OpenSSL cannot encode it.
pub fn request_to_pem(request: &X509Req, new_header: bool) -> Result<Vec<u8>, IdentityError> {
    let pem = request
        .to_pem()
        .map_err(IdentityError::openssl("encode the request"))?;
    if !new_header {
        return Ok(pem);
    }
    let pem = String::from_utf8_lossy(&pem);
    Ok(pem
        .replace(" CERTIFICATE REQUEST-", " NEW CERTIFICATE REQUEST-")
        .into_bytes())
}

fn subject_of(options: &CertificateOptions<'_>) -> Result<Vec<u8>, IdentityError> {
    subject::name(
        options.renew.map(|renew| renew.subject_name()),
        options.subject,
    )
}

/// 159 random bits.
fn serial_number() -> Result<Vec<u8>, IdentityError> {
    let mut bytes = [0; 20];
    rand_bytes(&mut bytes).map_err(IdentityError::openssl("make random bytes"))?;
    bytes[0] &= 0x7f;
    Ok(der::positive(&bytes))
}

/// An identity key with the way it signs.
struct Signer<'a> {
    backend: &'a dyn SecureKeyBackend,
    key: &'a [u8],
    public: PKey<Public>,
    /// The public key in DER.
    encoded: Vec<u8>,
    scheme: SignatureScheme,
    digest: DigestAlgorithm,
}

impl<'a> Signer<'a> {
    fn new(
        backend: &'a dyn SecureKeyBackend,
        key: &'a [u8],
        options: &CertificateOptions<'_>,
    ) -> Result<Signer<'a>, IdentityError> {
        let encoded = backend.public_key(key)?;
        let public = PKey::public_key_from_der(&encoded)
            .map_err(IdentityError::openssl("read the public key"))?;
        let scheme = match public.id() {
            Id::EC => SignatureScheme::Ecdsa,
            Id::RSA if options.rsa_pss => SignatureScheme::RsaPss,
            Id::RSA => SignatureScheme::RsaPkcs1,
            _ => return Err(IdentityError::KeyKind),
        };
        let digest = options.digest.unwrap_or(match public.bits() {
            bits if scheme != SignatureScheme::Ecdsa || bits <= 256 => DigestAlgorithm::Sha256,
            ..=384 => DigestAlgorithm::Sha384,
            _ => DigestAlgorithm::Sha512,
        });
        Ok(Signer {
            backend,
            key,
            public,
            encoded,
            scheme,
            digest,
        })
    }

    fn algorithm(&self) -> Vec<u8> {
        self.scheme.algorithm_identifier(self.digest)
    }

    /// What X.509 calls SIGNED: content, algorithm and signature.
    fn sign(&self, content: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let digest = hash(self.digest.message_digest(), content)
            .map_err(IdentityError::openssl("compute a digest"))?;
        let signature = self
            .backend
            .sign(self.key, self.scheme, self.digest, &digest)?;
        let no_unused_bits = [0];
        Ok(der::encode(
            SEQUENCE,
            &[
                content,
                &self.algorithm(),
                &der::encode(BIT_STRING, &[&no_unused_bits, &signature]),
            ],
        ))
    }
}
