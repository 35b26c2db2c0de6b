//! Message authentication codes: HMAC and CMAC.

use kmip::server::Failure;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, HashingAlgorithm,
    ResultReason,
};
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::Cipher;

use super::{failed, hash_function};

/// The code of `data`. The algorithm is that of the parameters or, if they name none, that of the
/// key.
///
/// # Errors
/// If the server does not have the algorithm, or the key does not fit it.
pub(crate) fn mac(
    key: &[u8],
    own_algorithm: Option<CryptographicAlgorithm>,
    parameters: &CryptographicParameters<'_>,
    data: &[u8],
) -> Result<Vec<u8>, Failure> {
    let algorithm = parameters.cryptographic_algorithm.or(own_algorithm);
    let broken = || failed("the code cannot be computed with this key");
    if let Some(hash) = hmac_hash(algorithm, parameters) {
        let digest = hash_function(hash)?;
        let key = PKey::hmac(key).map_err(broken())?;
        let mut signer = Signer::new(digest, &key).map_err(broken())?;
        return signer.sign_oneshot_to_vec(data).map_err(broken());
    }
    let cipher = match (algorithm, key.len()) {
        _ if ![None, Some(BlockCipherMode::CMAC)].contains(&parameters.block_cipher_mode) => None,
        (Some(CryptographicAlgorithm::AES), 16) => Some(Cipher::aes_128_cbc()),
        (Some(CryptographicAlgorithm::AES), 24) => Some(Cipher::aes_192_cbc()),
        (Some(CryptographicAlgorithm::AES), 32) => Some(Cipher::aes_256_cbc()),
        (Some(CryptographicAlgorithm::DES3), 24) => Some(Cipher::des_ede3_cbc()),
        _ => None,
    };
    let cipher = cipher.ok_or_else(|| {
        let message = "this server does not have the MAC algorithm";
        Failure::new(ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS, message)
    })?;
    let key = PKey::cmac(&cipher, key).map_err(broken())?;
    let mut signer = Signer::new_without_digest(&key).map_err(broken())?;
    signer.sign_oneshot_to_vec(data).map_err(broken())
}

fn hmac_hash(
    algorithm: Option<CryptographicAlgorithm>,
    parameters: &CryptographicParameters<'_>,
) -> Option<HashingAlgorithm> {
    Some(match algorithm.unwrap_or_default() {
        CryptographicAlgorithm::HMAC_SHA1 => HashingAlgorithm::SHA_1,
        CryptographicAlgorithm::HMAC_SHA224 => HashingAlgorithm::SHA_224,
        CryptographicAlgorithm::HMAC_SHA256 => HashingAlgorithm::SHA_256,
        CryptographicAlgorithm::HMAC_SHA384 => HashingAlgorithm::SHA_384,
        CryptographicAlgorithm::HMAC_SHA512 => HashingAlgorithm::SHA_512,
        CryptographicAlgorithm::HMAC_MD5 => HashingAlgorithm::MD5,
        CryptographicAlgorithm::HMAC_SHA3_224 => HashingAlgorithm::SHA3_224,
        CryptographicAlgorithm::HMAC_SHA3_256 => HashingAlgorithm::SHA3_256,
        CryptographicAlgorithm::HMAC_SHA3_384 => HashingAlgorithm::SHA3_384,
        CryptographicAlgorithm::HMAC_SHA3_512 => HashingAlgorithm::SHA3_512,
        // A key for something else, with which an HMAC is wanted by its hash function.
        _ => parameters.hashing_algorithm?,
    })
}
