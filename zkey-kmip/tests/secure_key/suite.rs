//! The behaviour of any backend.

use std::sync::Arc;

use zkey_kmip::abi::SecureKeyType;
use zkey_kmip::secure_key::{
    Curve, DigestAlgorithm, KeyKind, KeySpec, ReencipherStep, Register, SecureKeyBackend,
    SecureKeyError, SignatureScheme, UnwrapRequest, WrapPadding, secure_key_size,
};

use crate::bench::{Bench, PADDINGS, contains, import, public_key, signs, wrap};
use crate::handshake;

const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

/// Everything that is the same for all backends.
pub(crate) fn run(bench: &dyn Bench) {
    let suite = Suite::new(bench);
    suite.identity_keys_sign();
    suite.rsa_identity_keys_sign();
    suite.impossible_keys_are_refused();
    suite.kinds_are_kept_apart();
    suite.wrapped_keys_become_secure_keys();
    suite.wrong_wrappings_give_one_error();
    suite.damaged_tokens_are_refused();
    handshake::run(Arc::from(bench.backend()), &suite.rsa, &suite.wrapping);
    suite.master_keys_change();
}

/// RSA keys take long to generate, so there are only these.
struct Suite<'b> {
    bench: &'b dyn Bench,
    backend: Box<dyn SecureKeyBackend>,
    ecc: Vec<u8>,
    rsa: Vec<u8>,
    wrapping: Vec<u8>,
}

impl Suite<'_> {
    fn new(bench: &dyn Bench) -> Suite<'_> {
        let backend = bench.backend();
        Suite {
            ecc: backend.generate_identity_key(KeySpec::DEFAULT).unwrap(),
            rsa: backend.generate_identity_key(KeySpec::Rsa(2048)).unwrap(),
            wrapping: backend.generate_wrapping_key(2048).unwrap(),
            bench,
            backend,
        }
    }

    fn key_types(&self) -> &'static [SecureKeyType] {
        self.backend.info().unwrap().card_type.secure_key_types()
    }

    fn aes_key(&self, key_type: SecureKeyType, clear: &[u8]) -> Vec<u8> {
        import(&*self.backend, &self.wrapping, key_type, PADDINGS[0], clear).unwrap()
    }

    fn identity_keys_sign(&self) {
        let backend = &*self.backend;
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
        }
        let digest = [0; 32];
        for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
            let error = backend.sign(&self.ecc, scheme, SHA256, &digest);
            assert!(matches!(error, Err(SecureKeyError::UnsupportedSignature)));
        }
        let short = backend.sign(&self.ecc, SignatureScheme::Ecdsa, SHA256, &digest[1..]);
        assert!(matches!(short, Err(SecureKeyError::UnsupportedSignature)));
    }

    fn rsa_identity_keys_sign(&self) {
        let (backend, key) = (&*self.backend, &self.rsa);
        assert_eq!(backend.verify(key).unwrap().bits, 2048);
        let public = public_key(backend, key).rsa().unwrap();
        assert_eq!(public.size(), 256);
        assert_eq!(public.e().to_dec_str().unwrap().to_string(), "65537");
        for algorithm in DigestAlgorithm::ALL {
            for scheme in [SignatureScheme::RsaPkcs1, SignatureScheme::RsaPss] {
                assert!(signs(backend, key, scheme, algorithm), "{algorithm:?}");
            }
        }
        let ecdsa = backend.sign(key, SignatureScheme::Ecdsa, SHA256, &[0; 32]);
        assert!(matches!(ecdsa, Err(SecureKeyError::UnsupportedSignature)));
        let small = || backend.generate_identity_key(KeySpec::Rsa(512)).unwrap();
        assert_ne!(
            backend.public_key(&small()).unwrap(),
            backend.public_key(&small()).unwrap()
        );
    }

    fn impossible_keys_are_refused(&self) {
        for bits in [0, 511, 2047, 3071, 16384, u32::MAX] {
            let error = self.backend.generate_wrapping_key(bits);
            assert!(matches!(error, Err(SecureKeyError::UnsupportedKey { .. })));
            let error = self.backend.generate_identity_key(KeySpec::Rsa(bits));
            assert!(matches!(error, Err(SecureKeyError::UnsupportedKey { .. })));
        }
    }

    fn kinds_are_kept_apart(&self) {
        let backend = &*self.backend;
        let status = backend.verify(&self.wrapping).unwrap();
        assert_eq!((status.kind, status.bits), (KeyKind::Wrapping, 2048));
        let scheme = SignatureScheme::RsaPkcs1;
        let signed = backend.sign(&self.wrapping, scheme, SHA256, &[0; 32]);
        assert!(signed.is_err(), "a wrapping key must not sign");
        let key_type = self.key_types()[0];
        let padding = PADDINGS[0];
        let unwrapped = import(backend, &self.rsa, key_type, padding, &[7; 32]);
        assert!(unwrapped.is_err(), "an identity key must not unwrap");
        // Keys on a curve, AES keys and nothing do neither.
        let aes = self.aes_key(key_type, &[7; 32]);
        for key in [&self.ecc, &aes, &Vec::new()] {
            let unwrapped = backend.unwrap_aes_key(&UnwrapRequest {
                wrapping_key: key,
                padding,
                wrapped: &[7; 256],
                key_type,
            });
            assert!(unwrapped.is_err());
        }
        for key in [&aes, &Vec::new()] {
            assert!(backend.sign(key, scheme, SHA256, &[0; 32]).is_err());
            assert!(backend.public_key(key).is_err());
        }
    }

    fn wrapped_keys_become_secure_keys(&self) {
        let backend = &*self.backend;
        let status = |key: &[u8]| backend.verify(key).unwrap();
        for key_type in [
            SecureKeyType::CcaAesData,
            SecureKeyType::CcaAesCipher,
            SecureKeyType::Ep11Aes,
        ] {
            for padding in PADDINGS {
                for size in [16, 24, 32] {
                    let clear: Vec<u8> = (0..size).collect();
                    let result = import(backend, &self.wrapping, key_type, padding, &clear);
                    if !self.key_types().contains(&key_type) {
                        assert!(matches!(
                            result,
                            Err(SecureKeyError::UnsupportedKeyType { .. })
                        ));
                        continue;
                    }
                    if !backend.knows_padding(padding) {
                        assert!(result.is_err(), "{padding}");
                        continue;
                    }
                    let key = result.unwrap();
                    assert_eq!(key.len(), secure_key_size(key_type));
                    assert!(!contains(&key, &clear), "the key is in the clear");
                    assert_eq!(status(&key).kind, KeyKind::Aes(key_type));
                    assert_eq!(status(&key).bits, u32::from(size) * 8);
                    assert_eq!(self.bench.clear_key(&key), clear);
                }
            }
        }
    }

    fn wrong_wrappings_give_one_error(&self) {
        let backend = &*self.backend;
        let public = public_key(backend, &self.wrapping);
        let key_type = self.key_types()[0];
        let mut errors = Vec::new();
        let mut demand_failure = |padding, wrapped: &[u8], what: &str| {
            let result = backend.unwrap_aes_key(&UnwrapRequest {
                wrapping_key: &self.wrapping,
                padding,
                wrapped,
                key_type,
            });
            match result {
                Ok(_) => panic!("{what} with {padding:?} was unwrapped"),
                Err(error) => errors.push(error.to_string()),
            }
        };
        let known = |padding: &WrapPadding| backend.knows_padding(*padding);
        for padding in PADDINGS.into_iter().filter(known) {
            for size in [0, 1, 15, 17, 31, 33, 64] {
                demand_failure(padding, &wrap(&public, padding, &vec![7; size]), "a size");
            }
            let mut flipped = wrap(&public, padding, &[7; 32]);
            flipped[100] ^= 1;
            demand_failure(padding, &flipped, "a flipped bit");
            let other = wrap(&public_key(backend, &self.rsa), padding, &[7; 32]);
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

    fn damaged_tokens_are_refused(&self) {
        let mut tokens = vec![self.ecc.clone(), self.wrapping.clone()];
        for key_type in self.key_types() {
            tokens.push(self.aes_key(*key_type, &[7; 16]));
        }
        for token in tokens {
            let backend = &*self.backend;
            backend.verify(&token).unwrap();
            // Of large tokens, a part must do.
            let step = if token.len() > 400 { 7 } else { 1 };
            for at in (0..token.len()).step_by(step) {
                let mut flipped = token.clone();
                flipped[at] ^= 1 << (at % 8);
                assert!(backend.verify(&flipped).is_err(), "byte {at}");
            }
            for length in (0..token.len()).step_by(step) {
                assert!(backend.verify(&token[..length]).is_err(), "cut to {length}");
            }
            let mut longer = token.clone();
            longer.push(0);
            assert!(backend.verify(&longer).is_err());
        }
    }

    /// Leaves the tokens of the suite under a former master key, so this comes last.
    fn master_keys_change(self) {
        let clear = [7; 32];
        let mut keys = vec![self.ecc.clone(), self.rsa.clone(), self.wrapping.clone()];
        for key_type in self.key_types() {
            keys.push(self.aes_key(*key_type, &clear));
        }
        let to_new = ReencipherStep::CurrentToNew;
        for key in &keys {
            assert!(self.backend.reencipher(key, to_new).is_err(), "no NEW");
        }

        self.bench.load_new();
        let loaded = self.bench.backend();
        let reencipher = |key: &Vec<u8>| {
            let new = loaded.reencipher(key, to_new).unwrap();
            assert_eq!(new.len(), key.len());
            assert_ne!(new, *key);
            let status = loaded.verify(&new).unwrap();
            assert_eq!(status.register, Register::New);
            let former = loaded.verify(key).unwrap();
            assert_eq!(former.register, Register::Current);
            assert_ne!(former.master_key, status.master_key);
            assert!(loaded.reencipher(&new, to_new).is_err(), "twice");
            new
        };
        let new: Vec<_> = keys.iter().map(reencipher).collect();
        // Not to be used before the master key is set.
        let scheme = SignatureScheme::Ecdsa;
        assert!(loaded.sign(&new[0], scheme, SHA256, &[0; 32]).is_err());
        assert!(signs(&*loaded, &self.ecc, scheme, SHA256));

        self.bench.set_new();
        let set = self.bench.backend();
        let register = |key: &[u8]| set.verify(key).map(|status| status.register);
        for (old, new) in keys.iter().zip(&new) {
            assert_eq!(register(new).unwrap(), Register::Current);
            if self.bench.has_old() {
                assert_eq!(register(old).unwrap(), Register::Old);
                let late = set.reencipher(old, ReencipherStep::OldToCurrent).unwrap();
                assert_eq!(register(&late).unwrap(), Register::Current);
            } else {
                assert!(register(old).is_err());
            }
        }
        assert!(signs(&*set, &new[0], scheme, SHA256));
        assert!(signs(&*set, &new[1], SignatureScheme::RsaPss, SHA256));
        assert_eq!(
            set.public_key(&new[0]).unwrap(),
            self.backend.public_key(&self.ecc).unwrap()
        );
        let key_type = self.key_types()[0];
        import(&*set, &new[2], key_type, PADDINGS[0], &clear).unwrap();
        for key in &new[3..] {
            assert_eq!(self.bench.clear_key(key), clear);
        }

        // After the next change the oldest keys are lost.
        self.bench.load_new();
        self.bench.set_new();
        let changed = self.bench.backend();
        for key in &keys {
            let error = changed.verify(key).unwrap_err();
            assert!(
                matches!(error, SecureKeyError::UnknownMasterKey { .. }),
                "{error}"
            );
        }
    }
}
