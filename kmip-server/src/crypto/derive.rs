//! Deriving keys from secrets (Derivation Methods: KMIP 1.4, 9.1.3.2.21; 2.1, 11.17).

use kmip::server::Failure;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, DerivationMethod,
    DerivationParameters, HashingAlgorithm, ResultReason, Secret,
};
use openssl::derive::Deriver;
use openssl::md::Md;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::{Id, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use zeroize::Zeroizing;

use super::kbkdf::Kdf;
use super::mac::{block_length, hmac_hash};
use super::{CipherInput, CipherRun, Direction, digest, failed, hash_function, mac};
use crate::refusal;

/// More would take the server too long.
const MOST_ITERATIONS: usize = 10_000_000;

/// Derives `length` bytes from a secret.
///
/// # Errors
/// If the server does not have the method, or the method does not give so much.
pub(crate) fn derive(
    method: DerivationMethod,
    parameters: &DerivationParameters<'_>,
    secret: &[u8],
    own_algorithm: Option<CryptographicAlgorithm>,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let data = parameters.derivation_data.first().map(Secret::expose);
    let cryptographic = parameters.cryptographic_parameters.clone();
    let cryptographic = cryptographic.unwrap_or_default();
    let hashing = cryptographic.hashing_algorithm;
    let mut derived = match method {
        DerivationMethod::PBKDF2 => return pbkdf2(parameters, secret, hashing, length),
        DerivationMethod::HKDF => return hkdf(parameters, secret, hashing, length),
        DerivationMethod::HASH => {
            let algorithm = hashing.unwrap_or(HashingAlgorithm::SHA_256);
            digest(algorithm, data.unwrap_or(secret))?
        }
        DerivationMethod::HMAC => {
            let hmac = hmac_parameters(own_algorithm, cryptographic);
            let data = data.ok_or_else(|| missing("Derivation Data"))?;
            Zeroizing::new(mac(secret, None, &hmac, data)?)
        }
        DerivationMethod::ENCRYPT => {
            let algorithm = cryptographic.cryptographic_algorithm.or(own_algorithm);
            let algorithm = algorithm.unwrap_or_default();
            let given = parameters.initialization_vector.as_deref();
            let mut run = CipherRun::start(&CipherInput {
                direction: Direction::Encrypt,
                algorithm,
                key: secret,
                parameters: &cryptographic,
                iv: given.or(empty_iv(algorithm, &cryptographic)),
                additional: None,
                tag: None,
            })?;
            let mut derived = run.update(data.ok_or_else(|| missing("Derivation Data"))?)?;
            let (rest, _) = run.finish()?;
            derived.reserve_exact(rest.len());
            derived.extend_from_slice(&rest);
            derived
        }
        DerivationMethod::AWS_SIGNATURE_VERSION_4 => {
            aws_signing_key(secret, &parameters.derivation_data)?
        }
        DerivationMethod::NIST800_108_C
        | DerivationMethod::NIST800_108_F
        | DerivationMethod::NIST800_108_DPI => {
            let kdf = Kdf {
                method,
                secret,
                data: data.ok_or_else(|| missing("Derivation Data"))?,
                iv: parameters
                    .initialization_vector
                    .as_deref()
                    .unwrap_or_default(),
                parameters: &cryptographic,
            };
            return kdf.derive(length);
        }
        other => {
            let message = format!("this server does not derive keys by {other:?}");
            return Err(refusal::invalid_field(message));
        }
    };
    match derived.len() >= length {
        true => {
            derived.truncate(length);
            Ok(derived)
        }
        false => {
            let message = format!("the method gives {} bytes only", derived.len());
            Err(Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message))
        }
    }
}

/// The secret that the owners of two keys share (ECDH).
///
/// # Errors
/// If the keys do not fit each other.
pub(crate) fn agree(
    private: &PKeyRef<Private>,
    public: &PKeyRef<Public>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let agreed = Deriver::new(private).and_then(|mut deriver| {
        deriver.set_peer(public)?;
        deriver.derive_to_vec()
    });
    Ok(Zeroizing::new(
        agreed.map_err(failed("the keys do not fit each other"))?,
    ))
}

/// What an HMAC is derived with: the attributes of an HMAC key say it, whatever the request does.
fn hmac_parameters(
    own_algorithm: Option<CryptographicAlgorithm>,
    given: CryptographicParameters<'_>,
) -> CryptographicParameters<'_> {
    let default = CryptographicParameters::default();
    match hmac_hash(own_algorithm, &default) {
        Some(own) => CryptographicParameters {
            hashing_algorithm: Some(own),
            ..default
        },
        None => CryptographicParameters {
            hashing_algorithm: given.hashing_algorithm.or(Some(HashingAlgorithm::SHA_256)),
            ..given
        },
    }
}

/// The IV that is assumed if none is given, for modes that need one.
fn empty_iv(
    algorithm: CryptographicAlgorithm,
    parameters: &CryptographicParameters<'_>,
) -> Option<&'static [u8]> {
    const MODES: [BlockCipherMode; 4] = [
        BlockCipherMode::CBC,
        BlockCipherMode::CFB,
        BlockCipherMode::OFB,
        BlockCipherMode::CTR,
    ];
    let mode = parameters.block_cipher_mode;
    let needed = mode.is_some_and(|mode| MODES.contains(&mode));
    needed.then(|| &[0; 16][..block_length(algorithm)])
}

/// The signing key of AWS Signature Version 4. The Derivation Data is date, region and service (KMIP 2.1,
/// 7.12).
fn aws_signing_key(secret: &[u8], data: &[Secret<'_>]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let [date, region, service] = data else {
        return Err(refusal::invalid_field(
            "the Derivation Data is not date, region and service",
        ));
    };
    let hmac = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    };
    let mut key = Zeroizing::new([&b"AWS4"[..], secret].concat());
    for part in [
        date.expose(),
        region.expose(),
        service.expose(),
        b"aws4_request",
    ] {
        key = Zeroizing::new(mac(&key, None, &hmac, part)?);
    }
    Ok(key)
}

fn pbkdf2(
    parameters: &DerivationParameters<'_>,
    password: &[u8],
    hashing: Option<HashingAlgorithm>,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let salt = parameters.salt.as_deref().ok_or_else(|| missing("Salt"))?;
    let iterations = parameters
        .iteration_count
        .ok_or_else(|| missing("Iteration Count"))?;
    let iterations = usize::try_from(iterations).ok();
    let iterations = iterations.filter(|count| (1..=MOST_ITERATIONS).contains(count));
    let iterations = iterations.ok_or_else(|| {
        refusal::invalid_field(format!(
            "the Iteration Count is not in 1 to {MOST_ITERATIONS}"
        ))
    })?;
    let function = hash_function(hashing.unwrap_or(HashingAlgorithm::SHA_1))?;
    let mut derived = Zeroizing::new(vec![0; length]);
    pbkdf2_hmac(password, salt, iterations, function, &mut derived).map_err(failed("PBKDF2"))?;
    Ok(derived)
}

fn hkdf(
    parameters: &DerivationParameters<'_>,
    secret: &[u8],
    hashing: Option<HashingAlgorithm>,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let function = hash_function(hashing.unwrap_or(HashingAlgorithm::SHA_256))?;
    let md = Md::from_nid(function.type_())
        .ok_or_else(|| refusal::not_supported("HKDF does not have the hash function"))?;
    let info = parameters
        .derivation_data
        .first()
        .map_or(&[][..], Secret::expose);
    let mut derived = Zeroizing::new(vec![0; length]);
    PkeyCtx::new_id(Id::HKDF)
        .and_then(|mut context| {
            context.derive_init()?;
            context.set_hkdf_md(md)?;
            context.set_hkdf_key(secret)?;
            context.set_hkdf_salt(parameters.salt.as_deref().unwrap_or_default())?;
            context.add_hkdf_info(info)?;
            context.derive(Some(&mut derived))
        })
        .map_err(failed("HKDF"))?;
    Ok(derived)
}

fn missing(field: &str) -> Failure {
    let message = format!("the {field} of the Derivation Parameters is missing");
    refusal::invalid_field(message)
}
