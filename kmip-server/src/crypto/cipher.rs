//! Symmetric ciphers, in one go or piece by piece.

use kmip::server::Failure;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, PaddingMethod, ResultReason,
};
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use zeroize::Zeroizing;

use super::whole::Whole;
use super::{failed, random};
use crate::streams::collect;

/// Whether data is protected or processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Plain text becomes cipher text.
    Encrypt,
    /// Cipher text becomes plain text.
    Decrypt,
}

/// What a cipher needs beside the data.
pub(crate) struct CipherInput<'i> {
    pub(crate) direction: Direction,
    pub(crate) algorithm: CryptographicAlgorithm,
    pub(crate) key: &'i [u8],
    pub(crate) parameters: &'i CryptographicParameters<'i>,
    /// IV, counter or nonce. If there is none and the parameters want a random one, it is made.
    pub(crate) iv: Option<&'i [u8]>,
    /// Additional data of authenticated encryption.
    pub(crate) additional: Option<&'i [u8]>,
    /// The tag to verify, when something authenticated is decrypted.
    pub(crate) tag: Option<&'i [u8]>,
}

/// A cipher at work.
pub(crate) struct CipherRun {
    work: Work,
    direction: Direction,
    /// Length of the authentication tag in bytes, for modes that have one.
    tag_length: Option<usize>,
    /// The IV that was made for it.
    pub(crate) made_iv: Option<Vec<u8>>,
}

/// How a cipher takes its data.
enum Work {
    /// As it comes.
    Pieces(Box<CipherCtx>),
    /// When it is complete.
    Whole(Whole),
}

impl CipherRun {
    /// Begins.
    ///
    /// # Errors
    /// If the server does not have the cipher, or something does not fit it.
    pub(crate) fn start(input: &CipherInput<'_>) -> Result<Self, Failure> {
        if let Some(mode) = whole_mode(input) {
            return start_whole(input, mode);
        }
        let kind = Kind::new(input)?;
        let cipher = Cipher::fetch(None, &kind.name, None)
            .map_err(|_| unsupported(format!("this server does not have {}", kind.name)))?;
        if cipher.key_length() != input.key.len() {
            return Err(unsupported(format!("the key does not fit {}", kind.name)));
        }
        let (iv, made_iv) = kind.iv(input, cipher.iv_length())?;
        let broken = || failed("the cipher does not accept its parameters");
        let mut context = CipherCtx::new().map_err(broken())?;
        let encrypt = input.direction == Direction::Encrypt;
        match encrypt {
            true => context.encrypt_init(Some(&cipher), None, None),
            false => context.decrypt_init(Some(&cipher), None, None),
        }
        .map_err(broken())?;
        if kind.tag_length.is_some() {
            context.set_iv_length(iv.len()).map_err(broken())?;
        }
        let iv = (!iv.is_empty()).then_some(&iv[..]);
        match encrypt {
            true => context.encrypt_init(None, Some(input.key), iv),
            false => context.decrypt_init(None, Some(input.key), iv),
        }
        .map_err(broken())?;
        context.set_padding(input.parameters.padding_method == Some(PaddingMethod::PKCS5));
        if let (Some(length), false) = (kind.tag_length, encrypt) {
            let tag = checked_tag(input, length)?;
            context.set_tag(tag).map_err(broken())?;
        }
        if let Some(additional) = input.additional.filter(|data| !data.is_empty()) {
            if kind.tag_length.is_none() {
                return Err(unsupported(
                    "the mode authenticates no additional data".into(),
                ));
            }
            context.cipher_update(additional, None).map_err(broken())?;
        }
        Ok(CipherRun {
            work: Work::Pieces(Box::new(context)),
            direction: input.direction,
            tag_length: kind.tag_length,
            made_iv,
        })
    }

    /// The next piece of data. Of block ciphers, what comes out may lag behind.
    ///
    /// # Errors
    /// If the cipher refuses.
    pub(crate) fn update(&mut self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let context = match &mut self.work {
            Work::Pieces(context) => context,
            Work::Whole(whole) => {
                collect(&mut whole.data, data)?;
                return Ok(Zeroizing::new(Vec::new()));
            }
        };
        let mut out = Zeroizing::new(Vec::with_capacity(data.len() + 32));
        let done = context.cipher_update_vec(data, &mut out);
        done.map_err(failed("the data does not fit the cipher"))?;
        Ok(out)
    }

    /// The rest of the data, and the authentication tag if one was made.
    ///
    /// # Errors
    /// If the data is not whole, or is not what was authenticated.
    #[allow(clippy::type_complexity, reason = "two results that belong together")]
    pub(crate) fn finish(self) -> Result<(Zeroizing<Vec<u8>>, Option<Vec<u8>>), Failure> {
        let mut context = match self.work {
            Work::Pieces(context) => context,
            Work::Whole(whole) => return whole.finish(self.direction),
        };
        let mut out = Zeroizing::new(Vec::with_capacity(32));
        let done = context.cipher_final_vec(&mut out);
        done.map_err(failed(
            "the data or the key is wrong, or the padding is missing",
        ))?;
        let tag = match (self.direction, self.tag_length) {
            (Direction::Encrypt, Some(length)) => {
                let mut tag = vec![0; length];
                let got = context.tag(&mut tag);
                got.map_err(failed("the authentication tag"))?;
                Some(tag)
            }
            _ => None,
        };
        Ok((out, tag))
    }
}

/// The mode, if it is one that takes all data at once.
fn whole_mode(input: &CipherInput<'_>) -> Option<BlockCipherMode> {
    let mode = input.parameters.block_cipher_mode;
    let is_aes = input.algorithm == CryptographicAlgorithm::AES;
    mode.filter(|mode| is_aes && Whole::MODES.contains(mode))
}

/// Begins in such a mode.
fn start_whole(input: &CipherInput<'_>, mode: BlockCipherMode) -> Result<CipherRun, Failure> {
    let is_ccm = mode == BlockCipherMode::CCM;
    if !is_ccm && (input.iv.is_some() || input.additional.is_some()) {
        let message = "AES Key Wrap takes no IV and authenticates no additional data";
        return Err(unsupported(message.into()));
    }
    let (iv, made_iv) = match (input.iv, input.parameters.random_iv) {
        _ if !is_ccm => (Vec::new(), None),
        // NIST SP 800-38C has nonces of 7 to 13 bytes.
        (Some(iv), _) if (7..=13).contains(&iv.len()) => (iv.to_vec(), None),
        (None, Some(true)) if input.direction == Direction::Encrypt => {
            let made = random(12)?.to_vec();
            (made.clone(), Some(made))
        }
        _ => {
            let message = "CCM needs a nonce of 7 to 13 bytes";
            return Err(Failure::new(ResultReason::INVALID_FIELD, message));
        }
    };
    let tag_length = is_ccm.then(|| tag_length(input)).transpose()?;
    let tag = match (tag_length, input.direction) {
        (None, _) => Vec::new(),
        (Some(length), Direction::Encrypt) => vec![0; length],
        (Some(length), Direction::Decrypt) => checked_tag(input, length)?.to_vec(),
    };
    Ok(CipherRun {
        work: Work::Whole(Whole {
            mode,
            key: Zeroizing::new(input.key.to_vec()),
            iv,
            additional: input.additional.unwrap_or_default().to_vec(),
            tag,
            data: Zeroizing::new(Vec::new()),
        }),
        direction: input.direction,
        tag_length,
        made_iv,
    })
}

/// The tag to verify, which must have its length.
fn checked_tag<'i>(input: &CipherInput<'i>, length: usize) -> Result<&'i [u8], Failure> {
    input.tag.filter(|tag| tag.len() == length).ok_or_else(|| {
        let message = "the Authenticated Encryption Tag is missing or has another length";
        Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message)
    })
}

/// Which cipher of OpenSSL is meant.
struct Kind {
    name: String,
    tag_length: Option<usize>,
    /// Zero bytes before the IV that was given: the block counter of ChaCha20.
    counter: fn(usize) -> usize,
    needs_iv: bool,
}

impl Kind {
    fn new(input: &CipherInput<'_>) -> Result<Self, Failure> {
        use CryptographicAlgorithm as Algorithm;
        let bits = input.key.len() * 8;
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
            (Algorithm::DES3, 128) => "DES-EDE".to_owned(),
            (Algorithm::DES3, _) => "DES-EDE3".to_owned(),
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
        if ![PaddingMethod::NONE, PaddingMethod::PKCS5].contains(&padding) {
            return Err(unsupported(format!(
                "this server does not pad with {padding:?}"
            )));
        }
        Ok(Kind {
            name: format!("{family}-{suffix}"),
            tag_length: authenticated.then(|| tag_length(input)).transpose()?,
            counter: |_| 0,
            needs_iv: mode != BlockCipherMode::ECB,
        })
    }

    fn chacha20() -> Self {
        Kind {
            name: "ChaCha20".to_owned(),
            tag_length: None,
            counter: |given| 16_usize.saturating_sub(given),
            needs_iv: true,
        }
    }

    fn chacha20_poly1305(input: &CipherInput<'_>) -> Result<Self, Failure> {
        Ok(Kind {
            name: "ChaCha20-Poly1305".to_owned(),
            tag_length: Some(tag_length(input)?),
            counter: |_| 0,
            needs_iv: true,
        })
    }

    /// The IV to use, and the same if it had to be made.
    fn iv(
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

/// Length of the tag as the parameters say, or 16 bytes.
fn tag_length(input: &CipherInput<'_>) -> Result<usize, Failure> {
    match input.parameters.tag_length.unwrap_or(16) {
        length @ (4 | 8 | 12..=16) => Ok(length as usize),
        length => Err(Failure::new(
            ResultReason::GENERAL_FAILURE,
            format!("there are no tags of {length} bytes"),
        )),
    }
}

fn unsupported(message: String) -> Failure {
    Failure::new(ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS, message)
}
