//! AES keys, and encryption with any key.

use openssl::pkey::Id;
use openssl::rsa::Padding;
use openssl::symm::{Cipher, Crypter, Mode};

use crate::blob::{Blob, Content, PublicKey, attribute};
use crate::codes::{self, Rv};
use crate::pairs::{RSA_PKCS, rsa_decrypt};
use crate::template::{CLASS, KEY_TYPE, Template};
use crate::{Domain, Parameter, Response, Single};

const AES_ECB: u64 = 0x1081;
const SECRET_KEY: u64 = 4;
const AES: u64 = 0x1f;
/// The first interface with protected keys.
const API_OF_PROTECTED_KEYS: u32 = 4;

pub(crate) fn unwrap(domain: &Domain<'_>, single: &Single, template: &Template) -> Response {
    use attribute::{DECRYPT, ENCRYPT, PROTECTED_KEY, SIGN, UNWRAP, VERIFY};
    let allowed = ENCRYPT | DECRYPT | SIGN | VERIFY | PROTECTED_KEY;
    let flags = template.flags(&[CLASS, KEY_TYPE], allowed)?;
    if template.number(CLASS)? != SECRET_KEY || template.number(KEY_TYPE)? != AES {
        return Err(codes::TEMPLATE_INCONSISTENT);
    }
    if flags & PROTECTED_KEY != 0 && domain.api < API_OF_PROTECTED_KEYS {
        return Err(codes::ATTRIBUTE_TYPE_INVALID);
    }
    let blob = domain.open(&single.key)?;
    let key = blob.private()?;
    blob.demand(UNWRAP)?;
    let clear = rsa_decrypt(key, &single.mechanism, &single.data)?;
    let clear = clear.ok_or(codes::WRAPPED_KEY_INVALID)?;
    if ![16, 24, 32].contains(&clear.len()) {
        return Err(codes::WRAPPED_KEY_LEN_RANGE);
    }
    let checksum = checksum(&clear);
    let blob = Blob {
        attributes: flags,
        content: Content::Aes(clear),
    };
    Ok(vec![blob.seal(domain.current()?), checksum])
}

/// The first three bytes of zeros under the key, and its bits in four.
fn checksum(key: &[u8]) -> Vec<u8> {
    let zeros = encrypt_block(key, &[0; 16]);
    let mut checksum = zeros[..3].to_vec();
    checksum.extend((key.len() as u32 * 8).to_be_bytes());
    checksum
}

fn encrypt_block(key: &[u8], data: &[u8]) -> Vec<u8> {
    let cipher = match key.len() {
        16 => Cipher::aes_128_ecb(),
        24 => Cipher::aes_192_ecb(),
        _ => Cipher::aes_256_ecb(),
    };
    let mut crypter = Crypter::new(cipher, Mode::Encrypt, key, None).expect("AES");
    crypter.pad(false);
    let mut out = vec![0; data.len() + cipher.block_size()];
    let length = crypter.update(data, &mut out).expect("AES");
    out.truncate(length);
    out
}

pub(crate) fn encrypt(domain: &Domain<'_>, single: &Single) -> Response {
    match (single.mechanism.number, &single.mechanism.parameter) {
        (AES_ECB, Parameter::None) => encrypt_aes(domain, single),
        (RSA_PKCS, Parameter::None) => encrypt_rsa(domain, single),
        (AES_ECB | RSA_PKCS, _) => Err(codes::MECHANISM_PARAM_INVALID),
        _ => Err(codes::MECHANISM_INVALID),
    }
}

fn encrypt_aes(domain: &Domain<'_>, single: &Single) -> Response {
    let blob = domain.open(&single.key)?;
    let Content::Aes(key) = &blob.content else {
        return Err(codes::KEY_TYPE_INCONSISTENT);
    };
    blob.demand(attribute::ENCRYPT)?;
    if single.data.is_empty() || single.data.len() % 16 != 0 {
        return Err(codes::DATA_LEN_RANGE);
    }
    Ok(vec![encrypt_block(key, &single.data)])
}

fn encrypt_rsa(domain: &Domain<'_>, single: &Single) -> Result<Vec<Vec<u8>>, Rv> {
    let public = PublicKey::open(domain.current()?, &single.key)?;
    if public.key.id() != Id::RSA {
        return Err(codes::KEY_TYPE_INCONSISTENT);
    }
    public.demand(attribute::ENCRYPT)?;
    let rsa = public.key.rsa().expect("an RSA key");
    let mut encrypted = vec![0; rsa.size() as usize];
    rsa.public_encrypt(&single.data, &mut encrypted, Padding::PKCS1)
        .map_err(|_| codes::DATA_LEN_RANGE)?;
    Ok(vec![encrypted])
}
