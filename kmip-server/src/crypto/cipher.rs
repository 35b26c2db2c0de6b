//! Symmetric ciphers, in one go or piece by piece.

use kmip::server::Failure;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, PaddingMethod, ResultReason,
};
use openssl::cipher_ctx::CipherCtx;
use zeroize::Zeroizing;

use super::kind::Kind;
use super::padding::Padding;
use super::whole::Whole;
use super::{failed, legacy, random};
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
    /// A padding that OpenSSL does not have.
    padding: Option<Padding>,
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
        let cipher = legacy::cipher(&kind.name)
            .ok_or_else(|| unsupported(format!("this server does not have {}", kind.name)))?;
        let own_length = cipher.key_length();
        let lengths = kind.key_lengths.clone().unwrap_or(own_length..=own_length);
        if !lengths.contains(&input.key.len()) {
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
        if input.key.len() != own_length {
            context.set_key_length(input.key.len()).map_err(broken())?;
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
        // Of modes that make a stream, a block is one byte.
        let block = cipher.block_size();
        let padding = input.parameters.padding_method;
        let padding = padding.filter(|method| block > 1 && Padding::METHODS.contains(method));
        Ok(CipherRun {
            work: Work::Pieces(Box::new(context)),
            direction: input.direction,
            tag_length: kind.tag_length,
            padding: padding.map(|method| Padding::new(method, block)),
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
        match (&mut self.padding, self.direction) {
            (None, _) => Ok(out),
            (Some(padding), Direction::Encrypt) => {
                padding.see(data);
                Ok(out)
            }
            (Some(padding), Direction::Decrypt) => Ok(padding.hold(&out)),
        }
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
        let mut out = Zeroizing::new(Vec::with_capacity(64));
        if let (Some(padding), Direction::Encrypt) = (&self.padding, self.direction) {
            let done = context.cipher_update_vec(&padding.end()?, &mut out);
            done.map_err(failed("the padding"))?;
        }
        let done = context.cipher_final_vec(&mut out);
        done.map_err(failed(
            "the data or the key is wrong, or the padding is missing",
        ))?;
        if let (Some(mut padding), Direction::Decrypt) = (self.padding, self.direction) {
            let mut data = padding.hold(&out);
            let end = padding.remove()?;
            data.reserve_exact(end.len());
            data.extend_from_slice(&end);
            return Ok((data, None));
        }
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
    let fits = match input.algorithm {
        CryptographicAlgorithm::AES => &Whole::MODES[..],
        CryptographicAlgorithm::ARIA => &[BlockCipherMode::CCM],
        _ => &[],
    };
    mode.filter(|mode| fits.contains(mode))
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
            is_aria: input.algorithm == CryptographicAlgorithm::ARIA,
            key: Zeroizing::new(input.key.to_vec()),
            iv,
            additional: input.additional.unwrap_or_default().to_vec(),
            tag,
            data: Zeroizing::new(Vec::new()),
        }),
        direction: input.direction,
        tag_length,
        padding: None,
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

/// Length of the tag as the parameters say, or 16 bytes.
pub(super) fn tag_length(input: &CipherInput<'_>) -> Result<usize, Failure> {
    match input.parameters.tag_length.unwrap_or(16) {
        length @ (4 | 8 | 12..=16) => Ok(length as usize),
        length => Err(Failure::new(
            ResultReason::GENERAL_FAILURE,
            format!("there are no tags of {length} bytes"),
        )),
    }
}

pub(super) fn unsupported(message: String) -> Failure {
    Failure::new(ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS, message)
}
