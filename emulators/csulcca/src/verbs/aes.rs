//! CSNDSYI, CSNBKTB2, CSNBKTR2, CSNBRKA, CSNBKTC, CSNBKTC2: AES keys.

use emulated_card::{Kind, Register};
use openssl::md::Md;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use zeroize::Zeroizing;

use super::pairs::{self, step, success};
use super::{Parameters, Result, wrong_rules};
use crate::adapter::Adapter;
use crate::codes::{
    CLEAR_KEY_LENGTH, EXPORT, KEYWORD_COMBINATION, MASTER_KEY_PATTERN, NO_MASTER_KEY,
    NOT_PERMITTED, OAEP_HASH, OK, RECOVERED_BLOCK, SIZE, TOKEN_CONSISTENCY, TOKEN_HEADER,
};
use crate::pair::{Spec, Usage};
use crate::secure_key::{DATA, EXPORT_FLAGS, SecureKey, TO_CPACF, cipher_skeleton, read_skeleton};

/// CSNDSYI: rules, enciphered key, RSA key, token.
pub(super) fn import(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let known = ["AES     ", "PKCS-1.2", "PKCSOAEP", "SHA-1   ", "SHA-256 "];
    let rules = parameters.rules(&known)?;
    let digest = match rules[..] {
        ["AES     ", "PKCS-1.2"] => None,
        ["AES     ", "PKCSOAEP", "SHA-1   "] => Some(Md::sha1()),
        ["AES     ", "PKCSOAEP", "SHA-256 "] => Some(Md::sha256()),
        _ => return Err(wrong_rules(&rules, &[2, 3])),
    };
    if parameters.bytes(3)?.len() < DATA {
        return Err(SIZE);
    }
    let (pair, code) = pairs::open(adapter, parameters, 2)?;
    let Spec::Rsa { bits, .. } = pair.spec else {
        return Err(TOKEN_CONSISTENCY);
    };
    if pair.usage == Usage::Signature {
        return Err(NOT_PERMITTED);
    }
    let registers = adapter.loaded(Kind::Aes)?;
    let master = registers.get(Register::Current).ok_or(NO_MASTER_KEY)?;
    let enciphered = parameters.bytes(1)?;
    if enciphered.len() != usize::from(bits / 8) {
        return Err(SIZE);
    }
    let clear = match digest {
        None => pkcs1(&pair.key, enciphered).ok_or(RECOVERED_BLOCK)?,
        Some(digest) => {
            let oaep = |context: &mut PkeyCtx<Private>| {
                context.set_rsa_padding(Padding::PKCS1_OAEP)?;
                context.set_rsa_oaep_md(digest)?;
                context.set_rsa_mgf1_md(digest)
            };
            decrypt(&pair.key, enciphered, oaep).ok_or(OAEP_HASH)?
        }
    };
    if ![16, 24, 32].contains(&clear.len()) {
        return Err(CLEAR_KEY_LENGTH);
    }
    let header = None;
    parameters.set(3, SecureKey { clear, header }.seal(master))?;
    Ok(code)
}

/// OpenSSL's own removal of this padding can return random bytes for a wrong one.
fn pkcs1(key: &PKey<Private>, enciphered: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let block = decrypt(key, enciphered, |context| {
        context.set_rsa_padding(Padding::NONE)
    })?;
    let padded = block.strip_prefix(&[0, 2])?;
    let end = padded.iter().position(|byte| *byte == 0)?;
    (end >= 8).then(|| Zeroizing::new(padded[end + 1..].to_vec()))
}

fn decrypt(
    key: &PKey<Private>,
    enciphered: &[u8],
    configure: impl Fn(&mut PkeyCtx<Private>) -> std::result::Result<(), openssl::error::ErrorStack>,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut context = PkeyCtx::new(key).ok()?;
    context.decrypt_init().ok()?;
    configure(&mut context).ok()?;
    let mut clear = Zeroizing::new(vec![0; key.size()]);
    let length = context.decrypt(enciphered, Some(&mut clear)).ok()?;
    clear.truncate(length);
    Some(clear)
}

/// CSNBKTB2: rules, bits of a clear key, clear key, name, associated data, token data, verb data,
/// token.
pub(super) fn build(parameters: &mut Parameters<'_>) -> Result {
    let rules = parameters.rules(&["INTERNAL", "AES     ", "XPRTCPAC", "NOEXCPAC", "CIPHER  "])?;
    let to_cpacf = match rules[..] {
        ["INTERNAL", "AES     ", "XPRTCPAC", "CIPHER  "] => true,
        ["INTERNAL", "AES     ", "NOEXCPAC", "CIPHER  "] | ["INTERNAL", "AES     ", "CIPHER  "] => {
            false
        }
        _ => return Err(wrong_rules(&rules, &[3, 4])),
    };
    parameters.reserved(1..=6)?;
    parameters.set(7, cipher_skeleton(to_cpacf))?;
    Ok(OK)
}

/// CSNBKTR2: rules, input token, two key-encrypting keys, output token, which holds a skeleton.
pub(super) fn translate(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let rules = parameters.rules(&["AES     ", "REFORMAT"])?;
    if rules != ["AES     ", "REFORMAT"] {
        return Err(wrong_rules(&rules, &[2]));
    }
    parameters.null_token(2)?;
    parameters.null_token(3)?;
    let registers = adapter.loaded(Kind::Aes)?;
    let (mut key, register) = SecureKey::open(parameters.bytes(1)?, registers)?;
    if key.header.is_some() {
        return Err(TOKEN_CONSISTENCY);
    }
    key.header = Some(read_skeleton(parameters.bytes(4)?)?);
    let master = registers.get(Register::Current).ok_or(NO_MASTER_KEY)?;
    parameters.set(4, key.seal(master))?;
    Ok(success(register))
}

/// CSNBRKA: rules, token, key-encrypting key, two optional parameters.
pub(super) fn restrict(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    // Keyword, byte after EXPORT_FLAGS, bits that it clears.
    const RESTRICTIONS: [(&str, usize, u8); 8] = [
        ("NOEX-SYM", 0, 0x80),
        ("NOEXUASY", 0, 0x40),
        ("NOEXAASY", 0, 0x20),
        ("NOEX-RAW", 0, 0x10),
        ("NOEXCPAC", 0, TO_CPACF),
        ("NOEX-DES", 2, 0x80),
        ("NOEX-AES", 2, 0x40),
        ("NOEX-RSA", 2, 0x08),
    ];
    let mut known = vec!["AES     "];
    known.extend(RESTRICTIONS.iter().map(|(keyword, ..)| *keyword));
    let rules = parameters.rules(&known)?;
    let ["AES     ", restrictions @ ..] = &rules[..] else {
        return Err(KEYWORD_COMBINATION);
    };
    if restrictions.is_empty() || restrictions.len() > 10 {
        return Err(wrong_rules(&rules, &[]));
    }
    parameters.null_token(2)?;
    parameters.reserved(3..=4)?;
    let registers = adapter.loaded(Kind::Aes)?;
    let token = parameters.bytes(1)?;
    let (mut key, register) = SecureKey::open(token, registers)?;
    let Some(header) = &mut key.header else {
        return Err(TOKEN_HEADER);
    };
    for restriction in restrictions {
        let mut all = RESTRICTIONS.iter();
        match all.find(|(keyword, ..)| keyword == restriction) {
            Some((_, byte, bits)) => header[EXPORT_FLAGS + byte] &= !bits,
            None => return Err(EXPORT),
        }
    }
    let master = registers.get(Register::Current).ok_or(NO_MASTER_KEY)?;
    let mut changed = key.seal(master);
    // The caller's buffer may be longer than the token.
    changed.extend_from_slice(&token[changed.len().min(token.len())..]);
    parameters.set(1, changed)?;
    Ok(success(register))
}

/// CSNBKTC and CSNBKTC2: rules, token.
pub(super) fn change(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let rules = parameters.rules(&["AES     ", "RTNMK   ", "RTCMK   "])?;
    let (from, to) = match rules[..] {
        [direction @ ("RTNMK   " | "RTCMK   "), "AES     "]
        | ["AES     ", direction @ ("RTNMK   " | "RTCMK   ")] => step(direction),
        _ => return Err(wrong_rules(&rules, &[2])),
    };
    let registers = adapter.loaded(Kind::Aes)?;
    let target = registers.get(to).ok_or(NO_MASTER_KEY)?;
    registers.get(from).ok_or(NO_MASTER_KEY)?;
    let token = parameters.bytes(1)?;
    let (key, register) = SecureKey::open(token, registers)?;
    if register != from {
        return Err(MASTER_KEY_PATTERN);
    }
    let mut changed = key.seal(target);
    changed.extend_from_slice(&token[changed.len().min(token.len())..]);
    parameters.set(1, changed)?;
    Ok(OK)
}
