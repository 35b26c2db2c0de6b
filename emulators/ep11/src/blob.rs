//! Blobs, and public keys with MAC.
//!
//! Blobs have the layout of the hardware, big-endian:
//!
//! | offset | bytes | content |
//! |---:|---:|---|
//! | 0 | 32 | session; zero: bound to none |
//! | 32 | 16 | pattern of the wrapping key |
//! | 48 | 8 | attributes |
//! | 56 | 8 | mode |
//! | 64 | 2 | version, 0x1234 |
//! | 66 | 14 | initialization vector |
//! | 80 | | the key, enciphered; 144 bytes for an AES key |
//! | | 32 | MAC of all before (HMAC-SHA-256) |
//!
//! What is enciphered is 1 byte of type (1 AES, 2 private key as PKCS #8), its length in 2 bytes,
//! the key, and zeros up to a multiple of 16 bytes, at least 144; with AES-256-CTR, whose counter
//! begins at the initialization vector and two zero bytes. Keys for that and for the MAC are
//! derived from the wrapping key.
//!
//! A public key is a SubjectPublicKeyInfo and, as an OCTET STRING behind it, pattern of the
//! wrapping key (16), salt (8), attributes (8), mode (8), and MAC of all before (32). That the
//! hardware puts a MAC behind it is known, but not in which form.

use emulated_card::MasterKey;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::{PKey, Private, Public};
use openssl::rand::rand_bytes;
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use crate::Clear;
use crate::codes::{self, Rv};

/// `XCP_BLOB_...`: what a key may do.
pub mod attribute {
    /// Never leaves the adapter.
    pub const NEVER_EXTRACTABLE: u64 = 0x02;
    /// Made by the adapter.
    pub const LOCAL: u64 = 0x20;
    /// `CKA_SIGN`
    pub const SIGN: u64 = 0x0100;
    /// `CKA_DECRYPT`
    pub const DECRYPT: u64 = 0x0400;
    /// `CKA_ENCRYPT`
    pub const ENCRYPT: u64 = 0x0800;
    /// `CKA_DERIVE`
    pub const DERIVE: u64 = 0x1000;
    /// `CKA_UNWRAP`
    pub const UNWRAP: u64 = 0x2000;
    /// `CKA_WRAP`
    pub const WRAP: u64 = 0x4000;
    /// `CKA_VERIFY`
    pub const VERIFY: u64 = 0x8000;
    /// `CKA_IBM_PROTKEY_EXTRACTABLE`
    pub const PROTECTED_KEY: u64 = 0x20_0000;
}

const CLEAR_PART: usize = 80;
const MAC: usize = 32;
const SMALLEST: usize = 144;
/// FIPS 2009, as domains come from the factory.
const MODE: u64 = 1;

/// What is in a blob.
pub enum Content {
    /// An AES key.
    Aes(Clear),
    /// A private key.
    Private(PKey<Private>),
}

/// A key with its attributes.
pub struct Blob {
    /// What it may do.
    pub attributes: u64,
    /// The key.
    pub content: Content,
}

impl Blob {
    /// The blob under this wrapping key.
    pub fn seal(&self, key: &MasterKey) -> Vec<u8> {
        let clear = self.clear();
        let mut blob = vec![0; 32];
        blob.extend(&key.pattern()[..16]);
        blob.extend(self.attributes.to_be_bytes());
        blob.extend(MODE.to_be_bytes());
        blob.extend([0x12, 0x34]);
        let mut iv = [0; 14];
        rand_bytes(&mut iv).expect("random bytes");
        blob.extend(iv);
        blob.extend_from_slice(&crypt(key, &iv, &clear));
        let mac = mac(key, "ep11 blob", &blob);
        blob.extend(mac);
        blob
    }

    /// Opens a blob under this wrapping key.
    ///
    /// # Errors
    /// It is under another one, or damaged.
    pub fn open(key: &MasterKey, blob: &[u8]) -> Result<Blob, Rv> {
        if blob.len() < CLEAR_PART + SMALLEST + MAC || blob[64..66] != [0x12, 0x34] {
            return Err(codes::BLOB_ERROR);
        }
        if blob[32..48] != key.pattern()[..16] {
            return Err(codes::WKID_MISMATCH);
        }
        let (body, found) = blob.split_at(blob.len() - MAC);
        if !memcmp::eq(found, &mac(key, "ep11 blob", body)) {
            return Err(codes::BLOB_ERROR);
        }
        let clear = crypt(key, &body[66..CLEAR_PART], &body[CLEAR_PART..]);
        Ok(Blob {
            attributes: number(&body[48..56]),
            content: Content::read(&clear)?,
        })
    }

    fn clear(&self) -> Clear {
        let (kind, key) = match &self.content {
            Content::Aes(key) => (1, key.clone()),
            Content::Private(key) => {
                let der = key.private_key_to_pkcs8().expect("PKCS #8");
                (2, Zeroizing::new(der))
            }
        };
        let length = u16::try_from(key.len()).expect("a short key");
        // Room for everything from the start: growing would leave copies.
        let size = (3 + key.len()).max(SMALLEST).next_multiple_of(16);
        let mut clear = Zeroizing::new(vec![0; size]);
        clear[0] = kind;
        clear[1..3].copy_from_slice(&length.to_be_bytes());
        clear[3..3 + key.len()].copy_from_slice(&key);
        clear
    }

    /// Whether the key may do this.
    ///
    /// # Errors
    /// It may not.
    pub fn demand(&self, attribute: u64) -> Result<(), Rv> {
        if self.attributes & attribute != 0 {
            Ok(())
        } else {
            Err(codes::KEY_FUNCTION_NOT_PERMITTED)
        }
    }

    /// The private key.
    ///
    /// # Errors
    /// It is another key.
    pub fn private(&self) -> Result<&PKey<Private>, Rv> {
        match &self.content {
            Content::Private(key) => Ok(key),
            Content::Aes(_) => Err(codes::KEY_TYPE_INCONSISTENT),
        }
    }
}

impl Content {
    fn read(clear: &[u8]) -> Result<Content, Rv> {
        let length = usize::from(u16::from_be_bytes([clear[1], clear[2]]));
        let key = clear.get(3..3 + length).ok_or(codes::BLOB_ERROR)?;
        match clear[0] {
            1 => Ok(Content::Aes(Zeroizing::new(key.to_vec()))),
            2 => PKey::private_key_from_pkcs8(key)
                .map(Content::Private)
                .map_err(|_| codes::BLOB_ERROR),
            _ => Err(codes::BLOB_ERROR),
        }
    }
}

/// A public key with its attributes.
pub struct PublicKey {
    /// What it may do.
    pub attributes: u64,
    /// The key.
    pub key: PKey<Public>,
}

/// The OCTET STRING behind a public key.
const TRAILER: [u8; 2] = [0x04, 16 + 8 + 8 + 8 + 32];

impl PublicKey {
    /// The public key with its MAC under this wrapping key.
    pub fn seal(&self, key: &MasterKey) -> Vec<u8> {
        let mut sealed = self.key.public_key_to_der().expect("a public key");
        sealed.extend(TRAILER);
        sealed.extend(&key.pattern()[..16]);
        let mut salt = [0; 8];
        rand_bytes(&mut salt).expect("random bytes");
        sealed.extend(salt);
        sealed.extend(self.attributes.to_be_bytes());
        sealed.extend(MODE.to_be_bytes());
        let mac = mac(key, "ep11 public key", &sealed);
        sealed.extend(mac);
        sealed
    }

    /// Reads a public key with a MAC under this wrapping key.
    ///
    /// # Errors
    /// It is under another one, or damaged.
    pub fn open(key: &MasterKey, sealed: &[u8]) -> Result<PublicKey, Rv> {
        let trailer = 2 + usize::from(TRAILER[1]);
        let length = sealed.len().checked_sub(trailer);
        let (der, trailer) = sealed.split_at(length.ok_or(codes::BLOB_ERROR)?);
        if trailer[..2] != TRAILER {
            return Err(codes::BLOB_ERROR);
        }
        if trailer[2..18] != key.pattern()[..16] {
            return Err(codes::WKID_MISMATCH);
        }
        let (body, found) = sealed.split_at(sealed.len() - MAC);
        if !memcmp::eq(found, &mac(key, "ep11 public key", body)) {
            return Err(codes::BLOB_ERROR);
        }
        Ok(PublicKey {
            attributes: number(&trailer[26..34]),
            key: PKey::public_key_from_der(der).map_err(|_| codes::BLOB_ERROR)?,
        })
    }

    /// Whether the key may do this.
    ///
    /// # Errors
    /// It may not.
    pub fn demand(&self, attribute: u64) -> Result<(), Rv> {
        if self.attributes & attribute != 0 {
            Ok(())
        } else {
            Err(codes::KEY_FUNCTION_NOT_PERMITTED)
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn crypt(key: &MasterKey, iv: &[u8], data: &[u8]) -> Clear {
    let key = key.derive("ep11 encipher");
    let mut counter = [0; 16];
    counter[..iv.len()].copy_from_slice(iv);
    let cipher = Cipher::aes_256_ctr();
    let mut crypter =
        Crypter::new(cipher, Mode::Encrypt, key.as_ref(), Some(&counter)).expect("AES");
    let mut out = Zeroizing::new(vec![0; data.len() + cipher.block_size()]);
    let length = crypter.update(data, &mut out).expect("AES");
    out.truncate(length);
    out
}

fn mac(key: &MasterKey, purpose: &str, data: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(key.derive(purpose).as_ref()).expect("HMAC");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("HMAC");
    signer.sign_oneshot_to_vec(data).expect("HMAC")
}
