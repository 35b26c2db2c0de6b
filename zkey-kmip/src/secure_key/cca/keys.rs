//! What the plugin does with keys, in verbs (behaviour reference 9.3 and 9.6).

use zeroize::Zeroizing;

use super::super::signature::{digest_info, ecdsa_signature};
use super::super::{
    CallFailure, Curve, DigestAlgorithm, KeySpec, ReencipherStep, SecureKeyError, SignatureScheme,
    WrapPadding,
};
use super::adapters::{AESCIPHER_LEVEL, AESCIPHER_VERSION, Adapter};
use super::aes_token::{self, CIPHER, DATA};
use super::pair_token::{PairToken, PublicHalf};
use super::parameters::{Buffer, Code, Rules};

/// The largest token of a key pair.
const PAIR_ROOM: usize = 3500;
/// Room that the library wants for a token with attributes.
const ATTRIBUTES_ROOM: usize = 725;
/// A key under the OLD master key was used.
const OLD_MASTER_KEY: i64 = 10001;
/// Reason codes that tell what was inside of a wrapped key.
const CONTENT_REASONS: [i64; 14] = [
    43, 66, 67, 68, 718, 719, 720, 721, 2051, 2053, 2054, 2098, 2113, 2114,
];
/// Reason codes that tell of the token of a key.
const TOKEN_REASONS: [i64; 13] = [29, 47, 48, 49, 62, 63, 65, 181, 770, 2098, 2099, 2113, 3013];
/// Reason codes for keywords that the library does not know.
const KEYWORD_REASONS: [i64; 2] = [33, 34];

/// Under which master key a key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    Current,
    Old,
}

impl From<Code> for Used {
    fn from(code: Code) -> Used {
        match code.reason_code {
            OLD_MASTER_KEY => Used::Old,
            _ => Used::Current,
        }
    }
}

impl Adapter {
    /// Generates a key pair that may do only what `purpose` says, or, with libraries that do not
    /// know this restriction, also the other.
    pub(super) fn generate_pair(
        &self,
        spec: KeySpec,
        purpose: Purpose,
    ) -> Result<Vec<u8>, SecureKeyError> {
        let mut skeleton = match self.skeleton(spec, purpose.keyword()) {
            Err(error) if reason(&error).is_some_and(|code| KEYWORD_REASONS.contains(&code)) => {
                self.skeleton(spec, "KEY-MGMT")?
            }
            result => result?,
        };
        let mut rules = Rules::new(&["MASTER"]);
        let mut token = Buffer::with_room(&[], PAIR_ROOM);
        let code = self
            .library
            .generate_pair(&mut rules, &mut skeleton, &mut token);
        self.check("CSNDPKG", code)?;
        let token = self.content("CSNDPKG", &token)?;
        PairToken::read(token)?;
        Ok(token.to_vec())
    }

    fn skeleton(&self, spec: KeySpec, usage: &str) -> Result<Buffer, SecureKeyError> {
        let (mut rules, values) = match spec {
            KeySpec::Ecc(curve) => (
                Rules::new(&["ECC-PAIR", usage, "ECC-VER1"]),
                ecc_values(curve),
            ),
            KeySpec::Rsa(bits) => (Rules::new(&["RSA-AESC", usage]), rsa_values(bits)),
        };
        let mut token = Buffer::with_room(&[], PAIR_ROOM);
        let mut values = Buffer::new(&values);
        let code = self.library.build_pair(&mut rules, &mut values, &mut token);
        self.check("CSNDPKB", code)?;
        Ok(Buffer::new(self.content("CSNDPKB", &token)?))
    }

    /// Signs a digest, of the right length for `algorithm`, with a key that suits the scheme.
    pub(super) fn sign(
        &self,
        key: &[u8],
        token: &PairToken<'_>,
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<(Vec<u8>, Used), SecureKeyError> {
        let (mut rules, hash) = match scheme {
            SignatureScheme::Ecdsa => (Rules::new(&["ECDSA", "HASH"]), digest.to_vec()),
            SignatureScheme::RsaPkcs1 => (
                Rules::new(&["RSA", "HASH", "PKCS-1.1"]),
                digest_info(algorithm, digest),
            ),
            SignatureScheme::RsaPss => {
                let salt_length = (algorithm.size() as u32).to_be_bytes();
                let rules = ["RSA", "PKCS-PSS", "HASH", keyword(algorithm)];
                (Rules::new(&rules), [&salt_length, digest].concat())
            }
        };
        let expected = match token.public {
            PublicHalf::Ecc { curve, .. } => 2 * curve.bits().div_ceil(8) as usize,
            PublicHalf::Rsa { modulus, .. } => modulus.len(),
        };
        let mut signature = Buffer::with_room(&[], expected.max(512));
        let (mut key, mut hash) = (Buffer::new(key), Buffer::new(&hash));
        let code = self
            .library
            .sign(&mut rules, &mut key, &mut hash, &mut signature);
        let used = self.check("CSNDDSG", code)?.into();
        let signature = self.content("CSNDDSG", &signature)?;
        if signature.len() != expected {
            return Err(self.nonsense("CSNDDSG", "the signature has not the length of the key"));
        }
        match scheme {
            SignatureScheme::Ecdsa => Ok((ecdsa_signature(signature)?, used)),
            SignatureScheme::RsaPkcs1 | SignatureScheme::RsaPss => Ok((signature.to_vec(), used)),
        }
    }

    /// Imports an AES key as AESDATA.
    pub(super) fn import(
        &self,
        key: &[u8],
        padding: WrapPadding,
        wrapped: &[u8],
    ) -> Result<(Zeroizing<Vec<u8>>, Used), SecureKeyError> {
        const CALL: &str = "CSNDSYI";
        let mut rules = match padding {
            WrapPadding::Pkcs1V15 => Rules::new(&["AES", "PKCS-1.2"]),
            // For those that it does not know, the adapter says so.
            WrapPadding::Oaep(digest) => Rules::new(&["AES", "PKCSOAEP", &digest.to_string()]),
        };
        let (mut key, mut wrapped) = (Buffer::new(key), Buffer::new(wrapped));
        let mut token = Buffer::with_room(&[0; DATA], ATTRIBUTES_ROOM);
        let code = self
            .library
            .import(&mut rules, &mut wrapped, &mut key, &mut token);
        let used = self
            .check(CALL, code)
            .map_err(|error| match reason(&error) {
                Some(code) if CONTENT_REASONS.contains(&code) => self.cannot_unwrap(),
                _ => error,
            })?;
        let token = self.content(CALL, &token)?;
        if token.len() != DATA {
            return Err(self.no_aes_key());
        }
        Ok((Zeroizing::new(token.to_vec()), used.into()))
    }

    /// What was imported is something else.
    pub(super) fn no_aes_key(&self) -> SecureKeyError {
        self.nonsense("CSNDSYI", "the result is no AESDATA key")
    }

    /// The one error for all that can be wrong with a wrapped key.
    pub(super) fn cannot_unwrap(&self) -> SecureKeyError {
        SecureKeyError::UnwrapRefused {
            call: "CSNDSYI",
            apqn: self.apqn,
        }
    }

    /// Whether adapter and firmware make AESCIPHER keys that Linux can use.
    pub(super) fn check_aescipher(&self) -> Result<(), SecureKeyError> {
        const PURPOSE: &str = "a key of type CCA-AESCIPHER";
        if self.level < AESCIPHER_LEVEL {
            return Err(SecureKeyError::TooOld {
                what: "the adapter",
                apqn: Some(self.apqn),
                found: format!("CEX{}C", self.level),
                needed: "CEX6C",
                purpose: PURPOSE,
            });
        }
        let firmware = self.firmware()?;
        if firmware < AESCIPHER_VERSION {
            return Err(SecureKeyError::TooOld {
                what: "the CCA firmware",
                apqn: Some(self.apqn),
                found: firmware.to_string(),
                needed: "6.3",
                purpose: PURPOSE,
            });
        }
        Ok(())
    }

    /// An AESDATA key as AESCIPHER key, with all attributes that a new one has.
    pub(super) fn to_cipher(&self, key: &[u8]) -> Result<(Vec<u8>, Used), SecureKeyError> {
        const CALL: &str = "CSNBKTR2";
        let mut rules = Rules::new(&["INTERNAL", "AES", "XPRTCPAC", "CIPHER"]);
        let mut skeleton = Buffer::with_room(&[], ATTRIBUTES_ROOM);
        let code = self.library.build_cipher_key(&mut rules, &mut skeleton);
        self.check("CSNBKTB2", code)?;
        let skeleton = self.content("CSNBKTB2", &skeleton)?;
        let mut output = Buffer::with_room(skeleton, ATTRIBUTES_ROOM);
        let mut rules = Rules::new(&["AES", "REFORMAT"]);
        let code = self
            .library
            .translate(&mut rules, &mut Buffer::new(key), &mut output);
        let used = self.check(CALL, code)?;
        let mut token = self.content(CALL, &output)?.to_vec();
        if token.len() > CIPHER {
            return Err(self.nonsense(CALL, "the AESCIPHER key is larger than Linux can use"));
        }
        if !aes_token::is_for_cpacf(&token) {
            return Err(self.nonsense(CALL, "the AESCIPHER key may not be used by CPACF"));
        }
        token.resize(CIPHER, 0);
        Ok((token, used.into()))
    }

    /// Forbids that an AESCIPHER key is exported in any way but to CPACF. What is forbidden
    /// already stays so.
    pub(super) fn restrict(&self, key: &[u8]) -> Result<(Vec<u8>, Used), SecureKeyError> {
        const CALL: &str = "CSNBRKA";
        let mut rules = Rules::new(&[
            "AES", "NOEX-AES", "NOEX-DES", "NOEX-RSA", "NOEX-SYM", "NOEXUASY", "NOEXAASY",
            "NOEX-RAW",
        ]);
        let mut key = Buffer::new(key);
        let code = self.library.restrict(&mut rules, &mut key);
        let used = self.check(CALL, code)?;
        let mut token = self.content(CALL, &key)?.to_vec();
        if token.len() > CIPHER || !aes_token::is_for_cpacf(&token) {
            return Err(self.nonsense(CALL, "the restricted key cannot be used by Linux"));
        }
        token.resize(CIPHER, 0);
        Ok((token, used.into()))
    }

    /// Re-enciphers a key pair.
    pub(super) fn change_pair(
        &self,
        key: &[u8],
        token: &PairToken<'_>,
        step: ReencipherStep,
    ) -> Result<Vec<u8>, SecureKeyError> {
        let algorithm = match token.public {
            PublicHalf::Ecc { .. } => "ECC",
            PublicHalf::Rsa { .. } => "RSA",
        };
        let mut rules = Rules::new(&[algorithm, direction(step)]);
        let mut key = Buffer::new(key);
        self.check("CSNDKTC", self.library.change_pair(&mut rules, &mut key))?;
        Ok(self.content("CSNDKTC", &key)?.to_vec())
    }

    /// Re-enciphers an AES key.
    pub(super) fn change_aes(
        &self,
        key: &[u8],
        step: ReencipherStep,
    ) -> Result<Vec<u8>, SecureKeyError> {
        let mut rules = Rules::new(&[direction(step), "AES"]);
        if let Ok(mut data) = <[u8; DATA]>::try_from(key) {
            let code = self.library.change_data_key(&mut rules, &mut data);
            self.check("CSNBKTC", code)?;
            return Ok(data.to_vec());
        }
        let mut key = Buffer::new(key);
        let code = self.library.change_cipher_key(&mut rules, &mut key);
        self.check("CSNBKTC2", code)?;
        let mut token = self.content("CSNBKTC2", &key)?.to_vec();
        token.resize(CIPHER, 0);
        Ok(token)
    }

    fn content<'b>(
        &self,
        call: &'static str,
        buffer: &'b Buffer,
    ) -> Result<&'b [u8], SecureKeyError> {
        let content = buffer.content();
        content.ok_or_else(|| self.nonsense(call, "the length of the result is not valid"))
    }
}

/// What a key pair is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Sign,
    Unwrap,
}

impl Purpose {
    fn keyword(self) -> &'static str {
        match self {
            Purpose::Sign => "SIG-ONLY",
            Purpose::Unwrap => "KM-ONLY",
        }
    }
}

/// The reason code of an error with return code 8.
pub(super) fn reason(error: &SecureKeyError) -> Option<i64> {
    match error {
        SecureKeyError::Call {
            failure:
                CallFailure::Cca {
                    return_code: 8,
                    reason_code,
                    ..
                },
            ..
        } => Some(*reason_code),
        _ => None,
    }
}

/// Whether an adapter refused to do something for another reason than the token.
pub(super) fn is_about_the_operation(error: &SecureKeyError) -> bool {
    reason(error).is_some_and(|code| !TOKEN_REASONS.contains(&code))
}

fn direction(step: ReencipherStep) -> &'static str {
    match step {
        ReencipherStep::CurrentToNew => "RTNMK",
        ReencipherStep::OldToCurrent => "RTCMK",
    }
}

/// Key value structure: type of curve, 0, bits, two lengths of keys, which are not given.
fn ecc_values(curve: Curve) -> Vec<u8> {
    let is_brainpool = curve.name().starts_with("brainpool");
    let mut values = vec![u8::from(is_brainpool), 0];
    values.extend((curve.bits() as u16).to_be_bytes());
    values.extend([0; 4]);
    values
}

/// Key value structure: bits and length of the modulus, length of the exponent, seven other
/// lengths, exponent.
fn rsa_values(bits: u32) -> Vec<u8> {
    const EXPONENT: [u8; 3] = [1, 0, 1];
    let mut values = (bits as u16).to_be_bytes().to_vec();
    values.extend([0, 0, 0, EXPONENT.len() as u8]);
    values.extend([0; 12]);
    values.extend(EXPONENT);
    values
}

fn keyword(algorithm: DigestAlgorithm) -> &'static str {
    match algorithm {
        DigestAlgorithm::Sha1 => "SHA-1",
        DigestAlgorithm::Sha224 => "SHA-224",
        DigestAlgorithm::Sha256 => "SHA-256",
        DigestAlgorithm::Sha384 => "SHA-384",
        DigestAlgorithm::Sha512 => "SHA-512",
    }
}
