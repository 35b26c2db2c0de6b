//! A trial of everything that the plugin wants of adapters, for machines that have some.
//!
//! Nothing is stored, and no key that exists is used. Keys are generated, used and forgotten;
//! what a key server would wrap is wrapped here.

mod steps;

use std::sync::Arc;

use openssl::error::ErrorStack;

use super::{
    Curve, DigestAlgorithm, KeyKind, KeySpec, ReencipherStep, Register, SecureKeyBackend,
    SecureKeyError, SignatureScheme,
};
use crate::abi::Apqn;
use steps::{fits, has_status, paddings, provided, refused, signs, unwrap};

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

const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

/// The sizes of RSA keys that are tried, beside all curves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaSizes {
    /// Of identity keys, in bits.
    pub identity: Vec<u32>,
    /// Of wrapping keys, in bits.
    pub wrapping: Vec<u32>,
}

impl Default for RsaSizes {
    fn default() -> Self {
        RsaSizes {
            identity: vec![KeySpec::SECURE_RSA_BITS],
            wrapping: vec![KeySpec::SECURE_RSA_BITS],
        }
    }
}

/// Tries the adapters; `report` is told of each trial when it is done. Whether none failed.
pub fn run(
    backend: &Arc<dyn SecureKeyBackend>,
    apqns: &[Apqn],
    sizes: &RsaSizes,
    report: &mut dyn FnMut(&str, &Outcome),
) -> bool {
    let mut trials = Trials {
        backend,
        report,
        passed: true,
    };
    trials.adapters(apqns);
    let identity = trials.elliptic_curves();
    let rsa = last(sizes.identity.iter().map(|bits| trials.rsa(*bits)));
    let secure_key = last(
        sizes
            .wrapping
            .iter()
            .map(|bits| trials.wrapping(*bits, apqns)),
    );
    trials.all_apqns(apqns, identity.as_deref());
    trials.new_master_key(&[identity, rsa, secure_key]);
    trials.passed
}

/// The last key that could be made.
fn last(keys: impl Iterator<Item = Option<Vec<u8>>>) -> Option<Vec<u8>> {
    keys.flatten().last()
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

    fn rsa(&mut self, bits: u32) -> Option<Vec<u8>> {
        let backend = self.backend;
        let spec = KeySpec::Rsa(bits);
        let mut made = None;
        self.one(&format!("identity key {spec}: generate"), || {
            let key = backend.generate_identity_key(spec)?;
            let remark = format!("{} bytes", key.len());
            made = Some(key);
            Ok(remark)
        });
        let key = made?;
        for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
            for algorithm in DigestAlgorithm::ALL {
                if !fits(bits, scheme, algorithm) {
                    continue;
                }
                let title = format!("identity key {spec}: sign with {scheme:?}, {algorithm:?}");
                self.one(&title, || signs(&**backend, &key, scheme, algorithm));
            }
        }
        let title = format!("identity key {spec}: in OpenSSL, as for TLS");
        self.one(&title, || provided(backend, &key));
        Some(key)
    }

    /// Returns a secure key.
    fn wrapping(&mut self, rsa_bits: u32, apqns: &[Apqn]) -> Option<Vec<u8>> {
        let backend = self.backend;
        let mut made = None;
        let wrapping = KeySpec::Rsa(rsa_bits);
        self.one(&format!("wrapping key {wrapping}: generate, check"), || {
            let key = backend.generate_wrapping_key(rsa_bits)?;
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
                    if padding.largest_aes_key(rsa_bits) < Some(bits) {
                        continue;
                    }
                    let title =
                        format!("{key_type} of {bits} bits, wrapped with {wrapping}, {padding}");
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
        let title = format!("a damaged key, wrapped with {wrapping}, is refused");
        self.one(&title, || {
            let key_type = card_type.secure_key_types()[0];
            refused(&**backend, &wrapping_key, rsa_bits, key_type)
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
