//! Signatures with RSA, DSA, ECDSA and EdDSA.

use kmip::server::Failure;
use kmip::types::{
    CryptographicParameters, DigitalSignatureAlgorithm, HashingAlgorithm, PaddingMethod,
    ResultReason,
};
use openssl::hash::hash;
use openssl::md::{Md, MdRef};
use openssl::pkey::{HasPrivate, HasPublic, Id, PKeyRef};
use openssl::pkey_ctx::{PkeyCtx, PkeyCtxRef};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};

use super::{failed, hash_function};

/// What is signed.
#[derive(Clone, Copy)]
pub(crate) enum Signed<'s> {
    /// Data, of which the digest is signed.
    Data(&'s [u8]),
    /// The digest of the data.
    Digest(&'s [u8]),
}

/// Signs.
///
/// # Errors
/// If the server does not have the algorithm, or the key does not fit it.
pub(crate) fn sign(
    key: &PKeyRef<impl HasPrivate>,
    parameters: &CryptographicParameters<'_>,
    signed: Signed<'_>,
) -> Result<Vec<u8>, Failure> {
    let broken = || failed("the signature cannot be made with this key");
    if let (Id::ED25519 | Id::ED448, Signed::Data(data)) = (key.id(), signed) {
        let mut signer = Signer::new_without_digest(key).map_err(broken())?;
        return signer.sign_oneshot_to_vec(data).map_err(broken());
    }
    let method = Method::new(key.id(), parameters)?;
    let digest = method.digest(signed)?;
    let mut context = PkeyCtx::new(key).map_err(broken())?;
    context.sign_init().map_err(broken())?;
    method.set(&mut context, matches!(signed, Signed::Digest(_)))?;
    let mut signature = Vec::new();
    context
        .sign_to_vec(&digest, &mut signature)
        .map_err(broken())?;
    Ok(signature)
}

/// Whether a signature is valid.
///
/// # Errors
/// If the server does not have the algorithm, or the key does not fit it.
pub(crate) fn verify(
    key: &PKeyRef<impl HasPublic>,
    parameters: &CryptographicParameters<'_>,
    signed: Signed<'_>,
    signature: &[u8],
) -> Result<bool, Failure> {
    let broken = || failed("the signature cannot be verified with this key");
    if let (Id::ED25519 | Id::ED448, Signed::Data(data)) = (key.id(), signed) {
        let mut verifier = Verifier::new_without_digest(key).map_err(broken())?;
        return Ok(verifier.verify_oneshot(signature, data).unwrap_or(false));
    }
    let method = Method::new(key.id(), parameters)?;
    let digest = method.digest(signed)?;
    let mut context = PkeyCtx::new(key).map_err(broken())?;
    context.verify_init().map_err(broken())?;
    method.set(&mut context, matches!(signed, Signed::Digest(_)))?;
    // A malformed signature is an error to OpenSSL; it is not valid, no more.
    Ok(context.verify(&digest, signature).unwrap_or(false))
}

/// How to sign with a key.
struct Method {
    hash: HashingAlgorithm,
    /// Nobody has named the hash function.
    is_default: bool,
    padding: Option<Padding>,
    salt_length: Option<i32>,
    mask_hash: HashingAlgorithm,
}

impl Method {
    fn new(key: Id, parameters: &CryptographicParameters<'_>) -> Result<Self, Failure> {
        let (by_algorithm, pss) = match parameters.digital_signature_algorithm {
            Some(algorithm) => of_algorithm(algorithm)?,
            None => (None, false),
        };
        let hash = parameters.hashing_algorithm.or(by_algorithm);
        let is_default = hash.is_none();
        let hash = hash.unwrap_or(HashingAlgorithm::SHA_256);
        let padding = match (key, parameters.padding_method) {
            (Id::RSA, Some(PaddingMethod::PSS)) => Some(Padding::PKCS1_PSS),
            (Id::RSA, None) if pss => Some(Padding::PKCS1_PSS),
            (Id::RSA, Some(PaddingMethod::PKCS1_V1_5) | None) => Some(Padding::PKCS1),
            (Id::RSA, Some(PaddingMethod::X9_31)) => Some(x9_31()),
            (Id::RSA, Some(other)) => {
                return Err(unsupported(format!(
                    "RSA does not sign with the padding {other:?}"
                )));
            }
            (Id::EC | Id::DSA, _) => None,
            _ => {
                return Err(unsupported(
                    "this server does not sign with such keys".to_owned(),
                ));
            }
        };
        Ok(Method {
            hash,
            is_default,
            padding,
            salt_length: parameters.salt_length,
            mask_hash: parameters.mask_generator_hashing_algorithm.unwrap_or(hash),
        })
    }

    fn digest(&self, signed: Signed<'_>) -> Result<Vec<u8>, Failure> {
        let function = hash_function(self.hash)?;
        match signed {
            Signed::Data(data) => {
                let digest = hash(function, data).map_err(failed("the hash function"))?;
                Ok(digest.to_vec())
            }
            // Without a hash function that could be named, the digest is signed as it is.
            Signed::Digest(digest) if self.is_default => Ok(digest.to_vec()),
            Signed::Digest(digest) if digest.len() == function.size() => Ok(digest.to_vec()),
            Signed::Digest(_) => Err(Failure::new(
                ResultReason::INVALID_FIELD,
                format!("the digested data is no digest of {:?}", self.hash),
            )),
        }
    }

    fn set<K>(&self, context: &mut PkeyCtxRef<K>, of_digest: bool) -> Result<(), Failure> {
        let wrong = || failed("the parameters of the signature");
        if !(self.is_default && of_digest) {
            let set = context.set_signature_md(md(self.hash)?);
            set.map_err(wrong())?;
        }
        let Some(padding) = self.padding else {
            return Ok(());
        };
        context.set_rsa_padding(padding).map_err(wrong())?;
        if padding == Padding::PKCS1_PSS {
            let salt = match self.salt_length {
                Some(length) => RsaPssSaltlen::custom(length),
                None => RsaPssSaltlen::DIGEST_LENGTH,
            };
            context.set_rsa_pss_saltlen(salt).map_err(wrong())?;
            context
                .set_rsa_mgf1_md(md(self.mask_hash)?)
                .map_err(wrong())?;
        }
        Ok(())
    }
}

/// The hash function in a signature algorithm, and whether it is RSASSA-PSS.
fn of_algorithm(
    algorithm: DigitalSignatureAlgorithm,
) -> Result<(Option<HashingAlgorithm>, bool), Failure> {
    use DigitalSignatureAlgorithm as Algorithm;
    let hash = match algorithm {
        Algorithm::RSASSA_PSS => return Ok((None, true)),
        Algorithm::MD5_WITH_RSA_ENCRYPTION => HashingAlgorithm::MD5,
        Algorithm::SHA_1_WITH_RSA_ENCRYPTION
        | Algorithm::DSA_WITH_SHA_1
        | Algorithm::ECDSA_WITH_SHA_1 => HashingAlgorithm::SHA_1,
        Algorithm::SHA_224_WITH_RSA_ENCRYPTION
        | Algorithm::DSA_WITH_SHA224
        | Algorithm::ECDSA_WITH_SHA224 => HashingAlgorithm::SHA_224,
        Algorithm::SHA_256_WITH_RSA_ENCRYPTION
        | Algorithm::DSA_WITH_SHA256
        | Algorithm::ECDSA_WITH_SHA256 => HashingAlgorithm::SHA_256,
        Algorithm::SHA_384_WITH_RSA_ENCRYPTION | Algorithm::ECDSA_WITH_SHA384 => {
            HashingAlgorithm::SHA_384
        }
        Algorithm::SHA_512_WITH_RSA_ENCRYPTION | Algorithm::ECDSA_WITH_SHA512 => {
            HashingAlgorithm::SHA_512
        }
        Algorithm::SHA3_256_WITH_RSA_ENCRYPTION => HashingAlgorithm::SHA3_256,
        Algorithm::SHA3_384_WITH_RSA_ENCRYPTION => HashingAlgorithm::SHA3_384,
        Algorithm::SHA3_512_WITH_RSA_ENCRYPTION => HashingAlgorithm::SHA3_512,
        other => {
            return Err(unsupported(format!("this server does not have {other:?}")));
        }
    };
    Ok((Some(hash), false))
}

/// RSA_X931_PADDING of OpenSSL, which its bindings do not name.
fn x9_31() -> Padding {
    Padding::from_raw(5)
}

fn md(algorithm: HashingAlgorithm) -> Result<&'static MdRef, Failure> {
    let nid = hash_function(algorithm)?.type_();
    Md::from_nid(nid).ok_or_else(|| {
        unsupported(format!(
            "this server does not sign digests of {algorithm:?}"
        ))
    })
}

fn unsupported(message: String) -> Failure {
    Failure::new(ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS, message)
}
