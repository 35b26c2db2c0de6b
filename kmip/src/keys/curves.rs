//! Elliptic curves (Recommended Curve: KMIP 1.4, 9.1.3.2.5; 2.1, 11.43).

use openssl::ec::EcGroup;
use openssl::nid::Nid;

use crate::types::RecommendedCurve;

/// The curves of KMIP in OpenSSL's numbers. Which of them it has is for those who have built it.
const CURVES: [(RecommendedCurve, Nid); 66] = [
    (RecommendedCurve::P_192, Nid::X9_62_PRIME192V1),
    (RecommendedCurve::K_163, Nid::SECT163K1),
    (RecommendedCurve::B_163, Nid::SECT163R2),
    (RecommendedCurve::P_224, Nid::SECP224R1),
    (RecommendedCurve::K_233, Nid::SECT233K1),
    (RecommendedCurve::B_233, Nid::SECT233R1),
    (RecommendedCurve::P_256, Nid::X9_62_PRIME256V1),
    (RecommendedCurve::K_283, Nid::SECT283K1),
    (RecommendedCurve::B_283, Nid::SECT283R1),
    (RecommendedCurve::P_384, Nid::SECP384R1),
    (RecommendedCurve::K_409, Nid::SECT409K1),
    (RecommendedCurve::B_409, Nid::SECT409R1),
    (RecommendedCurve::P_521, Nid::SECP521R1),
    (RecommendedCurve::K_571, Nid::SECT571K1),
    (RecommendedCurve::B_571, Nid::SECT571R1),
    (RecommendedCurve::SECP112R1, Nid::SECP112R1),
    (RecommendedCurve::SECP112R2, Nid::SECP112R2),
    (RecommendedCurve::SECP128R1, Nid::SECP128R1),
    (RecommendedCurve::SECP128R2, Nid::SECP128R2),
    (RecommendedCurve::SECP160K1, Nid::SECP160K1),
    (RecommendedCurve::SECP160R1, Nid::SECP160R1),
    (RecommendedCurve::SECP160R2, Nid::SECP160R2),
    (RecommendedCurve::SECP192K1, Nid::SECP192K1),
    (RecommendedCurve::SECP224K1, Nid::SECP224K1),
    (RecommendedCurve::SECP256K1, Nid::SECP256K1),
    (RecommendedCurve::SECT113R1, Nid::SECT113R1),
    (RecommendedCurve::SECT113R2, Nid::SECT113R2),
    (RecommendedCurve::SECT131R1, Nid::SECT131R1),
    (RecommendedCurve::SECT131R2, Nid::SECT131R2),
    (RecommendedCurve::SECT163R1, Nid::SECT163R1),
    (RecommendedCurve::SECT193R1, Nid::SECT193R1),
    (RecommendedCurve::SECT193R2, Nid::SECT193R2),
    (RecommendedCurve::SECT239K1, Nid::SECT239K1),
    (RecommendedCurve::ANSIX9P192V2, Nid::X9_62_PRIME192V2),
    (RecommendedCurve::ANSIX9P192V3, Nid::X9_62_PRIME192V3),
    (RecommendedCurve::ANSIX9P239V1, Nid::X9_62_PRIME239V1),
    (RecommendedCurve::ANSIX9P239V2, Nid::X9_62_PRIME239V2),
    (RecommendedCurve::ANSIX9P239V3, Nid::X9_62_PRIME239V3),
    (RecommendedCurve::ANSIX9C2PNB163V1, Nid::X9_62_C2PNB163V1),
    (RecommendedCurve::ANSIX9C2PNB163V2, Nid::X9_62_C2PNB163V2),
    (RecommendedCurve::ANSIX9C2PNB163V3, Nid::X9_62_C2PNB163V3),
    (RecommendedCurve::ANSIX9C2PNB176V1, Nid::X9_62_C2PNB176V1),
    (RecommendedCurve::ANSIX9C2TNB191V1, Nid::X9_62_C2TNB191V1),
    (RecommendedCurve::ANSIX9C2TNB191V2, Nid::X9_62_C2TNB191V2),
    (RecommendedCurve::ANSIX9C2TNB191V3, Nid::X9_62_C2TNB191V3),
    (RecommendedCurve::ANSIX9C2PNB208W1, Nid::X9_62_C2PNB208W1),
    (RecommendedCurve::ANSIX9C2TNB239V1, Nid::X9_62_C2TNB239V1),
    (RecommendedCurve::ANSIX9C2TNB239V2, Nid::X9_62_C2TNB239V2),
    (RecommendedCurve::ANSIX9C2TNB239V3, Nid::X9_62_C2TNB239V3),
    (RecommendedCurve::ANSIX9C2PNB272W1, Nid::X9_62_C2PNB272W1),
    (RecommendedCurve::ANSIX9C2PNB304W1, Nid::X9_62_C2PNB304W1),
    (RecommendedCurve::ANSIX9C2TNB359V1, Nid::X9_62_C2TNB359V1),
    (RecommendedCurve::ANSIX9C2PNB368W1, Nid::X9_62_C2PNB368W1),
    (RecommendedCurve::ANSIX9C2TNB431R1, Nid::X9_62_C2TNB431R1),
    (RecommendedCurve::BRAINPOOLP192R1, Nid::BRAINPOOL_P192R1),
    (RecommendedCurve::BRAINPOOLP192T1, Nid::BRAINPOOL_P192T1),
    (RecommendedCurve::BRAINPOOLP224R1, Nid::BRAINPOOL_P224R1),
    (RecommendedCurve::BRAINPOOLP224T1, Nid::BRAINPOOL_P224T1),
    (RecommendedCurve::BRAINPOOLP256R1, Nid::BRAINPOOL_P256R1),
    (RecommendedCurve::BRAINPOOLP256T1, Nid::BRAINPOOL_P256T1),
    (RecommendedCurve::BRAINPOOLP320R1, Nid::BRAINPOOL_P320R1),
    (RecommendedCurve::BRAINPOOLP320T1, Nid::BRAINPOOL_P320T1),
    (RecommendedCurve::BRAINPOOLP384R1, Nid::BRAINPOOL_P384R1),
    (RecommendedCurve::BRAINPOOLP384T1, Nid::BRAINPOOL_P384T1),
    (RecommendedCurve::BRAINPOOLP512R1, Nid::BRAINPOOL_P512R1),
    (RecommendedCurve::BRAINPOOLP512T1, Nid::BRAINPOOL_P512T1),
];

impl RecommendedCurve {
    /// The curve in OpenSSL, if that has it.
    pub fn to_group(self) -> Option<EcGroup> {
        let (_, nid) = CURVES.iter().find(|(known, _)| *known == self)?;
        EcGroup::from_curve_name(*nid).ok()
    }

    /// The curve that is meant where only a length in bits is given: that of NIST over a prime field.
    pub fn of_bits(bits: i32) -> Option<Self> {
        Some(match bits {
            192 => RecommendedCurve::P_192,
            224 => RecommendedCurve::P_224,
            256 => RecommendedCurve::P_256,
            384 => RecommendedCurve::P_384,
            521 => RecommendedCurve::P_521,
            _ => return None,
        })
    }

    /// The length of its keys in bits, if it is named by it: servers want to be told although it follows.
    ///
    /// Of others the order is longer or shorter than the field, by a bit (secp224k1, B-283) or more, and
    /// servers refuse the number that they would not have taken themselves.
    pub(crate) fn bits_in_name(self) -> Option<i32> {
        use RecommendedCurve as Curve;

        Some(match self {
            Curve::P_192 | Curve::SECP192K1 | Curve::BRAINPOOLP192R1 | Curve::BRAINPOOLP192T1 => {
                192
            }
            Curve::P_224 | Curve::BRAINPOOLP224R1 | Curve::BRAINPOOLP224T1 => 224,
            Curve::P_256
            | Curve::SECP256K1
            | Curve::BRAINPOOLP256R1
            | Curve::BRAINPOOLP256T1
            | Curve::CURVE25519 => 256,
            Curve::BRAINPOOLP320R1 | Curve::BRAINPOOLP320T1 => 320,
            Curve::P_384 | Curve::BRAINPOOLP384R1 | Curve::BRAINPOOLP384T1 => 384,
            Curve::BRAINPOOLP512R1 | Curve::BRAINPOOLP512T1 => 512,
            Curve::P_521 => 521,
            Curve::CURVE448 => 448,
            _ => return None,
        })
    }

    /// The curve with this number in OpenSSL, if KMIP has it.
    pub fn from_nid(nid: Nid) -> Option<Self> {
        let (curve, _) = CURVES.iter().find(|(_, known)| *known == nid)?;
        Some(*curve)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::NewKeyPair;
    use crate::types::{CreateKeyPairRequest, CryptographicAlgorithm};

    /// The length that is sent for a pair on a curve.
    fn sent(algorithm: CryptographicAlgorithm, curve: RecommendedCurve) -> Option<i32> {
        let request = CreateKeyPairRequest::from(NewKeyPair::on_curve(algorithm, curve));
        let common = request.common_attributes.unwrap();
        let domain = common.cryptographic_domain_parameters().unwrap();
        assert_eq!(domain.recommended_curve, Some(curve));
        common.cryptographic_length().copied()
    }

    #[test]
    fn a_length_is_sent_only_with_curves_that_are_named_by_it() {
        use CryptographicAlgorithm as Algorithm;
        use RecommendedCurve as Curve;

        for (curve, bits) in [
            (Curve::P_192, Some(192)),
            (Curve::P_224, Some(224)),
            (Curve::P_256, Some(256)),
            (Curve::P_384, Some(384)),
            (Curve::P_521, Some(521)),
            (Curve::SECP256K1, Some(256)),
            (Curve::BRAINPOOLP320R1, Some(320)),
            (Curve::CURVE25519, Some(256)),
            (Curve::K_163, None),
            (Curve::B_283, None),
            (Curve::SECP160R1, None),
            (Curve::SECP224K1, None),
        ] {
            assert_eq!(sent(Algorithm::ECDSA, curve), bits, "{curve:?}");
        }
        assert_eq!(sent(Algorithm::ECDH, Curve::CURVE448), Some(448));
        assert_eq!(sent(Algorithm::ED448, Curve::CURVE448), None);
        let rsa = CreateKeyPairRequest::from(NewKeyPair::rsa(3072));
        let common = rsa.common_attributes.unwrap();
        assert_eq!(common.cryptographic_length(), Some(&3072));
    }
}
