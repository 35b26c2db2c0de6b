//! Cryptographic Parameters: what a request says, what the key says, and what is assumed.

use kmip::server::Failure;
use kmip::types::{CryptographicParameters, HashingAlgorithm, ResultReason};
use openssl::hash::MessageDigest;

use super::message_digest;

/// The hash function that parameters name.
///
/// # Errors
/// If the server does not have it.
pub(crate) fn hash_function(algorithm: HashingAlgorithm) -> Result<MessageDigest, Failure> {
    message_digest(algorithm).ok_or_else(|| {
        let message = format!("this server does not have the hash function {algorithm:?}");
        Failure::new(ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS, message)
    })
}

/// The hash functions of RSA-OAEP: of the label, and of the mask generator. SHA-1 is the default of
/// PKCS#1, and before KMIP 1.4 there is only one to set.
///
/// # Errors
/// If the server does not have one of them.
pub(super) fn oaep_hashes(
    parameters: &CryptographicParameters<'_>,
) -> Result<(MessageDigest, MessageDigest), Failure> {
    let label = parameters
        .hashing_algorithm
        .unwrap_or(HashingAlgorithm::SHA_1);
    let mask = parameters.mask_generator_hashing_algorithm.unwrap_or(label);
    Ok((hash_function(label)?, hash_function(mask)?))
}
