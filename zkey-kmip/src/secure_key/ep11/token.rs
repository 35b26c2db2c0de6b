//! Tokens of EP11 keys (behaviour reference 9.5 and 9.7). All numbers in them are big-endian.
//!
//! A *blob* is what the adapter makes: 32 bytes of session (zero if the key is bound to none), 16
//! of the pattern of its master key, 8 of attributes, 8 of mode, the version 0x1234, and then
//! what is enciphered, with a MAC over everything.
//!
//! | key | token |
//! |---|---|
//! | AES, 336 bytes | header (version 6), blob, zeros |
//! | AES, 320 bytes, for old kernels | blob, the header (version 3) in place of the session, zeros |
//! | key pair | header (version 6 for EC, 7 for RSA), blob, public key with its MAC |
//!
//! The header is `00 00`, length of header and blob (without header: of the blob) in 2 bytes,
//! version, flags, size of the key in bits in 2 bytes, 8 zeros.

use openssl::pkey::{Id, PKey, Public};
use zeroize::Zeroizing;

use crate::abi::SecureKeyType;
use crate::secure_key::{Curve, KeyKind, KeySpec, SecureKeyError, VerificationPattern};

const HEADER: usize = 16;
/// Bytes of a blob before what is enciphered.
const CLEAR_PART: usize = 80;
/// Bytes of the MAC at the end of a blob.
const MAC: usize = 32;
const SESSION: usize = 32;
const BLOB_VERSION: [u8; 2] = [0x12, 0x34];

/// An AES key without header.
pub(super) const AES_BARE: usize = 320;
/// An AES key with header.
pub(super) const AES_WITH_HEADER: usize = AES_BARE + HEADER;

const VERSION_AES_BARE: u8 = 3;
const VERSION_AES: u8 = 6;
const VERSION_EC: u8 = 6;
const VERSION_RSA: u8 = 7;

const ATTRIBUTE_SIGN: u64 = 0x0100;
const ATTRIBUTE_UNWRAP: u64 = 0x2000;
const ATTRIBUTE_PROTECTED_KEY: u64 = 0x20_0000;

/// A token whose outside is in order. Only the adapter knows about the inside.
pub(super) enum Token<'a> {
    Pair(Pair<'a>),
    Aes(Aes),
}

impl<'a> Token<'a> {
    pub(super) fn parse(key: &'a [u8]) -> Result<Token<'a>, SecureKeyError> {
        if key.len() == AES_BARE && Header::read(key)?.version == VERSION_AES_BARE {
            return Aes::parse_bare(key).map(Token::Aes);
        }
        let header = Header::read(key)?;
        let (blob, rest) = header.split(key)?;
        // The public key of a pair is a SEQUENCE; an AES key is filled up with zeros.
        if rest.first() == Some(&0x30) {
            Pair::parse(header, blob, rest).map(Token::Pair)
        } else {
            Aes::parse(key, header, blob, rest).map(Token::Aes)
        }
    }

    /// The pattern of the master key.
    pub(super) fn pattern(&self) -> VerificationPattern {
        match self {
            Token::Pair(pair) => pattern(pair.blob),
            Token::Aes(aes) => pattern(&aes.blob),
        }
    }

    pub(super) fn kind(&self) -> KeyKind {
        match self {
            Token::Pair(pair) => pair.kind(),
            Token::Aes(_) => KeyKind::Aes(SecureKeyType::Ep11Aes),
        }
    }

    pub(super) fn bits(&self) -> u32 {
        match self {
            Token::Pair(pair) => u32::from(pair.header.bits),
            Token::Aes(aes) => aes.bits,
        }
    }

    /// The key pair in it; `wanted` is for the error.
    pub(super) fn into_pair(self, wanted: KeyKind) -> Result<Pair<'a>, SecureKeyError> {
        match self {
            Token::Pair(pair) => Ok(pair),
            Token::Aes(_) => Err(SecureKeyError::WrongKind {
                found: self.kind(),
                wanted,
            }),
        }
    }
}

fn pattern(blob: &[u8]) -> VerificationPattern {
    let mut pattern = [0; 16];
    pattern.copy_from_slice(&blob[SESSION..SESSION + 16]);
    VerificationPattern(pattern)
}

fn attributes(blob: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&blob[48..56]);
    u64::from_be_bytes(bytes)
}

#[derive(Clone, Copy)]
struct Header {
    /// Of header and blob; without header, of the blob.
    length: u16,
    version: u8,
    bits: u16,
}

impl Header {
    fn read(key: &[u8]) -> Result<Header, SecureKeyError> {
        match key {
            [0, 0, l0, l1, version, 0, b0, b1, 0, 0, 0, 0, 0, 0, 0, 0, ..] => Ok(Header {
                length: u16::from_be_bytes([*l0, *l1]),
                version: *version,
                bits: u16::from_be_bytes([*b0, *b1]),
            }),
            _ if key.len() < HEADER => Err(malformed("it is cut off")),
            _ => Err(malformed("it does not begin as one of EP11")),
        }
    }

    fn write(self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[2..4].copy_from_slice(&self.length.to_be_bytes());
        header[4] = self.version;
        header[6..8].copy_from_slice(&self.bits.to_be_bytes());
        header
    }

    /// The blob after the header, and what comes after it.
    fn split(self, key: &[u8]) -> Result<(&[u8], &[u8]), SecureKeyError> {
        let length = usize::from(self.length);
        let blob = key
            .get(HEADER..length)
            .ok_or_else(|| malformed("its length is wrong"))?;
        check_blob(blob)?;
        Ok((blob, &key[length..]))
    }
}

fn check_blob(blob: &[u8]) -> Result<(), SecureKeyError> {
    if blob.len() <= CLEAR_PART + MAC {
        return Err(malformed("it is too short"));
    }
    if blob[64..66] != BLOB_VERSION {
        return Err(malformed("its version is unknown"));
    }
    Ok(())
}

/// An identity or wrapping key.
pub(super) struct Pair<'a> {
    header: Header,
    pub(super) blob: &'a [u8],
    /// The public key with its MAC.
    pub(super) public_with_mac: &'a [u8],
    /// The public key alone.
    pub(super) public: &'a [u8],
    pub(super) public_key: PKey<Public>,
    pub(super) spec: KeySpec,
}

impl<'a> Pair<'a> {
    fn parse(
        header: Header,
        blob: &'a [u8],
        public_with_mac: &'a [u8],
    ) -> Result<Pair<'a>, SecureKeyError> {
        let public = sequence(public_with_mac)
            .filter(|public| public.len() < public_with_mac.len())
            .ok_or_else(|| malformed("it is cut off"))?;
        let public_key = PKey::public_key_from_der(public)
            .map_err(|_| malformed("its public key cannot be read"))?;
        let spec = key_spec(&public_key).ok_or_else(|| malformed("it is of an unknown type"))?;
        if header.version != version_of(spec) || header.bits != bits_of(spec) {
            return Err(malformed("its header does not fit its public key"));
        }
        Ok(Pair {
            header,
            blob,
            public_with_mac,
            public,
            public_key,
            spec,
        })
    }

    /// The token of a new key pair.
    pub(super) fn build(
        spec: KeySpec,
        blob: &[u8],
        public_with_mac: &[u8],
    ) -> Result<Vec<u8>, SecureKeyError> {
        check_blob(blob)?;
        let length = u16::try_from(HEADER + blob.len()).map_err(|_| malformed("it is too long"))?;
        let header = Header {
            length,
            version: version_of(spec),
            bits: bits_of(spec),
        };
        let token = [&header.write(), blob, public_with_mac].concat();
        // Whatever is wrong with it, it must not be stored.
        Token::parse(&token)?.into_pair(KeyKind::Identity)?;
        Ok(token)
    }

    /// The same key with another blob and public key.
    pub(super) fn rebuild(
        &self,
        blob: &[u8],
        public_with_mac: &[u8],
    ) -> Result<Vec<u8>, SecureKeyError> {
        Pair::build(self.spec, blob, public_with_mac)
    }

    /// RSA keys of the plugin in C can do both, which is why this is not what counts for their
    /// use.
    fn kind(&self) -> KeyKind {
        if self.can_unwrap() && !self.can_sign() {
            KeyKind::Wrapping
        } else {
            KeyKind::Identity
        }
    }

    pub(super) fn can_sign(&self) -> bool {
        attributes(self.blob) & ATTRIBUTE_SIGN != 0
    }

    pub(super) fn can_unwrap(&self) -> bool {
        attributes(self.blob) & ATTRIBUTE_UNWRAP != 0
    }

    /// This key, if it can do what keys of the kind `wanted` can.
    pub(super) fn demand(self, wanted: KeyKind) -> Result<Self, SecureKeyError> {
        let can = match wanted {
            KeyKind::Identity => self.can_sign(),
            KeyKind::Wrapping => self.can_unwrap() && matches!(self.spec, KeySpec::Rsa(_)),
            KeyKind::Aes(_) => false,
        };
        if can {
            Ok(self)
        } else {
            Err(SecureKeyError::WrongKind {
                found: self.kind(),
                wanted,
            })
        }
    }
}

fn version_of(spec: KeySpec) -> u8 {
    match spec {
        KeySpec::Ecc(_) => VERSION_EC,
        KeySpec::Rsa(_) => VERSION_RSA,
    }
}

fn bits_of(spec: KeySpec) -> u16 {
    match spec {
        KeySpec::Ecc(curve) => curve.bits() as u16,
        KeySpec::Rsa(bits) => bits as u16,
    }
}

fn key_spec(key: &PKey<Public>) -> Option<KeySpec> {
    match key.id() {
        Id::RSA => Some(KeySpec::Rsa(key.rsa().ok()?.n().num_bits().unsigned_abs())),
        Id::EC => {
            let curve = key.ec_key().ok()?.group().curve_name()?;
            Curve::from_nid(curve).map(KeySpec::Ecc)
        }
        _ => None,
    }
}

/// The SEQUENCE (DER) at the beginning.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    let length = match der {
        [0x30, 0x82, l0, l1, ..] => 4 + usize::from(u16::from_be_bytes([*l0, *l1])),
        [0x30, 0x81, length, ..] => 3 + usize::from(*length),
        [0x30, length @ 0..=0x7f, ..] => 2 + usize::from(*length),
        _ => return None,
    };
    der.get(..length)
}

/// An AES key.
pub(super) struct Aes {
    pub(super) blob: Zeroizing<Vec<u8>>,
    pub(super) bits: u32,
    is_bare: bool,
}

impl Aes {
    /// A new key. It must not be longer than tokens are, nor of another size.
    pub(super) fn new(blob: Zeroizing<Vec<u8>>, bits: u32) -> Result<Aes, SecureKeyError> {
        if blob.len() > AES_BARE {
            return Err(malformed("it is too long"));
        }
        check_blob(&blob)?;
        if !matches!(bits, 128 | 192 | 256) {
            return Err(malformed("it is not of 128, 192 or 256 bits"));
        }
        if attributes(&blob) & ATTRIBUTE_PROTECTED_KEY == 0 {
            return Err(malformed("the kernel may not use it as protected key"));
        }
        Ok(Aes {
            blob,
            bits,
            is_bare: false,
        })
    }

    fn parse(key: &[u8], header: Header, blob: &[u8], rest: &[u8]) -> Result<Aes, SecureKeyError> {
        if header.version != VERSION_AES || key.len() != AES_WITH_HEADER {
            return Err(malformed("it has not the form of an AES key"));
        }
        if rest.iter().any(|byte| *byte != 0) {
            return Err(malformed("there is something behind it"));
        }
        Aes::new(Zeroizing::new(blob.to_vec()), header.bits.into())
    }

    fn parse_bare(key: &[u8]) -> Result<Aes, SecureKeyError> {
        let header = Header::read(key)?;
        let blob = key
            .get(..usize::from(header.length))
            .ok_or_else(|| malformed("its length is wrong"))?;
        let rest = &key[blob.len()..];
        check_blob(blob)?;
        if blob[HEADER..SESSION].iter().chain(rest).any(|b| *b != 0) {
            return Err(malformed(
                "there is something in it that does not belong there",
            ));
        }
        let mut blob = Zeroizing::new(blob.to_vec());
        blob[..HEADER].fill(0);
        let aes = Aes::new(blob, header.bits.into())?;
        Ok(Aes {
            is_bare: true,
            ..aes
        })
    }

    /// The token, with or without header as it was read.
    pub(super) fn token(&self) -> Vec<u8> {
        if self.is_bare {
            return self.bare_token();
        }
        let header = Header {
            length: (HEADER + self.blob.len()) as u16,
            version: VERSION_AES,
            bits: self.bits as u16,
        };
        let mut token = header.write().to_vec();
        token.extend_from_slice(&self.blob);
        token.resize(AES_WITH_HEADER, 0);
        token
    }

    /// The token without header; its blob must not be bound to a session.
    pub(super) fn bare_token(&self) -> Vec<u8> {
        let header = Header {
            length: self.blob.len() as u16,
            version: VERSION_AES_BARE,
            bits: self.bits as u16,
        };
        let mut token = self.blob.to_vec();
        token[..HEADER].copy_from_slice(&header.write());
        token.resize(AES_BARE, 0);
        token
    }

    /// Whether the key lives only as long as a session.
    pub(super) fn is_session_bound(&self) -> bool {
        self.blob[..SESSION].iter().any(|byte| *byte != 0)
    }

    /// The same key in another blob.
    pub(super) fn with_blob(&self, blob: Zeroizing<Vec<u8>>) -> Result<Aes, SecureKeyError> {
        let aes = Aes::new(blob, self.bits)?;
        Ok(Aes {
            is_bare: self.is_bare,
            ..aes
        })
    }
}

pub(super) fn malformed(problem: &'static str) -> SecureKeyError {
    SecureKeyError::Malformed {
        what: "key",
        problem,
    }
}
