//! Which keys there are: types of adapters, elliptic curves, and key specifications.

use std::fmt;
use std::str::FromStr;

use openssl::nid::Nid;

use super::error::SecureKeyError;
use crate::abi::SecureKeyType;

/// The mode in which an adapter runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardType {
    /// CCA coprocessor.
    Cca,
    /// Enterprise PKCS #11 coprocessor.
    Ep11,
}

impl CardType {
    /// The name in `kmip.conf`.
    pub const fn name(self) -> &'static str {
        match self {
            CardType::Cca => "CCA",
            CardType::Ep11 => "EP11",
        }
    }

    /// The type of this name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        [CardType::Cca, CardType::Ep11]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// The type of adapters that makes secure keys of this type.
    pub const fn for_key_type(key_type: SecureKeyType) -> Self {
        match key_type {
            SecureKeyType::CcaAesData | SecureKeyType::CcaAesCipher => CardType::Cca,
            SecureKeyType::Ep11Aes => CardType::Ep11,
        }
    }

    /// The oldest level of such adapters that can be used at all.
    pub const fn minimum_level(self) -> u32 {
        match self {
            CardType::Cca => 3,
            CardType::Ep11 => 7,
        }
    }

    /// What the master key for AES keys is called.
    pub const fn master_key_kind(self) -> &'static str {
        match self {
            CardType::Cca => "AES",
            CardType::Ep11 => "WK",
        }
    }

    /// The types of secure keys that such an adapter can make, the default one first.
    pub const fn secure_key_types(self) -> &'static [SecureKeyType] {
        match self {
            CardType::Cca => &[SecureKeyType::CcaAesData, SecureKeyType::CcaAesCipher],
            CardType::Ep11 => &[SecureKeyType::Ep11Aes],
        }
    }
}

impl fmt::Display for CardType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The one that the binding of OpenSSL does not name.
const NID_BRAINPOOL_P160R1: i32 = 921;

macro_rules! curves {
    ($($variant:ident = $name:literal, $nid:expr, $bits:literal;)*) => {
        /// The elliptic curves that both types of adapters know (behaviour reference 9.5).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Curve {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Curve {
            /// All curves.
            pub const ALL: &'static [Curve] = &[$(Curve::$variant),*];

            /// OpenSSL's short name, which `kmip.conf` stores.
            pub const fn name(self) -> &'static str {
                match self { $(Curve::$variant => $name),* }
            }

            /// OpenSSL's identifier.
            pub fn nid(self) -> Nid {
                match self { $(Curve::$variant => $nid),* }
            }

            /// Size of the field in bits.
            pub const fn bits(self) -> u32 {
                match self { $(Curve::$variant => $bits),* }
            }
        }
    };
}

curves! {
    Prime192v1 = "prime192v1", Nid::X9_62_PRIME192V1, 192;
    Secp224r1 = "secp224r1", Nid::SECP224R1, 224;
    Prime256v1 = "prime256v1", Nid::X9_62_PRIME256V1, 256;
    Secp384r1 = "secp384r1", Nid::SECP384R1, 384;
    Secp521r1 = "secp521r1", Nid::SECP521R1, 521;
    BrainpoolP160r1 = "brainpoolP160r1", Nid::from_raw(NID_BRAINPOOL_P160R1), 160;
    BrainpoolP192r1 = "brainpoolP192r1", Nid::BRAINPOOL_P192R1, 192;
    BrainpoolP224r1 = "brainpoolP224r1", Nid::BRAINPOOL_P224R1, 224;
    BrainpoolP256r1 = "brainpoolP256r1", Nid::BRAINPOOL_P256R1, 256;
    BrainpoolP320r1 = "brainpoolP320r1", Nid::BRAINPOOL_P320R1, 320;
    BrainpoolP384r1 = "brainpoolP384r1", Nid::BRAINPOOL_P384R1, 384;
    BrainpoolP512r1 = "brainpoolP512r1", Nid::BRAINPOOL_P512R1, 512;
}

impl Curve {
    /// The curve of this name, in upper or lower case; the names of NIST count too.
    pub fn from_name(name: &str) -> Option<Curve> {
        let alias = match name.to_ascii_lowercase().as_str() {
            "p-192" | "secp192r1" => Some(Curve::Prime192v1),
            "p-224" => Some(Curve::Secp224r1),
            "p-256" | "secp256r1" => Some(Curve::Prime256v1),
            "p-384" => Some(Curve::Secp384r1),
            "p-521" => Some(Curve::Secp521r1),
            _ => None,
        };
        alias.or_else(|| {
            Curve::ALL
                .iter()
                .copied()
                .find(|curve| curve.name().eq_ignore_ascii_case(name))
        })
    }

    /// The curve with OpenSSL's identifier `nid`.
    pub fn from_nid(nid: Nid) -> Option<Curve> {
        Curve::ALL.iter().copied().find(|curve| curve.nid() == nid)
    }
}

/// A kind of key pair, as on the command line: `ECC:<curve>` or `RSA:<bits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// A key on an elliptic curve.
    Ecc(Curve),
    /// An RSA key of this many bits, with the public exponent 65537.
    Rsa(u32),
}

impl KeySpec {
    /// What an identity key is when the user does not say.
    pub const DEFAULT: KeySpec = KeySpec::Ecc(Curve::Secp521r1);

    /// The RSA sizes that every adapter can generate.
    pub const RSA_BITS: [u32; 5] = [512, 1024, 2048, 3072, 4096];

    /// Shorter RSA keys count as weak (NIST SP 800-131A).
    pub const SECURE_RSA_BITS: u32 = 2048;

    /// Keys on shorter curves count as weak.
    const SECURE_CURVE_BITS: u32 = 224;

    /// Whether the key proves nothing any more, since others could find it out.
    pub const fn is_weak(self) -> bool {
        match self {
            KeySpec::Rsa(bits) => bits < Self::SECURE_RSA_BITS,
            KeySpec::Ecc(curve) => curve.bits() < Self::SECURE_CURVE_BITS,
        }
    }

    /// The specification that `kmip.conf` stores as algorithm and parameters.
    ///
    /// # Errors
    /// The two do not make a specification.
    pub fn from_parts(algorithm: &str, parameters: &str) -> Result<KeySpec, KeySpecError> {
        if algorithm.eq_ignore_ascii_case("ECC") {
            Curve::from_name(parameters)
                .map(KeySpec::Ecc)
                .ok_or_else(|| KeySpecError::Curve(parameters.to_owned()))
        } else if algorithm.eq_ignore_ascii_case("RSA") {
            KeySpec::RSA_BITS
                .into_iter()
                .find(|bits| bits.to_string() == parameters)
                .map(KeySpec::Rsa)
                .ok_or_else(|| KeySpecError::RsaBits(parameters.to_owned()))
        } else {
            Err(KeySpecError::Algorithm(algorithm.to_owned()))
        }
    }

    /// Checks that adapters can generate such a key.
    pub(super) fn check(self) -> Result<(), SecureKeyError> {
        match self {
            KeySpec::Rsa(bits) if !KeySpec::RSA_BITS.contains(&bits) => {
                Err(SecureKeyError::UnsupportedKey { spec: self })
            }
            _ => Ok(()),
        }
    }

    /// `ECC` or `RSA`.
    pub const fn algorithm(self) -> &'static str {
        match self {
            KeySpec::Ecc(_) => "ECC",
            KeySpec::Rsa(_) => "RSA",
        }
    }

    /// The name of the curve, or the bits in decimal.
    pub fn parameters(self) -> String {
        match self {
            KeySpec::Ecc(curve) => curve.name().to_owned(),
            KeySpec::Rsa(bits) => bits.to_string(),
        }
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.parameters())
    }
}

impl FromStr for KeySpec {
    type Err = KeySpecError;

    fn from_str(text: &str) -> Result<KeySpec, KeySpecError> {
        match text.split_once(':') {
            Some((algorithm, parameters)) if !parameters.is_empty() => {
                KeySpec::from_parts(algorithm, parameters)
            }
            _ => Err(KeySpecError::Format(text.to_owned())),
        }
    }
}

/// A key specification is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySpecError {
    /// There is no `algorithm:parameters`.
    #[error("`{0}` is not a key specification: write ECC:<curve> or RSA:<bits>")]
    Format(String),
    /// The algorithm is unknown.
    #[error("`{0}` is not an algorithm for an identity key: use ECC or RSA")]
    Algorithm(String),
    /// The curve is unknown.
    #[error("`{0}` is not an elliptic curve that the adapters know: use one of {names}",
        names = curve_names())]
    Curve(String),
    /// The RSA size cannot be generated.
    #[error(
        "`{0}` is not a size of an RSA key that the adapters generate: use 512, 1024, 2048, 3072 \
             or 4096"
    )]
    RsaBits(String),
}

fn curve_names() -> String {
    let names: Vec<_> = Curve::ALL.iter().map(|curve| curve.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_parsed_and_shown() {
        assert_eq!("ecc:secp521r1".parse(), Ok(KeySpec::DEFAULT));
        assert_eq!("RSA:2048".parse(), Ok(KeySpec::Rsa(2048)));
        assert_eq!("ECC:P-256".parse(), Ok(KeySpec::Ecc(Curve::Prime256v1)));
        for curve in Curve::ALL {
            let spec = KeySpec::Ecc(*curve);
            assert_eq!(spec.to_string().parse(), Ok(spec));
            assert_eq!(Curve::from_nid(curve.nid()), Some(*curve));
        }
        for wrong in [
            "",
            "ECC",
            "ECC:",
            "RSA:2047",
            "RSA:+2048",
            "DSA:1",
            "ECC:secp256k1:x",
        ] {
            assert!(wrong.parse::<KeySpec>().is_err(), "{wrong}");
        }
    }
}
