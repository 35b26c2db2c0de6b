//! Tokens of key pairs (PKA tokens): what they show without their master key (behaviour
//! reference 9.3). All numbers in them are big-endian.

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{Asn1Flag, EcGroup, EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;

use super::super::{Curve, KeyKind, SecureKeyError};

/// The first byte of a token in use.
const INTERNAL: u8 = 0x1f;
const HEADER: usize = 8;

/// What a token tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PairToken<'t> {
    pub(super) public: PublicHalf<'t>,
    /// What the key is for. A key that may do both, as the C plugin makes them, counts as one for
    /// signing.
    pub(super) kind: KeyKind,
    /// The master key it is under.
    pub(super) pattern: &'t [u8],
}

/// A public key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicHalf<'t> {
    Ecc {
        curve: Curve,
        point: &'t [u8],
    },
    Rsa {
        modulus: &'t [u8],
        exponent: &'t [u8],
    },
}

/// Whether the token claims to be one of a key pair.
pub(super) fn is_pair(token: &[u8]) -> bool {
    token.first() == Some(&INTERNAL)
}

impl<'t> PairToken<'t> {
    pub(super) fn read(token: &'t [u8]) -> Result<PairToken<'t>, SecureKeyError> {
        if !is_pair(token) {
            return Err(malformed("it does not begin as one"));
        }
        if token.len() < HEADER || usize::from(number(token, 2)) != token.len() {
            return Err(malformed("its length is wrong"));
        }
        let sections = Sections::read(&token[HEADER..])?;
        match (sections.ecc, sections.rsa) {
            (Some(keys), None) => read_ecc(keys),
            (None, Some(keys)) => read_rsa(keys),
            _ => Err(malformed("it does not hold one private and one public key")),
        }
    }

    /// The public key.
    pub(super) fn public_key(&self) -> Result<PKey<Public>, SecureKeyError> {
        let build = || -> Result<PKey<Public>, ErrorStack> {
            match &self.public {
                PublicHalf::Ecc { curve, point } => {
                    let mut group = EcGroup::from_curve_name(curve.nid())?;
                    group.set_asn1_flag(Asn1Flag::NAMED_CURVE);
                    let mut context = BigNumContext::new()?;
                    let point = EcPoint::from_bytes(&group, point, &mut context)?;
                    PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)
                }
                PublicHalf::Rsa { modulus, exponent } => {
                    let modulus = BigNum::from_slice(modulus)?;
                    let exponent = BigNum::from_slice(exponent)?;
                    PKey::from_rsa(Rsa::from_public_components(modulus, exponent)?)
                }
            }
        };
        build().map_err(SecureKeyError::openssl("use the public key in the token"))
    }

    pub(super) fn bits(&self) -> u32 {
        match &self.public {
            PublicHalf::Ecc { curve, .. } => curve.bits(),
            PublicHalf::Rsa { modulus, .. } => {
                let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
                modulus.len() as u32 * 8 - leading
            }
        }
    }
}

/// Private and public sections of a token. Others, as one with a name, do not matter here.
#[derive(Default)]
struct Sections<'t> {
    ecc: Option<(&'t [u8], &'t [u8])>,
    rsa: Option<(&'t [u8], &'t [u8])>,
}

impl<'t> Sections<'t> {
    fn read(mut rest: &'t [u8]) -> Result<Sections<'t>, SecureKeyError> {
        let mut all: Vec<&[u8]> = Vec::new();
        while !rest.is_empty() {
            let length = match rest {
                [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
                _ => 0,
            };
            let (section, after) = rest
                .split_at_checked(length)
                .filter(|_| length >= 4)
                .ok_or_else(|| malformed("it is cut off"))?;
            if all.iter().any(|other| other[0] == section[0]) {
                return Err(malformed("it has a section twice"));
            }
            all.push(section);
            rest = after;
        }
        let find = |id: u8| all.iter().copied().find(|section| section[0] == id);
        let both = |private, public| Some((find(private)?, find(public)?));
        Ok(Sections {
            ecc: both(0x20, 0x21),
            rsa: both(0x31, 0x04),
        })
    }
}

fn read_ecc<'t>((private, public): (&'t [u8], &'t [u8])) -> Result<PairToken<'t>, SecureKeyError> {
    const FIXED: usize = 24;
    const HEAD: usize = 14;
    if private.len() < FIXED || public.len() < HEAD {
        return Err(malformed("it is cut off"));
    }
    let (brainpool, bits) = (public[8] == 1, u32::from(number(public, 10)));
    let is_it =
        |curve: &&Curve| curve.bits() == bits && curve.name().starts_with("brainpool") == brainpool;
    let curve = Curve::ALL.iter().find(is_it).filter(|_| public[8] <= 1);
    let curve = curve.ok_or_else(|| malformed("its elliptic curve is unknown"))?;
    let point = public[HEAD..].get(..usize::from(number(public, 12)));
    Ok(PairToken {
        public: PublicHalf::Ecc {
            curve: *curve,
            point: point.ok_or_else(|| malformed("it is cut off"))?,
        },
        kind: KeyKind::Identity,
        pattern: &private[16..24],
    })
}

fn read_rsa<'t>((private, public): (&'t [u8], &'t [u8])) -> Result<PairToken<'t>, SecureKeyError> {
    const FIXED: usize = 134;
    const HEAD: usize = 12;
    /// The key may only unwrap keys.
    const KEY_MANAGEMENT_ONLY: u8 = 0xc0;
    if private.len() < FIXED || public.len() < HEAD {
        return Err(malformed("it is cut off"));
    }
    let exponent_end = HEAD + usize::from(number(public, 6));
    let exponent = public.get(HEAD..exponent_end);
    let modulus = match usize::from(number(public, 10)) {
        // It is in the private section only.
        0 => private[FIXED..].get(..usize::from(number(private, 62))),
        length => public.get(exponent_end..exponent_end + length),
    };
    let (Some(exponent), Some(modulus)) = (exponent, modulus) else {
        return Err(malformed("it is cut off"));
    };
    if modulus.is_empty() || exponent.is_empty() {
        return Err(malformed("its public key is empty"));
    }
    Ok(PairToken {
        public: PublicHalf::Rsa { modulus, exponent },
        kind: match private[50] & KEY_MANAGEMENT_ONLY {
            KEY_MANAGEMENT_ONLY => KeyKind::Wrapping,
            _ => KeyKind::Identity,
        },
        pattern: &private[70..78],
    })
}

fn number(content: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([content[at], content[at + 1]])
}

fn malformed(problem: &'static str) -> SecureKeyError {
    SecureKeyError::Malformed {
        what: "identity or wrapping key",
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() + 4) as u16;
        let mut section = vec![id, 0];
        section.extend(length.to_be_bytes());
        section.extend(content);
        section
    }

    fn token(sections: &[Vec<u8>]) -> Vec<u8> {
        let body = sections.concat();
        let mut token = vec![INTERNAL, 0];
        token.extend(((body.len() + HEADER) as u16).to_be_bytes());
        token.extend([0; 4]);
        token.extend(body);
        token
    }

    #[test]
    fn the_modulus_may_be_in_either_section() {
        let mut private = vec![0; 130];
        private[46] = 0xc0;
        let public = |modulus: &[u8]| {
            let mut public = vec![0; 8];
            public[3] = 3;
            public[7] = modulus.len() as u8;
            public.extend([1, 0, 1]);
            public.extend(modulus);
            section(0x04, &public)
        };
        let inside = {
            let mut private = private.clone();
            private[59] = 64;
            private.extend([0xc1; 64]);
            token(&[section(0x31, &private), public(&[])])
        };
        let outside = token(&[section(0x31, &private), public(&[0xc1; 64])]);
        for token in [inside, outside] {
            let read = PairToken::read(&token).unwrap();
            assert_eq!((read.kind, read.bits()), (KeyKind::Wrapping, 512));
            read.public_key().unwrap();
            for cut in 0..token.len() {
                assert!(PairToken::read(&token[..cut]).is_err());
            }
        }
        // Lengths that lead out of the sections.
        let mut wrong = private;
        wrong[58] = 1;
        let wrong = token(&[section(0x31, &wrong), public(&[])]);
        assert!(PairToken::read(&wrong).is_err());
    }

    #[test]
    fn other_sections_do_not_matter_but_must_be_whole() {
        let mut public = vec![0; 10];
        (public[6], public[7], public[9]) = (1, 0, 3);
        public.extend([4, 1, 2]);
        let parts = [
            section(0x20, &[0; 20]),
            section(0x10, b"a name"),
            section(0x21, &public),
        ];
        let good = token(&parts);
        let read = PairToken::read(&good).unwrap();
        let PublicHalf::Ecc { curve, point } = read.public else {
            panic!("a key on a curve");
        };
        assert_eq!((curve, point), (Curve::Prime256v1, &[4, 1, 2][..]));
        // That is no point of the curve.
        assert!(PairToken::read(&good).unwrap().public_key().is_err());
        assert!(PairToken::read(&token(&parts[..1])).is_err());
        assert!(PairToken::read(&token(&[parts.concat(), parts[2].clone()])).is_err());
        assert!(PairToken::read(&token(&[parts.concat(), vec![1, 2, 3]])).is_err());
        assert!(PairToken::read(&token(&[parts.concat(), vec![1, 0, 0, 3]])).is_err());
        public[7] = 1;
        let unknown = token(&[parts[0].clone(), section(0x21, &public)]);
        assert!(PairToken::read(&unknown).is_err());
    }
}
