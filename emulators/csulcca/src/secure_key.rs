//! Tokens of AES keys: AESDATA (64 bytes) and AESCIPHER (up to 136). All numbers in them are
//! big-endian.

use emulated_card::{MasterKey, Register, Registers};
use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use crate::codes::{
    Code, KEY_CHECK, MASTER_KEY_PATTERN, NO_KEY, TOKEN_CHECK, TOKEN_CONTENT, TOKEN_HEADER,
};

/// Size of an AESDATA token.
pub(crate) const DATA: usize = 64;
/// Size of an AESCIPHER token before the enciphered part.
const CIPHER_HEADER: usize = 56;
/// Where its export restrictions are.
pub(crate) const EXPORT_FLAGS: usize = 50;
/// Bit in the first of these bytes: may become a protected key of CPACF.
pub(crate) const TO_CPACF: u8 = 0x08;
const PURPOSE: &str = "AES key";

/// An AES key.
pub(crate) struct SecureKey {
    pub(crate) clear: Zeroizing<Vec<u8>>,
    /// AESCIPHER: the header, where the attributes are.
    pub(crate) header: Option<Vec<u8>>,
}

impl SecureKey {
    pub(crate) fn seal(&self, master: &MasterKey) -> Vec<u8> {
        match &self.header {
            None => self.seal_data(master),
            Some(header) => self.seal_cipher(header, master),
        }
    }

    /// Opens a token; tells where its master key is. NEW does not count.
    pub(crate) fn open(token: &[u8], registers: &Registers) -> Result<(SecureKey, Register), Code> {
        let find = |pattern: &[u8]| {
            registers
                .find(pattern)
                .filter(|(register, _)| *register != Register::New)
                .ok_or(MASTER_KEY_PATTERN)
        };
        match (token.first(), token.get(4)) {
            (Some(1), Some(4)) => open_data(token, find),
            (Some(1), Some(5)) => open_cipher(token, find),
            _ => Err(TOKEN_HEADER),
        }
    }

    /// The key under AES-CBC, as in the hardware: nothing but check values shows a change.
    fn seal_data(&self, master: &MasterKey) -> Vec<u8> {
        let mut token = vec![0; DATA];
        let bits = self.clear.len() as u16 * 8;
        (token[0], token[4], token[6]) = (1, 4, 0xc0);
        let mut padded = Zeroizing::new([0; 32]);
        padded[..self.clear.len()].copy_from_slice(&self.clear);
        token[7] = longitudinal_check(padded.as_ref());
        token[8..16].copy_from_slice(&master.pattern()[..8]);
        token[16..48].copy_from_slice(&cbc(Mode::Encrypt, master, padded.as_ref()));
        token[56..58].copy_from_slice(&bits.to_be_bytes());
        token[58..60].copy_from_slice(&32_u16.to_be_bytes());
        let check = validation_value(&token);
        token[60..64].copy_from_slice(&check);
        token
    }

    fn seal_cipher(&self, header: &[u8], master: &MasterKey) -> Vec<u8> {
        let payload = payload_size(self.clear.len());
        let mut token = header.to_vec();
        token[2..4].copy_from_slice(&((CIPHER_HEADER + payload) as u16).to_be_bytes());
        // Under a master key.
        (token[8], token[9]) = (3, 1);
        token[10..18].copy_from_slice(&master.pattern()[..8]);
        token[38..40].copy_from_slice(&(payload as u16 * 8).to_be_bytes());
        let mut sealed = master.seal(PURPOSE, &token, &self.clear);
        sealed.resize(payload, 0);
        token.extend(sealed);
        token
    }
}

/// A skeleton of an AESCIPHER token: everything but the key.
pub(crate) fn cipher_skeleton(to_cpacf: bool) -> Vec<u8> {
    let mut header = vec![0; CIPHER_HEADER];
    header[0] = 1;
    header[2..4].copy_from_slice(&(CIPHER_HEADER as u16).to_be_bytes());
    header[4] = 5;
    // AESKW with SHA-256, payload of variable length.
    (header[26], header[27]) = (2, 2);
    header[30] = 1;
    header[32..34].copy_from_slice(&26_u16.to_be_bytes());
    // AES, CIPHER, two key usage fields: encrypt, decrypt, any mode.
    (header[41], header[43], header[44]) = (2, 1, 2);
    header[45..49].copy_from_slice(&[0xc0, 0, 0, 0xff]);
    // Three key management fields: exports are allowed.
    header[49] = 3;
    header[EXPORT_FLAGS] = 0xf0 | if to_cpacf { TO_CPACF } else { 0 };
    header[EXPORT_FLAGS + 2] = 0xc8;
    header
}

/// The skeleton that `token` begins with.
pub(crate) fn read_skeleton(token: &[u8]) -> Result<Vec<u8>, Code> {
    let skeletons = [true, false].map(cipher_skeleton);
    let header = token.get(..CIPHER_HEADER).ok_or(TOKEN_HEADER)?;
    let found = skeletons.into_iter().find(|skeleton| skeleton == header);
    found.ok_or(TOKEN_CONTENT)
}

fn open_data<'r>(
    token: &[u8],
    find: impl Fn(&[u8]) -> Result<(Register, &'r MasterKey), Code>,
) -> Result<(SecureKey, Register), Code> {
    if token.len() != DATA {
        return Err(TOKEN_HEADER);
    }
    if token[60..] != validation_value(token) {
        return Err(TOKEN_CHECK);
    }
    if token[6] & 0x80 == 0 {
        return Err(NO_KEY);
    }
    let bits = u16::from_be_bytes([token[56], token[57]]);
    let is_known = token[1..4] == [0; 3]
        && token[5..7] == [0, 0xc0]
        && token[48..56] == [0; 8]
        && matches!(bits, 128 | 192 | 256)
        && token[58..60] == [0, 32];
    if !is_known {
        return Err(TOKEN_CONTENT);
    }
    let (register, master) = find(&token[8..16])?;
    let padded = cbc(Mode::Decrypt, master, &token[16..48]);
    let size = usize::from(bits / 8);
    if longitudinal_check(&padded) != token[7] || padded[size..].iter().any(|byte| *byte != 0) {
        return Err(KEY_CHECK);
    }
    let key = SecureKey {
        clear: Zeroizing::new(padded[..size].to_vec()),
        header: None,
    };
    Ok((key, register))
}

fn open_cipher<'r>(
    token: &[u8],
    find: impl Fn(&[u8]) -> Result<(Register, &'r MasterKey), Code>,
) -> Result<(SecureKey, Register), Code> {
    if token.len() < CIPHER_HEADER {
        return Err(TOKEN_HEADER);
    }
    let length = usize::from(u16::from_be_bytes([token[2], token[3]]));
    let Some(token) = token.get(..length) else {
        return Err(TOKEN_HEADER);
    };
    if token.len() == CIPHER_HEADER {
        return Err(NO_KEY);
    }
    let sizes = [16, 24, 32];
    let mut fitting = sizes.into_iter();
    let size = fitting.find(|size| CIPHER_HEADER + payload_size(*size) == length);
    let size = size.ok_or(TOKEN_CONTENT)?;
    let (register, master) = find(&token[10..18])?;
    let (sealed, padding) = token[CIPHER_HEADER..].split_at(size + MasterKey::OVERHEAD);
    // Real ones are authenticated as a whole, too.
    let clear = master
        .open(PURPOSE, &token[..CIPHER_HEADER], sealed)
        .filter(|_| padding.iter().all(|byte| *byte == 0))
        .ok_or(TOKEN_CONTENT)?;
    let key = SecureKey {
        clear,
        header: Some(token[..CIPHER_HEADER].to_vec()),
    };
    Ok((key, register))
}

/// 64, 72 or 80 bytes.
fn payload_size(key_size: usize) -> usize {
    48 + key_size
}

fn cbc(mode: Mode, master: &MasterKey, block: &[u8]) -> Zeroizing<Vec<u8>> {
    let key = master.derive(PURPOSE);
    let iv = [0; 16];
    let cipher = Cipher::aes_256_cbc();
    let mut crypter = Crypter::new(cipher, mode, key.as_ref(), Some(&iv)).expect("AES");
    crypter.pad(false);
    let mut result = Zeroizing::new(vec![0; block.len() + 16]);
    let length = crypter.update(block, &mut result).expect("AES");
    result.truncate(length);
    result
}

fn longitudinal_check(key: &[u8]) -> u8 {
    key.iter().fold(0, |check, byte| check ^ byte)
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
