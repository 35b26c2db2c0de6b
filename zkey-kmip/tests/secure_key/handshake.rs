//! Identity keys of any backend in the handshakes of TLS: each signature is made by the backend.

use std::sync::Arc;

use kmip::transport::tls::TlsVersion;
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private, Public};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use test_support::restrict_to_pss;
use zkey_kmip::secure_key::{
    Curve, DigestAlgorithm, KeySpec, SecureKeyBackend, SecureKeyError, SignatureScheme,
    tls_identity, tls_identity_for,
};

use crate::bench::public_key;
use crate::observed::{Mood, Observed};
use crate::peer;

/// Everything that is the same for all backends, with an RSA identity key and a wrapping key.
pub(crate) fn run(backend: Arc<dyn SecureKeyBackend>, rsa: &[u8], wrapping: &[u8]) {
    let backend = peer::observed(backend);
    elliptic_curve_keys(&backend);
    rsa_keys(&backend, rsa);
    keys_restricted_to_pss(&backend, rsa);
    failures_are_told(&backend);
    only_identity_keys(&backend, wrapping);
}

/// What there is to do with an RSA identity key.
pub(crate) fn rsa(backend: Arc<dyn SecureKeyBackend>, key: &[u8]) {
    let backend = peer::observed(backend);
    rsa_keys(&backend, key);
    keys_restricted_to_pss(&backend, key);
}

fn elliptic_curve_keys(backend: &Arc<Observed>) {
    for (curve, digest) in [
        (Curve::Prime256v1, Some(DigestAlgorithm::Sha256)),
        (Curve::Secp384r1, Some(DigestAlgorithm::Sha384)),
        (Curve::Secp521r1, Some(DigestAlgorithm::Sha512)),
        (Curve::BrainpoolP256r1, None),
        (Curve::BrainpoolP512r1, None),
    ] {
        let token = backend.generate_identity_key(KeySpec::Ecc(curve)).unwrap();
        let key = tls_identity(&peer::shared(backend), &token).unwrap();
        let certificate = peer::certificate(&**backend, &token, false);
        backend.take_signatures();
        for version in peer::VERSIONS {
            let met = peer::meet(version, None, &key, &certificate);
            let made = backend.take_signatures();
            if digest.is_none() {
                if let Err(without) = library_meets(curve, version) {
                    assert!(met.is_err(), "{curve:?} in {version:?}: but {without}");
                    continue;
                }
            }
            met.unwrap_or_else(|error| panic!("{curve:?} in {version:?}: {error}"));
            assert_eq!(made.len(), 1, "{curve:?} in {version:?}: {made:?}");
            assert_eq!(made[0].0, SignatureScheme::Ecdsa);
            if version == TlsVersion::TLS1_3 && digest.is_some() {
                assert_eq!(Some(made[0].1), digest);
            }
        }
    }
}

/// What OpenSSL itself can do with a key on this curve. Brainpool curves work in TLS 1.2, and in
/// TLS 1.3 since OpenSSL 3.2.
fn library_meets(curve: Curve, version: TlsVersion) -> Result<(), String> {
    let group = openssl::ec::EcGroup::from_curve_name(curve.nid()).unwrap();
    let key = openssl::ec::EcKey::generate(&group).unwrap();
    let key = PKey::from_ec_key(key).unwrap();
    let public = key.public_key_to_der().unwrap();
    let public = PKey::public_key_from_der(&public).unwrap();
    let certificate = issue(&public, |builder| {
        builder.sign(&key, MessageDigest::sha256())
    })
    .unwrap();
    peer::meet(version, None, &key, &certificate)
}

fn rsa_keys(backend: &Arc<Observed>, token: &[u8]) {
    let key = tls_identity(&peer::shared(backend), token).unwrap();
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    use SignatureScheme::{RsaPkcs1, RsaPss};
    for (version, sigalgs, expected) in [
        (TlsVersion::TLS1_2, None, RsaPss),
        (TlsVersion::TLS1_3, None, RsaPss),
        (TlsVersion::TLS1_2, Some(("RSA+SHA256", Sha256)), RsaPkcs1),
        (TlsVersion::TLS1_2, Some(("RSA+SHA512", Sha512)), RsaPkcs1),
        (
            TlsVersion::TLS1_2,
            Some(("rsa_pss_rsae_sha384", Sha384)),
            RsaPss,
        ),
        (
            TlsVersion::TLS1_3,
            Some(("rsa_pss_rsae_sha512", Sha512)),
            RsaPss,
        ),
    ] {
        let certificate = peer::certificate(&**backend, token, false);
        backend.take_signatures();
        let list = sigalgs.map(|(name, _)| format!("{name}:ECDSA+SHA256"));
        peer::meet(version, list.as_deref(), &key, &certificate)
            .unwrap_or_else(|error| panic!("{version:?} with {list:?}: {error}"));
        let made = backend.take_signatures();
        assert_eq!(made.len(), 1, "{made:?}");
        assert_eq!(made[0].0, expected);
        if let Some((_, digest)) = sigalgs {
            assert_eq!(made[0].1, digest);
        }
    }
    // The certificate may be signed with PSS and yet be for a key that can do both.
    let certificate = peer::certificate(&**backend, token, true);
    peer::meet(TlsVersion::TLS1_3, None, &key, &certificate).unwrap();
}

/// Certificates may be for keys of type id-RSASSA-PSS, with or without a prescribed digest.
fn keys_restricted_to_pss(backend: &Arc<Observed>, token: &[u8]) {
    let public = public_key(&**backend, token);
    let authority = peer::authority();
    for digest in [None, Some(DigestAlgorithm::Sha384)] {
        let digest_algorithm =
            digest.map(|digest| SignatureScheme::RsaPss.algorithm_identifier(digest));
        let restricted = restrict_to_pss(&public, digest_algorithm.as_deref());
        let certificate = authority.certify(&restricted, "client");
        let key = tls_identity_for(&peer::shared(backend), token, &certificate).unwrap();
        backend.take_signatures();
        for version in peer::VERSIONS {
            peer::meet(version, None, &key, &certificate)
                .unwrap_or_else(|error| panic!("{digest:?} in {version:?}: {error}"));
            let made = backend.take_signatures();
            assert_eq!(made.len(), 1, "{made:?}");
            assert_eq!(made[0].0, SignatureScheme::RsaPss);
            assert!(digest.is_none_or(|digest| digest == made[0].1), "{made:?}");
        }
        // Such a key makes no other signatures.
        let pkcs1 = peer::meet(
            TlsVersion::TLS1_2,
            Some("RSA+SHA256:ECDSA+SHA256"),
            &key,
            &certificate,
        );
        assert!(pkcs1.is_err());
        assert!(backend.take_signatures().is_empty());
    }
}

fn failures_are_told(backend: &Arc<Observed>) {
    let token = backend
        .generate_identity_key(KeySpec::Ecc(Curve::Prime256v1))
        .unwrap();
    let key = tls_identity(&peer::shared(backend), &token).unwrap();
    let certificate = peer::certificate(&**backend, &token, false);
    for version in peer::VERSIONS {
        for (mood, text) in [
            (Mood::Fails, SecureKeyError::NoApqn.to_string()),
            (Mood::Panics, "the backend is in a panic".to_owned()),
            (
                Mood::MakesTooMuch,
                "longer than a key of this size".to_owned(),
            ),
        ] {
            backend.set_mood(mood);
            let error = peer::meet(version, None, &key, &certificate).unwrap_err();
            assert!(error.contains(&text), "{error}");
        }
        backend.set_mood(Mood::Signs);
        peer::meet(version, None, &key, &certificate).unwrap();
    }
    assert!(
        ErrorStack::get().errors().is_empty(),
        "nothing is left over"
    );
}

fn only_identity_keys(backend: &Arc<Observed>, wrapping: &[u8]) {
    let error = tls_identity(&peer::shared(backend), wrapping).unwrap_err();
    assert!(matches!(error, SecureKeyError::WrongKind { .. }), "{error}");
    assert!(tls_identity(&peer::shared(backend), b"no token").is_err());
}

/// A certificate whose subject is its issuer.
fn issue(
    public: &PKey<Public>,
    sign: impl Fn(&mut X509Builder) -> Result<(), ErrorStack>,
) -> Result<X509, ErrorStack> {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "client").unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(public).unwrap();
    let day = |days| Asn1Time::days_from_now(days).unwrap();
    builder.set_not_before(&day(0)).unwrap();
    builder.set_not_after(&day(30)).unwrap();
    sign(&mut builder)?;
    Ok(builder.build())
}

/// A certificate that OpenSSL makes with a provided key.
pub(crate) fn self_signed(key: &PKey<Private>, digest: MessageDigest) -> Result<X509, ErrorStack> {
    let public = PKey::public_key_from_der(&key.public_key_to_der()?)?;
    issue(&public, |builder| builder.sign(key, digest))
}
