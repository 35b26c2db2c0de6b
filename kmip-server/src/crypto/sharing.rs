//! Splitting a secret into parts (Split Key: KMIP 1.4, 2.2.5; 2.1, 2.6).

use kmip::server::Failure;
use kmip::types::{BigInteger, SplitKeyMethod};
use zeroize::Zeroizing;

use super::{prime_sharing, random};
use crate::refusal;

/// A part of a secret: its number, from 1, and its bytes.
pub(crate) type Part = (u8, Zeroizing<Vec<u8>>);

/// A secret in parts.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: Vec<Part>,
    /// Prime Field Size, if the method has one.
    pub(crate) prime: Option<BigInteger<'static>>,
}

/// Splits a secret into parts, of which `threshold` are enough to join it. A client may choose the prime, if
/// the method has one.
///
/// # Errors
/// If the server does not have the method, or the numbers or the secret do not fit it.
pub(crate) fn split(
    method: SplitKeyMethod,
    secret: &[u8],
    parts: u8,
    threshold: u8,
    prime: Option<&BigInteger<'_>>,
) -> Result<Shared, Failure> {
    let parts = match method {
        SplitKeyMethod::XOR if threshold == parts => split_by_xor(secret, parts)?,
        SplitKeyMethod::XOR => return Err(refusal::invalid_field("XOR needs all parts")),
        SplitKeyMethod::POLYNOMIAL_SHARING_PRIME_FIELD => {
            let (parts, prime) = prime_sharing::split(secret, parts, threshold, prime)?;
            return Ok(Shared {
                parts,
                prime: Some(prime),
            });
        }
        other => split_by_polynomial(Field::of(other)?, secret, parts, threshold)?,
    };
    Ok(Shared { parts, prime: None })
}

/// Joins parts, of which there must be enough. `length` is how many bytes the secret should have, for methods
/// whose parts do not tell.
///
/// # Errors
/// If the server does not have the method, or the parts do not fit it.
pub(crate) fn join(
    method: SplitKeyMethod,
    parts: &[Part],
    prime: Option<&BigInteger<'_>>,
    length: Option<usize>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if method == SplitKeyMethod::POLYNOMIAL_SHARING_PRIME_FIELD {
        let prime =
            prime.ok_or_else(|| refusal::invalid_field("the Prime Field Size is missing"))?;
        return prime_sharing::join(parts, prime, length);
    }
    let length = parts.iter().map(|(_, part)| part.len()).min().unwrap_or(0);
    let mut secret = Zeroizing::new(vec![0; length]);
    if method == SplitKeyMethod::XOR {
        for (_, part) in parts {
            for (byte, share) in secret.iter_mut().zip(part.iter()) {
                *byte ^= share;
            }
        }
        return Ok(secret);
    }
    let field = Field::of(method)?;
    for (number, part) in parts {
        let weight = weight(field, *number, parts);
        for (piece, share) in secret.chunks_mut(field.width).zip(part.chunks(field.width)) {
            let sum = field.element(piece) ^ (field.multiply)(field.element(share), weight);
            field.put(sum, piece);
        }
    }
    Ok(secret)
}

/// A field whose elements are bit strings, which are added bit by bit.
#[derive(Clone, Copy)]
struct Field {
    /// Length of an element in bytes.
    width: usize,
    multiply: fn(u16, u16) -> u16,
    inverse: fn(u16) -> u16,
}

impl Field {
    /// GF(2^8), modulo x^8 + x^4 + x^3 + x^2 + 1.
    const GF_2_8: Field = Field {
        width: 1,
        multiply: |a, b| u16::from(multiply(bytes(a).1, bytes(b).1)),
        inverse: |a| u16::from(inverse(bytes(a).1)),
    };
    /// GF(2^16), of pairs of those.
    const GF_2_16: Field = Field {
        width: 2,
        multiply: multiply_pairs,
        inverse: inverse_pair,
    };

    fn of(method: SplitKeyMethod) -> Result<Self, Failure> {
        match method {
            SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8 => Ok(Field::GF_2_8),
            SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_16 => Ok(Field::GF_2_16),
            other => Err(refusal::invalid_field(format!(
                "this server does not split by {other:?}"
            ))),
        }
    }

    /// The element that bytes are.
    fn element(self, piece: &[u8]) -> u16 {
        piece
            .iter()
            .fold(0, |element, byte| element << 8 | u16::from(*byte))
    }

    /// Writes an element as bytes.
    fn put(self, element: u16, piece: &mut [u8]) {
        let element = element.to_be_bytes();
        let first = element.len().saturating_sub(piece.len());
        piece.copy_from_slice(&element[first..]);
    }
}

fn split_by_xor(secret: &[u8], parts: u8) -> Result<Vec<Part>, Failure> {
    let mut last = Zeroizing::new(secret.to_vec());
    let mut all = Vec::with_capacity(parts.into());
    for number in 1..parts {
        let part = random(secret.len())?;
        for (byte, random) in last.iter_mut().zip(part.iter()) {
            *byte ^= random;
        }
        all.push((number, part));
    }
    all.push((parts, last));
    Ok(all)
}

/// Shamir's secret sharing: the secret is the value at 0 of a random polynomial, part `x` its value
/// at `x`, piece by piece.
fn split_by_polynomial(
    field: Field,
    secret: &[u8],
    parts: u8,
    threshold: u8,
) -> Result<Vec<Part>, Failure> {
    if secret.len() % field.width != 0 {
        let message = format!("the secret is not made of pieces of {} bytes", field.width);
        return Err(refusal::invalid_field(message));
    }
    let coefficients = (1..threshold)
        .map(|_| random(secret.len()))
        .collect::<Result<Vec<_>, _>>()?;
    let part = |number: u8| {
        let mut part = Zeroizing::new(vec![0; secret.len()]);
        let pieces = part.chunks_mut(field.width);
        for (at, piece) in (0..).step_by(field.width).zip(pieces) {
            let at = at..at + field.width;
            let mut value = 0;
            for coefficient in coefficients.iter().rev() {
                let sum = value ^ field.element(&coefficient[at.clone()]);
                value = (field.multiply)(sum, number.into());
            }
            field.put(value ^ field.element(&secret[at]), piece);
        }
        (number, part)
    };
    Ok((1..=parts).map(part).collect())
}

/// By what a part counts when the polynomial is evaluated at 0 (Lagrange).
fn weight(field: Field, number: u8, parts: &[Part]) -> u16 {
    let others = parts.iter().filter(|(other, _)| *other != number);
    others.fold(1, |weight, (other, _)| {
        let distance = (field.inverse)(u16::from(*other ^ number));
        let factor = (field.multiply)(u16::from(*other), distance);
        (field.multiply)(weight, factor)
    })
}

/// The elements u and v of GF(2^8) in the element uy + v of GF(2^16).
fn bytes(element: u16) -> (u8, u8) {
    let [u, v] = element.to_be_bytes();
    (u, v)
}

/// The element m of GF(2^8), with which GF(2^16) is GF(2^8)[y] / (y^2 + y + m).
const M: u8 = 0x3A;

/// Multiplication in GF(2^16). The specification prints the last term as ru + svm, which is not
/// associative and does not fit its own inverse: it is rum + sv.
fn multiply_pairs(a: u16, b: u16) -> u16 {
    let ((r, s), (u, v)) = (bytes(a), bytes(b));
    let last = multiply(s, v);
    let first = multiply(r ^ s, u ^ v) ^ last;
    u16::from_be_bytes([first, multiply(multiply(r, u), M) ^ last])
}

/// The inverse in GF(2^16): u/d y + (u + v)/d with d = (u + v)v + mu^2.
fn inverse_pair(element: u16) -> u16 {
    let (u, v) = bytes(element);
    let d = inverse(multiply(u ^ v, v) ^ multiply(M, multiply(u, u)));
    u16::from_be_bytes([multiply(u, d), multiply(u ^ v, d)])
}

/// Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. The specification of 1.x prints
/// another polynomial, but the published test cases use this one in all versions.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        // Masks instead of branches: secrets must not show in the time it takes.
        product ^= a & 0_u8.wrapping_sub(b & 1);
        a = (a << 1) ^ (0x1D & 0_u8.wrapping_sub(a >> 7));
        b >>= 1;
    }
    product
}

/// The inverse: a^254, since a^255 is 1 for all but 0.
fn inverse(a: u8) -> u8 {
    let square = |a| multiply(a, a);
    let mut power = a;
    let mut inverse = 1;
    for _ in 0..7 {
        power = square(power);
        inverse = multiply(inverse, power);
    }
    inverse
}

#[cfg(test)]
mod tests {
    use kmip::types::ResultReason;

    use super::*;

    #[test]
    fn every_number_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn pairs_form_a_field() {
        for a in (1..=u16::MAX).step_by(7) {
            assert_eq!(multiply_pairs(a, inverse_pair(a)), 1, "{a}");
        }
        let (a, b, c) = (0x1234, 0xFEDC, 0x0F0F);
        let left = multiply_pairs(multiply_pairs(a, b), c);
        assert_eq!(left, multiply_pairs(a, multiply_pairs(b, c)));
    }

    #[test]
    fn as_many_parts_as_needed_give_the_secret_and_fewer_do_not() {
        let secret = b"sixteen bytes...";
        for method in [
            SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8,
            SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_16,
            SplitKeyMethod::POLYNOMIAL_SHARING_PRIME_FIELD,
        ] {
            let Shared { parts, prime } = split(method, secret, 5, 3, None).unwrap();
            let prime = prime.as_ref();
            assert_eq!(parts.len(), 5);
            for chosen in [[0, 1, 2], [4, 2, 0], [1, 3, 4]] {
                let chosen = chosen.map(|index| parts[index].clone());
                assert_eq!(**join(method, &chosen, prime, None).unwrap(), *secret);
            }
            assert_ne!(**join(method, &parts[..2], prime, None).unwrap(), *secret);
        }
        let parts = split(SplitKeyMethod::XOR, secret, 3, 3, None)
            .unwrap()
            .parts;
        assert_eq!(
            **join(SplitKeyMethod::XOR, &parts, None, None).unwrap(),
            *secret
        );
        assert_ne!(
            **join(SplitKeyMethod::XOR, &parts[1..], None, None).unwrap(),
            *secret
        );
    }

    #[test]
    fn a_secret_that_begins_with_zeros_keeps_them() {
        let method = SplitKeyMethod::POLYNOMIAL_SHARING_PRIME_FIELD;
        let Shared { parts, prime } = split(method, &[0, 0, 7], 2, 2, None).unwrap();
        assert_eq!(
            **join(method, &parts, prime.as_ref(), None).unwrap(),
            [0, 0, 7]
        );
    }
    #[test]
    fn a_client_may_choose_a_larger_prime() {
        let method = SplitKeyMethod::POLYNOMIAL_SHARING_PRIME_FIELD;
        // 2^127 - 1 is one, 2^127 + 1 a multiple of three.
        let mut bytes = [0xFF; 16];
        bytes[0] = 0x7F;
        let prime = BigInteger::from_unsigned(&bytes);
        let mut bytes = [0; 16];
        (bytes[0], bytes[15]) = (0x80, 1);
        let composite = BigInteger::from_unsigned(&bytes);
        let secret = [1, 2, 3, 4];
        let shared = split(method, &secret, 3, 2, Some(&prime)).unwrap();
        assert_eq!(shared.prime.as_ref(), Some(&prime));
        let parts = &shared.parts[1..];
        assert_eq!(
            **join(method, parts, Some(&prime), Some(4)).unwrap(),
            secret
        );
        let long = [7; 16];
        for (secret, prime) in [(&secret[..], composite), (&long[..], prime)] {
            let refused = split(method, secret, 3, 2, Some(&prime)).unwrap_err();
            assert_eq!(refused.reason(), ResultReason::INVALID_FIELD);
        }
    }
}
