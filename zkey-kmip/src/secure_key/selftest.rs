//! A trial of everything that the plugin wants of adapters, for machines that have some.
//!
//! Nothing is stored, and no key that exists is used. Keys are generated, used and forgotten;
//! what a key server would wrap is wrapped here.

use std::sync::Arc;

use openssl::encrypt::Encrypter;
use openssl::error::ErrorStack;
use openssl::hash::hash;
use openssl::pkey::{PKey, Public};
use openssl::rand::rand_bytes;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};
use zeroize::Zeroizing;

use super::{
    Curve, DigestAlgorithm, KeyKind, KeySpec, ReencipherStep, Register, SecureKeyBackend,
    SecureKeyError, SignatureScheme, UnwrapRequest, WrapPadding, secure_key_size, tls_identity,
};
use crate::abi::{Apqn, SecureKeyType};

/// How one trial ended.
#[derive(Debug)]
pub enum Outcome {
    /// As it should; with a remark.
    Passed(String),
    /// It could not be tried.
    Skipped(&'static str),
    /// Not as it should.
    Failed(SelftestError),
}

/// Why a trial failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelftestError {
    /// The backend refused or failed.
    #[error(transparent)]
    Backend(#[from] SecureKeyError),
    /// OpenSSL failed.
    #[error("OpenSSL cannot use the key: {0}")]
    OpenSsl(#[from] ErrorStack),
    /// The result is wrong.
    #[error("{0}")]
    Wrong(&'static str),
}

type Trial = Result<String, SelftestError>;

const RSA_BITS: u32 = 2048;
const MESSAGE: &[u8] = b"zkey-kmip selftest";
const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

/// Tries the adapters; `report` is told of each trial when it is done. Whether none failed.
pub fn run(
    backend: &Arc<dyn SecureKeyBackend>,
    apqns: &[Apqn],
    report: &mut dyn FnMut(&str, &Outcome),
) -> bool {
    let mut trials = Trials {
        backend,
        report,
        passed: true,
    };
    trials.adapters(apqns);
    let identity = trials.elliptic_curves();
    let rsa = trials.rsa();
    let secure_key = trials.wrapping(apqns);
    trials.all_apqns(apqns, identity.as_deref());
    trials.new_master_key(&[identity, rsa, secure_key]);
    trials.passed
}

struct Trials<'t> {
    backend: &'t Arc<dyn SecureKeyBackend>,
    report: &'t mut dyn FnMut(&str, &Outcome),
    passed: bool,
}

impl Trials<'_> {
    fn one(&mut self, title: &str, trial: impl FnOnce() -> Trial) {
        let outcome = match trial() {
            Ok(remark) => Outcome::Passed(remark),
            Err(error) => Outcome::Failed(error),
        };
        self.passed &= matches!(outcome, Outcome::Passed(_));
        (self.report)(title, &outcome);
    }

    fn skip(&mut self, title: &str, why: &'static str) {
        (self.report)(title, &Outcome::Skipped(why));
    }

    fn adapters(&mut self, apqns: &[Apqn]) {
        let backend = self.backend;
        self.one("APQNs are online and have the same master keys", || {
            Ok(backend.check_apqns(apqns)?.remarks.join("; "))
        });
        self.one("an APQN is selected", || {
            let apqn = backend.select_apqn(apqns)?;
            Ok(format!("{apqn} with {}", backend.info()?.name))
        });
    }

    /// Returns the default identity key.
    fn elliptic_curves(&mut self) -> Option<Vec<u8>> {
        let backend = self.backend;
        let mut default = None;
        for curve in Curve::ALL {
            let spec = KeySpec::Ecc(*curve);
            let title = format!("identity key {spec}: generate, sign, check");
            self.one(&title, || {
                let key = backend.generate_identity_key(spec)?;
                signs(&**backend, &key, SignatureScheme::Ecdsa, SHA256)?;
                has_status(&**backend, &key, KeyKind::Identity, Register::Current)?;
                let remark = format!("{} bytes", key.len());
                if spec == KeySpec::DEFAULT {
                    default = Some(key);
                }
                Ok(remark)
            });
        }
        if let Some(key) = &default {
            self.one("identity key in OpenSSL, as for TLS", || {
                provided(backend, key)
            });
        }
        default
    }

    fn rsa(&mut self) -> Option<Vec<u8>> {
        let backend = self.backend;
        let mut made = None;
        self.one("identity key RSA:2048: generate", || {
            let key = backend.generate_identity_key(KeySpec::Rsa(RSA_BITS))?;
            let remark = format!("{} bytes", key.len());
            made = Some(key);
            Ok(remark)
        });
        let key = made?;
        for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
            for algorithm in DigestAlgorithm::ALL {
                let title = format!("identity key RSA:2048: sign with {scheme:?}, {algorithm:?}");
                self.one(&title, || signs(&**backend, &key, scheme, algorithm));
            }
        }
        self.one("identity key RSA:2048: in OpenSSL, as for TLS", || {
            provided(backend, &key)
        });
        Some(key)
    }

    /// Returns a secure key.
    fn wrapping(&mut self, apqns: &[Apqn]) -> Option<Vec<u8>> {
        let backend = self.backend;
        let mut made = None;
        self.one("wrapping key RSA:2048: generate, check", || {
            let key = backend.generate_wrapping_key(RSA_BITS)?;
            // As the C plugin makes them, wrapping keys may sign, too.
            backend.verify(&key)?;
            let remark = format!("{} bytes", key.len());
            made = Some(key);
            Ok(remark)
        });
        let wrapping_key = made?;
        let card_type = backend.info().ok()?.card_type;
        let mut secure_key = None;
        for key_type in card_type.secure_key_types() {
            for padding in paddings(&**backend) {
                for bits in [128, 192, 256] {
                    let title = format!("{key_type} of {bits} bits, wrapped with {padding}");
                    self.one(&title, || {
                        let size = bits as usize / 8;
                        let key = unwrap(&**backend, &wrapping_key, padding, *key_type, size)?;
                        let status = has_status(
                            &**backend,
                            &key,
                            KeyKind::Aes(*key_type),
                            Register::Current,
                        );
                        if ![0, bits].contains(&status?) {
                            return Err(SelftestError::Wrong("the key has another size"));
                        }
                        let remark = format!("{} bytes", key.len());
                        secure_key = Some(key);
                        Ok(remark)
                    });
                }
            }
        }
        self.one("a damaged wrapped key is refused", || {
            refused(&**backend, &wrapping_key, card_type.secure_key_types()[0])
        });
        if apqns.is_empty() {
            return None;
        }
        secure_key
    }

    /// What one adapter made must do on all.
    fn all_apqns(&mut self, apqns: &[Apqn], identity: Option<&[u8]>) {
        const TITLE: &str = "the identity key works on the other APQNs";
        let backend = self.backend;
        match (identity, apqns) {
            (Some(key), [first, others @ ..]) if !others.is_empty() => {
                for apqn in others {
                    self.one(&format!("the identity key works on APQN {apqn}"), || {
                        backend.select_apqn(&[*apqn])?;
                        signs(&**backend, key, SignatureScheme::Ecdsa, SHA256)
                    });
                }
                self.one("the first APQN is selected again", || {
                    backend.select_apqn(apqns)?;
                    Ok(first.to_string())
                });
            }
            _ => self.skip(TITLE, "only one APQN was given"),
        }
    }

    fn new_master_key(&mut self, keys: &[Option<Vec<u8>>]) {
        let backend = self.backend;
        for (key, name) in keys
            .iter()
            .zip(["identity key", "RSA identity key", "secure key"])
        {
            let title = format!("the {name} is re-enciphered for the NEW master key");
            let Some(key) = key else { continue };
            match backend.reencipher(key, ReencipherStep::CurrentToNew) {
                Err(SecureKeyError::NotLoaded(_) | SecureKeyError::NoNewMasterKey { .. }) => {
                    self.skip(&title, "no NEW master key is loaded");
                }
                result => self.one(&title, || {
                    let status = backend.verify(&result?)?;
                    if status.register != Register::New {
                        return Err(SelftestError::Wrong("it is not under the NEW master key"));
                    }
                    Ok(format!("master key {}", status.master_key))
                }),
            }
        }
    }
}

const PADDINGS: [WrapPadding; 5] = [
    WrapPadding::Pkcs1V15,
    WrapPadding::Oaep(DigestAlgorithm::Sha1),
    WrapPadding::Oaep(DigestAlgorithm::Sha256),
    WrapPadding::Oaep(DigestAlgorithm::Sha384),
    WrapPadding::Oaep(DigestAlgorithm::Sha512),
];

/// Those that adapters of this kind know.
fn paddings(backend: &dyn SecureKeyBackend) -> impl Iterator<Item = WrapPadding> {
    PADDINGS
        .into_iter()
        .filter(|padding| backend.knows_padding(*padding))
}

fn public_key(backend: &dyn SecureKeyBackend, key: &[u8]) -> Result<PKey<Public>, SelftestError> {
    Ok(PKey::public_key_from_der(&backend.public_key(key)?)?)
}

fn signs(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    scheme: SignatureScheme,
    algorithm: DigestAlgorithm,
) -> Trial {
    let digest = hash(algorithm.message_digest(), MESSAGE)?;
    let signature = backend.sign(key, scheme, algorithm, &digest)?;
    let public = public_key(backend, key)?;
    let mut verifier = Verifier::new(algorithm.message_digest(), &public)?;
    if scheme == SignatureScheme::RsaPss {
        verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
    }
    if verifier.verify_oneshot(&signature, MESSAGE)? {
        Ok(String::new())
    } else {
        Err(SelftestError::Wrong(
            "OpenSSL does not accept the signature",
        ))
    }
}

/// OpenSSL makes a signature with the key, which the backend does for it.
fn provided(backend: &Arc<dyn SecureKeyBackend>, key: &[u8]) -> Trial {
    let private = tls_identity(backend, key)?;
    let digest = SHA256.message_digest();
    let signature = Signer::new(digest, &private)?.sign_oneshot_to_vec(MESSAGE)?;
    let public = public_key(&**backend, key)?;
    if Verifier::new(digest, &public)?.verify_oneshot(&signature, MESSAGE)? {
        Ok(String::new())
    } else {
        Err(SelftestError::Wrong(
            "OpenSSL does not accept the signature",
        ))
    }
}

/// Checks what a token is; returns its bits.
fn has_status(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    kind: KeyKind,
    register: Register,
) -> Result<u32, SelftestError> {
    let status = backend.verify(key)?;
    if status.kind != kind {
        return Err(SelftestError::Wrong("the key is of another kind"));
    }
    if status.register != register {
        return Err(SelftestError::Wrong("the key is under another master key"));
    }
    Ok(status.bits)
}

fn wrap(
    backend: &dyn SecureKeyBackend,
    wrapping_key: &[u8],
    padding: WrapPadding,
    size: usize,
) -> Result<Vec<u8>, SelftestError> {
    let public = public_key(backend, wrapping_key)?;
    let mut clear = Zeroizing::new(vec![0; size]);
    rand_bytes(&mut clear)?;
    let mut encrypter = Encrypter::new(&public)?;
    match padding {
        WrapPadding::Pkcs1V15 => encrypter.set_rsa_padding(Padding::PKCS1)?,
        WrapPadding::Oaep(digest) => {
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
            encrypter.set_rsa_oaep_md(digest.message_digest())?;
            encrypter.set_rsa_mgf1_md(digest.message_digest())?;
        }
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(&clear)?];
    let length = encrypter.encrypt(&clear, &mut wrapped)?;
    wrapped.truncate(length);
    Ok(wrapped)
}

fn unwrap(
    backend: &dyn SecureKeyBackend,
    wrapping_key: &[u8],
    padding: WrapPadding,
    key_type: SecureKeyType,
    size: usize,
) -> Result<Vec<u8>, SelftestError> {
    let key = backend.unwrap_aes_key(&UnwrapRequest {
        wrapping_key,
        padding,
        wrapped: &wrap(backend, wrapping_key, padding, size)?,
        key_type,
    })?;
    if key.bits as usize != 8 * size {
        return Err(SelftestError::Wrong("the secure key is of another size"));
    }
    if key.token.len() > secure_key_size(key_type) {
        return Err(SelftestError::Wrong("the secure key is too large"));
    }
    Ok(key.token)
}

fn refused(backend: &dyn SecureKeyBackend, wrapping_key: &[u8], key_type: SecureKeyType) -> Trial {
    for padding in paddings(backend) {
        let mut wrapped = wrap(backend, wrapping_key, padding, 32)?;
        wrapped[100] ^= 1;
        let request = UnwrapRequest {
            wrapping_key,
            padding,
            wrapped: &wrapped,
            key_type,
        };
        match backend.unwrap_aes_key(&request) {
            Err(SecureKeyError::Unwrap | SecureKeyError::UnwrapRefused { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(SelftestError::Wrong("a damaged key was unwrapped")),
        }
    }
    Ok(String::new())
}
