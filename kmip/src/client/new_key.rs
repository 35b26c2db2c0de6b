//! What a new key is to be like.

use std::borrow::Cow;

use crate::types::{
    Attribute, Attributes, CreateKeyPairRequest, CreateRequest, CryptographicAlgorithm,
    CryptographicDomainParameters, CryptographicUsageMask, DateTime, Name, NameType, ObjectType,
    RecommendedCurve,
};

/// The methods of a new object that say what it is like.
macro_rules! described {
    ($type:ident) => {
        impl<'a> $type<'a> {
            /// What it is for, instead of the [default](crate::client::default_usage).
            #[must_use]
            pub fn usage(mut self, usage: $crate::types::CryptographicUsageMask) -> Self {
                self.usage = Some(usage);
                self
            }

            /// A name by which it can be found.
            #[must_use]
            pub fn name(self, name: impl Into<std::borrow::Cow<'a, str>>) -> Self {
                self.attribute($crate::client::new_key::named(name))
            }

            /// Usable as soon as it is there (an Activation Date in the past).
            #[must_use]
            pub fn active(self) -> Self {
                self.attribute($crate::client::new_key::active_since_ever())
            }

            /// A further attribute.
            #[must_use]
            pub fn attribute(mut self, attribute: $crate::types::Attribute<'a>) -> Self {
                self.attributes.push(attribute);
                self
            }
        }
    };
}

pub(super) use described;

described!(NewKey);

/// A symmetric key to be created, with a usage that suits its algorithm unless another is given.
///
/// ```no_run
/// use kmip::client::NewKey;
/// use kmip::types::CryptographicUsageMask;
///
/// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
/// // To encrypt and decrypt, usable at once.
/// let key = client.create(NewKey::aes(256).name("disk 7").active())?;
/// // A key encryption key.
/// let usage = CryptographicUsageMask::WRAP_KEY | CryptographicUsageMask::UNWRAP_KEY;
/// let wrapping = client.create(NewKey::aes(256).usage(usage))?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey<'a> {
    algorithm: CryptographicAlgorithm,
    bits: i32,
    usage: Option<CryptographicUsageMask>,
    attributes: Attributes<'a>,
}

impl<'a> NewKey<'a> {
    /// A key of `bits` bits.
    pub fn new(algorithm: CryptographicAlgorithm, bits: i32) -> Self {
        NewKey {
            algorithm,
            bits,
            usage: None,
            attributes: Attributes::default(),
        }
    }

    /// An AES key.
    pub fn aes(bits: i32) -> Self {
        NewKey::new(CryptographicAlgorithm::AES, bits)
    }

    /// A key for HMAC with SHA-256.
    pub fn hmac_sha256() -> Self {
        NewKey::new(CryptographicAlgorithm::HMAC_SHA256, 256)
    }
}

impl<'a> From<NewKey<'a>> for CreateRequest<'a> {
    fn from(key: NewKey<'a>) -> Self {
        let usage = key.usage.unwrap_or_else(|| default_usage(key.algorithm).0);
        let mut attributes: Attributes<'a> = [
            Attribute::cryptographic_algorithm(key.algorithm),
            Attribute::cryptographic_length(key.bits),
            Attribute::cryptographic_usage_mask(usage),
        ]
        .into();
        for attribute in key.attributes {
            attributes.push(attribute);
        }
        CreateRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            attributes,
            ..CreateRequest::default()
        }
    }
}

/// A key pair to be created, with usages that suit its algorithm unless others are given.
///
/// ```no_run
/// use kmip::client::NewKeyPair;
/// use kmip::types::RecommendedCurve;
///
/// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
/// let signing = NewKeyPair::elliptic_curve(RecommendedCurve::P_256).name("code signing");
/// let pair = client.generate_key_pair(signing.active())?;
/// println!("{:?} {:?}", pair.private, pair.public);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeyPair<'a> {
    algorithm: CryptographicAlgorithm,
    bits: Option<i32>,
    curve: Option<RecommendedCurve>,
    usage: Option<(CryptographicUsageMask, CryptographicUsageMask)>,
    name: Option<Cow<'a, str>>,
    common: Attributes<'a>,
    private: Attributes<'a>,
    public: Attributes<'a>,
}

impl<'a> NewKeyPair<'a> {
    /// A key pair of `bits` bits.
    pub fn new(algorithm: CryptographicAlgorithm, bits: i32) -> Self {
        NewKeyPair {
            algorithm,
            bits: Some(bits),
            curve: None,
            usage: None,
            name: None,
            common: Attributes::default(),
            private: Attributes::default(),
            public: Attributes::default(),
        }
    }

    /// An RSA key pair.
    pub fn rsa(bits: i32) -> Self {
        NewKeyPair::new(CryptographicAlgorithm::RSA, bits)
    }

    /// A key pair for ECDSA on `curve`.
    pub fn elliptic_curve(curve: RecommendedCurve) -> Self {
        NewKeyPair::on_curve(CryptographicAlgorithm::ECDSA, curve)
    }

    /// A key pair on `curve` for an algorithm such as ECDH. A length is told only with curves that are
    /// named by it; that of others follows from the curve, and servers count it in different ways.
    pub fn on_curve(algorithm: CryptographicAlgorithm, curve: RecommendedCurve) -> Self {
        let bits = match algorithm {
            // Its keys are longer than those of its curve otherwise.
            CryptographicAlgorithm::ED448 => None,
            _ => curve.bits_in_name(),
        };
        NewKeyPair {
            bits,
            curve: Some(curve),
            ..NewKeyPair::new(algorithm, 0)
        }
    }

    /// A key pair for Ed25519.
    pub fn ed25519() -> Self {
        NewKeyPair::on_curve(
            CryptographicAlgorithm::ED25519,
            RecommendedCurve::CURVE25519,
        )
    }

    /// What the private and the public key are for, instead of the [default](default_usage).
    #[must_use]
    pub fn usage(
        mut self,
        private: CryptographicUsageMask,
        public: CryptographicUsageMask,
    ) -> Self {
        self.usage = Some((private, public));
        self
    }

    /// A name by which they can be found: `name` of the private key, and `name` followed by
    /// ` (public)` of the public one, since many servers want names to be unique.
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Usable as soon as they are made (an Activation Date in the past).
    #[must_use]
    pub fn active(self) -> Self {
        self.attribute(active_since_ever())
    }

    /// A further attribute of both keys.
    #[must_use]
    pub fn attribute(mut self, attribute: Attribute<'a>) -> Self {
        self.common.push(attribute);
        self
    }

    /// A further attribute of the private key.
    #[must_use]
    pub fn private_attribute(mut self, attribute: Attribute<'a>) -> Self {
        self.private.push(attribute);
        self
    }

    /// A further attribute of the public key.
    #[must_use]
    pub fn public_attribute(mut self, attribute: Attribute<'a>) -> Self {
        self.public.push(attribute);
        self
    }
}

impl<'a> From<NewKeyPair<'a>> for CreateKeyPairRequest<'a> {
    fn from(pair: NewKeyPair<'a>) -> Self {
        let usage = pair.usage.unwrap_or_else(|| default_usage(pair.algorithm));
        let NewKeyPair {
            mut common,
            mut private,
            mut public,
            ..
        } = pair;
        common.push(Attribute::cryptographic_algorithm(pair.algorithm));
        if let Some(bits) = pair.bits {
            common.push(Attribute::cryptographic_length(bits));
        }
        if let Some(curve) = pair.curve {
            common.push(Attribute::cryptographic_domain_parameters(
                CryptographicDomainParameters {
                    recommended_curve: Some(curve),
                    ..CryptographicDomainParameters::default()
                },
            ));
        }
        private.push(Attribute::cryptographic_usage_mask(usage.0));
        public.push(Attribute::cryptographic_usage_mask(usage.1));
        if let Some(name) = pair.name {
            public.push(named(format!("{name} (public)")));
            private.push(named(name));
        }
        CreateKeyPairRequest {
            common_attributes: Some(common),
            private_key_attributes: Some(private),
            public_key_attributes: Some(public),
            ..CreateKeyPairRequest::default()
        }
    }
}

/// What keys of an algorithm are for unless it is said: secret or private keys, and public keys.
///
/// Ciphers encrypt and decrypt, HMAC keys authenticate, RSA keys sign and decrypt, curves sign, or
/// agree on keys. Wrapping is never included.
pub fn default_usage(
    algorithm: CryptographicAlgorithm,
) -> (CryptographicUsageMask, CryptographicUsageMask) {
    use CryptographicAlgorithm as Algorithm;
    use CryptographicUsageMask as Usage;

    match algorithm {
        Algorithm::RSA => (Usage::SIGN | Usage::DECRYPT, Usage::VERIFY | Usage::ENCRYPT),
        Algorithm::DSA
        | Algorithm::ECDSA
        | Algorithm::EC
        | Algorithm::ED25519
        | Algorithm::ED448
        | Algorithm::SM2
        | Algorithm::GOST_R_34_10_2012
        | Algorithm::XMSS
        | Algorithm::SPHINCS_256 => (Usage::SIGN, Usage::VERIFY),
        Algorithm::DH | Algorithm::ECDH | Algorithm::ECMQV => {
            (Usage::KEY_AGREEMENT, Usage::KEY_AGREEMENT)
        }
        Algorithm::HMAC_SHA1
        | Algorithm::HMAC_SHA224
        | Algorithm::HMAC_SHA256
        | Algorithm::HMAC_SHA384
        | Algorithm::HMAC_SHA512
        | Algorithm::HMAC_MD5
        | Algorithm::HMAC_SHA3_224
        | Algorithm::HMAC_SHA3_256
        | Algorithm::HMAC_SHA3_384
        | Algorithm::HMAC_SHA3_512
        | Algorithm::POLY1305 => {
            let both = Usage::MAC_GENERATE | Usage::MAC_VERIFY;
            (both, both)
        }
        _ => (Usage::ENCRYPT | Usage::DECRYPT, Usage::ENCRYPT),
    }
}

/// The attribute Name of this text.
pub(super) fn named<'a>(name: impl Into<Cow<'a, str>>) -> Attribute<'a> {
    Attribute::name(Name {
        name_value: name.into(),
        name_type: NameType::UNINTERPRETED_TEXT_STRING,
        ..Name::default()
    })
}

/// Any time in the past makes an object active, and this one does not depend on clocks.
pub(super) fn active_since_ever() -> Attribute<'static> {
    Attribute::activation_date(DateTime(0))
}
