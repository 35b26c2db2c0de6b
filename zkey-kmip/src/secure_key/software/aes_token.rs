//! Tokens of AES keys, in the layouts of the hardware (behaviour reference 9.6 and 9.7). All
//! fields of several bytes are big-endian.
//!
//! CCA-AESCIPHER and EP11-AES tokens hold a nonce, the key under AES-256-GCM and the tag where the
//! hardware has its enciphered section; everything else in the token is the associated data.
//!
//! CCA-AESDATA tokens have only 40 bytes for this: the key field (32) and the control vector (8).
//! They take the key, filled up with zeros to 32 bytes, under AES key wrap (RFC 3394), which is
//! deterministic authenticated encryption and adds 8 bytes. Its 64 bits of authenticity are
//! what the room allows. Type and size of the key are bound through the wrapping key, which is
//! derived for them, and the rest of the token must be what they call for.

use openssl::aes::{AesKey as WrapKey, unwrap_key, wrap_key};
use openssl::rand::rand_bytes;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

use super::super::{Register, SecureKeyError, VerificationPattern, secure_key_size};
use super::master_key::{MasterKey, MasterKeys};
use crate::abi::SecureKeyType;

/// An EP11 key without header, as kernels before headers take it.
const EP11_BARE: usize = 320;
const EP11_HEADER: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;

/// An AES key in the clear.
pub(super) struct AesKey {
    pub(super) key_type: SecureKeyType,
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl AesKey {
    /// `key` has 16, 24 or 32 bytes.
    pub(super) fn new(key_type: SecureKeyType, key: Zeroizing<Vec<u8>>) -> AesKey {
        AesKey { key_type, key }
    }

    pub(super) fn bits(&self) -> u32 {
        self.key.len() as u32 * 8
    }

    /// The token under `master`.
    pub(super) fn seal(&self, master: &MasterKey) -> Result<Vec<u8>, SecureKeyError> {
        let mut token = frame(self.key_type, self.bits(), &master.pattern());
        if self.key_type == SecureKeyType::CcaAesData {
            seal_aesdata(&mut token, &self.key, master)?;
            return Ok(token);
        }
        let places = Places::of(self.key_type, self.key.len());
        let sealing_key = master.derive(purpose(self.key_type))?;
        let mut nonce = [0; NONCE];
        let mut tag = [0; TAG];
        let sealed = rand_bytes(&mut nonce)
            .and_then(|()| {
                let cipher = Cipher::aes_256_gcm();
                encrypt_aead(
                    cipher,
                    sealing_key.as_ref(),
                    Some(&nonce),
                    &token,
                    &self.key,
                    &mut tag,
                )
            })
            .map_err(SecureKeyError::openssl("encipher a secure key"))?;
        token[places.nonce..][..NONCE].copy_from_slice(&nonce);
        token[places.key..][..sealed.len()].copy_from_slice(&sealed);
        token[places.tag..][..TAG].copy_from_slice(&tag);
        Ok(token)
    }

    /// Opens a token, and tells where its master key is.
    pub(super) fn open(
        token: &[u8],
        masters: &MasterKeys,
    ) -> Result<(AesKey, Register), SecureKeyError> {
        let with_header;
        let token = if token.len() == EP11_BARE {
            with_header = add_header(token);
            &with_header
        } else {
            token
        };
        let head = Head::read(token)?;
        let (register, master) = masters.find(&head.pattern)?;
        // Every byte outside of the sealed places is known.
        let expected = frame(head.key_type, head.bits, &master.pattern());
        let size = head.bits as usize / 8;
        let key = if head.key_type == SecureKeyType::CcaAesData {
            open_aesdata(token, &expected, size, master)?
        } else {
            let places = Places::of(head.key_type, size);
            let mut blank = token.to_vec();
            for (start, length) in [(places.nonce, NONCE), (places.key, size), (places.tag, TAG)] {
                blank[start..start + length].fill(0);
            }
            if blank != expected {
                return Err(SecureKeyError::NotAuthentic);
            }
            let key = decrypt_aead(
                Cipher::aes_256_gcm(),
                master.derive(purpose(head.key_type))?.as_ref(),
                Some(&token[places.nonce..][..NONCE]),
                &expected,
                &token[places.key..][..size],
                &token[places.tag..][..TAG],
            );
            Zeroizing::new(key.map_err(|_| SecureKeyError::NotAuthentic)?)
        };
        let key_type = head.key_type;
        Ok((AesKey { key_type, key }, register))
    }
}

/// `token` without header if `like` is without one.
pub(super) fn same_form(mut token: Vec<u8>, like: &[u8]) -> Vec<u8> {
    if like.len() != EP11_BARE || token.len() != EP11_BARE + EP11_HEADER {
        return token;
    }
    let bits = [token[6], token[7]];
    token.drain(..EP11_HEADER);
    token[2..4].copy_from_slice(&(EP11_BARE as u16).to_be_bytes());
    token[4] = 3;
    token[6..8].copy_from_slice(&bits);
    token
}

/// The tokens of an XTS pair, or the only one, and whether it is a pair.
pub(super) fn split_xts(key: &[u8]) -> (Vec<&[u8]>, bool) {
    let single = [64, 136, EP11_BARE, EP11_BARE + EP11_HEADER];
    let half = key.len() / 2;
    // 128 = 2 x 64 and so on: no double size is a single one.
    if key.len() % 2 == 0 && single.contains(&half) {
        (vec![&key[..half], &key[half..]], true)
    } else {
        (vec![key], false)
    }
}

fn purpose(key_type: SecureKeyType) -> &'static str {
    match key_type {
        SecureKeyType::CcaAesData => "seal CCA-AESDATA",
        SecureKeyType::CcaAesCipher => "seal CCA-AESCIPHER",
        SecureKeyType::Ep11Aes => "seal EP11-AES",
    }
}

/// Where a token that is sealed with GCM has what.
struct Places {
    nonce: usize,
    key: usize,
    tag: usize,
}

impl Places {
    fn of(key_type: SecureKeyType, key_size: usize) -> Places {
        match key_type {
            // The variable part after 56 bytes of header.
            SecureKeyType::CcaAesData | SecureKeyType::CcaAesCipher => Places {
                nonce: 56,
                key: 56 + NONCE,
                tag: 56 + NONCE + key_size,
            },
            // The fields iv, encrypted data and MAC of the blob.
            SecureKeyType::Ep11Aes => Places {
                nonce: EP11_HEADER + 66,
                key: EP11_HEADER + 80,
                tag: EP11_HEADER + 224,
            },
        }
    }
}

/// A token without its sealed parts.
fn frame(key_type: SecureKeyType, bits: u32, pattern: &VerificationPattern) -> Vec<u8> {
    let mut token = vec![0; secure_key_size(key_type)];
    let bits = bits as u16;
    let mut put = |at: usize, bytes: &[u8]| token[at..at + bytes.len()].copy_from_slice(bytes);
    match key_type {
        SecureKeyType::CcaAesData => {
            put(0, &[0x01]);
            put(4, &[0x04]);
            // Flags: key and master key verification pattern are there.
            put(6, &[0xc0]);
            put(8, &pattern.short());
            put(56, &bits.to_be_bytes());
            put(58, &32_u16.to_be_bytes());
        }
        SecureKeyType::CcaAesCipher => {
            let payload_bits = 512 + (bits - 128);
            put(0, &[0x01, 0x00]);
            put(2, &(56 + payload_bits / 8).to_be_bytes());
            put(4, &[0x05]);
            put(8, &[0x03, 0x01]);
            put(10, &pattern.short());
            // Wrapped with AESKW and SHA-256, payload of variable length.
            put(26, &[0x02, 0x02, 0x00]);
            put(30, &[0x01, 0x00]);
            put(32, &26_u16.to_be_bytes());
            put(38, &payload_bits.to_be_bytes());
            put(41, &[0x02]);
            put(42, &1_u16.to_be_bytes());
            put(44, &[2]);
            put(45, &[0xc0, 0x00, 0x00, 0xff]);
            put(49, &[3]);
            // Not exportable but to CPACF.
            put(50, &0x0800_u16.to_be_bytes());
        }
        SecureKeyType::Ep11Aes => {
            put(2, &(token_size_u16(key_type)).to_be_bytes());
            put(4, &[0x06]);
            put(6, &bits.to_be_bytes());
            put(EP11_HEADER + 32, &pattern.0);
            put(EP11_HEADER + 64, &0x1234_u16.to_be_bytes());
        }
    }
    token
}

fn token_size_u16(key_type: SecureKeyType) -> u16 {
    secure_key_size(key_type) as u16
}

/// What a token says about itself.
struct Head {
    key_type: SecureKeyType,
    bits: u32,
    pattern: Vec<u8>,
}

impl Head {
    fn read(token: &[u8]) -> Result<Head, SecureKeyError> {
        let number = |at: usize| u32::from(u16::from_be_bytes([token[at], token[at + 1]]));
        let head = match (token.len(), token.first(), token.get(4)) {
            (64, Some(0x01), Some(0x04)) => Head {
                key_type: SecureKeyType::CcaAesData,
                bits: number(56),
                pattern: token[8..16].to_vec(),
            },
            (136, Some(0x01), Some(0x05)) => Head {
                key_type: SecureKeyType::CcaAesCipher,
                bits: number(38).wrapping_sub(512).wrapping_add(128),
                pattern: token[10..18].to_vec(),
            },
            (336, Some(0x00), Some(0x06)) => Head {
                key_type: SecureKeyType::Ep11Aes,
                bits: number(6),
                pattern: token[EP11_HEADER + 32..][..16].to_vec(),
            },
            _ => return Err(malformed("it has not the form of an AES key")),
        };
        if matches!(head.bits, 128 | 192 | 256) {
            Ok(head)
        } else {
            Err(malformed("it is not of 128, 192 or 256 bits"))
        }
    }
}

fn malformed(problem: &'static str) -> SecureKeyError {
    SecureKeyError::Malformed {
        what: "AES key",
        problem,
    }
}

/// The form with header of an EP11 key that has its header in the place of the session.
fn add_header(bare: &[u8]) -> Vec<u8> {
    let mut token = vec![0; EP11_HEADER];
    token.extend_from_slice(bare);
    let session = EP11_HEADER..EP11_HEADER + 8;
    // What does not look like such a header stays, and is found out as no token.
    if bare[..2] == [0, 0] && bare[2..4] == (EP11_BARE as u16).to_be_bytes() && bare[4] == 3 {
        token[2..4].copy_from_slice(&token_size_u16(SecureKeyType::Ep11Aes).to_be_bytes());
        token[4] = 6;
        token[5..8].copy_from_slice(&bare[5..8]);
        token[session].fill(0);
    }
    token
}

fn aesdata_wrapping_key(
    master: &MasterKey,
    key_size: usize,
) -> Result<Zeroizing<[u8; 32]>, SecureKeyError> {
    let purpose = purpose(SecureKeyType::CcaAesData);
    master.derive(&format!("{purpose} {}", key_size * 8))
}

fn impossible_key<E>(_: E) -> SecureKeyError {
    malformed("it cannot be enciphered")
}

fn seal_aesdata(token: &mut [u8], key: &[u8], master: &MasterKey) -> Result<(), SecureKeyError> {
    let mut padded = Zeroizing::new([0; 32]);
    padded[..key.len()].copy_from_slice(key);
    let wrapping = aesdata_wrapping_key(master, key.len())?;
    let wrapping = WrapKey::new_encrypt(wrapping.as_ref()).map_err(impossible_key)?;
    wrap_key(&wrapping, None, &mut token[16..56], padded.as_ref()).map_err(impossible_key)?;
    let sum = validation_value(token);
    token[60..64].copy_from_slice(&sum);
    Ok(())
}

fn open_aesdata(
    token: &[u8],
    expected: &[u8],
    key_size: usize,
    master: &MasterKey,
) -> Result<Zeroizing<Vec<u8>>, SecureKeyError> {
    let known = token[..16] == expected[..16]
        && token[56..60] == expected[56..60]
        && token[60..64] == validation_value(token);
    let wrapping = aesdata_wrapping_key(master, key_size)?;
    let wrapping = WrapKey::new_decrypt(wrapping.as_ref()).map_err(impossible_key)?;
    let mut key = Zeroizing::new(vec![0; 32]);
    let unwrapped = unwrap_key(&wrapping, None, &mut key, &token[16..56]);
    if !known || unwrapped.is_err() {
        return Err(SecureKeyError::NotAuthentic);
    }
    key.truncate(key_size);
    Ok(key)
}

/// The token validation value of CCA: the sum of the words before it.
fn validation_value(token: &[u8]) -> [u8; 4] {
    token[..60]
        .chunks_exact(4)
        .fold(0_u32, |sum, word| {
            sum.wrapping_add(u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
        })
        .to_be_bytes()
}
