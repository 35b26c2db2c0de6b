//! The AlgorithmIdentifiers of signatures and digests (RFC 3279, 4055, 5758).

use super::{DigestAlgorithm, SignatureScheme};
use crate::der::{self, INTEGER, NULL, OBJECT_IDENTIFIER, SEQUENCE, context};

const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
const PKCS_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const SHA_1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA_2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

impl SignatureScheme {
    /// The AlgorithmIdentifier of signatures over digests of this kind, in DER.
    pub fn algorithm_identifier(self, digest: DigestAlgorithm) -> Vec<u8> {
        identifier(self, digest)
    }
}

impl DigestAlgorithm {
    /// The AlgorithmIdentifier of the digest itself, in DER.
    pub(super) fn identifier(self) -> Vec<u8> {
        let last = match self {
            DigestAlgorithm::Sha1 => return algorithm(SHA_1, &null()),
            DigestAlgorithm::Sha224 => 4,
            DigestAlgorithm::Sha256 => 1,
            DigestAlgorithm::Sha384 => 2,
            DigestAlgorithm::Sha512 => 3,
        };
        algorithm(&[SHA_2, &[last]].concat(), &null())
    }
}

fn identifier(scheme: SignatureScheme, digest: DigestAlgorithm) -> Vec<u8> {
    match scheme {
        SignatureScheme::Ecdsa => {
            let last: &[u8] = match digest {
                DigestAlgorithm::Sha1 => &[1],
                DigestAlgorithm::Sha224 => &[3, 1],
                DigestAlgorithm::Sha256 => &[3, 2],
                DigestAlgorithm::Sha384 => &[3, 3],
                DigestAlgorithm::Sha512 => &[3, 4],
            };
            algorithm(&[ECDSA, last].concat(), &[])
        }
        SignatureScheme::RsaPkcs1 => {
            let last = match digest {
                DigestAlgorithm::Sha1 => 5,
                DigestAlgorithm::Sha224 => 14,
                DigestAlgorithm::Sha256 => 11,
                DigestAlgorithm::Sha384 => 12,
                DigestAlgorithm::Sha512 => 13,
            };
            algorithm(&pkcs_1(last), &null())
        }
        SignatureScheme::RsaPss => algorithm(&pkcs_1(10), &pss_parameters(digest)),
    }
}

/// Hash, mask with the same hash, and salt of its length. SHA-1 is the default for all.
fn pss_parameters(digest: DigestAlgorithm) -> Vec<u8> {
    if digest == DigestAlgorithm::Sha1 {
        return der::encode(SEQUENCE, &[]);
    }
    let hash = digest.identifier();
    let mask = algorithm(&pkcs_1(8), &hash);
    let salt = der::encode(INTEGER, &[&[digest.size() as u8]]);
    der::encode(
        SEQUENCE,
        &[
            &der::encode(context(0), &[&hash]),
            &der::encode(context(1), &[&mask]),
            &der::encode(context(2), &[&salt]),
        ],
    )
}

fn pkcs_1(last: u8) -> Vec<u8> {
    [PKCS_1, &[last]].concat()
}

fn algorithm(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    der::encode(
        SEQUENCE,
        &[&der::encode(OBJECT_IDENTIFIER, &[oid]), parameters],
    )
}

fn null() -> Vec<u8> {
    der::encode(NULL, &[])
}
