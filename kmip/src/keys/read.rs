//! From Key Blocks to keys of OpenSSL (KMIP 1.4, 2.1.7 and 9.1.3.2.3; 2.1, 3.1 and 11.27).

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::pkey::{HasPublic, PKey, Private, Public};
use openssl::rsa::{Rsa, RsaPrivateKeyBuilder};
use openssl::x509::X509;

use crate::types::{
    BigInteger, Certificate, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, RecommendedCurve,
    TransparentRsaPrivateKey,
};

use super::error::{KeyError, LONGEST};

/// Bytes of the longest encoding of a key.
const LONGEST_ENCODING: usize = 5 * LONGEST;

/// Why there is no key; the format is added where it is known.
enum Fault {
    OpenSsl(ErrorStack),
    Key(KeyError),
}

impl From<ErrorStack> for Fault {
    fn from(source: ErrorStack) -> Self {
        Fault::OpenSsl(source)
    }
}

impl From<KeyError> for Fault {
    fn from(error: KeyError) -> Self {
        Fault::Key(error)
    }
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
            KeyMaterial::Bytes(bytes) => {
                let der = bounded(bytes.expose())?;
                let key = match self.key_format_type {
                    KeyFormatType::PKCS_1 => {
                        Rsa::public_key_from_der_pkcs1(der).and_then(PKey::from_rsa)
                    }
                    KeyFormatType::PKCS_8 | KeyFormatType::X_509 => PKey::public_key_from_der(der),
                    format => return Err(KeyError::Format(format)),
                };
                key.map_err(Fault::OpenSsl).and_then(usable)
            }
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
        key.map_err(|fault| self.unusable(fault))
    }

    /// The private key in it: PKCS #1, PKCS #8, ECPrivateKey, or transparent for RSA and elliptic curves.
    ///
    /// # Errors
    /// If there is none in one of these forms, or it is wrapped or damaged.
    pub fn to_private_key(&self) -> Result<PKey<Private>, KeyError> {
        let key = match self.material()? {
            KeyMaterial::Bytes(bytes) => {
                let der = bounded(bytes.expose())?;
                let key = match self.key_format_type {
                    KeyFormatType::PKCS_1 => {
                        Rsa::private_key_from_der(der).and_then(PKey::from_rsa)
                    }
                    KeyFormatType::PKCS_8 => PKey::private_key_from_pkcs8(der),
                    KeyFormatType::ECPRIVATEKEY => {
                        EcKey::private_key_from_der(der).and_then(PKey::from_ec_key)
                    }
                    format => return Err(KeyError::Format(format)),
                };
                key.map_err(Fault::OpenSsl).and_then(usable)
            }
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
        key.map_err(|fault| self.unusable(fault))
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

    fn unusable(&self, fault: Fault) -> KeyError {
        let format = self.key_format_type;
        match fault {
            Fault::OpenSsl(source) => KeyError::Malformed { format, source },
            Fault::Key(error) => error,
        }
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

/// The digits of a number. Clients that forget the sign byte write moduli as negative numbers; they are meant
/// as unsigned.
/// The encoding of a key. The longest RSA key has numbers that are four and a half times as long as its
/// modulus.
fn bounded(der: &[u8]) -> Result<&[u8], KeyError> {
    match der.len() {
        ..=LONGEST_ENCODING => Ok(der),
        bytes => Err(KeyError::TooLong { bytes }),
    }
}

/// A key with which OpenSSL would not calculate for minutes.
fn usable<T: HasPublic>(key: PKey<T>) -> Result<PKey<T>, Fault> {
    match usize::try_from(key.bits().div_ceil(8)).unwrap_or(usize::MAX) {
        ..=LONGEST => Ok(key),
        bytes => Err(Fault::Key(KeyError::TooLong { bytes })),
    }
}

fn digits<'a>(integer: &'a BigInteger<'_>) -> Result<&'a [u8], KeyError> {
    let zeros = integer.0.iter().take_while(|byte| **byte == 0).count();
    let digits = &integer.0[zeros..];
    match digits.len() {
        ..=LONGEST => Ok(digits),
        bytes => Err(KeyError::TooLong { bytes }),
    }
}

fn number(integer: &BigInteger<'_>) -> Result<BigNum, Fault> {
    Ok(BigNum::from_slice(digits(integer)?)?)
}

/// A number that is wiped.
fn secret(integer: &BigInteger<'_>) -> Result<BigNum, Fault> {
    let mut number = BigNum::new_secure()?;
    number.copy_from_slice(digits(integer)?)?;
    Ok(number)
}

fn rsa_public(n: &BigInteger<'_>, e: &BigInteger<'_>) -> Result<PKey<Public>, Fault> {
    let key = Rsa::from_public_components(number(n)?, number(e)?)?;
    Ok(PKey::from_rsa(key)?)
}

fn rsa_private(key: &TransparentRsaPrivateKey<'_>) -> Result<PKey<Private>, Fault> {
    let optional = |integer: &Option<BigInteger<'_>>| integer.as_ref().map(secret).transpose();
    let (p, q) = (optional(&key.p)?, optional(&key.q)?);
    let e = match &key.public_exponent {
        Some(e) => number(e)?,
        None => BigNum::from_u32(65_537)?,
    };
    let d = match (optional(&key.private_exponent)?, &p, &q) {
        (Some(d), ..) => d,
        (None, Some(p), Some(q)) => private_exponent(p, q, &e)?,
        (None, ..) => return Err(KeyError::Incomplete.into()),
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
    Ok(PKey::from_rsa(builder.build())?)
}

fn private_exponent(p: &BigNum, q: &BigNum, e: &BigNum) -> Result<BigNum, ErrorStack> {
    let mut context = BigNumContext::new_secure()?;
    let one = BigNum::from_u32(1)?;
    let (mut p1, mut q1) = (BigNum::new_secure()?, BigNum::new_secure()?);
    p1.checked_sub(p, &one)?;
    q1.checked_sub(q, &one)?;
    let (mut phi, mut d) = (BigNum::new_secure()?, BigNum::new_secure()?);
    phi.checked_mul(&p1, &q1, &mut context)?;
    d.mod_inverse(e, &phi, &mut context)?;
    Ok(d)
}

fn group(curve: RecommendedCurve) -> Result<EcGroup, KeyError> {
    curve.to_group().ok_or(KeyError::Curve(curve))
}

fn ec_public(curve: RecommendedCurve, point: &[u8]) -> Result<PKey<Public>, Fault> {
    let group = group(curve)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    Ok(PKey::from_ec_key(key)?)
}

fn ec_private(curve: RecommendedCurve, d: &BigInteger<'_>) -> Result<PKey<Private>, Fault> {
    let group = group(curve)?;
    let d = secret(d)?;
    let mut point = EcPoint::new(&group)?;
    point.mul_generator2(&group, &d, &mut *BigNumContext::new_secure()?)?;
    let key = EcKey::from_private_components(&group, &d, &point)?;
    Ok(PKey::from_ec_key(key)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{
        Secret, TransparentEcPrivateKey, TransparentEcPublicKey, TransparentRsaPublicKey,
    };

    fn block(format: KeyFormatType, material: KeyMaterial<'static>) -> KeyBlock<'static> {
        KeyBlock {
            key_format_type: format,
            key_value: Some(KeyValue::new(material)),
            ..KeyBlock::default()
        }
    }

    fn integer(bytes: usize) -> BigInteger<'static> {
        BigInteger::from_unsigned(&vec![0xFF; bytes])
    }

    fn private(key: TransparentRsaPrivateKey<'static>) -> KeyBlock<'static> {
        let format = KeyFormatType::TRANSPARENT_RSA_PRIVATE_KEY;
        block(format, KeyMaterial::TransparentRsaPrivateKey(key))
    }

    fn public(modulus: BigInteger<'static>) -> KeyBlock<'static> {
        let key = TransparentRsaPublicKey {
            modulus,
            public_exponent: BigInteger::from_unsigned(&[1, 0, 1]),
            ..TransparentRsaPublicKey::default()
        };
        let format = KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY;
        block(format, KeyMaterial::TransparentRsaPublicKey(key))
    }

    #[test]
    fn numbers_of_any_length_are_not_calculated_with() {
        const LONG: usize = 400 << 10;
        let too_long = |error| matches!(error, KeyError::TooLong { bytes: LONG });
        assert!(too_long(public(integer(LONG)).to_public_key().unwrap_err()));
        // Of the primes, the private exponent would be found in hours.
        let rsa = private(TransparentRsaPrivateKey {
            modulus: integer(LONG),
            p: Some(integer(LONG)),
            q: Some(integer(LONG)),
            ..TransparentRsaPrivateKey::default()
        });
        assert!(too_long(rsa.to_private_key().unwrap_err()));
        let elliptic = block(
            KeyFormatType::TRANSPARENT_EC_PRIVATE_KEY,
            KeyMaterial::TransparentEcPrivateKey(TransparentEcPrivateKey {
                recommended_curve: RecommendedCurve::P_256,
                d: integer(LONG),
                ..TransparentEcPrivateKey::default()
            }),
        );
        assert!(too_long(elliptic.to_private_key().unwrap_err()));
        // Encoded, one that is too long as a whole, and one whose modulus is.
        let encoded = |bytes| {
            let key = Rsa::from_public_components(
                BigNum::from_slice(&vec![0xFF; bytes]).unwrap(),
                BigNum::from_u32(3).unwrap(),
            );
            let der = key.unwrap().public_key_to_der_pkcs1().unwrap();
            let material = KeyMaterial::Bytes(Secret::owned(der));
            block(KeyFormatType::PKCS_1, material).to_public_key()
        };
        assert!(matches!(
            encoded(LONG).unwrap_err(),
            KeyError::TooLong { bytes } if bytes > LONG
        ));
        let too_long = encoded(LONGEST + 1).unwrap_err();
        assert!(matches!(too_long, KeyError::TooLong { bytes: 2049 }));
        assert!(encoded(LONGEST).is_ok());
        // The longest that OpenSSL calculates with, with and without a sign byte.
        assert!(public(integer(LONGEST)).to_public_key().is_ok());
        let unsigned = BigInteger(vec![0xFF; LONGEST].into());
        assert!(public(unsigned).to_public_key().is_ok());
        let error = public(integer(LONGEST + 1)).to_public_key().unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("2049 bytes") && said.contains("2048"),
            "{said}"
        );
    }

    #[test]
    fn what_is_not_there_is_told_as_such() {
        let rsa = private(TransparentRsaPrivateKey {
            modulus: integer(256),
            p: Some(integer(128)),
            ..TransparentRsaPrivateKey::default()
        });
        let error = rsa.to_private_key().unwrap_err();
        assert!(matches!(error, KeyError::Incomplete), "{error}");
        // OpenSSL has it under another name and as no group of points.
        let curve = RecommendedCurve::CURVE448;
        let elliptic = block(
            KeyFormatType::TRANSPARENT_EC_PUBLIC_KEY,
            KeyMaterial::TransparentEcPublicKey(TransparentEcPublicKey {
                recommended_curve: curve,
                q_string: vec![4; 65].into(),
                ..TransparentEcPublicKey::default()
            }),
        );
        let error = elliptic.to_public_key().unwrap_err();
        assert!(
            matches!(error, KeyError::Curve(found) if found == curve),
            "{error}"
        );
    }
}
