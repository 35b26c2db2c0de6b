//! Unwrapping of AES keys that were encrypted with RSA.
//!
//! Whatever is wrong with a wrapped key, there is one error, and the time does not depend on what
//! was inside: else an attacker who can have keys unwrapped could decrypt any message for the
//! wrapping key (Bleichenbacher, Manger).

use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use zeroize::Zeroizing;

use super::super::{SecureKeyError, WrapPadding};

/// Sizes of AES keys in bytes.
const SIZES: [usize; 3] = [16, 24, 32];

pub(super) fn unwrap(
    key: &PKey<Private>,
    padding: WrapPadding,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SecureKeyError> {
    // The length is public.
    if wrapped.len() != key.size() {
        return Err(SecureKeyError::Unwrap);
    }
    let clear = match padding {
        WrapPadding::Oaep(digest) => {
            let oaep = |context: &mut PkeyCtx<Private>| {
                context.set_rsa_padding(Padding::PKCS1_OAEP)?;
                context.set_rsa_oaep_md(digest.md())?;
                context.set_rsa_mgf1_md(digest.md())
            };
            decrypt(key, wrapped, oaep)?
        }
        // OpenSSL's own removal of this padding tells failures apart, or, in newer versions,
        // returns random bytes for a wrong padding, which could pass for a key.
        WrapPadding::Pkcs1V15 => {
            let padded = decrypt(key, wrapped, |context| {
                context.set_rsa_padding(Padding::NONE)
            })?;
            remove_pkcs1_padding(&padded).ok_or(SecureKeyError::Unwrap)?
        }
    };
    if SIZES.contains(&clear.len()) {
        Ok(clear)
    } else {
        Err(SecureKeyError::Unwrap)
    }
}

fn decrypt(
    key: &PKey<Private>,
    wrapped: &[u8],
    configure: impl Fn(&mut PkeyCtx<Private>) -> Result<(), openssl::error::ErrorStack>,
) -> Result<Zeroizing<Vec<u8>>, SecureKeyError> {
    let mut context = PkeyCtx::new(key).map_err(SecureKeyError::openssl("use the wrapping key"))?;
    context
        .decrypt_init()
        .and_then(|()| configure(&mut context))
        .map_err(SecureKeyError::openssl("use the wrapping key"))?;
    let mut clear = Zeroizing::new(vec![0; key.size()]);
    let length = context
        .decrypt(wrapped, Some(&mut clear))
        .map_err(|_| SecureKeyError::Unwrap)?;
    clear.truncate(length);
    Ok(clear)
}

/// The message of an encoded message `00 02 PS 00 M` whose length is one of [`SIZES`].
fn remove_pkcs1_padding(padded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut found = Zeroizing::new(vec![0; SIZES[2]]);
    let mut found_size = 0_usize;
    for size in SIZES {
        // Eleven bytes is the least padding: the size of the RSA key is public.
        let Some(separator) = padded.len().checked_sub(size + 1).filter(|at| *at >= 10) else {
            continue;
        };
        let mut wrong = padded[0] | (padded[1] ^ 2) | padded[separator];
        for byte in &padded[2..separator] {
            wrong |= is_zero(*byte);
        }
        // At most one size fits, since the separator is the first zero.
        let mask = mask_of(is_zero(wrong));
        for (target, source) in found.iter_mut().zip(&padded[separator + 1..]) {
            *target |= source & mask;
        }
        found_size |= size & usize::from(mask).wrapping_mul(usize::MAX / 255);
    }
    if found_size == 0 {
        return None;
    }
    found.truncate(found_size);
    Some(found)
}

/// 1 for 0, else 0, without a branch.
fn is_zero(byte: u8) -> u8 {
    let byte = std::hint::black_box(u16::from(byte));
    (byte.wrapping_sub(1) >> 15) as u8
}

/// 0xff for 1, 0 for 0.
fn mask_of(bit: u8) -> u8 {
    std::hint::black_box(bit).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(message: &[u8]) -> Vec<u8> {
        let mut padded = vec![0x55; 256];
        padded[..2].copy_from_slice(&[0, 2]);
        let start = padded.len() - message.len();
        padded[start - 1] = 0;
        padded[start..].copy_from_slice(message);
        padded
    }

    fn remove(padded: &[u8]) -> Option<Vec<u8>> {
        remove_pkcs1_padding(padded).map(|message| message.to_vec())
    }

    #[test]
    fn messages_of_the_sizes_of_aes_keys_are_found() {
        for size in SIZES {
            // Zeros inside of the message are no separators.
            for byte in [0, 1, 0xff] {
                let message = vec![byte; size];
                assert_eq!(remove(&encode(&message)), Some(message));
            }
        }
        for size in [0, 1, 15, 17, 31, 33, 48] {
            assert_eq!(remove(&encode(&vec![7; size])), None, "{size}");
        }
    }

    #[test]
    fn wrong_paddings_are_refused() {
        let good = encode(&[7; 32]);
        for (at, byte) in [(0, 1), (1, 1), (1, 0), (2, 0), (100, 0), (256 - 33, 1)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(remove(&bad), None, "byte {at}");
        }
        // Less than eight bytes of padding.
        assert_eq!(remove(&good[256 - 42..]), None);
    }
}
