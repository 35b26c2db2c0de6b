//! The behaviour of any backend.

use openssl::encrypt::Encrypter;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};
use openssl::symm::{Cipher, Crypter, Mode};
use zkey_kmip::abi::SecureKeyType;
use zkey_kmip::secure_key::{
    Curve, DigestAlgorithm, KeyKind, KeySpec, OaepHash, Register, SecureKeyBackend, SecureKeyError,
    SignatureScheme, UnwrapRequest, WrapPadding, secure_key_size,
};

pub(crate) const PADDINGS: [WrapPadding; 3] = [
    WrapPadding::Pkcs1V15,
    WrapPadding::Oaep(OaepHash::Sha1),
    WrapPadding::Oaep(OaepHash::Sha256),
];

/// Everything that is the same for all backends.
pub(crate) fn run(backend: &dyn SecureKeyBackend) {
    identity_keys_sign(backend);
    rsa_identity_keys_sign(backend);
    kinds_are_kept_apart(backend);
    wrapped_keys_become_secure_keys(backend);
    wrong_wrappings_give_one_error(backend);
    damaged_tokens_are_refused(backend);
}

pub(crate) fn public_key(backend: &dyn SecureKeyBackend, key: &[u8]) -> PKey<Public> {
    PKey::public_key_from_der(&backend.public_key(key).unwrap()).unwrap()
}

/// What the key server does.
pub(crate) fn wrap(public: &PKey<Public>, padding: WrapPadding, clear: &[u8]) -> Vec<u8> {
    let mut encrypter = Encrypter::new(public).unwrap();
    match padding {
        WrapPadding::Pkcs1V15 => encrypter.set_rsa_padding(Padding::PKCS1).unwrap(),
        WrapPadding::Oaep(hash) => {
            let digest = match hash {
                OaepHash::Sha1 => MessageDigest::sha1(),
                OaepHash::Sha256 => MessageDigest::sha256(),
            };
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            encrypter.set_rsa_oaep_md(digest).unwrap();
            encrypter.set_rsa_mgf1_md(digest).unwrap();
        }
    }
    let mut wrapped = vec![0; encrypter.encrypt_len(clear).unwrap()];
    let length = encrypter.encrypt(clear, &mut wrapped).unwrap();
    wrapped.truncate(length);
    wrapped
}

/// What [`SecureKeyBackend::verification_pattern`] must be for this key.
pub(crate) fn pattern(clear: &[u8], cipher: Cipher) -> Vec<u8> {
    let mut crypter = Crypter::new(cipher, Mode::Encrypt, clear, Some(&[0; 16])).unwrap();
    crypter.pad(false);
    let mut out = vec![0; 64];
    let length = crypter.update(&[0; 32], &mut out).unwrap();
    out.truncate(length);
    out
}

fn verifies(
    public: &PKey<Public>,
    scheme: SignatureScheme,
    algorithm: DigestAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let mut verifier = Verifier::new(algorithm.message_digest(), public).unwrap();
    if scheme == SignatureScheme::RsaPss {
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier
            .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
            .unwrap();
    }
    verifier.verify_oneshot(signature, message).unwrap_or(false)
}

fn signs(
    backend: &dyn SecureKeyBackend,
    key: &[u8],
    scheme: SignatureScheme,
    algorithm: DigestAlgorithm,
) -> bool {
    let message = b"to be signed";
    let digest = hash(algorithm.message_digest(), message).unwrap();
    let signature = backend.sign(key, scheme, algorithm, &digest).unwrap();
    let public = public_key(backend, key);
    verifies(&public, scheme, algorithm, message, &signature)
        && !verifies(&public, scheme, algorithm, b"something else", &signature)
}

fn identity_keys_sign(backend: &dyn SecureKeyBackend) {
    for curve in Curve::ALL {
        let key = backend.generate_identity_key(KeySpec::Ecc(*curve)).unwrap();
        let status = backend.verify(&key).unwrap();
        assert_eq!(status.kind, KeyKind::Identity);
        assert_eq!(status.bits, curve.bits());
        assert_eq!(status.register, Register::Current);
        let public = public_key(backend, &key);
        let group = public.ec_key().unwrap().group().curve_name();
        assert_eq!(group, Some(curve.nid()));
        for algorithm in DigestAlgorithm::ALL {
            assert!(
                signs(backend, &key, SignatureScheme::Ecdsa, algorithm),
                "{curve:?} {algorithm:?}"
            );
        }
        let digest = [0; 32];
        let sha256 = DigestAlgorithm::Sha256;
        for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
            assert!(backend.sign(&key, scheme, sha256, &digest).is_err());
        }
        let short = backend.sign(&key, SignatureScheme::Ecdsa, sha256, &digest[1..]);
        assert!(short.is_err());
    }
}

fn rsa_identity_keys_sign(backend: &dyn SecureKeyBackend) {
    let key = backend.generate_identity_key(KeySpec::Rsa(2048)).unwrap();
    assert_eq!(backend.verify(&key).unwrap().bits, 2048);
    let public = public_key(backend, &key).rsa().unwrap();
    assert_eq!(public.e().to_dec_str().unwrap().to_string(), "65537");
    for algorithm in DigestAlgorithm::ALL {
        for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
            assert!(signs(backend, &key, scheme, algorithm), "{algorithm:?}");
        }
    }
    let ecdsa = backend.sign(
        &key,
        SignatureScheme::Ecdsa,
        DigestAlgorithm::Sha256,
        &[0; 32],
    );
    assert!(ecdsa.is_err());
    assert!(backend.generate_identity_key(KeySpec::Rsa(2048)).unwrap() != key);
}

fn kinds_are_kept_apart(backend: &dyn SecureKeyBackend) {
    let identity = backend.generate_identity_key(KeySpec::Rsa(2048)).unwrap();
    let wrapping = backend.generate_wrapping_key(2048).unwrap();
    assert_eq!(backend.verify(&wrapping).unwrap().kind, KeyKind::Wrapping);
    let signed = backend.sign(
        &wrapping,
        SignatureScheme::RsaPkcs1,
        DigestAlgorithm::Sha256,
        &[0; 32],
    );
    assert!(signed.is_err(), "a wrapping key must not sign");
    assert!(backend.tls_identity(&wrapping).is_err());
    let wrapped = wrap(&public_key(backend, &identity), PADDINGS[0], &[7; 32]);
    let key_type = backend.info().unwrap().card_type.secure_key_types()[0];
    let unwrapped = backend.unwrap_aes_key(&UnwrapRequest {
        wrapping_key: &identity,
        padding: PADDINGS[0],
        wrapped: &wrapped,
        key_type,
    });
    assert!(unwrapped.is_err(), "an identity key must not unwrap");
    assert!(backend.generate_wrapping_key(2047).is_err());
}

fn wrapped_keys_become_secure_keys(backend: &dyn SecureKeyBackend) {
    let wrapping_key = backend.generate_wrapping_key(2048).unwrap();
    let public = public_key(backend, &wrapping_key);
    let card_type = backend.info().unwrap().card_type;
    for key_type in [
        SecureKeyType::CcaAesData,
        SecureKeyType::CcaAesCipher,
        SecureKeyType::Ep11Aes,
    ] {
        for padding in PADDINGS {
            for (size, cipher) in [
                (16, Cipher::aes_128_cbc()),
                (24, Cipher::aes_192_cbc()),
                (32, Cipher::aes_256_cbc()),
            ] {
                let clear: Vec<u8> = (0..size).collect();
                let result = backend.unwrap_aes_key(&UnwrapRequest {
                    wrapping_key: &wrapping_key,
                    padding,
                    wrapped: &wrap(&public, padding, &clear),
                    key_type,
                });
                if !card_type.secure_key_types().contains(&key_type) {
                    assert!(matches!(
                        result,
                        Err(SecureKeyError::UnsupportedKeyType { .. })
                    ));
                    continue;
                }
                let key = result.unwrap();
                assert_eq!(key.len(), secure_key_size(key_type));
                assert!(!contains(&key, &clear), "the key is in the clear");
                let status = backend.verify(&key).unwrap();
                assert_eq!(status.kind, KeyKind::Aes(key_type));
                assert_eq!(status.bits, u32::from(size) * 8);
                let expected = pattern(&clear, cipher);
                assert_eq!(backend.verification_pattern(&key).unwrap(), expected);
            }
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

fn wrong_wrappings_give_one_error(backend: &dyn SecureKeyBackend) {
    let wrapping_key = backend.generate_wrapping_key(2048).unwrap();
    let other_key = backend.generate_wrapping_key(2048).unwrap();
    let public = public_key(backend, &wrapping_key);
    let key_type = backend.info().unwrap().card_type.secure_key_types()[0];
    let mut errors = Vec::new();
    let mut demand_failure = |padding, wrapped: &[u8], what: &str| {
        let result = backend.unwrap_aes_key(&UnwrapRequest {
            wrapping_key: &wrapping_key,
            padding,
            wrapped,
            key_type,
        });
        match result {
            Ok(_) => panic!("{what} with {padding:?} was unwrapped"),
            Err(error) => errors.push(error.to_string()),
        }
    };
    for padding in PADDINGS {
        for size in [0, 1, 15, 17, 31, 33, 64] {
            demand_failure(padding, &wrap(&public, padding, &vec![7; size]), "a size");
        }
        let mut flipped = wrap(&public, padding, &[7; 32]);
        flipped[100] ^= 1;
        demand_failure(padding, &flipped, "a flipped bit");
        let other = wrap(&public_key(backend, &other_key), padding, &[7; 32]);
        demand_failure(padding, &other, "a key for another wrapping key");
        let good = wrap(&public, padding, &[7; 32]);
        demand_failure(padding, &good[1..], "a cut key");
        demand_failure(padding, &[], "nothing");
        for other in PADDINGS.into_iter().filter(|other| *other != padding) {
            demand_failure(padding, &wrap(&public, other, &[7; 32]), "another padding");
        }
    }
    errors.dedup();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

fn damaged_tokens_are_refused(backend: &dyn SecureKeyBackend) {
    let identity = backend.generate_identity_key(KeySpec::DEFAULT).unwrap();
    let wrapping_key = backend.generate_wrapping_key(2048).unwrap();
    let mut tokens = vec![identity, wrapping_key.clone()];
    for key_type in backend.info().unwrap().card_type.secure_key_types() {
        let padding = PADDINGS[0];
        let wrapped = wrap(&public_key(backend, &wrapping_key), padding, &[7; 16]);
        let key = backend.unwrap_aes_key(&UnwrapRequest {
            wrapping_key: &wrapping_key,
            padding,
            wrapped: &wrapped,
            key_type: *key_type,
        });
        tokens.push(key.unwrap());
    }
    for token in tokens {
        backend.verify(&token).unwrap();
        for at in 0..token.len() {
            let mut flipped = token.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(backend.verify(&flipped).is_err(), "byte {at}");
        }
        for length in 0..token.len() {
            assert!(backend.verify(&token[..length]).is_err(), "cut to {length}");
        }
        let mut longer = token.clone();
        longer.push(0);
        assert!(backend.verify(&longer).is_err());
    }
}
