//! Which cipher of OpenSSL is meant.

use std::ops::RangeInclusive;

use kmip::server::Failure;
use kmip::types::{BlockCipherMode, CryptographicAlgorithm, PaddingMethod, ResultReason};

use super::cipher::{CipherInput, Direction, tag_length, unsupported};
use super::padding::Padding;
use super::random;

/// A cipher of OpenSSL.
pub(super) struct Kind {
    pub(super) name: String,
    /// How many bytes a key has, where the cipher leaves that open.
    pub(super) key_lengths: Option<RangeInclusive<usize>>,
    pub(super) tag_length: Option<usize>,
    /// Zero bytes before the IV that was given: the block counter of ChaCha20.
    counter: fn(usize) -> usize,
    needs_iv: bool,
}

impl Kind {
    pub(super) fn new(input: &CipherInput<'_>) -> Result<Self, Failure> {
        use CryptographicAlgorithm as Algorithm;
        let bits = input.key.len() * 8;
        let mut key_lengths = None;
        let family = match (input.algorithm, bits) {
            (Algorithm::AES, 512 | 256)
                if input.parameters.block_cipher_mode == Some(BlockCipherMode::XTS) =>
            {
                // Two keys in one.
                format!("AES-{}", bits / 2)
            }
            (Algorithm::AES, _) => format!("AES-{bits}"),
            (Algorithm::CAMELLIA, _) => format!("CAMELLIA-{bits}"),
            (Algorithm::ARIA, _) => format!("ARIA-{bits}"),
            (Algorithm::DES, _) => "DES".to_owned(),
            (Algorithm::DES3, 128) => "DES-EDE".to_owned(),
            (Algorithm::DES3, _) => "DES-EDE3".to_owned(),
            (Algorithm::SEED, _) => "SEED".to_owned(),
            (Algorithm::SM4, _) => "SM4".to_owned(),
            (Algorithm::IDEA, _) => "IDEA".to_owned(),
            // Of shorter keys, OpenSSL would not limit the effective bits.
            (Algorithm::RC2, _) => "RC2".to_owned(),
            (Algorithm::BLOWFISH, _) => {
                key_lengths = Some(4..=56);
                "BF".to_owned()
            }
            (Algorithm::CAST5, _) => {
                key_lengths = Some(5..=16);
                "CAST5".to_owned()
            }
            (Algorithm::RC4, _) => return Ok(Kind::rc4()),
            (Algorithm::CHACHA20, _) => return Ok(Kind::chacha20()),
            (Algorithm::CHACHA20POLY1305, _) => return Kind::chacha20_poly1305(input),
            (other, _) => {
                return Err(unsupported(format!(
                    "this server does not encrypt with {other:?}"
                )));
            }
        };
        let mode = input.parameters.block_cipher_mode;
        let mode = mode.ok_or_else(|| unsupported("the Block Cipher Mode is missing".into()))?;
        let (suffix, authenticated) = match mode {
            BlockCipherMode::CBC => ("CBC", false),
            BlockCipherMode::ECB => ("ECB", false),
            BlockCipherMode::CFB => ("CFB", false),
            BlockCipherMode::OFB => ("OFB", false),
            BlockCipherMode::CTR => ("CTR", false),
            BlockCipherMode::XTS => ("XTS", false),
            BlockCipherMode::GCM => ("GCM", true),
            other => {
                return Err(unsupported(format!(
                    "this server does not have mode {other:?}"
                )));
            }
        };
        let padding = input
            .parameters
            .padding_method
            .unwrap_or(PaddingMethod::NONE);
        let known = [PaddingMethod::NONE, PaddingMethod::PKCS5].contains(&padding);
        if !known && !Padding::METHODS.contains(&padding) {
            return Err(unsupported(format!(
                "this server does not pad with {padding:?}"
            )));
        }
        Ok(Kind {
            name: format!("{family}-{suffix}"),
            key_lengths,
            tag_length: authenticated.then(|| tag_length(input)).transpose()?,
            counter: |_| 0,
            needs_iv: mode != BlockCipherMode::ECB,
        })
    }

    fn rc4() -> Self {
        Kind {
            name: "RC4".to_owned(),
            key_lengths: Some(5..=256),
            tag_length: None,
            counter: |_| 0,
            needs_iv: false,
        }
    }

    fn chacha20() -> Self {
        Kind {
            name: "ChaCha20".to_owned(),
            key_lengths: None,
            tag_length: None,
            counter: |given| 16_usize.saturating_sub(given),
            needs_iv: true,
        }
    }

    fn chacha20_poly1305(input: &CipherInput<'_>) -> Result<Self, Failure> {
        Ok(Kind {
            name: "ChaCha20-Poly1305".to_owned(),
            key_lengths: None,
            tag_length: Some(tag_length(input)?),
            counter: |_| 0,
            needs_iv: true,
        })
    }

    /// The IV to use, and the same if it had to be made.
    pub(super) fn iv(
        &self,
        input: &CipherInput<'_>,
        length: usize,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), Failure> {
        if !self.needs_iv {
            return Ok((Vec::new(), None));
        }
        let given = match input.iv {
            Some(iv) => iv,
            None if input.direction == Direction::Encrypt
                && input.parameters.random_iv == Some(true) =>
            {
                let made = random(length)?.to_vec();
                return Ok((made.clone(), Some(made)));
            }
            None => {
                let message = "the IV, counter or nonce is missing";
                return Err(Failure::new(ResultReason::INVALID_MESSAGE, message));
            }
        };
        let mut iv = vec![0; (self.counter)(given.len())];
        iv.extend_from_slice(given);
        let fits = match self.tag_length {
            Some(_) => (1..=16).contains(&iv.len()),
            None => iv.len() == length,
        };
        match fits {
            true => Ok((iv, None)),
            false => Err(Failure::new(
                ResultReason::INVALID_FIELD,
                format!(
                    "the IV has {} bytes, {} needs {length}",
                    given.len(),
                    self.name
                ),
            )),
        }
    }
}
