//! Identity keys for the handshakes of TLS: OpenSSL's keys whose signatures a backend makes.

use std::sync::Arc;

use openssl::pkey::{Id, PKey, PKeyRef, Private, Public};
use openssl::x509::X509Ref;
use zeroize::Zeroizing;

use super::{
    DigestAlgorithm, KeyKind, Register, SecureKeyBackend, SecureKeyError, SignatureScheme,
};
use crate::provider::{self, Signer};

/// An identity key as a key of OpenSSL. It holds the token; [`SecureKeyBackend::sign`] is called
/// for each signature. What the backend has to say when it fails gets on OpenSSL's error queue.
///
/// # Errors
/// The token is none of an identity key that can be used now.
pub fn tls_identity(
    backend: &Arc<dyn SecureKeyBackend>,
    key: &[u8],
) -> Result<PKey<Private>, SecureKeyError> {
    let public = usable(&**backend, key)?;
    provided(backend, key, &public)
}

/// As [`tls_identity`], for the use with this certificate. One for an RSA key may restrict it to
/// RSA-PSS; the key of OpenSSL is then of that type too.
///
/// # Errors
/// The token is none of an identity key that can be used now.
pub fn tls_identity_for(
    backend: &Arc<dyn SecureKeyBackend>,
    key: &[u8],
    certificate: &X509Ref,
) -> Result<PKey<Private>, SecureKeyError> {
    let public = usable(&**backend, key)?;
    match certificate.public_key() {
        Ok(certified) if certified.id() == Id::RSA_PSS && is_same_rsa_key(&certified, &public) => {
            provided(backend, key, &certified)
        }
        _ => provided(backend, key, &public),
    }
}

/// The public key, if the token is one that can sign.
fn usable(backend: &dyn SecureKeyBackend, key: &[u8]) -> Result<PKey<Public>, SecureKeyError> {
    let status = backend.verify(key)?;
    if status.kind != KeyKind::Identity {
        return Err(SecureKeyError::WrongKind {
            found: status.kind,
            wanted: KeyKind::Identity,
        });
    }
    if status.register == Register::New {
        return Err(SecureKeyError::WrongRegister {
            found: status.register,
            wanted: Register::Current,
        });
    }
    PKey::public_key_from_der(&backend.public_key(key)?)
        .map_err(SecureKeyError::openssl("read a public key"))
}

fn provided(
    backend: &Arc<dyn SecureKeyBackend>,
    key: &[u8],
    public: &PKeyRef<Public>,
) -> Result<PKey<Private>, SecureKeyError> {
    let signer = BackendSigner {
        backend: Arc::clone(backend),
        key: Zeroizing::new(key.to_vec()),
    };
    Ok(provider::private_key(public, Arc::new(signer))?)
}

fn is_same_rsa_key(one: &PKeyRef<Public>, other: &PKeyRef<Public>) -> bool {
    match (one.rsa(), other.rsa()) {
        (Ok(one), Ok(other)) => one.n() == other.n() && one.e() == other.e(),
        _ => false,
    }
}

struct BackendSigner {
    backend: Arc<dyn SecureKeyBackend>,
    key: Zeroizing<Vec<u8>>,
}

impl Signer for BackendSigner {
    fn sign(
        &self,
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, String> {
        self.backend
            .sign(&self.key, scheme, algorithm, digest)
            .map_err(|error| kmip::with_causes(&error))
    }
}
