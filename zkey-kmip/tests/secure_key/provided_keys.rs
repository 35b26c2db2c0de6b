//! Identity keys as keys of OpenSSL: what they tell, what they sign, and what they keep.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::provider::Provider;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};
use tempfile::TempDir;
use zkey_kmip::secure_key::software::{MasterKeyFile, Software};
use zkey_kmip::secure_key::{
    CardType, Curve, DigestAlgorithm, KeySpec, SecureKeyBackend, SignatureScheme, tls_identity,
};

use crate::bench::public_key;
use crate::observed::Observed;
use crate::{handshake, peer};

struct Provided {
    _directory: TempDir,
    backend: Arc<Observed>,
    token: Vec<u8>,
    key: PKey<Private>,
}

fn provided(spec: KeySpec) -> Provided {
    let directory = tempfile::tempdir().unwrap();
    let file = MasterKeyFile::at(directory.path().join("master-key"));
    let backend = peer::observed(Arc::new(Software::new(CardType::Cca, file)));
    let token = backend.generate_identity_key(spec).unwrap();
    let key = tls_identity(&peer::shared(&backend), &token).unwrap();
    Provided {
        _directory: directory,
        backend,
        token,
        key,
    }
}

#[test]
fn they_tell_what_they_are_and_keep_their_private_part() {
    for (spec, id) in [
        (KeySpec::DEFAULT, Id::EC),
        (KeySpec::Ecc(Curve::BrainpoolP160r1), Id::EC),
        (KeySpec::Rsa(2048), Id::RSA),
    ] {
        let one = provided(spec);
        let public = public_key(&*one.backend, &one.token);
        assert_eq!(one.key.id(), id);
        assert_eq!(one.key.bits(), public.bits());
        assert_eq!(one.key.size(), public.size());
        assert_eq!(one.key.security_bits(), public.security_bits());
        assert!(one.key.public_eq(&public) && public.public_eq(&one.key));
        assert!(!one.key.public_eq(&provided(spec).key.clone()));
        let encoded = one.key.public_key_to_der().unwrap();
        assert_eq!(encoded, public.public_key_to_der().unwrap());
        assert!(one.key.private_key_to_pem_pkcs8().is_err());
        assert!(one.key.private_key_to_der().is_err());
        assert!(one.key.raw_private_key().is_err());
        assert!(one.key.ec_key().is_err());
        assert!(one.key.rsa().is_err());
        assert!(one.backend.take_signatures().is_empty());
    }
}

#[test]
fn openssl_makes_certificates_with_them() {
    for spec in [
        KeySpec::Ecc(Curve::Secp384r1),
        KeySpec::Ecc(Curve::BrainpoolP160r1),
        KeySpec::Rsa(2048),
    ] {
        let one = provided(spec);
        let public = public_key(&*one.backend, &one.token);
        for digest in DigestAlgorithm::ALL {
            let certificate = handshake::self_signed(&one.key, digest.message_digest()).unwrap();
            assert!(certificate.verify(&public).unwrap(), "{spec} {digest:?}");
            let made = one.backend.take_signatures();
            assert_eq!(made.len(), 1);
            assert_eq!(made[0].1, digest);
        }
        assert!(
            ErrorStack::get().errors().is_empty(),
            "nothing is left over"
        );
        let error = handshake::self_signed(&one.key, MessageDigest::md5()).unwrap_err();
        assert!(error.to_string().contains("MD5"), "{error}");
        assert!(one.backend.take_signatures().is_empty());
    }
}

#[test]
fn paddings_that_a_coprocessor_cannot_make_are_refused() {
    let one = provided(KeySpec::Rsa(2048));
    let public = public_key(&*one.backend, &one.token);
    let sha256 = MessageDigest::sha256();
    let pss = |salt: Option<RsaPssSaltlen>, mask: Option<MessageDigest>| {
        let mut signer = Signer::new(sha256, &one.key)?;
        signer.set_rsa_padding(Padding::PKCS1_PSS)?;
        if let Some(salt) = salt {
            signer.set_rsa_pss_saltlen(salt)?;
        }
        if let Some(mask) = mask {
            signer.set_rsa_mgf1_md(mask)?;
        }
        signer.sign_oneshot_to_vec(b"message")
    };
    for (salt, mask) in [
        (None, None),
        (Some(RsaPssSaltlen::DIGEST_LENGTH), Some(sha256)),
        (Some(RsaPssSaltlen::custom(32)), None),
    ] {
        let signature: Result<Vec<u8>, ErrorStack> = pss(salt, mask);
        let signature = signature.unwrap();
        let mut verifier = Verifier::new(sha256, &public).unwrap();
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier
            .set_rsa_pss_saltlen(RsaPssSaltlen::custom(32))
            .unwrap();
        assert!(verifier.verify_oneshot(&signature, b"message").unwrap());
    }
    let made = one.backend.take_signatures();
    assert_eq!(
        made,
        [(SignatureScheme::RsaPss, DigestAlgorithm::Sha256); 3]
    );
    assert!(pss(Some(RsaPssSaltlen::custom(20)), None).is_err());
    assert!(pss(Some(RsaPssSaltlen::MAXIMUM_LENGTH), None).is_err());
    assert!(pss(None, Some(MessageDigest::sha1())).is_err());
    let mut raw = Signer::new(sha256, &one.key).unwrap();
    assert!(raw.set_rsa_padding(Padding::NONE).is_err());
    assert!(one.backend.take_signatures().is_empty());
}

#[test]
fn they_are_used_from_many_threads() {
    let one = provided(KeySpec::Ecc(Curve::Prime256v1));
    let public = public_key(&*one.backend, &one.token);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let key = tls_identity(&peer::shared(&one.backend), &one.token).unwrap();
                    for key in [&key, &one.key] {
                        let made = handshake::self_signed(key, MessageDigest::sha256()).unwrap();
                        assert!(made.verify(&public).unwrap());
                    }
                }
            });
        }
    });
    assert_eq!(one.backend.take_signatures().len(), 40);
}

#[test]
fn they_outlive_their_maker_and_let_go_of_it() {
    let Provided {
        _directory: directory,
        backend,
        key,
        ..
    } = provided(KeySpec::Ecc(Curve::Prime256v1));
    let watched = Arc::downgrade(&backend);
    drop(backend);
    handshake::self_signed(&key, MessageDigest::sha256()).unwrap();
    assert_eq!(watched.upgrade().unwrap().take_signatures().len(), 1);
    drop(key);
    assert!(watched.upgrade().is_none(), "the key holds it no more");
    drop(directory);
}

#[test]
fn the_rest_of_the_process_does_not_see_the_provider() {
    let one = provided(KeySpec::Ecc(Curve::Prime256v1));
    assert!(Provider::load(None, "zkey-kmip").is_err());
    let public = public_key(&*one.backend, &one.token);
    let other = peer::software_key(&public);
    let certificate = handshake::self_signed(&other, MessageDigest::sha256()).unwrap();
    assert!(certificate.verify(&other).unwrap());
    assert!(one.backend.take_signatures().is_empty());
}
