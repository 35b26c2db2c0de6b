//! Between asymmetric keys in KMIP's formats and OpenSSL's keys (KMIP 1.4, 2.1.7 and 9.1.3.2.3).

use kmip::server::Failure;
use kmip::types::{
    BigInteger, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, ResultReason, Secret,
    TransparentEcPrivateKey, TransparentEcPublicKey, TransparentRsaPrivateKey,
    TransparentRsaPublicKey,
};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::{EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public};
use openssl::rsa::{Rsa, RsaPrivateKeyBuilder};

use super::curves::{curve_of, group_of};
use crate::refusal;

/// The public key in a key block.
///
/// # Errors
/// If its format is not known, or the bytes are no such key.
pub(crate) fn public_key(block: &KeyBlock<'_>) -> Result<PKey<Public>, Failure> {
    let key = match material(block)? {
        // Some clients call an X.509 SubjectPublicKeyInfo PKCS#8; there is no PKCS#8 for public keys.
        KeyMaterial::Bytes(bytes) => match block.key_format_type {
            KeyFormatType::PKCS_1 => {
                Rsa::public_key_from_der_pkcs1(bytes.expose()).and_then(PKey::from_rsa)
            }
            KeyFormatType::PKCS_8 | KeyFormatType::X_509 => {
                PKey::public_key_from_der(bytes.expose())
            }
            format => return Err(unsupported(format)),
        },
        KeyMaterial::TransparentRsaPublicKey(key) => rsa_public(&key.modulus, &key.public_exponent),
        KeyMaterial::TransparentEcPublicKey(key) => ec_public(key.recommended_curve, &key.q_string),
        KeyMaterial::TransparentEcdsaPublicKey(key) => {
            ec_public(key.recommended_curve, &key.q_string)
        }
        KeyMaterial::TransparentEcdhPublicKey(key) => {
            ec_public(key.recommended_curve, &key.q_string)
        }
        _ => return Err(unsupported(block.key_format_type)),
    };
    key.map_err(|_| malformed(block.key_format_type))
}

/// The private key in a key block.
///
/// # Errors
/// If its format is not known, or the bytes are no such key.
pub(crate) fn private_key(block: &KeyBlock<'_>) -> Result<PKey<Private>, Failure> {
    let key = match material(block)? {
        KeyMaterial::Bytes(bytes) => match block.key_format_type {
            KeyFormatType::PKCS_1 => {
                Rsa::private_key_from_der(bytes.expose()).and_then(PKey::from_rsa)
            }
            KeyFormatType::PKCS_8 => PKey::private_key_from_pkcs8(bytes.expose()),
            KeyFormatType::ECPRIVATEKEY => {
                EcKey::private_key_from_der(bytes.expose()).and_then(PKey::from_ec_key)
            }
            format => return Err(unsupported(format)),
        },
        KeyMaterial::TransparentRsaPrivateKey(key) => rsa_private(key),
        KeyMaterial::TransparentEcPrivateKey(key) => ec_private(key.recommended_curve, &key.d),
        KeyMaterial::TransparentEcdsaPrivateKey(key) => ec_private(key.recommended_curve, &key.d),
        KeyMaterial::TransparentEcdhPrivateKey(key) => ec_private(key.recommended_curve, &key.d),
        _ => return Err(unsupported(block.key_format_type)),
    };
    key.map_err(|_| malformed(block.key_format_type))
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
            let curve = ec.group().curve_name().and_then(curve_of);
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

fn material<'b, 'a>(block: &'b KeyBlock<'a>) -> Result<&'b KeyMaterial<'a>, Failure> {
    match &block.key_value {
        Some(KeyValue::Plain(plain)) => Ok(&plain.key_material),
        Some(KeyValue::Wrapped(_)) => Err(Failure::new(
            ResultReason::FEATURE_NOT_SUPPORTED,
            "the key was registered wrapped, and this server does not unwrap it",
        )),
        None => Err(refusal::value_not_present()),
    }
}

fn bytes(bytes: Vec<u8>) -> KeyMaterial<'static> {
    KeyMaterial::Bytes(Secret::owned(bytes))
}

/// Clients that forget the sign byte write moduli as negative numbers; they are meant as unsigned.
fn number(integer: &BigInteger<'_>) -> Result<BigNum, ErrorStack> {
    BigNum::from_slice(&integer.0)
}

fn integer(number: &BigNumRef) -> BigInteger<'static> {
    BigInteger::from_unsigned(&number.to_vec())
}

fn rsa_public(n: &BigInteger<'_>, e: &BigInteger<'_>) -> Result<PKey<Public>, ErrorStack> {
    PKey::from_rsa(Rsa::from_public_components(number(n)?, number(e)?)?)
}

fn rsa_private(key: &TransparentRsaPrivateKey<'_>) -> Result<PKey<Private>, ErrorStack> {
    let optional = |integer: &Option<BigInteger<'_>>| integer.as_ref().map(number).transpose();
    let (p, q) = (optional(&key.p)?, optional(&key.q)?);
    let e = match optional(&key.public_exponent)? {
        Some(e) => e,
        None => BigNum::from_u32(65_537)?,
    };
    let d = match (optional(&key.private_exponent)?, &p, &q) {
        (Some(d), ..) => d,
        (None, Some(p), Some(q)) => private_exponent(p, q, &e)?,
        (None, ..) => return Err(ErrorStack::get()),
    };
    let mut builder = RsaPrivateKeyBuilder::new(number(&key.modulus)?, e, d)?;
    if let (Some(p), Some(q)) = (p, q) {
        let exponents = (
            optional(&key.prime_exponent_p)?,
            optional(&key.prime_exponent_q)?,
        );
        builder = builder.set_factors(p, q)?;
        if let ((Some(dp), Some(dq)), Some(qi)) = (exponents, optional(&key.crt_coefficient)?) {
            builder = builder.set_crt_params(dp, dq, qi)?;
        }
    }
    PKey::from_rsa(builder.build())
}

fn private_exponent(p: &BigNum, q: &BigNum, e: &BigNum) -> Result<BigNum, ErrorStack> {
    let mut context = BigNumContext::new()?;
    let one = BigNum::from_u32(1)?;
    let (mut p1, mut q1) = (BigNum::new()?, BigNum::new()?);
    p1.checked_sub(p, &one)?;
    q1.checked_sub(q, &one)?;
    let (mut phi, mut d) = (BigNum::new()?, BigNum::new()?);
    phi.checked_mul(&p1, &q1, &mut context)?;
    d.mod_inverse(e, &phi, &mut context)?;
    Ok(d)
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

fn ec_public(
    curve: kmip::types::RecommendedCurve,
    point: &[u8],
) -> Result<PKey<Public>, ErrorStack> {
    let group = group_of(curve).ok_or_else(ErrorStack::get)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)
}

fn ec_private(
    curve: kmip::types::RecommendedCurve,
    d: &BigInteger<'_>,
) -> Result<PKey<Private>, ErrorStack> {
    let group = group_of(curve).ok_or_else(ErrorStack::get)?;
    let d = number(d)?;
    let mut point = EcPoint::new(&group)?;
    point.mul_generator2(&group, &d, &mut *BigNumContext::new()?)?;
    PKey::from_ec_key(EcKey::from_private_components(&group, &d, &point)?)
}

fn transparent_ec_public(
    key: &PKeyRef<impl HasPublic>,
    format: KeyFormatType,
) -> Result<Result<KeyMaterial<'static>, ErrorStack>, Failure> {
    let ec = key.ec_key().map_err(|_| malformed(format))?;
    let curve = ec.group().curve_name().and_then(curve_of);
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
