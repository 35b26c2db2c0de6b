//! New keys and identifiers.

use kmip::server::Failure;
use kmip::types::{CryptographicAlgorithm, RandomNumberGenerator, RecommendedCurve, ResultReason};
use kmip::types::{DrbgAlgorithm, RngAlgorithm};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rand::rand_bytes;
use openssl::rsa::Rsa;
use zeroize::Zeroizing;

use super::failed;
use crate::refusal;

/// A new key pair.
pub(crate) struct KeyPair {
    /// Both keys.
    pub(crate) key: PKey<Private>,
    /// Cryptographic Length in bits.
    pub(crate) length: i32,
}

/// Random bytes.
pub(crate) fn random(length: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    rand_bytes(&mut bytes).map_err(failed("the random number generator does not work"))?;
    Ok(bytes)
}

/// A new Unique Identifier: a random UUID (RFC 9562, version 4).
pub(crate) fn new_identifier() -> Result<String, Failure> {
    let mut bytes = random(16)?;
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut identifier = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            identifier.push('-');
        }
        identifier.push_str(&format!("{byte:02x}"));
    }
    Ok(identifier)
}

/// The generator behind [`random`]: OpenSSL's, by default a CTR_DRBG of AES-256 (NIST SP 800-90A).
pub(crate) fn generator() -> RandomNumberGenerator<'static> {
    RandomNumberGenerator {
        rng_algorithm: RngAlgorithm::DRBG,
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        cryptographic_length: Some(256),
        drbg_algorithm: Some(DrbgAlgorithm::CTR),
        ..RandomNumberGenerator::default()
    }
}

/// A new symmetric key of `length` bits.
///
/// # Errors
/// If the server does not make such keys.
pub(crate) fn generate_symmetric(
    algorithm: CryptographicAlgorithm,
    length: i32,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    check_symmetric(algorithm, length)?;
    let bytes = usize::try_from(length / 8).unwrap_or_default();
    random(bytes)
}

/// A new secret of `length` bits that belongs to no algorithm.
///
/// # Errors
/// If these are no bytes, or too many.
pub(crate) fn generate_secret(length: i32) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // The bounds are those of the algorithm that takes any number of bytes.
    generate_symmetric(CryptographicAlgorithm::ONE_TIME_PAD, length)
}

/// How many bits a key has if nobody says it.
pub(crate) fn usual_length(algorithm: Option<CryptographicAlgorithm>) -> i32 {
    use CryptographicAlgorithm as Algorithm;
    match algorithm {
        Some(Algorithm::DES3) => 192,
        Some(Algorithm::DES) => 64,
        Some(Algorithm::SKIPJACK) => 80,
        Some(Algorithm::SEED | Algorithm::SM4 | Algorithm::IDEA) => 128,
        _ => 256,
    }
}

/// Whether a symmetric algorithm has keys of `length` bits.
///
/// # Errors
/// If it has not, or the server does not know it.
pub(crate) fn check_symmetric(
    algorithm: CryptographicAlgorithm,
    length: i32,
) -> Result<(), Failure> {
    use CryptographicAlgorithm as Algorithm;
    let fits = match algorithm {
        // XTS has two keys in one.
        Algorithm::AES => [128, 192, 256, 512].contains(&length),
        Algorithm::DES3 => [112, 128, 168, 192].contains(&length),
        Algorithm::CAMELLIA | Algorithm::ARIA => [128, 192, 256].contains(&length),
        Algorithm::CHACHA20 | Algorithm::CHACHA20POLY1305 | Algorithm::POLY1305 => length == 256,
        Algorithm::SKIPJACK => length == 80,
        Algorithm::DES => length == 64,
        Algorithm::SEED | Algorithm::SM4 | Algorithm::IDEA => length == 128,
        Algorithm::HMAC_SHA1
        | Algorithm::HMAC_SHA224
        | Algorithm::HMAC_SHA256
        | Algorithm::HMAC_SHA384
        | Algorithm::HMAC_SHA512
        | Algorithm::HMAC_SHA3_224
        | Algorithm::HMAC_SHA3_256
        | Algorithm::HMAC_SHA3_384
        | Algorithm::HMAC_SHA3_512
        | Algorithm::HMAC_MD5
        | Algorithm::BLOWFISH
        | Algorithm::CAST5
        | Algorithm::RC2
        | Algorithm::RC4
        | Algorithm::RC5
        | Algorithm::MARS
        | Algorithm::TWOFISH
        | Algorithm::ONE_TIME_PAD => length > 0 && length % 8 == 0 && length <= 65_536,
        _ => {
            let message = format!("this server makes no symmetric keys for {algorithm:?}");
            return Err(refusal::not_supported(message));
        }
    };
    match fits {
        true => Ok(()),
        false => Err(wrong_value(format!(
            "{algorithm:?} has no keys of {length} bits"
        ))),
    }
}

/// A new key pair.
///
/// # Errors
/// If the server does not make such keys.
pub(crate) fn generate_key_pair(
    algorithm: CryptographicAlgorithm,
    length: Option<i32>,
    curve: Option<RecommendedCurve>,
) -> Result<KeyPair, Failure> {
    use CryptographicAlgorithm as Algorithm;
    let key = match algorithm {
        Algorithm::RSA => {
            let bits = length.unwrap_or(2048);
            // Below, OpenSSL refuses; above, it takes minutes.
            let bits = u32::try_from(bits)
                .ok()
                .filter(|bits| (1024..=8192).contains(bits));
            let bits = bits.ok_or_else(|| {
                wrong_value("RSA keys have between 1024 and 8192 bits here".to_owned())
            })?;
            let key = Rsa::generate(bits).map_err(failed("no RSA key could be made"))?;
            PKey::from_rsa(key).map_err(failed("no RSA key could be made"))?
        }
        Algorithm::EC | Algorithm::ECDSA | Algorithm::ECDH | Algorithm::ECMQV => {
            let curve = curve.or_else(|| by_length(length));
            let group = curve.and_then(group_of).ok_or_else(|| {
                refusal::not_supported("this server makes no keys of this curve and length")
            })?;
            let key = EcKey::generate(&group).map_err(failed("no EC key could be made"))?;
            PKey::from_ec_key(key).map_err(failed("no EC key could be made"))?
        }
        Algorithm::ED25519 => PKey::generate_ed25519().map_err(failed("no key could be made"))?,
        Algorithm::ED448 => PKey::generate_ed448().map_err(failed("no key could be made"))?,
        _ => {
            let message = format!("this server makes no key pairs for {algorithm:?}");
            return Err(refusal::not_supported(message));
        }
    };
    let bits = i32::try_from(key.bits()).unwrap_or_default();
    if length.is_some_and(|length| length != bits) && curve.is_some() {
        let message = format!("the curve has {bits} bits");
        return Err(wrong_value(message));
    }
    Ok(KeyPair { key, length: bits })
}

fn wrong_value(message: String) -> Failure {
    Failure::new(ResultReason::INVALID_ATTRIBUTE_VALUE, message)
}

fn by_length(length: Option<i32>) -> Option<RecommendedCurve> {
    Some(match length? {
        192 => RecommendedCurve::P_192,
        224 => RecommendedCurve::P_224,
        256 => RecommendedCurve::P_256,
        384 => RecommendedCurve::P_384,
        521 => RecommendedCurve::P_521,
        _ => return None,
    })
}

/// The curves that the server knows, in OpenSSL's numbers.
const CURVES: [(RecommendedCurve, Nid); 9] = [
    (RecommendedCurve::P_192, Nid::X9_62_PRIME192V1),
    (RecommendedCurve::P_224, Nid::SECP224R1),
    (RecommendedCurve::P_256, Nid::X9_62_PRIME256V1),
    (RecommendedCurve::P_384, Nid::SECP384R1),
    (RecommendedCurve::P_521, Nid::SECP521R1),
    (RecommendedCurve::SECP256K1, Nid::SECP256K1),
    (RecommendedCurve::BRAINPOOLP256R1, Nid::BRAINPOOL_P256R1),
    (RecommendedCurve::BRAINPOOLP384R1, Nid::BRAINPOOL_P384R1),
    (RecommendedCurve::BRAINPOOLP512R1, Nid::BRAINPOOL_P512R1),
];

/// The curve in OpenSSL.
pub(super) fn group_of(curve: RecommendedCurve) -> Option<EcGroup> {
    let (_, nid) = CURVES.iter().find(|(known, _)| *known == curve)?;
    EcGroup::from_curve_name(*nid).ok()
}

/// The curve in KMIP.
pub(super) fn curve_of(nid: Nid) -> Option<RecommendedCurve> {
    let (curve, _) = CURVES.iter().find(|(_, known)| *known == nid)?;
    Some(*curve)
}
