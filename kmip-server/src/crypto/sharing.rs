//! Splitting a secret into parts (Split Key: KMIP 1.4, 2.2.5; 2.1, 2.6).

use kmip::server::Failure;
use kmip::types::SplitKeyMethod;
use zeroize::Zeroizing;

use super::random;
use crate::refusal;

/// A part of a secret: its number, from 1, and its bytes.
pub(crate) type Part = (u8, Zeroizing<Vec<u8>>);

/// Splits a secret into parts, of which `threshold` are enough to join it.
///
/// # Errors
/// If the server does not have the method, or the numbers do not fit it.
pub(crate) fn split(
    method: SplitKeyMethod,
    secret: &[u8],
    parts: u8,
    threshold: u8,
) -> Result<Vec<Part>, Failure> {
    match method {
        SplitKeyMethod::XOR if threshold == parts => split_by_xor(secret, parts),
        SplitKeyMethod::XOR => Err(refusal::invalid_field("XOR needs all parts")),
        SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8 => split_by_polynomial(secret, parts, threshold),
        other => Err(refusal::invalid_field(format!(
            "this server does not split by {other:?}"
        ))),
    }
}

/// Joins parts, of which there must be enough.
///
/// # Errors
/// If the server does not have the method.
pub(crate) fn join(method: SplitKeyMethod, parts: &[Part]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let length = parts.iter().map(|(_, part)| part.len()).min().unwrap_or(0);
    let mut secret = Zeroizing::new(vec![0; length]);
    let weights: Vec<u8> = match method {
        SplitKeyMethod::XOR => vec![1; parts.len()],
        SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8 => {
            let weight = |(number, _): &Part| weight(*number, parts);
            parts.iter().map(weight).collect()
        }
        other => {
            let message = format!("this server does not join by {other:?}");
            return Err(refusal::invalid_field(message));
        }
    };
    for ((_, part), weight) in parts.iter().zip(weights) {
        for (byte, share) in secret.iter_mut().zip(part.iter()) {
            *byte ^= multiply(*share, weight);
        }
    }
    Ok(secret)
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
/// at `x`.
fn split_by_polynomial(secret: &[u8], parts: u8, threshold: u8) -> Result<Vec<Part>, Failure> {
    let coefficients = (1..threshold)
        .map(|_| random(secret.len()))
        .collect::<Result<Vec<_>, _>>()?;
    let part = |number: u8| {
        let mut part = Zeroizing::new(vec![0; secret.len()]);
        for coefficient in coefficients.iter().rev() {
            for (byte, coefficient) in part.iter_mut().zip(coefficient.iter()) {
                *byte = multiply(*byte ^ coefficient, number);
            }
        }
        for (byte, secret) in part.iter_mut().zip(secret) {
            *byte ^= secret;
        }
        (number, part)
    };
    Ok((1..=parts).map(part).collect())
}

/// By what a part counts when the polynomial is evaluated at 0 (Lagrange).
fn weight(number: u8, parts: &[Part]) -> u8 {
    let others = parts.iter().filter(|(other, _)| *other != number);
    others.fold(1, |weight, (other, _)| {
        multiply(weight, multiply(*other, inverse(*other ^ number)))
    })
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
    use super::*;

    #[test]
    fn every_number_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn as_many_parts_as_needed_give_the_secret_and_fewer_do_not() {
        let secret = b"sixteen bytes...";
        let polynomial = SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8;
        let parts = split(polynomial, secret, 5, 3).unwrap();
        assert_eq!(parts.len(), 5);
        for chosen in [[0, 1, 2], [4, 2, 0], [1, 3, 4]] {
            let chosen = chosen.map(|index| parts[index].clone());
            assert_eq!(**join(polynomial, &chosen).unwrap(), *secret);
        }
        assert_ne!(**join(polynomial, &parts[..2]).unwrap(), *secret);

        let parts = split(SplitKeyMethod::XOR, secret, 3, 3).unwrap();
        assert_eq!(**join(SplitKeyMethod::XOR, &parts).unwrap(), *secret);
        assert_ne!(**join(SplitKeyMethod::XOR, &parts[1..]).unwrap(), *secret);
    }
}
