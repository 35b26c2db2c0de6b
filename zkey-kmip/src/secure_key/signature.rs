//! Forms of signatures that all coprocessors share.

use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;

use super::{DigestAlgorithm, SecureKeyError};
use crate::der::{self, OCTET_STRING, SEQUENCE};

/// The `DigestInfo` (RFC 8017, 9.2) that RSASSA-PKCS1-v1_5 signs.
pub(super) fn digest_info(algorithm: DigestAlgorithm, digest: &[u8]) -> Vec<u8> {
    let digest = der::encode(OCTET_STRING, &[digest]);
    der::encode(SEQUENCE, &[&algorithm.identifier(), &digest])
}

/// The DER ECDSA-Sig-Value of a signature that is r and s, one after the other.
pub(super) fn ecdsa_signature(raw: &[u8]) -> Result<Vec<u8>, SecureKeyError> {
    if raw.is_empty() || raw.len() % 2 != 0 {
        return Err(SecureKeyError::BadSignature(raw.len()));
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    BigNum::from_slice(r)
        .and_then(|r| EcdsaSig::from_private_components(r, BigNum::from_slice(s)?))
        .and_then(|signature| signature.to_der())
        .map_err(SecureKeyError::openssl("encode a signature"))
}

#[cfg(test)]
mod tests {
    use openssl::hash::hash;
    use openssl::pkey::PKey;
    use openssl::rsa::{Padding, Rsa};

    use super::*;

    #[test]
    fn openssl_takes_the_digest_info() {
        let rsa = Rsa::generate(2048).unwrap();
        let key = PKey::from_rsa(rsa.clone()).unwrap();
        for algorithm in DigestAlgorithm::ALL {
            let digest = hash(algorithm.message_digest(), b"text").unwrap();
            let info = digest_info(algorithm, &digest);
            let mut signature = vec![0; 256];
            rsa.private_encrypt(&info, &mut signature, Padding::PKCS1)
                .unwrap();
            let mut verifier =
                openssl::sign::Verifier::new(algorithm.message_digest(), &key).unwrap();
            assert!(verifier.verify_oneshot(&signature, b"text").unwrap());
        }
    }

    #[test]
    fn both_halves_are_kept() {
        let der = ecdsa_signature(&[0, 5, 0x80, 0]).unwrap();
        assert_eq!(der, [0x30, 8, 2, 1, 5, 2, 3, 0, 0x80, 0]);
        for odd in [&[][..], &[1], &[1, 2, 3]] {
            assert!(ecdsa_signature(odd).is_err(), "{odd:?}");
        }
    }
}
