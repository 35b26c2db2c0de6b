//! Unwrapping of AES keys.

use openssl::rand::rand_bytes;
use zeroize::Zeroizing;

use super::adapter::Selection;
use super::calls::{Unwrapped, nonsense};
use super::interface::{Attribute, CkUlong, Mechanism, OaepParameters, Value, attribute};
use super::pkey::{PkeyDevice, PkeyVerdict};
use super::return_code;
use super::token::{Aes, Pair};
use crate::abi::Apqn;
use crate::secure_key::{CallFailure, DigestAlgorithm, SecureKeyError, UnwrappedKey, WrapPadding};

/// Unwraps an AES key into a token that the kernel takes.
pub(super) fn unwrap(
    selection: &Selection,
    pkey: &dyn PkeyDevice,
    pair: &Pair<'_>,
    padding: WrapPadding,
    wrapped: &[u8],
) -> Result<UnwrappedKey, SecureKeyError> {
    let apqn = selection.first().apqn;
    let refused = || SecureKeyError::UnwrapRefused {
        call: "m_UnwrapKey",
        apqn,
    };
    // The length is public.
    if wrapped.len() != pair.public_key.size() {
        return Err(refused());
    }
    let template = template(true);
    let result = selection.call(|library, target| {
        library.unwrap_key(wrapped, pair.blob, &mechanism(padding), &template, target)
    });
    let Unwrapped { blob, bits } = match result {
        Ok(unwrapped) => unwrapped,
        Err(error) if blames_wrapped_key(error.failed.failure) => return Err(refused()),
        Err(error) => return Err(error.into()),
    };
    if !matches!(bits, 128 | 192 | 256) {
        return Err(refused());
    }
    let token = form_for_kernel(&Aes::new(blob, bits)?, apqn, pkey)?;
    Ok(UnwrappedKey { token, bits })
}

/// With header, unless the kernel is too old for that.
fn form_for_kernel(
    key: &Aes,
    apqn: Apqn,
    pkey: &dyn PkeyDevice,
) -> Result<Vec<u8>, SecureKeyError> {
    let token = key.token();
    let refusal = match pkey.verify(&token) {
        PkeyVerdict::Usable | PkeyVerdict::Unknown => return Ok(token),
        PkeyVerdict::Refused(refusal) => refusal,
    };
    let may_be_old = matches!(refusal.raw_os_error(), Some(libc::EINVAL | libc::ENODEV));
    if may_be_old && key.is_session_bound() {
        return Err(SecureKeyError::SessionBound { apqn });
    }
    if may_be_old {
        // The same codes say that no adapter takes the key. It is the age of the kernel only if
        // it takes the other form.
        let bare = key.bare_token();
        if matches!(pkey.verify(&bare), PkeyVerdict::Usable) {
            return Ok(bare);
        }
    }
    let source = refusal;
    Err(SecureKeyError::Kernel { apqn, source })
}

fn blames_wrapped_key(failure: CallFailure) -> bool {
    matches!(failure, CallFailure::Ep11 { rv, .. } if return_code::blames_wrapped_key(rv))
}

fn mechanism(padding: WrapPadding) -> Mechanism {
    // `CKM_SHA...` and `CKG_MGF1_SHA...`.
    let (hash, mask) = match padding {
        WrapPadding::Pkcs1V15 => return Mechanism::RsaPkcs,
        WrapPadding::Oaep(DigestAlgorithm::Sha1) => (0x220, 1),
        WrapPadding::Oaep(DigestAlgorithm::Sha224) => (0x255, 5),
        WrapPadding::Oaep(DigestAlgorithm::Sha256) => (0x250, 2),
        WrapPadding::Oaep(DigestAlgorithm::Sha384) => (0x260, 3),
        WrapPadding::Oaep(DigestAlgorithm::Sha512) => (0x270, 4),
    };
    Mechanism::RsaOaep(OaepParameters::new(hash, mask))
}

/// The attributes of the plugin in C.
fn template(for_kernel: bool) -> [Attribute<'static>; 7] {
    let number = |kind, value: CkUlong| Attribute(kind, Value::Number(value));
    let flag = |kind, value| Attribute(kind, Value::Flag(value));
    [
        number(attribute::CLASS, attribute::SECRET_KEY),
        number(attribute::KEY_TYPE, attribute::AES),
        flag(attribute::ENCRYPT, true),
        flag(attribute::DECRYPT, true),
        flag(attribute::SIGN, true),
        flag(attribute::VERIFY, true),
        flag(attribute::PROTECTED_KEY_EXTRACTABLE, for_kernel),
    ]
}

/// Has the adapter wrap a random value with the public half of a wrapping key and unwrap it with
/// the private one.
pub(super) fn prove(selection: &Selection, pair: &Pair<'_>) -> Result<(), SecureKeyError> {
    let mechanism = mechanism(WrapPadding::Pkcs1V15);
    let mut value = Zeroizing::new([0; 32]);
    rand_bytes(value.as_mut()).map_err(SecureKeyError::openssl("make random bytes"))?;
    let wrapped = selection.call(|library, target| {
        library.encrypt(pair.public_with_mac, &mechanism, value.as_ref(), target)
    })?;
    let template = template(false);
    selection.call(|library, target| {
        library.unwrap_key(&wrapped, pair.blob, &mechanism, &template, target)
    })?;
    Ok(())
}

/// Has the adapter use an AES key.
pub(super) fn prove_aes(selection: &Selection, key: &Aes) -> Result<(), SecureKeyError> {
    let zeros = [0; 16];
    selection.call(|library, target| {
        let encrypted = library.encrypt(&key.blob, &Mechanism::AesEcb, &zeros, target)?;
        if encrypted.len() == zeros.len() {
            Ok(())
        } else {
            Err(nonsense("m_EncryptSingle", "the result has a wrong length"))
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const APQN: Apqn = Apqn { card: 3, domain: 7 };

    /// Takes keys of this length only.
    struct Kernel(usize);

    impl PkeyDevice for Kernel {
        fn verify(&self, key: &[u8]) -> PkeyVerdict {
            if key.len() == self.0 {
                PkeyVerdict::Usable
            } else {
                PkeyVerdict::Refused(io::Error::from_raw_os_error(libc::EINVAL))
            }
        }
    }

    fn key(session: u8) -> Aes {
        let mut blob = Zeroizing::new(vec![0; 256]);
        blob[20] = session;
        // Protected keys are allowed; version of the blob.
        blob[53] = 0x20;
        blob[64..66].copy_from_slice(&[0x12, 0x34]);
        Aes::new(blob, 256).unwrap()
    }

    #[test]
    fn a_key_that_is_bound_to_a_session_does_not_lose_it() {
        let old = Kernel(320);
        let bare = form_for_kernel(&key(0), APQN, &old).unwrap();
        assert_eq!(bare.len(), 320);
        let error = form_for_kernel(&key(9), APQN, &old).unwrap_err();
        assert!(matches!(error, SecureKeyError::SessionBound { apqn: APQN }));
        let token = form_for_kernel(&key(9), APQN, &Kernel(336)).unwrap();
        assert_eq!(token[16 + 20], 9);
    }
}
