//! Key pairs: templates, signatures, and the proof that a token is alive.

use super::adapter::Selection;
use super::calls::nonsense;
use super::interface::{Attribute, CkUlong, Mechanism, PssParameters, Value, attribute};
use super::token::Pair;
use super::unwrap;
use crate::secure_key::signature::{digest_info, ecdsa_signature};
use crate::secure_key::{
    Curve, DigestAlgorithm, KeyKind, KeySpec, SecureKeyError, SignatureScheme,
};

/// 65537, big-endian in the four bytes that zkey passes.
const PUBLIC_EXPONENT: [u8; 4] = [0, 1, 0, 1];

/// Generates a key pair for one use. A wrapping key cannot decrypt: nobody shall get a wrapped key
/// in the clear.
pub(super) fn generate(
    selection: &Selection,
    kind: KeyKind,
    spec: KeySpec,
) -> Result<Vec<u8>, SecureKeyError> {
    let flag = |kind, value| Attribute(kind, Value::Flag(value));
    let signs = kind == KeyKind::Identity;
    let (mechanism, public, private) = match spec {
        KeySpec::Ecc(curve) => {
            let public = vec![
                Attribute(attribute::EC_PARAMS, Value::Bytes(curve_parameters(curve))),
                flag(attribute::VERIFY, true),
            ];
            let private = vec![
                flag(attribute::SENSITIVE, true),
                flag(attribute::SIGN, true),
                flag(attribute::DERIVE, false),
            ];
            (Mechanism::EcKeyPair, public, private)
        }
        KeySpec::Rsa(bits) => {
            let public = vec![
                Attribute(attribute::MODULUS_BITS, Value::Number(CkUlong::from(bits))),
                flag(attribute::VERIFY, signs),
                flag(attribute::ENCRYPT, !signs),
                flag(attribute::WRAP, !signs),
                Attribute(attribute::PUBLIC_EXPONENT, Value::Bytes(&PUBLIC_EXPONENT)),
            ];
            let private = vec![
                flag(attribute::SENSITIVE, true),
                flag(attribute::SIGN, signs),
                flag(attribute::DECRYPT, false),
                flag(attribute::UNWRAP, !signs),
            ];
            (Mechanism::RsaKeyPair, public, private)
        }
    };
    let pair = selection
        .call(|library, target| library.generate_key_pair(&mechanism, &public, &private, target))?;
    Pair::build(spec, &pair.private, &pair.public)
}

/// Signs a digest with an identity key.
pub(super) fn sign(
    selection: &Selection,
    pair: &Pair<'_>,
    scheme: SignatureScheme,
    algorithm: DigestAlgorithm,
    digest: &[u8],
) -> Result<Vec<u8>, SecureKeyError> {
    if digest.len() != algorithm.size() {
        return Err(SecureKeyError::UnsupportedSignature);
    }
    let request = SignRequest::new(pair.spec, scheme, algorithm, digest)?;
    let signature = request.sign(selection, pair)?;
    match scheme {
        SignatureScheme::Ecdsa => ecdsa_signature(&signature),
        SignatureScheme::RsaPkcs1 | SignatureScheme::RsaPss => Ok(signature),
    }
}

/// Has the adapter use a key pair, and tell whether its halves belong together.
pub(super) fn prove(selection: &Selection, pair: &Pair<'_>) -> Result<(), SecureKeyError> {
    if !pair.can_sign() {
        return unwrap::prove(selection, pair);
    }
    let algorithm = DigestAlgorithm::Sha256;
    let scheme = match pair.spec {
        KeySpec::Ecc(_) => SignatureScheme::Ecdsa,
        KeySpec::Rsa(_) => SignatureScheme::RsaPkcs1,
    };
    let request = SignRequest::new(pair.spec, scheme, algorithm, &[0x5a; 32])?;
    let signature = request.sign(selection, pair)?;
    selection.call(|library, target| {
        let public = pair.public_with_mac;
        library.verify(
            public,
            &request.mechanism,
            &request.data,
            &signature,
            target,
        )
    })?;
    Ok(())
}

/// What the adapter is to sign.
struct SignRequest {
    mechanism: Mechanism,
    data: Vec<u8>,
    /// Length of the signature that it must return.
    length: usize,
}

impl SignRequest {
    fn new(
        spec: KeySpec,
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<SignRequest, SecureKeyError> {
        match (scheme, spec) {
            (SignatureScheme::Ecdsa, KeySpec::Ecc(curve)) => {
                let field = curve.bits().div_ceil(8) as usize;
                Ok(SignRequest {
                    mechanism: Mechanism::Ecdsa,
                    // ECDSA takes as many bits as the order of the curve has, from the left; the
                    // orders that are shorter than a digest have whole bytes.
                    data: digest[..digest.len().min(field)].to_vec(),
                    length: 2 * field,
                })
            }
            (SignatureScheme::RsaPkcs1, KeySpec::Rsa(bits)) => Ok(SignRequest {
                mechanism: Mechanism::RsaPkcs,
                data: digest_info(algorithm, digest),
                length: bits as usize / 8,
            }),
            (SignatureScheme::RsaPss, KeySpec::Rsa(bits)) => Ok(SignRequest {
                mechanism: Mechanism::RsaPss(pss_parameters(algorithm)),
                data: digest.to_vec(),
                length: bits as usize / 8,
            }),
            _ => Err(SecureKeyError::UnsupportedSignature),
        }
    }

    fn sign(&self, selection: &Selection, pair: &Pair<'_>) -> Result<Vec<u8>, SecureKeyError> {
        let signature = selection.call(|library, target| {
            let signature = library.sign(pair.blob, &self.mechanism, &self.data, target)?;
            if signature.len() == self.length {
                Ok(signature)
            } else {
                Err(nonsense("m_SignSingle", "the signature has a wrong length"))
            }
        })?;
        Ok(signature)
    }
}

/// The adapters want the same digest for the mask, and a salt of its length.
fn pss_parameters(algorithm: DigestAlgorithm) -> PssParameters {
    // `CKM_SHA...` and `CKG_MGF1_SHA...`.
    let (hash, mask) = match algorithm {
        DigestAlgorithm::Sha1 => (0x220, 1),
        DigestAlgorithm::Sha224 => (0x255, 5),
        DigestAlgorithm::Sha256 => (0x250, 2),
        DigestAlgorithm::Sha384 => (0x260, 3),
        DigestAlgorithm::Sha512 => (0x270, 4),
    };
    PssParameters {
        hash,
        mask,
        salt_length: algorithm.size() as CkUlong,
    }
}

/// The object identifier of the curve in DER.
fn curve_parameters(curve: Curve) -> &'static [u8] {
    match curve {
        Curve::Prime192v1 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1],
        Curve::Secp224r1 => &[6, 5, 0x2b, 0x81, 4, 0, 0x21],
        Curve::Prime256v1 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        Curve::Secp384r1 => &[6, 5, 0x2b, 0x81, 4, 0, 0x22],
        Curve::Secp521r1 => &[6, 5, 0x2b, 0x81, 4, 0, 0x23],
        Curve::BrainpoolP160r1 => &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 1],
        Curve::BrainpoolP192r1 => &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 3],
        Curve::BrainpoolP224r1 => &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 5],
        Curve::BrainpoolP256r1 => &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7],
        Curve::BrainpoolP320r1 => &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 9],
        Curve::BrainpoolP384r1 => &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11],
        Curve::BrainpoolP512r1 => &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13],
    }
}
