//! Between asymmetric keys in KMIP's formats and OpenSSL's keys (KMIP 1.4, 2.1.7 and 9.1.3.2.3).

use kmip::keys::KeyError;
use kmip::server::Failure;
use kmip::types::{
    BigInteger, KeyBlock, KeyFormatType, KeyMaterial, RecommendedCurve, ResultReason, Secret,
    TransparentEcPrivateKey, TransparentEcPublicKey, TransparentRsaPrivateKey,
    TransparentRsaPublicKey,
};
use openssl::bn::{BigNumContext, BigNumRef};
use openssl::ec::PointConversionForm;
use openssl::error::ErrorStack;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public};
use openssl::rsa::Rsa;

use crate::refusal;

/// The public key in a key block.
///
/// # Errors
/// If its format is not known, or the bytes are no such key.
pub(crate) fn public_key(block: &KeyBlock<'_>) -> Result<PKey<Public>, Failure> {
    block.to_public_key().map_err(unusable)
}

/// The private key in a key block.
///
/// # Errors
/// If its format is not known, or the bytes are no such key.
pub(crate) fn private_key(block: &KeyBlock<'_>) -> Result<PKey<Private>, Failure> {
    block.to_private_key().map_err(unusable)
}

fn unusable(error: KeyError) -> Failure {
    match error {
        KeyError::Wrapped => Failure::new(
            ResultReason::FEATURE_NOT_SUPPORTED,
            "the key was registered wrapped, and this server does not unwrap it",
        ),
        KeyError::Missing => refusal::value_not_present(),
        KeyError::Format(format) => unsupported(format),
        KeyError::Malformed { format, .. } => malformed(format),
        other => Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, other.to_string()),
    }
}

/// The key material of a public key in a format.
///
/// # Errors
/// If the key has no such form.
pub(crate) fn public_material(
    key: &PKeyRef<impl HasPublic>,
    format: KeyFormatType,
) -> Result<KeyMaterial<'static>, Failure> {
    let material = match (format, key.id()) {
        (KeyFormatType::PKCS_1, Id::RSA) => key
            .rsa()
            .and_then(|rsa| rsa.public_key_to_der_pkcs1())
            .map(bytes),
        (KeyFormatType::PKCS_8 | KeyFormatType::X_509, _) => key.public_key_to_der().map(bytes),
        (KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY, Id::RSA) => key.rsa().map(|rsa| {
            KeyMaterial::from(TransparentRsaPublicKey {
                modulus: integer(rsa.n()),
                public_exponent: integer(rsa.e()),
                ..TransparentRsaPublicKey::default()
            })
        }),
        (KeyFormatType::TRANSPARENT_EC_PUBLIC_KEY, Id::EC) => transparent_ec_public(key, format)?,
        _ => return Err(unsupported(format)),
    };
    material.map_err(|_| malformed(format))
}

/// The key material of a private key in a format.
///
/// # Errors
/// If the key has no such form.
pub(crate) fn private_material(
    key: &PKeyRef<Private>,
    format: KeyFormatType,
) -> Result<KeyMaterial<'static>, Failure> {
    let material = match (format, key.id()) {
        (KeyFormatType::PKCS_1, Id::RSA) => key
            .rsa()
            .and_then(|rsa| rsa.private_key_to_der())
            .map(bytes),
        (KeyFormatType::PKCS_8, _) => key.private_key_to_pkcs8().map(bytes),
        (KeyFormatType::ECPRIVATEKEY, Id::EC) => key
            .ec_key()
            .and_then(|ec| ec.private_key_to_der())
            .map(bytes),
        (KeyFormatType::TRANSPARENT_RSA_PRIVATE_KEY, Id::RSA) => {
            key.rsa().map(|rsa| transparent_rsa_private(&rsa))
        }
        (KeyFormatType::TRANSPARENT_EC_PRIVATE_KEY, Id::EC) => key.ec_key().map(|ec| {
            let curve = ec.group().curve_name().and_then(RecommendedCurve::from_nid);
            KeyMaterial::from(TransparentEcPrivateKey {
                recommended_curve: curve.unwrap_or_default(),
                d: integer(ec.private_key()),
                ..TransparentEcPrivateKey::default()
            })
        }),
        _ => return Err(unsupported(format)),
    };
    material.map_err(|_| malformed(format))
}

fn bytes(bytes: Vec<u8>) -> KeyMaterial<'static> {
    KeyMaterial::Bytes(Secret::owned(bytes))
}

fn integer(number: &BigNumRef) -> BigInteger<'static> {
    BigInteger::from_unsigned(&number.to_vec())
}

fn transparent_rsa_private(rsa: &Rsa<Private>) -> KeyMaterial<'static> {
    KeyMaterial::from(TransparentRsaPrivateKey {
        modulus: integer(rsa.n()),
        private_exponent: Some(integer(rsa.d())),
        public_exponent: Some(integer(rsa.e())),
        p: rsa.p().map(integer),
        q: rsa.q().map(integer),
        prime_exponent_p: rsa.dmp1().map(integer),
        prime_exponent_q: rsa.dmq1().map(integer),
        crt_coefficient: rsa.iqmp().map(integer),
        ..TransparentRsaPrivateKey::default()
    })
}

fn transparent_ec_public(
    key: &PKeyRef<impl HasPublic>,
    format: KeyFormatType,
) -> Result<Result<KeyMaterial<'static>, ErrorStack>, Failure> {
    let ec = key.ec_key().map_err(|_| malformed(format))?;
    let curve = ec.group().curve_name().and_then(RecommendedCurve::from_nid);
    let recommended_curve = curve.ok_or_else(|| unsupported(format))?;
    let point = BigNumContext::new().and_then(|mut context| {
        let form = PointConversionForm::UNCOMPRESSED;
        ec.public_key().to_bytes(ec.group(), form, &mut context)
    });
    Ok(point.map(|point| {
        KeyMaterial::from(TransparentEcPublicKey {
            recommended_curve,
            q_string: point.into(),
            ..TransparentEcPublicKey::default()
        })
    }))
}

fn unsupported(format: KeyFormatType) -> Failure {
    let message = format!("this key cannot be read or given as {format:?}");
    Failure::new(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, message)
}

fn malformed(format: KeyFormatType) -> Failure {
    let message = format!("the key is no valid {format:?}");
    Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message)
}
