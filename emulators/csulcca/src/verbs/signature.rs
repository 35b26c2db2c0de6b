//! CSNDDSG: rules, key, hash, bits of the signature, signature.

use openssl::ecdsa::EcdsaSig;
use openssl::md::{Md, MdRef};
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;

use super::{Parameters, Result, pairs, wrong_rules};
use crate::adapter::Adapter;
use crate::codes::{Code, NOT_PERMITTED, SIZE, TOKEN_CONSISTENCY, TOO_SMALL};
use crate::pair::{Spec, Usage};

/// Keyword, digest, its length, and what stands before it in a DigestInfo.
type Hash = (&'static str, fn() -> &'static MdRef, usize, &'static [u8]);

const HASHES: [Hash; 5] = [
    (
        "SHA-1   ",
        Md::sha1,
        20,
        &[
            0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 20,
        ],
    ),
    ("SHA-224 ", Md::sha224, 28, &sha2_prefix(4, 28)),
    ("SHA-256 ", Md::sha256, 32, &sha2_prefix(1, 32)),
    ("SHA-384 ", Md::sha384, 48, &sha2_prefix(2, 48)),
    ("SHA-512 ", Md::sha512, 64, &sha2_prefix(3, 64)),
];

const fn sha2_prefix(arc: u8, length: u8) -> [u8; 19] {
    [
        0x30,
        17 + length,
        0x30,
        13,
        6,
        9,
        0x60,
        0x86,
        0x48,
        1,
        0x65,
        3,
        4,
        2,
        arc,
        5,
        0,
        4,
        length,
    ]
}

pub(super) fn generate(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let known = [
        "ECDSA   ", "RSA     ", "HASH    ", "PKCS-1.1", "PKCS-PSS", "SHA-1   ", "SHA-224 ",
        "SHA-256 ", "SHA-384 ", "SHA-512 ",
    ];
    let rules = parameters.rules(&known)?;
    let (pair, code) = pairs::open(adapter, parameters, 1)?;
    if pair.usage == Usage::KeyManagement {
        return Err(NOT_PERMITTED);
    }
    let hash = parameters.bytes(2)?;
    let signature = match (&rules[..], &pair.spec) {
        (["ECDSA   ", "HASH    "], Spec::Ecc { bits, .. }) => ecdsa(&pair.key, *bits, hash)?,
        (["RSA     ", "HASH    ", "PKCS-1.1"], Spec::Rsa { .. }) => pkcs1(&pair.key, hash)?,
        (["RSA     ", "PKCS-PSS", "HASH    ", keyword], Spec::Rsa { .. }) => {
            pss(&pair.key, keyword, hash)?
        }
        (["ECDSA   ", ..] | ["RSA     ", ..], _) if is_known(&rules) => {
            return Err(TOKEN_CONSISTENCY);
        }
        _ => return Err(wrong_rules(&rules, &[2, 3, 4])),
    };
    if parameters.bytes(4)?.len() < signature.len() {
        return Err(TOO_SMALL);
    }
    parameters.set_number(3, signature.len() as i64 * 8);
    parameters.set(4, signature)?;
    Ok(code)
}

fn is_known(rules: &[&str]) -> bool {
    matches!(
        rules,
        ["ECDSA   ", "HASH    "]
            | ["RSA     ", "HASH    ", "PKCS-1.1"]
            | ["RSA     ", "PKCS-PSS", "HASH    ", _]
    )
}

/// The two numbers, each as long as the field.
fn ecdsa(key: &PKey<Private>, bits: u16, hash: &[u8]) -> std::result::Result<Vec<u8>, Code> {
    if !HASHES.iter().any(|(_, _, length, _)| *length == hash.len()) {
        return Err(SIZE);
    }
    let key = key.ec_key().expect("a key on a curve");
    let signature = EcdsaSig::sign(hash, &key).expect("a signature");
    let length = i32::from(bits.div_ceil(8));
    let mut both = signature.r().to_vec_padded(length).expect("r fits");
    both.extend(signature.s().to_vec_padded(length).expect("s fits"));
    Ok(both)
}

fn pkcs1(key: &PKey<Private>, digest_info: &[u8]) -> std::result::Result<Vec<u8>, Code> {
    let find = |(_, _, length, prefix): &&Hash| {
        digest_info.len() == prefix.len() + length && digest_info.starts_with(prefix)
    };
    let (_, digest, _, prefix) = HASHES.iter().find(find).ok_or(SIZE)?;
    let hash = &digest_info[prefix.len()..];
    sign(key, hash, |context| {
        context.set_rsa_padding(Padding::PKCS1)?;
        context.set_signature_md(digest())
    })
}

/// `content` is the length of the salt (4 bytes), and the digest.
fn pss(key: &PKey<Private>, keyword: &str, content: &[u8]) -> std::result::Result<Vec<u8>, Code> {
    let find = |(name, ..): &&Hash| *name == keyword;
    let (_, digest, length, _) = HASHES
        .iter()
        .find(find)
        .ok_or(crate::codes::KEYWORD_COMBINATION)?;
    let Some((salt, hash)) = content.split_first_chunk() else {
        return Err(SIZE);
    };
    let salt = i32::try_from(u32::from_be_bytes(*salt)).map_err(|_| SIZE)?;
    if hash.len() != *length {
        return Err(SIZE);
    }
    sign(key, hash, |context| {
        context.set_rsa_padding(Padding::PKCS1_PSS)?;
        context.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt))?;
        context.set_signature_md(digest())?;
        context.set_rsa_mgf1_md(digest())
    })
}

fn sign(
    key: &PKey<Private>,
    hash: &[u8],
    configure: impl Fn(&mut PkeyCtx<Private>) -> std::result::Result<(), openssl::error::ErrorStack>,
) -> std::result::Result<Vec<u8>, Code> {
    let mut context = PkeyCtx::new(key).expect("a context");
    context.sign_init().expect("a key that signs");
    configure(&mut context).map_err(|_| SIZE)?;
    let mut signature = Vec::new();
    // The key is too small for hash and padding.
    let signed = context.sign_to_vec(hash, &mut signature);
    signed.map_err(|_| SIZE)?;
    Ok(signature)
}
