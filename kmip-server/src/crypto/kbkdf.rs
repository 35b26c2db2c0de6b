//! Key derivation with a pseudorandom function (NIST SP 800-108), with a counter of 32 bits.

use kmip::server::Failure;
use kmip::types::{
    CryptographicAlgorithm, CryptographicParameters, DerivationMethod, HashingAlgorithm,
};
use zeroize::Zeroizing;

use super::mac;

/// What the methods have in common.
pub(super) struct Kdf<'k> {
    pub(super) method: DerivationMethod,
    pub(super) secret: &'k [u8],
    /// Label || 0x00 || Context.
    pub(super) data: &'k [u8],
    /// What the feedback begins with.
    pub(super) iv: &'k [u8],
    pub(super) parameters: &'k CryptographicParameters<'k>,
}

impl Kdf<'_> {
    /// Derives `length` bytes.
    ///
    /// # Errors
    /// If the server does not have the pseudorandom function, or the secret does not fit it.
    pub(super) fn derive(&self, length: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let bits = u32::try_from(length.saturating_mul(8)).unwrap_or(u32::MAX);
        let mut fixed = self.data.to_vec();
        fixed.extend(bits.to_be_bytes());
        let mut derived = Zeroizing::new(Vec::with_capacity(length + 64));
        let mut before = Zeroizing::new(match self.method {
            DerivationMethod::NIST800_108_C => Vec::new(),
            DerivationMethod::NIST800_108_DPI => fixed.clone(),
            _ => self.iv.to_vec(),
        });
        let mut counter = 0_u32;
        while derived.len() < length {
            counter += 1;
            if self.method == DerivationMethod::NIST800_108_DPI {
                before = self.prf(&before)?;
            }
            let mut input = Zeroizing::new(before.to_vec());
            input.extend(counter.to_be_bytes());
            input.extend_from_slice(&fixed);
            let block = self.prf(&input)?;
            derived.extend_from_slice(&block);
            if self.method == DerivationMethod::NIST800_108_F {
                before = block;
            }
        }
        derived.truncate(length);
        Ok(derived)
    }

    /// The HMAC or the CMAC that the parameters name, or HMAC with SHA-256.
    fn prf(&self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let named = self.parameters.cryptographic_algorithm;
        let is_cipher = matches!(
            named,
            Some(CryptographicAlgorithm::AES | CryptographicAlgorithm::DES3)
        );
        let hash = self.parameters.hashing_algorithm;
        let parameters = CryptographicParameters {
            cryptographic_algorithm: named,
            hashing_algorithm: hash.or((!is_cipher).then_some(HashingAlgorithm::SHA_256)),
            ..CryptographicParameters::default()
        };
        mac(self.secret, None, &parameters, data).map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(
        method: DerivationMethod,
        algorithm: Option<CryptographicAlgorithm>,
        length: usize,
    ) -> String {
        let secret: Vec<u8> = (0..32).collect();
        let iv: Vec<u8> = (0xA0..0xC0).collect();
        let parameters = CryptographicParameters {
            cryptographic_algorithm: algorithm,
            ..CryptographicParameters::default()
        };
        let kdf = Kdf {
            method,
            secret: &secret,
            data: b"label\0context",
            iv: &iv,
            parameters: &parameters,
        };
        let derived = kdf.derive(length).unwrap();
        derived.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// The expected values are those of `openssl kdf ... KBKDF`.
    #[test]
    fn counter_and_feedback_are_those_of_openssl() {
        assert_eq!(
            derived(DerivationMethod::NIST800_108_C, None, 40),
            "C5115A8E2C9CF655FABBFECBE725E440A9838838F5B46130C654F368F780EDD650D532C0FDEB6A35"
        );
        assert_eq!(
            derived(DerivationMethod::NIST800_108_F, None, 40),
            "429D4A1F9B421653D084FD6AB43E90F9B9C51C5F4CC5F6001D37B614FADE3BFFC70F88AB29314DEB"
        );
        assert_eq!(
            derived(
                DerivationMethod::NIST800_108_C,
                Some(CryptographicAlgorithm::AES),
                16
            ),
            "A8B59B87CEDF1B2B63FE1BB11763F654"
        );
    }

    #[test]
    fn the_pipeline_gives_something_else() {
        let double = derived(DerivationMethod::NIST800_108_DPI, None, 40);
        assert_eq!(double.len(), 80);
        assert_ne!(double, derived(DerivationMethod::NIST800_108_C, None, 40));
        assert_ne!(double[..64], double[16..]);
    }
}
