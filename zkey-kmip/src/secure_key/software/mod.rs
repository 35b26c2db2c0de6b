//! A backend for machines without coprocessors: keys are enciphered under master keys in a file.
//!
//! It protects keys at rest as far as that file is protected; in memory, the process can see them.
//! That is less than a coprocessor gives, so the backend must be asked for
//! ([`super::BACKEND_VARIABLE`]) and warns on each use. Its tokens have the sizes and the layout
//! of those of the hardware, but neither hardware nor kernel can use them.

mod aes_token;
mod master_key;
mod pair_token;
mod unwrap;

use std::sync::OnceLock;

use openssl::bn::BigNum;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::pkey::{Id, PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::RsaPssSaltlen;
use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use self::aes_token::AesKey;
use self::pair_token::KeyPair;
use super::ap_bus::ApBus;
use super::{
    ApqnReport, BackendInfo, CardType, DigestAlgorithm, KeyKind, KeySpec, KeyStatus,
    ReencipherStep, Register, SecureKeyBackend, SecureKeyError, SignatureScheme, UnwrapRequest,
    UnwrappedKey, VerificationPattern,
};
use crate::abi::Apqn;

pub use master_key::{MasterKeyFile, MasterKeyFileProblem};

/// Environment variable that names the file with the master keys.
pub const MASTER_KEY_VARIABLE: &str = "ZKEY_KMIP_SOFTWARE_MASTER_KEY";
/// Where that file is otherwise.
pub const DEFAULT_MASTER_KEY_FILE: &str = "/etc/zkey/kmip/software-master-key";

/// The software backend.
#[derive(Debug)]
pub struct Software {
    card_type: CardType,
    file: MasterKeyFile,
    /// The file is read once, when the first key is used.
    master_keys: OnceLock<master_key::MasterKeys>,
}

impl Software {
    /// The backend with the master keys that the environment names.
    pub fn from_environment(card_type: CardType) -> Software {
        Software::new(card_type, MasterKeyFile::from_environment())
    }

    /// A backend that makes tokens like those of `card_type` under the master keys of `file`.
    pub fn new(card_type: CardType, file: MasterKeyFile) -> Software {
        Software {
            card_type,
            file,
            master_keys: OnceLock::new(),
        }
    }

    /// What zkey compares to tell whether two secure keys hold the same AES key: the encryption
    /// of 32 zero bytes. Two tokens one after the other are the two keys of an XTS pair. zkey lets
    /// the kernel compute it; there is no such call of the adapters.
    ///
    /// # Errors
    /// The tokens are none of AES keys.
    pub fn verification_pattern(&self, key: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
        let keys = self.master_keys()?;
        let (tokens, xts) = aes_token::split_xts(key);
        let mut clear = Zeroizing::new(Vec::with_capacity(64));
        for token in tokens {
            clear.extend_from_slice(&AesKey::open(token, keys)?.0.key);
        }
        encrypt_zeros(&clear, xts)
    }

    fn master_keys(&self) -> Result<&master_key::MasterKeys, SecureKeyError> {
        if let Some(keys) = self.master_keys.get() {
            return Ok(keys);
        }
        let keys = self.file.load()?;
        Ok(self.master_keys.get_or_init(|| keys))
    }

    /// The master keys for a key that is to be generated: the first one makes the file.
    fn master_keys_or_new(&self) -> Result<&master_key::MasterKeys, SecureKeyError> {
        if self.master_keys.get().is_none() {
            self.file.create_if_missing()?;
        }
        self.master_keys()
    }

    /// A key pair whose master key is CURRENT, or OLD as in CCA adapters.
    fn usable_pair(&self, key: &[u8], wanted: KeyKind) -> Result<KeyPair, SecureKeyError> {
        let (pair, register) = KeyPair::open(key, self.master_keys()?)?;
        if pair.kind != wanted {
            return Err(SecureKeyError::WrongKind {
                found: pair.kind,
                wanted,
            });
        }
        demand_usable(register)?;
        Ok(pair)
    }
}

fn demand_usable(register: Register) -> Result<(), SecureKeyError> {
    match register {
        Register::Current | Register::Old => Ok(()),
        Register::New => Err(SecureKeyError::WrongRegister {
            found: register,
            wanted: Register::Current,
        }),
    }
}

impl SecureKeyBackend for Software {
    fn info(&self) -> Result<BackendInfo, SecureKeyError> {
        let pattern =
            |keys: &master_key::MasterKeys| keys.get(Register::Current).map(|key| key.pattern());
        Ok(BackendInfo {
            name: "software (no coprocessor)".to_owned(),
            card_type: self.card_type,
            warning: Some(format!(
                "keys are protected by software only, with the master key in {}: not for \
                 production use",
                self.file.path().display()
            )),
            // Without the file there is nothing to show, which is no failure.
            master_key: self.master_keys().ok().and_then(pattern),
        })
    }

    fn check_apqns(&self, apqns: &[Apqn]) -> Result<ApqnReport, SecureKeyError> {
        let mut report = ApqnReport::default();
        match ApBus::system() {
            Some(bus) => {
                for apqn in apqns {
                    bus.check(*apqn, self.card_type)?;
                }
            }
            None if apqns.is_empty() => {}
            None => report.remarks.push(
                "this machine has no cryptographic adapters: the APQNs are not checked".to_owned(),
            ),
        }
        Ok(report)
    }

    fn select_apqn(&self, apqns: &[Apqn]) -> Result<Apqn, SecureKeyError> {
        let first = *apqns.first().ok_or(SecureKeyError::NoApqn)?;
        let Some(bus) = ApBus::system() else {
            return Ok(first);
        };
        let mut usable = apqns
            .iter()
            .copied()
            .filter(|apqn| bus.check(*apqn, self.card_type).is_ok());
        match usable.next() {
            Some(apqn) => Ok(apqn),
            None => bus.check(first, self.card_type).map(|()| first),
        }
    }

    fn generate_identity_key(&self, spec: KeySpec) -> Result<Vec<u8>, SecureKeyError> {
        spec.check()?;
        let key = generate(spec)?;
        KeyPair::new(KeyKind::Identity, key).seal(self.master_keys_or_new()?.current()?)
    }

    fn generate_wrapping_key(&self, bits: u32) -> Result<Vec<u8>, SecureKeyError> {
        let spec = KeySpec::Rsa(bits);
        spec.check()?;
        let key = generate(spec)?;
        KeyPair::new(KeyKind::Wrapping, key).seal(self.master_keys_or_new()?.current()?)
    }

    fn public_key(&self, key: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
        let (pair, _) = KeyPair::open(key, self.master_keys()?)?;
        pair.public_key()
    }

    fn sign(
        &self,
        key: &[u8],
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, SecureKeyError> {
        let pair = self.usable_pair(key, KeyKind::Identity)?;
        let suits = match scheme {
            SignatureScheme::Ecdsa => pair.key.id() == Id::EC,
            SignatureScheme::RsaPkcs1 | SignatureScheme::RsaPss => pair.key.id() == Id::RSA,
        };
        if !suits || digest.len() != algorithm.size() {
            return Err(SecureKeyError::UnsupportedSignature);
        }
        let sign = || {
            let mut context = PkeyCtx::new(&pair.key)?;
            context.sign_init()?;
            match scheme {
                SignatureScheme::Ecdsa => {}
                SignatureScheme::RsaPkcs1 => context.set_rsa_padding(Padding::PKCS1)?,
                SignatureScheme::RsaPss => {
                    context.set_rsa_padding(Padding::PKCS1_PSS)?;
                    context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
                }
            }
            context.set_signature_md(algorithm.md())?;
            if scheme == SignatureScheme::RsaPss {
                context.set_rsa_mgf1_md(algorithm.md())?;
            }
            let mut signature = Vec::new();
            context.sign_to_vec(digest, &mut signature)?;
            Ok(signature)
        };
        sign().map_err(SecureKeyError::openssl("sign with the identity key"))
    }

    fn unwrap_aes_key(&self, request: &UnwrapRequest<'_>) -> Result<UnwrappedKey, SecureKeyError> {
        if !self
            .card_type
            .secure_key_types()
            .contains(&request.key_type)
        {
            return Err(SecureKeyError::UnsupportedKeyType {
                key_type: request.key_type,
                card_type: self.card_type,
            });
        }
        let pair = self.usable_pair(request.wrapping_key, KeyKind::Wrapping)?;
        let key = unwrap::unwrap(&pair.key, request.padding, request.wrapped)?;
        let key = AesKey::new(request.key_type, key);
        Ok(UnwrappedKey {
            token: key.seal(self.master_keys()?.current()?)?,
            bits: key.bits(),
        })
    }

    fn reencipher(&self, key: &[u8], step: ReencipherStep) -> Result<Vec<u8>, SecureKeyError> {
        let keys = self.master_keys()?;
        let (from, to) = match step {
            ReencipherStep::OldToCurrent => (Register::Old, Register::Current),
            ReencipherStep::CurrentToNew => (Register::Current, Register::New),
        };
        let target = keys.get(to).ok_or(SecureKeyError::NotLoaded(to))?;
        let demand = |found| {
            if found == from {
                Ok(())
            } else {
                Err(SecureKeyError::WrongRegister {
                    found,
                    wanted: from,
                })
            }
        };
        if pair_token::is_pair(key) {
            let (pair, register) = KeyPair::open(key, keys)?;
            demand(register)?;
            pair.seal(target)
        } else {
            let (aes, register) = AesKey::open(key, keys)?;
            demand(register)?;
            let token = aes.seal(target)?;
            // The form without header stays without header.
            Ok(aes_token::same_form(token, key))
        }
    }

    fn verify(&self, key: &[u8]) -> Result<KeyStatus, SecureKeyError> {
        let keys = self.master_keys()?;
        let (kind, bits, register) = if pair_token::is_pair(key) {
            let (pair, register) = KeyPair::open(key, keys)?;
            (pair.kind, pair.key.bits(), register)
        } else {
            let (aes, register) = AesKey::open(key, keys)?;
            (KeyKind::Aes(aes.key_type), aes.bits(), register)
        };
        let master_key = keys
            .get(register)
            .map(|key| key.pattern())
            .ok_or(SecureKeyError::NotLoaded(register))?;
        Ok(KeyStatus {
            kind,
            bits,
            register,
            master_key,
        })
    }
}

fn encrypt_zeros(key: &[u8], xts: bool) -> Result<Vec<u8>, SecureKeyError> {
    let cipher = match (key.len(), xts) {
        (16, false) => Cipher::aes_128_cbc(),
        (24, false) => Cipher::aes_192_cbc(),
        (32, false) => Cipher::aes_256_cbc(),
        (32, true) => Cipher::aes_128_xts(),
        (64, true) => Cipher::aes_256_xts(),
        _ => {
            return Err(SecureKeyError::Malformed {
                what: "key",
                problem: "the two keys of an XTS pair must both have 128 or 256 bits",
            });
        }
    };
    let encrypt = || {
        let mut crypter = Crypter::new(cipher, Mode::Encrypt, key, Some(&[0; 16]))?;
        crypter.pad(false);
        let mut pattern = vec![0; 32 + cipher.block_size()];
        let length = crypter.update(&[0; 32], &mut pattern)?;
        pattern.truncate(length);
        Ok(pattern)
    };
    encrypt().map_err(SecureKeyError::openssl("encrypt the verification pattern"))
}

fn generate(spec: KeySpec) -> Result<PKey<Private>, SecureKeyError> {
    let generate = || match spec {
        KeySpec::Ecc(curve) => {
            let mut group = EcGroup::from_curve_name(curve.nid())?;
            group.set_asn1_flag(Asn1Flag::NAMED_CURVE);
            PKey::from_ec_key(EcKey::generate(&group)?)
        }
        KeySpec::Rsa(bits) => {
            let exponent = BigNum::from_u32(65537)?;
            PKey::from_rsa(Rsa::generate_with_e(bits, &exponent)?)
        }
    };
    generate().map_err(SecureKeyError::openssl("generate a key pair"))
}

impl VerificationPattern {
    /// The half that CCA tokens have room for.
    fn short(&self) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        short
    }
}
