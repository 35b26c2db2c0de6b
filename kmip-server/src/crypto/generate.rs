//! New keys and identifiers.

use std::time::{SystemTime, UNIX_EPOCH};

use kmip::server::Failure;
use kmip::types::{CryptographicAlgorithm, RandomNumberGenerator, RecommendedCurve, ResultReason};
use kmip::types::{DrbgAlgorithm, RngAlgorithm};
use openssl::dh::Dh;
use openssl::dsa::Dsa;
use openssl::ec::EcKey;
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

/// A new Unique Identifier: a UUID of the present time and 74 random bits (RFC 9562, version 7). What
/// is made together is side by side in the index of a store, which so has less to write.
pub(crate) fn new_identifier() -> Result<String, Failure> {
    let mut random = [0; 10];
    rand_bytes(&mut random).map_err(failed("the random number generator does not work"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(identifier(now.unwrap_or_default().as_millis(), random))
}

/// The UUID of a time in milliseconds since 1970 and random bytes.
fn identifier(milliseconds: u128, [a, b, c, d, node @ ..]: [u8; 10]) -> String {
    let time = milliseconds & 0xFFFF_FFFF_FFFF;
    let (high, low) = (time >> 16, time & 0xFFFF);
    let version = 0x7000 | u16::from_be_bytes([a, b]) & 0x0FFF;
    let variant = 0x8000 | u16::from_be_bytes([c, d]) & 0x3FFF;
    let [e, f, g, h, i, j] = node;
    let node = u64::from_be_bytes([0, 0, e, f, g, h, i, j]);
    format!("{high:08x}-{low:04x}-{version:04x}-{variant:04x}-{node:012x}")
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
    let mut key = random(key_bytes(Some(algorithm), length).unwrap_or_default())?;
    if [CryptographicAlgorithm::DES, CryptographicAlgorithm::DES3].contains(&algorithm) {
        // Each byte has an odd number of bits that are set (FIPS 46-3): some devices look for it.
        for byte in key.iter_mut() {
            *byte = *byte & 0xFE | u8::from((*byte >> 1).count_ones() % 2 == 0);
        }
    }
    Ok(key)
}

/// How many bytes a key of `length` bits has: Cryptographic Length of DES and Triple-DES may leave out
/// the parity bits. `None` if they are no whole bytes.
pub(crate) fn key_bytes(algorithm: Option<CryptographicAlgorithm>, length: i32) -> Option<usize> {
    let bits = match (algorithm, length) {
        (Some(CryptographicAlgorithm::DES), 56) => 64,
        (Some(CryptographicAlgorithm::DES3), 112) => 128,
        (Some(CryptographicAlgorithm::DES3), 168) => 192,
        _ => length,
    };
    usize::try_from(bits / 8).ok().filter(|_| bits % 8 == 0)
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
        Algorithm::DES => [56, 64].contains(&length),
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
    // Bits by which a key is known, where OpenSSL counts fewer.
    let mut nominal = None;
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
        Algorithm::EC | Algorithm::ECDH if curve == Some(RecommendedCurve::CURVE25519) => {
            nominal = Some(256);
            PKey::generate_x25519().map_err(failed("no key could be made"))?
        }
        Algorithm::EC | Algorithm::ECDH if curve == Some(RecommendedCurve::CURVE448) => {
            PKey::generate_x448().map_err(failed("no key could be made"))?
        }
        Algorithm::EC | Algorithm::ECDSA | Algorithm::ECDH | Algorithm::ECMQV => {
            let curve = curve.or_else(|| length.and_then(RecommendedCurve::of_bits));
            let group = curve.and_then(RecommendedCurve::to_group).ok_or_else(|| {
                refusal::not_supported("this server makes no keys of this curve and length")
            })?;
            let key = EcKey::generate(&group).map_err(failed("no EC key could be made"))?;
            PKey::from_ec_key(key).map_err(failed("no EC key could be made"))?
        }
        Algorithm::ED25519 => PKey::generate_ed25519().map_err(failed("no key could be made"))?,
        Algorithm::ED448 => PKey::generate_ed448().map_err(failed("no key could be made"))?,
        Algorithm::DSA => {
            let bits = match length.unwrap_or(2048) {
                bits @ (1024 | 2048 | 3072) => bits as u32,
                _ => {
                    return Err(wrong_value(
                        "DSA keys have 1024, 2048 or 3072 bits".to_owned(),
                    ));
                }
            };
            let key = Dsa::generate(bits).map_err(failed("no DSA key could be made"))?;
            PKey::from_dsa(key).map_err(failed("no DSA key could be made"))?
        }
        Algorithm::DH => {
            // Of RFC 5114: to find a prime takes minutes, and keys agree only with those of one group.
            let group = match length.unwrap_or(2048) {
                1024 => Dh::get_1024_160(),
                2048 => Dh::get_2048_256(),
                _ => {
                    return Err(wrong_value(
                        "DH keys have 1024 or 2048 bits here".to_owned(),
                    ));
                }
            };
            let key = group.and_then(Dh::generate_key).and_then(PKey::from_dh);
            key.map_err(failed("no DH key could be made"))?
        }
        _ => {
            let message = format!("this server makes no key pairs for {algorithm:?}");
            return Err(refusal::not_supported(message));
        }
    };
    let bits = nominal.unwrap_or_else(|| i32::try_from(key.bits()).unwrap_or_default());
    if length.is_some_and(|length| length != bits) && curve.is_some() {
        let message = format!("the curve has {bits} bits");
        return Err(wrong_value(message));
    }
    Ok(KeyPair { key, length: bits })
}

fn wrong_value(message: String) -> Failure {
    Failure::new(ResultReason::INVALID_ATTRIBUTE_VALUE, message)
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::{identifier, new_identifier};

    #[test]
    fn identifiers_are_uuids_of_version_7() {
        // RFC 9562, A.6.
        let random = [0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F];
        let example = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
        assert_eq!(identifier(0x017F_22E2_79B0, random), example);
        let highest = "017f22e2-79b0-7fff-bfff-ffffffffffff";
        assert_eq!(identifier(0x017F_22E2_79B0, [0xFF; 10]), highest);
        assert!(*highest < *identifier(0x017F_22E2_79B1, [0; 10]));
    }

    #[test]
    fn identifiers_have_the_present_time_and_are_never_the_same() {
        let now = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_millis()
        };
        let begin = now();
        let [one, other] = [(); 2].map(|()| new_identifier().unwrap());
        let end = now();
        assert_ne!(one, other);
        for made in [one, other] {
            let time = u128::from_str_radix(&made[..13].replace('-', ""), 16).unwrap();
            assert!((begin..=end).contains(&time), "{made}");
        }
    }
}
