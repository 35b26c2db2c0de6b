//! What a secure key shows without its master key: type, size, and which master key it needs.
//!
//! The layouts are those of the kernel's pkey interface and of zkey (behaviour reference 1.8).
//! All numbers in them are big-endian.

use crate::abi::SecureKeyType;

/// Room that zkey gives to one secure key on import: two keys of the largest type.
pub(super) const IMPORT_ROOM: usize = 672;

/// The shapes of AES keys that a repository can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// CCA, `AESDATA`.
    CcaAesData,
    /// CCA, `AESCIPHER`.
    CcaAesCipher,
    /// EP11 without header, as old versions of zkey made it.
    Ep11,
    /// EP11 with header.
    Ep11WithHeader,
}

impl Shape {
    const ALL: [Shape; 4] = [
        Shape::CcaAesData,
        Shape::CcaAesCipher,
        Shape::Ep11WithHeader,
        Shape::Ep11,
    ];

    /// Size of one key in bytes.
    pub(super) const fn size(self) -> usize {
        match self {
            Shape::CcaAesData => 64,
            Shape::CcaAesCipher => 136,
            Shape::Ep11 => 320,
            Shape::Ep11WithHeader => 336,
        }
    }

    /// The type that zkey names for it.
    pub(super) const fn key_type(self) -> SecureKeyType {
        match self {
            Shape::CcaAesData => SecureKeyType::CcaAesData,
            Shape::CcaAesCipher => SecureKeyType::CcaAesCipher,
            Shape::Ep11 | Shape::Ep11WithHeader => SecureKeyType::Ep11Aes,
        }
    }

    /// Size of the buffer for one generated key of this type.
    pub(super) const fn room_for(key_type: SecureKeyType) -> usize {
        match key_type {
            SecureKeyType::CcaAesData => Shape::CcaAesData.size(),
            SecureKeyType::CcaAesCipher => Shape::CcaAesCipher.size(),
            SecureKeyType::Ep11Aes => Shape::Ep11WithHeader.size(),
        }
    }

    /// The shape of the key that `bytes` begin with.
    pub(super) fn of(bytes: &[u8]) -> Option<Shape> {
        Self::ALL
            .into_iter()
            .find(|shape| bytes.get(..shape.size()).is_some_and(|key| shape.fits(key)))
    }

    fn fits(self, key: &[u8]) -> bool {
        const CCA: u8 = 1;
        const OTHER: u8 = 0;
        const EP11_BLOB: u16 = 0x1234;
        let (kind, version) = (key[0], key[4]);
        match self {
            Shape::CcaAesData => kind == CCA && version == 4,
            Shape::CcaAesCipher => {
                kind == CCA
                    && version == 5
                    && usize::from(number(key, 2)) <= self.size()
                    // Wrapped by the master key, with AESKW, payload format 0 or 1.
                    && key[8] == 3
                    && key[26] == 2
                    && key[28] <= 1
                    // An AES key of type CIPHER.
                    && key[41] == 2
                    && number(key, 42) == 1
            }
            Shape::Ep11 => {
                kind == OTHER
                    && key[1] == 0
                    && version == 3
                    && usize::from(number(key, 2)) <= self.size()
                    && number(key, 64) == EP11_BLOB
            }
            Shape::Ep11WithHeader => {
                kind == OTHER
                    && key[1] == 0
                    && version == 6
                    && usize::from(number(key, 2)) <= self.size()
                    && number(key, 16 + 64) == EP11_BLOB
            }
        }
    }

    /// Bits of the clear key inside, where the token tells.
    fn clear_bits(self, key: &[u8]) -> Option<usize> {
        let bits = match self {
            Shape::CcaAesData => number(key, 56),
            // The payload of format 0 has the length of the key; that of format 1 hides it.
            Shape::CcaAesCipher => match (key[28], number(key, 38)) {
                (0, 512) => 128,
                (0, 576) => 192,
                (0, 640) => 256,
                _ => 0,
            },
            Shape::Ep11 | Shape::Ep11WithHeader => number(key, 6),
        };
        (bits != 0).then_some(usize::from(bits))
    }

    /// Verification pattern of the master key.
    fn master_key(self, key: &[u8]) -> &[u8] {
        match self {
            Shape::CcaAesData => &key[8..16],
            Shape::CcaAesCipher => &key[10..18],
            Shape::Ep11 => &key[32..48],
            Shape::Ep11WithHeader => &key[48..64],
        }
    }
}

/// The content of an `.skey` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Shape of the key, or of both keys.
    pub shape: Shape,
    /// Two keys for XTS.
    pub xts: bool,
    /// Bits of the clear key or keys, where the token tells.
    pub clear_bits: Option<usize>,
    /// Verification pattern of the master key in hexadecimal.
    pub master_key: String,
}

impl Token {
    /// Reads a key or an XTS pair; `None` when the bytes are neither.
    pub(super) fn read(bytes: &[u8]) -> Option<Token> {
        let shape = Shape::of(bytes)?;
        let (first, rest) = bytes.split_at(shape.size());
        let xts = !rest.is_empty();
        if xts && (rest.len() != shape.size() || Shape::of(rest) != Some(shape)) {
            return None;
        }
        let bits = shape.clear_bits(first);
        Some(Token {
            shape,
            xts,
            clear_bits: bits.map(|bits| if xts { bits * 2 } else { bits }),
            master_key: hex(shape.master_key(first)),
        })
    }
}

fn number(key: &[u8], offset: usize) -> u16 {
    u16::from_be_bytes([key[offset], key[offset + 1]])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_key() -> Vec<u8> {
        let mut key = vec![0; 64];
        (key[0], key[4]) = (1, 4);
        key[56..58].copy_from_slice(&256_u16.to_be_bytes());
        key[8] = 0xab;
        key
    }

    #[test]
    fn one_key_and_a_pair() {
        let key = data_key();
        let token = Token::read(&key).unwrap();
        assert_eq!((token.shape, token.xts), (Shape::CcaAesData, false));
        assert_eq!(token.clear_bits, Some(256));
        assert_eq!(token.master_key, "ab00000000000000");
        let pair = [key.clone(), key.clone()].concat();
        let token = Token::read(&pair).unwrap();
        assert_eq!((token.xts, token.clear_bits), (true, Some(512)));
        assert_eq!(Token::read(&pair[..127]), None);
        assert_eq!(Token::read(&[pair, key].concat()), None);
    }

    #[test]
    fn ep11_with_and_without_header() {
        let mut key = vec![0; 336];
        key[2..4].copy_from_slice(&336_u16.to_be_bytes());
        key[4] = 6;
        key[80..82].copy_from_slice(&[0x12, 0x34]);
        assert_eq!(Shape::of(&key), Some(Shape::Ep11WithHeader));
        key[4] = 3;
        key[2..4].copy_from_slice(&320_u16.to_be_bytes());
        key[64..66].copy_from_slice(&[0x12, 0x34]);
        assert_eq!(Shape::of(&key), Some(Shape::Ep11));
        assert_eq!(Shape::of(&key[..319]), None);
    }

    #[test]
    fn garbage_is_no_key() {
        for size in [0, 1, 4, 5, 63, 64, 136, 336, 672] {
            assert_eq!(Token::read(&vec![0xff; size]), None);
            assert_eq!(Token::read(&vec![0; size]), None);
        }
    }
}
