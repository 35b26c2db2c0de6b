//! From Key Blocks to keys of OpenSSL (KMIP 1.4, 2.1.7 and 9.1.3.2.3; 2.1, 3.1 and 11.27).

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::{Rsa, RsaPrivateKeyBuilder};
use openssl::x509::X509;

use crate::types::{
    BigInteger, Certificate, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, RecommendedCurve,
    TransparentRsaPrivateKey,
};

/// A key or certificate cannot be used with OpenSSL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The object holds no key: only its description, or something else.
    #[error("there is no key in it")]
    Missing,
    /// The key is wrapped.
    #[error("the key is wrapped")]
    Wrapped,
    /// Keys of this kind do not come in this format, or not in one that is understood.
    #[error("a key of this kind is not understood as {0:?}")]
    Format(KeyFormatType),
    /// The key is damaged, or of another format than is said.
    #[error("the key is no valid {format:?}")]
    Malformed {
        /// The format.
        format: KeyFormatType,
        /// OpenSSL's reason.
        source: ErrorStack,
    },
    /// The certificate is no X.509 certificate, or damaged.
    #[error("it is no valid X.509 certificate")]
    Certificate(#[source] ErrorStack),
}

impl KeyBlock<'_> {
    /// The public key in it: PKCS #1, X.509 (SubjectPublicKeyInfo), or transparent for RSA and elliptic
    /// curves.
    ///
    /// # Errors
    /// If there is none in one of these forms, or it is wrapped or damaged.
    pub fn to_public_key(&self) -> Result<PKey<Public>, KeyError> {
        let key = match self.material()? {
            // Some clients call an X.509 SubjectPublicKeyInfo PKCS#8; there is no PKCS#8 for public keys.
            KeyMaterial::Bytes(bytes) => match self.key_format_type {
                KeyFormatType::PKCS_1 => {
                    Rsa::public_key_from_der_pkcs1(bytes.expose()).and_then(PKey::from_rsa)
                }
                KeyFormatType::PKCS_8 | KeyFormatType::X_509 => {
                    PKey::public_key_from_der(bytes.expose())
                }
                format => return Err(KeyError::Format(format)),
            },
            KeyMaterial::TransparentRsaPublicKey(key) => {
                rsa_public(&key.modulus, &key.public_exponent)
            }
            KeyMaterial::TransparentEcPublicKey(key) => {
                ec_public(key.recommended_curve, &key.q_string)
            }
            KeyMaterial::TransparentEcdsaPublicKey(key) => {
                ec_public(key.recommended_curve, &key.q_string)
            }
            KeyMaterial::TransparentEcdhPublicKey(key) => {
                ec_public(key.recommended_curve, &key.q_string)
            }
            _ => return Err(KeyError::Format(self.key_format_type)),
        };
        key.map_err(|source| self.malformed(source))
    }

    /// The private key in it: PKCS #1, PKCS #8, ECPrivateKey, or transparent for RSA and elliptic curves.
    ///
    /// # Errors
    /// If there is none in one of these forms, or it is wrapped or damaged.
    pub fn to_private_key(&self) -> Result<PKey<Private>, KeyError> {
        let key = match self.material()? {
            KeyMaterial::Bytes(bytes) => match self.key_format_type {
                KeyFormatType::PKCS_1 => {
                    Rsa::private_key_from_der(bytes.expose()).and_then(PKey::from_rsa)
                }
                KeyFormatType::PKCS_8 => PKey::private_key_from_pkcs8(bytes.expose()),
                KeyFormatType::ECPRIVATEKEY => {
                    EcKey::private_key_from_der(bytes.expose()).and_then(PKey::from_ec_key)
                }
                format => return Err(KeyError::Format(format)),
            },
            KeyMaterial::TransparentRsaPrivateKey(key) => rsa_private(key),
            KeyMaterial::TransparentEcPrivateKey(key) => ec_private(key.recommended_curve, &key.d),
            KeyMaterial::TransparentEcdsaPrivateKey(key) => {
                ec_private(key.recommended_curve, &key.d)
            }
            KeyMaterial::TransparentEcdhPrivateKey(key) => {
                ec_private(key.recommended_curve, &key.d)
            }
            _ => return Err(KeyError::Format(self.key_format_type)),
        };
        key.map_err(|source| self.malformed(source))
    }

    fn material(&self) -> Result<&KeyMaterial<'_>, KeyError> {
        if self.key_wrapping_data.is_some() {
            return Err(KeyError::Wrapped);
        }
        match &self.key_value {
            Some(KeyValue::Plain(plain)) => Ok(&plain.key_material),
            Some(KeyValue::Wrapped(_)) => Err(KeyError::Wrapped),
            None => Err(KeyError::Missing),
        }
    }

    fn malformed(&self, source: ErrorStack) -> KeyError {
        let format = self.key_format_type;
        KeyError::Malformed { format, source }
    }
}

impl Certificate<'_> {
    /// The certificate, if it is of X.509.
    ///
    /// # Errors
    /// If it is not, or damaged.
    pub fn to_x509(&self) -> Result<X509, KeyError> {
        X509::from_der(&self.certificate_value).map_err(KeyError::Certificate)
    }
}

/// Clients that forget the sign byte write moduli as negative numbers; they are meant as unsigned.
fn number(integer: &BigInteger<'_>) -> Result<BigNum, ErrorStack> {
    BigNum::from_slice(&integer.0)
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

fn ec_public(curve: RecommendedCurve, point: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let group = curve.to_group().ok_or_else(ErrorStack::get)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)
}

fn ec_private(curve: RecommendedCurve, d: &BigInteger<'_>) -> Result<PKey<Private>, ErrorStack> {
    let group = curve.to_group().ok_or_else(ErrorStack::get)?;
    let d = number(d)?;
    let mut point = EcPoint::new(&group)?;
    point.mul_generator2(&group, &d, &mut *BigNumContext::new()?)?;
    PKey::from_ec_key(EcKey::from_private_components(&group, &d, &point)?)
}
