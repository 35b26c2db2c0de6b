//! Tokens of AES keys: what they show without their master key (behaviour reference 9.6). All
//! numbers in them are big-endian.

use super::super::SecureKeyError;
use crate::abi::SecureKeyType;

/// Size of an AESDATA token.
pub(super) const DATA: usize = 64;
/// Size of an AESCIPHER token as zkey stores it, filled up with zeros.
pub(super) const CIPHER: usize = 136;
/// Size of the part of it that is not enciphered.
const CIPHER_HEADER: usize = 56;

/// What a token tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AesToken<'t> {
    pub(super) key_type: SecureKeyType,
    /// 0 if the token hides it.
    pub(super) bits: u32,
    /// The master key it is under.
    pub(super) pattern: &'t [u8],
}

impl<'t> AesToken<'t> {
    pub(super) fn read(token: &'t [u8]) -> Result<AesToken<'t>, SecureKeyError> {
        match (token.len(), token.first(), token.get(4)) {
            (DATA, Some(1), Some(4)) => read_data(token),
            (CIPHER, Some(1), Some(5)) => read_cipher(token),
            _ => Err(malformed("it has not the form of an AES key")),
        }
    }
}

/// Whether a key may become a protected key of CPACF, which Linux needs.
pub(super) fn is_for_cpacf(token: &[u8]) -> bool {
    token.get(50).is_some_and(|flags| flags & 0x08 != 0)
}

fn read_data(token: &[u8]) -> Result<AesToken<'_>, SecureKeyError> {
    if token[60..] != validation_value(token) {
        return Err(malformed("its check value is wrong"));
    }
    let bits = number(token, 56);
    if !matches!(bits, 128 | 192 | 256) {
        return Err(malformed("it is not of 128, 192 or 256 bits"));
    }
    Ok(AesToken {
        key_type: SecureKeyType::CcaAesData,
        bits: bits.into(),
        pattern: &token[8..16],
    })
}

fn read_cipher(token: &[u8]) -> Result<AesToken<'_>, SecureKeyError> {
    let length = usize::from(number(token, 2));
    let payload_bits = number(token, 38);
    // Under a master key, for AES, of type CIPHER.
    let is_cipher = token[8] == 3 && token[41] == 2 && number(token, 42) == 1;
    if !is_cipher
        || length != CIPHER_HEADER + usize::from(payload_bits / 8)
        || length > CIPHER
        || token[length..].iter().any(|byte| *byte != 0)
    {
        return Err(malformed("it is no AESCIPHER key under a master key"));
    }
    let bits = match (token[28], payload_bits) {
        // The payload has a length that does not depend on the key.
        (1, _) => 0,
        (0, 512) => 128,
        (0, 576) => 192,
        (0, 640) => 256,
        _ => return Err(malformed("it is not of 128, 192 or 256 bits")),
    };
    Ok(AesToken {
        key_type: SecureKeyType::CcaAesCipher,
        bits,
        pattern: &token[10..18],
    })
}

/// The token validation value: the sum of the words before it.
fn validation_value(token: &[u8]) -> [u8; 4] {
    token[..60]
        .chunks_exact(4)
        .fold(0_u32, |sum, word| {
            sum.wrapping_add(u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
        })
        .to_be_bytes()
}

fn number(token: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([token[at], token[at + 1]])
}

fn malformed(problem: &'static str) -> SecureKeyError {
    SecureKeyError::Malformed {
        what: "AES key",
        problem,
    }
}
