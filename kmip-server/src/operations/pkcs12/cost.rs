//! What it costs to open a PKCS#12 form, which clients choose: seen before OpenSSL opens it (RFC 7292, 4;
//! RFC 8018, A and B).

use kmip::server::Failure;
use kmip::types::ResultReason;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::symm::{self, Cipher};
use zeroize::Zeroizing;

use crate::refusal;

/// How often a form may have its password hashed, for all keys that are made of it.
const MOST_ITERATIONS: u64 = 10_000_000;
/// How deep the parts of a form may be nested.
const DEEPEST: u32 = 4;

/// 1.2.840.113549.1.7: 1 is data, 6 is encrypted data.
const CONTENT: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07";
/// 1.2.840.113549.1.5: 12 is PBKDF2, 13 is PBES2, 14 is PBMAC1, lower ones are PBES1.
const PKCS_5: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x05";
/// 1.2.840.113549.1.12.1: encryption by the means of PKCS#12 itself.
const PKCS_12_PBE: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x0C\x01";
/// 1.2.840.113549.1.12.10.1: 2 is an encrypted key, 6 are parts within a part.
const BAG: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x0C\x0A\x01";
/// 1.2.840.113549.2: HMAC with SHA-1 is 7, those with SHA-2 follow.
const HMAC: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x02";
/// 1.2.840.113549.3.7
const TRIPLE_DES: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x03\x07";
/// 2.16.840.1.101.3.4.1: CBC with keys of 128 bits is 2, of 192 bits 22, of 256 bits 42.
const AES: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01";

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// \[0\], of an element, or in place of its own tag.
const EXPLICIT: u8 = 0xA0;
const IMPLICIT: u8 = 0x80;

/// Refuses a form that takes too long to be opened. To see what is in its encrypted parts, they are
/// deciphered.
///
/// # Errors
/// Also if it has another password, or cannot be looked through.
pub(super) fn check(form: &[u8], password: &str) -> Result<(), Failure> {
    let mut cost = Cost {
        password,
        iterations: 0,
    };
    cost.form(form)
}

struct Cost<'p> {
    password: &'p str,
    iterations: u64,
}

impl Cost<'_> {
    fn form(&mut self, form: &[u8]) -> Result<(), Failure> {
        let mut form = Der(form).within(SEQUENCE)?;
        form.element(INTEGER)?;
        let mut safe = form.within(SEQUENCE)?;
        if safe.element(OBJECT_IDENTIFIER)? != [CONTENT, &[1]].concat() {
            return Err(unreadable());
        }
        let mut safe = safe.within(EXPLICIT)?.within(OCTETS)?;
        if !form.is_empty() {
            let mut mac = form.within(SEQUENCE)?;
            let mut digest = mac.within(SEQUENCE)?;
            let function = digest.within(SEQUENCE)?.element(OBJECT_IDENTIFIER)?;
            // PBMAC1 (RFC 9579) has iterations of its own.
            if function.starts_with(PKCS_5) {
                return Err(refusal::not_supported(
                    "the PKCS#12 form is authenticated in a way that this server does not check: by a hash \
                     function, it would",
                ));
            }
            mac.element(OCTETS)?;
            if !mac.is_empty() {
                let iterations = mac.element(INTEGER)?;
                self.spend(iterations)?;
            }
        }
        let mut contents = safe.within(SEQUENCE)?;
        while !contents.is_empty() {
            let mut content = contents.within(SEQUENCE)?;
            match content.element(OBJECT_IDENTIFIER)?.strip_prefix(CONTENT) {
                Some([1]) => {
                    let bags = content.within(EXPLICIT)?.within(OCTETS)?;
                    self.bags(bags, DEEPEST)?;
                }
                Some([6]) => {
                    let mut encrypted = content.within(EXPLICIT)?.within(SEQUENCE)?;
                    encrypted.element(INTEGER)?;
                    let bags = self.decipher(encrypted.within(SEQUENCE)?)?;
                    self.bags(Der(&bags), DEEPEST)?;
                }
                // OpenSSL leaves others as they are.
                _ => {}
            }
        }
        Ok(())
    }

    fn bags(&mut self, mut bags: Der<'_>, depth: u32) -> Result<(), Failure> {
        let depth = depth.checked_sub(1).ok_or_else(unreadable)?;
        let mut bags = bags.within(SEQUENCE)?;
        while !bags.is_empty() {
            let mut bag = bags.within(SEQUENCE)?;
            match bag.element(OBJECT_IDENTIFIER)?.strip_prefix(BAG) {
                Some([2]) => {
                    let mut key = bag.within(EXPLICIT)?.within(SEQUENCE)?;
                    self.scheme(key.within(SEQUENCE)?)?;
                }
                Some([6]) => self.bags(bag.within(EXPLICIT)?, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts what an algorithm makes keys with; gives the parameters of PBES2, if it is that.
    fn scheme<'d>(&mut self, mut algorithm: Der<'d>) -> Result<Option<Pbes2<'d>>, Failure> {
        let identifier = algorithm.element(OBJECT_IDENTIFIER)?;
        let mut parameters = algorithm.within(SEQUENCE)?;
        if identifier == [PKCS_5, &[13]].concat() {
            let mut derivation = parameters.within(SEQUENCE)?;
            if derivation.element(OBJECT_IDENTIFIER)? != [PKCS_5, &[12]].concat() {
                return Err(unknown());
            }
            let mut derivation = derivation.within(SEQUENCE)?;
            let salt = derivation.element(OCTETS)?;
            let iterations = self.spend(derivation.element(INTEGER)?)?;
            if derivation.is_next(INTEGER) {
                derivation.element(INTEGER)?;
            }
            let function = match derivation.is_empty() {
                true => MessageDigest::sha1(),
                false => hmac(derivation.within(SEQUENCE)?.element(OBJECT_IDENTIFIER)?)?,
            };
            let mut cipher = parameters.within(SEQUENCE)?;
            return Ok(Some(Pbes2 {
                salt,
                iterations,
                function,
                cipher: cipher.element(OBJECT_IDENTIFIER)?,
                iv: cipher.element(OCTETS)?,
            }));
        }
        let is_pbes1 = matches!(identifier.strip_prefix(PKCS_5), Some([0..12]));
        if !is_pbes1 && identifier.strip_prefix(PKCS_12_PBE).is_none() {
            return Err(unknown());
        }
        parameters.element(OCTETS)?;
        self.spend(parameters.element(INTEGER)?)?;
        Ok(None)
    }

    fn decipher(&mut self, mut encrypted: Der<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        encrypted.element(OBJECT_IDENTIFIER)?;
        let scheme = self
            .scheme(encrypted.within(SEQUENCE)?)?
            .ok_or_else(unknown)?;
        let data = encrypted.element(IMPLICIT)?;
        let cipher = scheme.cipher()?;
        let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
        let (password, iterations) = (self.password.as_bytes(), scheme.iterations);
        pbkdf2_hmac(password, scheme.salt, iterations, scheme.function, &mut key)
            .and_then(|()| symm::decrypt(cipher, &key, Some(scheme.iv), data))
            .map(Zeroizing::new)
            .map_err(|_| super::wrong_password())
    }

    /// Counts iterations, as many as there are.
    fn spend(&mut self, iterations: &[u8]) -> Result<usize, Failure> {
        let iterations = number(iterations);
        self.iterations = self.iterations.saturating_add(iterations);
        match usize::try_from(iterations) {
            Ok(iterations) if self.iterations <= MOST_ITERATIONS => Ok(iterations),
            _ => Err(refusal::invalid_field(
                "the PKCS#12 form hashes its password too often",
            )),
        }
    }
}

/// Parameters of PBES2 with PBKDF2.
struct Pbes2<'d> {
    salt: &'d [u8],
    iterations: usize,
    function: MessageDigest,
    cipher: &'d [u8],
    iv: &'d [u8],
}

impl Pbes2<'_> {
    fn cipher(&self) -> Result<Cipher, Failure> {
        let cipher = match self.cipher.strip_prefix(AES) {
            Some([2]) => Cipher::aes_128_cbc(),
            Some([22]) => Cipher::aes_192_cbc(),
            Some([42]) => Cipher::aes_256_cbc(),
            _ if self.cipher == TRIPLE_DES => Cipher::des_ede3_cbc(),
            _ => return Err(unknown()),
        };
        match cipher.iv_len() == Some(self.iv.len()) {
            true => Ok(cipher),
            false => Err(unreadable()),
        }
    }
}

fn hmac(identifier: &[u8]) -> Result<MessageDigest, Failure> {
    Ok(match identifier.strip_prefix(HMAC) {
        Some([7]) => MessageDigest::sha1(),
        Some([8]) => MessageDigest::sha224(),
        Some([9]) => MessageDigest::sha256(),
        Some([10]) => MessageDigest::sha384(),
        Some([11]) => MessageDigest::sha512(),
        _ => return Err(unknown()),
    })
}

fn unknown() -> Failure {
    refusal::not_supported(
        "the PKCS#12 form is encrypted in a way that this server does not open: by PBES2 with PBKDF2, as \
         OpenSSL 3 does it, it would",
    )
}

fn unreadable() -> Failure {
    Failure::new(
        ResultReason::INVALID_FIELD,
        "the PKCS#12 form cannot be read; it has to be in DER",
    )
}

/// Elements of DER, one after the other.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_next(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The content of the next element, which has this tag.
    fn element(&mut self, tag: u8) -> Result<&'d [u8], Failure> {
        self.next(tag).ok_or_else(unreadable)
    }

    /// The elements within the next one, which has this tag.
    fn within(&mut self, tag: u8) -> Result<Der<'d>, Failure> {
        self.element(tag).map(Der)
    }

    fn next(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (head, rest) = self.0.split_first_chunk::<2>()?;
        if head[0] != tag {
            return None;
        }
        let (length, rest) = match head[1] {
            short @ 0..0x80 => (u64::from(short), rest),
            // Without a length: of BER, not of DER.
            0x80 => return None,
            long => {
                let (length, rest) = rest.split_at_checked(usize::from(long & 0x7F))?;
                (number(length), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(content)
    }
}

/// A number, or the largest one in place of a larger one.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number: u64, byte| {
        number.saturating_mul(256).saturating_add((*byte).into())
    })
}

#[cfg(test)]
mod tests;
