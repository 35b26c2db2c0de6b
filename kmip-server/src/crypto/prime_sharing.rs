//! Secret sharing in a prime field (Polynomial Sharing Prime Field: KMIP 1.4, 2.2.5; 2.1, 13.1).

use kmip::server::Failure;
use kmip::types::BigInteger;
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use zeroize::Zeroizing;

use super::failed;
use super::sharing::Part;
use crate::refusal;

/// The longest secret in bytes: for longer ones, finding a prime takes too long.
const LONGEST: usize = 64;

/// The longest prime that a client can choose, in bits: the one that the server would take for the longest
/// secret.
const LONGEST_PRIME: i32 = 8 * LONGEST as i32 + 1;

/// Splits a secret; gives also the Prime Field Size.
pub(super) fn split(
    secret: &[u8],
    parts: u8,
    threshold: u8,
    chosen: Option<&BigInteger<'_>>,
) -> Result<(Vec<Part>, BigInteger<'static>), Failure> {
    if secret.is_empty() || secret.len() > LONGEST {
        let message = format!("secrets of 1 to {LONGEST} bytes are split in a prime field");
        return Err(refusal::invalid_field(message));
    }
    if let Some(chosen) = chosen {
        check(chosen, secret.len())?;
    }
    let done = || -> Result<_, ErrorStack> {
        let mut context = BigNumContext::new_secure()?;
        let prime = match chosen {
            Some(chosen) => BigNum::from_slice(&chosen.0)?,
            None => prime_above(secret.len(), &mut context)?,
        };
        let mut coefficients = vec![integer(secret)?];
        for _ in 1..threshold {
            let mut coefficient = BigNum::new_secure()?;
            prime.rand_range(&mut coefficient)?;
            coefficients.push(coefficient);
        }
        let mut all = Vec::with_capacity(parts.into());
        for number in 1..=parts {
            let x = BigNum::from_u32(number.into())?;
            let mut value = BigNum::new_secure()?;
            for coefficient in coefficients.iter().rev() {
                let mut product = BigNum::new_secure()?;
                product.mod_mul(&value, &x, &prime, &mut context)?;
                value.mod_add(&product, coefficient, &prime, &mut context)?;
            }
            all.push((number, padded(&value, prime.num_bytes())?));
        }
        Ok((all, BigInteger::from_unsigned(&prime.to_vec())))
    };
    done().map_err(failed("the secret cannot be split"))
}

/// Whether a client has chosen a prime above all secrets of a length in bytes.
fn check(chosen: &BigInteger<'_>, length: usize) -> Result<(), Failure> {
    let is_prime = || -> Result<bool, ErrorStack> {
        let mut context = BigNumContext::new()?;
        // A negative number is none.
        let number = BigNum::from_slice(chosen.to_unsigned().unwrap_or_default())?;
        let shortest = i32::try_from(length * 8).unwrap_or(i32::MAX);
        let fits = (shortest..LONGEST_PRIME).contains(&(number.num_bits() - 1));
        Ok(fits && number.is_prime(64, &mut context)?)
    };
    match is_prime().map_err(failed("the Prime Field Size"))? {
        true => Ok(()),
        false => Err(refusal::invalid_field(
            "the Prime Field Size is no prime above all secrets of this length",
        )),
    }
}

/// Joins parts to a secret, if possible with so many bytes.
pub(super) fn join(
    parts: &[Part],
    prime: &BigInteger<'_>,
    length: Option<usize>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let done = || -> Result<_, ErrorStack> {
        let mut context = BigNumContext::new_secure()?;
        let prime = BigNum::from_slice(&prime.0)?;
        let mut secret = BigNum::new_secure()?;
        for (number, part) in parts {
            let mut term = integer(part)?;
            let x = BigNum::from_u32((*number).into())?;
            for (other, _) in parts.iter().filter(|(other, _)| other != number) {
                let other = BigNum::from_u32((*other).into())?;
                let (mut distance, mut inverse) = (BigNum::new()?, BigNum::new()?);
                distance.mod_sub(&other, &x, &prime, &mut context)?;
                inverse.mod_inverse(&distance, &prime, &mut context)?;
                let (mut weight, mut product) = (BigNum::new()?, BigNum::new_secure()?);
                weight.mod_mul(&other, &inverse, &prime, &mut context)?;
                product.mod_mul(&term, &weight, &prime, &mut context)?;
                term = product;
            }
            let mut sum = BigNum::new_secure()?;
            sum.mod_add(&secret, &term, &prime, &mut context)?;
            secret = sum;
        }
        // The prime is the next one above two to the length of the secret, unless a client has chosen it.
        let bits = prime.num_bits().saturating_sub(1);
        let longest = (bits + 7) / 8;
        let length = length.and_then(|length| i32::try_from(length).ok());
        let length = length.map_or(longest, |length| length.min(longest));
        padded(&secret, secret.num_bytes().max(length))
    };
    done().map_err(failed("the parts cannot be joined"))
}

/// The first prime above all secrets of a length in bytes.
fn prime_above(length: usize, context: &mut BigNumContext) -> Result<BigNum, ErrorStack> {
    let mut candidate = BigNum::new()?;
    candidate.set_bit(i32::try_from(length * 8).unwrap_or(i32::MAX))?;
    candidate.add_word(1)?;
    while !candidate.is_prime_fasttest(64, context, true)? {
        candidate.add_word(2)?;
    }
    Ok(candidate)
}

fn integer(bytes: &[u8]) -> Result<BigNum, ErrorStack> {
    let mut integer = BigNum::new_secure()?;
    integer.copy_from_slice(bytes)?;
    Ok(integer)
}

fn padded(integer: &BigNumRef, length: i32) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    integer.to_vec_padded(length).map(Zeroizing::new)
}
