//! Modes of AES (and ARIA) that need all of their data at once: CCM, whose first block has the length, and the key
//! wraps (NIST SP 800-38C and 800-38F).

use kmip::server::Failure;
use kmip::types::{BlockCipherMode, CryptographicParameters, ResultReason};
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use zeroize::Zeroizing;

use super::wrapping::{unwrap_with_aes, wrap_with_aes};
use super::{Direction, failed};

/// A cipher at work, and the data so far.
pub(super) struct Whole {
    pub(super) mode: BlockCipherMode,
    /// Whether the cipher is ARIA, and not AES.
    pub(super) is_aria: bool,
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) iv: Vec<u8>,
    pub(super) additional: Vec<u8>,
    /// The tag to verify, or room for the one to make.
    pub(super) tag: Vec<u8>,
    pub(super) data: Zeroizing<Vec<u8>>,
}

impl Whole {
    /// These modes.
    pub(super) const MODES: [BlockCipherMode; 3] = [
        BlockCipherMode::CCM,
        BlockCipherMode::NISTKEYWRAP,
        BlockCipherMode::AESKEYWRAPPADDING,
    ];

    /// What comes out, and the authentication tag if one was made.
    ///
    /// # Errors
    /// If the key does not fit, or the data is not what was authenticated.
    #[allow(clippy::type_complexity, reason = "two results that belong together")]
    pub(super) fn finish(
        self,
        direction: Direction,
    ) -> Result<(Zeroizing<Vec<u8>>, Option<Vec<u8>>), Failure> {
        match self.mode {
            BlockCipherMode::CCM => self.ccm(direction),
            mode => {
                let parameters = CryptographicParameters {
                    block_cipher_mode: Some(mode),
                    ..CryptographicParameters::default()
                };
                let done = match direction {
                    Direction::Encrypt => wrap_with_aes(&self.key, &parameters, &self.data)?.into(),
                    Direction::Decrypt => unwrap_with_aes(&self.key, &parameters, &self.data)?,
                };
                Ok((done, None))
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "two results that belong together")]
    fn ccm(
        mut self,
        direction: Direction,
    ) -> Result<(Zeroizing<Vec<u8>>, Option<Vec<u8>>), Failure> {
        let family = match self.is_aria {
            true => "ARIA",
            false => "AES",
        };
        let cipher = match self.key.len() {
            16 | 24 | 32 => {
                let name = format!("{family}-{}-CCM", self.key.len() * 8);
                Cipher::fetch(None, &name, None).map_err(failed("the cipher"))?
            }
            _ => {
                let reason = ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS;
                return Err(Failure::new(
                    reason,
                    format!("the key does not fit {family}"),
                ));
            }
        };
        let mut out = Zeroizing::new(Vec::with_capacity(self.data.len() + 16));
        // Lengths come before key and nonce: they are part of the first block.
        let done = CipherCtx::new().and_then(|mut context| {
            let nonce = Some(&self.iv[..]);
            if direction == Direction::Encrypt {
                context.encrypt_init(Some(&cipher), None, None)?;
                context.set_iv_length(self.iv.len())?;
                context.set_tag_length(self.tag.len())?;
                context.encrypt_init(None, Some(&self.key), nonce)?;
            } else {
                context.decrypt_init(Some(&cipher), None, None)?;
                context.set_iv_length(self.iv.len())?;
                context.set_tag(&self.tag)?;
                context.decrypt_init(None, Some(&self.key), nonce)?;
            }
            context.set_data_len(self.data.len())?;
            if !self.additional.is_empty() {
                context.cipher_update(&self.additional, None)?;
            }
            // Decrypting, this is what fails if the tag is wrong.
            context.cipher_update_vec(&self.data, &mut out)?;
            match direction {
                Direction::Encrypt => context.tag(&mut self.tag),
                Direction::Decrypt => Ok(()),
            }
        });
        let wrong = failed("the data is not what was authenticated, or too long for the nonce");
        done.map_err(wrong)?;
        Ok((out, (direction == Direction::Encrypt).then_some(self.tag)))
    }
}
