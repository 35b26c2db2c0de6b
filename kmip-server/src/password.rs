//! Passwords of users, in clear or as hashes.

use std::fmt;

use kmip::types::SecretText;
use openssl::base64::{decode_block, encode_block};
use openssl::error::ErrorStack;
use openssl::memcmp;
use openssl::rand::rand_bytes;
use openssl::sha::Sha256;
use zeroize::Zeroizing;

/// Exponent of N, r and p of scrypt (RFC 7914) for new hashes.
const COST: (u8, u32, u32) = (15, 8, 1);
/// No hash may cost more memory than this, in bytes.
const MOST_MEMORY: u64 = 256 << 20;
const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// A password, or what is kept of one.
#[derive(Clone)]
pub struct Password(Kept);

#[derive(Clone)]
enum Kept {
    Clear(SecretText<'static>),
    Hash(Hash),
}

#[derive(Clone)]
struct Hash {
    cost: (u8, u32, u32),
    salt: Vec<u8>,
    value: Vec<u8>,
}

/// A text that is no hash of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordHashError;

impl fmt::Display for PasswordHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a hash of a password looks like $scrypt$ln=15,r=8,p=1$SALT$HASH; \
             'kmip serve --hash-password' makes one",
        )
    }
}

impl std::error::Error for PasswordHashError {}

impl Password {
    /// A password in clear.
    pub fn clear(password: impl Into<String>) -> Self {
        Password(Kept::Clear(SecretText::owned(password.into())))
    }

    /// A hash in the notation `$scrypt$ln=15,r=8,p=1$SALT$HASH` with Base64 without padding.
    ///
    /// # Errors
    /// If it is none, or would take more than 256 MiB to compare with.
    pub fn from_hash(text: &str) -> Result<Self, PasswordHashError> {
        let hash = parse(text).ok_or(PasswordHashError)?;
        Ok(Password(Kept::Hash(hash)))
    }

    /// The hash of a password, with a new salt.
    ///
    /// # Errors
    /// If cryptography does not work.
    pub fn hash(password: &str) -> Result<String, ErrorStack> {
        let mut salt = vec![0; SALT_BYTES];
        rand_bytes(&mut salt)?;
        let value = scrypt(password.as_bytes(), &salt, COST, HASH_BYTES)?;
        let (ln, r, p) = COST;
        let text = |bytes: &[u8]| encode_block(bytes).trim_end_matches('=').to_owned();
        Ok(format!(
            "$scrypt$ln={ln},r={r},p={p}${}${}",
            text(&salt),
            text(&value)
        ))
    }

    /// Whether this is the password.
    pub(crate) fn matches(&self, given: &SecretText<'_>) -> bool {
        match &self.0 {
            Kept::Clear(own) => own == given,
            Kept::Hash(hash) => {
                let value = scrypt(
                    given.expose().as_bytes(),
                    &hash.salt,
                    hash.cost,
                    hash.value.len(),
                );
                value.is_ok_and(|value| memcmp::eq(&value, &hash.value))
            }
        }
    }

    /// The password itself, if it is known.
    pub(crate) fn in_clear(&self) -> Option<&SecretText<'static>> {
        match &self.0 {
            Kept::Clear(password) => Some(password),
            Kept::Hash(_) => None,
        }
    }

    /// What tells, to whom has the secret, whether the password is still the same.
    pub(crate) fn seal(&self, secret: &[u8]) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(secret);
        match &self.0 {
            Kept::Clear(password) => digest.update(password.expose().as_bytes()),
            Kept::Hash(hash) => {
                digest.update(&hash.salt);
                digest.update(&hash.value);
            }
        }
        digest.finish()
    }

    /// Whether comparing takes long, so that it is worth remembering what was right.
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self.0, Kept::Hash(_))
    }
}

impl From<SecretText<'static>> for Password {
    fn from(password: SecretText<'static>) -> Self {
        Password(Kept::Clear(password))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

fn scrypt(
    password: &[u8],
    salt: &[u8],
    (ln, r, p): (u8, u32, u32),
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut value = Zeroizing::new(vec![0; length]);
    let (n, memory) = (1 << ln, 2 * MOST_MEMORY);
    openssl::pkcs5::scrypt(password, salt, n, r.into(), p.into(), memory, &mut value)?;
    Ok(value)
}

fn parse(text: &str) -> Option<Hash> {
    let mut parts = text.strip_prefix("$scrypt$")?.split('$');
    let (cost, salt, value) = (parts.next()?, parts.next()?, parts.next()?);
    let mut cost = cost.split(',');
    let mut number = |name: &str| {
        cost.next()?
            .strip_prefix(name)?
            .strip_prefix('=')?
            .parse()
            .ok()
    };
    let (ln, r, p): (u32, u32, u32) = (number("ln")?, number("r")?, number("p")?);
    let affordable = (1..=24).contains(&ln)
        && (1..=64).contains(&r)
        && (1..=16).contains(&p)
        && (128_u64 << ln) * u64::from(r) <= MOST_MEMORY;
    let (salt, value) = (base64(salt)?, base64(value)?);
    let whole = parts.next().is_none() && cost.next().is_none();
    (affordable && whole && value.len() >= 16).then_some(Hash {
        cost: (ln as u8, r, p),
        salt,
        value,
    })
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let padding = match text.len() % 4 {
        0 => "",
        2 => "==",
        3 => "=",
        _ => return None,
    };
    decode_block(&format!("{text}{padding}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> SecretText<'_> {
        SecretText::borrowed(text)
    }

    #[test]
    fn a_hash_knows_its_password() {
        let written = Password::hash("open sesame").unwrap();
        let password = Password::from_hash(&written).unwrap();
        assert!(password.matches(&text("open sesame")));
        assert!(!password.matches(&text("open sesamf")));
        assert!(!password.matches(&text("")));
        assert_ne!(written, Password::hash("open sesame").unwrap(), "no salt");
    }

    #[test]
    fn the_notation_is_that_of_others() {
        // RFC 7914, section 12: "password", "NaCl", N=1024, r=8, p=16.
        let value = scrypt(b"password", b"NaCl", (10, 8, 16), 64).unwrap();
        assert_eq!(value[..4], [0xfd, 0xba, 0xbe, 0x1c]);
        let encoded = encode_block(&value);
        let encoded = encoded.trim_end_matches('=');
        let hash = format!("$scrypt$ln=10,r=8,p=16$TmFDbA${encoded}");
        assert!(
            Password::from_hash(&hash)
                .unwrap()
                .matches(&text("password"))
        );
    }

    #[test]
    fn other_texts_are_no_hashes() {
        let good = Password::hash("open sesame").unwrap();
        for bad in [
            "",
            "open sesame",
            "$scrypt$",
            "$scrypt$ln=15,r=8,p=1$AAAA$",
            "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=15,r=9999999,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            &good[..good.len() - 30],
            &format!("{good}$AAAA"),
            &good.replace("r=8", "r=x"),
        ] {
            assert!(Password::from_hash(bad).is_err(), "{bad}");
        }
    }
}
