//! Message authentication codes: HMAC, CMAC, CBC-MAC and Poly1305.

use kmip::server::Failure;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, HashingAlgorithm,
    ResultReason,
};
use openssl::pkey::{Id, PKey};
use openssl::sign::Signer;
use openssl::symm::Cipher;

use super::{CipherInput, CipherRun, Direction, failed, hash_function};

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
    if algorithm == Some(CryptographicAlgorithm::POLY1305) {
        let key = PKey::private_key_from_raw_bytes(key, Id::POLY1305).map_err(broken())?;
        let mut signer = Signer::new_without_digest(&key).map_err(broken())?;
        return signer.sign_oneshot_to_vec(data).map_err(broken());
    }
    if parameters.block_cipher_mode == Some(BlockCipherMode::CBC_MAC) {
        return cbc_mac(key, algorithm.unwrap_or_default(), parameters, data);
    }
    let cipher = match (algorithm, key.len()) {
        _ if ![None, Some(BlockCipherMode::CMAC)].contains(&parameters.block_cipher_mode) => None,
        (Some(CryptographicAlgorithm::AES), 16) => Some(Cipher::aes_128_cbc()),
        (Some(CryptographicAlgorithm::AES), 24) => Some(Cipher::aes_192_cbc()),
        (Some(CryptographicAlgorithm::AES), 32) => Some(Cipher::aes_256_cbc()),
        (Some(CryptographicAlgorithm::CAMELLIA), 16) => Some(Cipher::camellia_128_cbc()),
        (Some(CryptographicAlgorithm::CAMELLIA), 24) => Some(Cipher::camellia_192_cbc()),
        (Some(CryptographicAlgorithm::CAMELLIA), 32) => Some(Cipher::camellia_256_cbc()),
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

/// The last block of the data in CBC mode, from an IV of zeros (ISO/IEC 9797-1, algorithm 1). Data that is
/// no whole number of blocks needs a Padding Method.
fn cbc_mac(
    key: &[u8],
    algorithm: CryptographicAlgorithm,
    parameters: &CryptographicParameters<'_>,
    data: &[u8],
) -> Result<Vec<u8>, Failure> {
    let block = block_length(algorithm);
    let parameters = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::CBC),
        ..parameters.clone()
    };
    let mut run = CipherRun::start(&CipherInput {
        direction: Direction::Encrypt,
        algorithm,
        key,
        parameters: &parameters,
        iv: Some(&[0; 16][..block]),
        additional: None,
        tag: None,
    })?;
    let mut encrypted = run.update(data)?.to_vec();
    encrypted.extend_from_slice(&run.finish()?.0);
    let last = encrypted.len().checked_sub(block).ok_or_else(|| {
        let reason = ResultReason::CRYPTOGRAPHIC_FAILURE;
        Failure::new(reason, "a CBC-MAC needs at least a block of data")
    })?;
    Ok(encrypted.split_off(last))
}

/// How many bytes a block of a cipher has.
pub(super) fn block_length(algorithm: CryptographicAlgorithm) -> usize {
    use CryptographicAlgorithm as Algorithm;
    match algorithm {
        Algorithm::AES
        | Algorithm::CAMELLIA
        | Algorithm::ARIA
        | Algorithm::SEED
        | Algorithm::SM4 => 16,
        _ => 8,
    }
}

/// The hash function of the HMAC that is meant, if one is.
pub(super) fn hmac_hash(
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
