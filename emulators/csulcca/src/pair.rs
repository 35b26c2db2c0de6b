//! Tokens of key pairs (PKA tokens). All numbers in them are big-endian.
//!
//! A token is a header (8 bytes: 0x1f for internal, 0, length, 4 zeros), a private section and a
//! public one. Sections begin with identifier, version and length.
//!
//! | private section | 0x20, curve | 0x31, RSA |
//! |---|---|---|
//! | key usage | 8 | 50 |
//! | curve: 0 prime, 1 Brainpool; bits | 9; 12 | |
//! | security: 8 for under a master key | 10 | 11 |
//! | length of the modulus | | 62 |
//! | pattern of the master key | 16 | 70 |
//! | length of what is enciphered | 74 | 6 |
//! | after it | 76: enciphered | 134: modulus, enciphered |
//!
//! Public sections: 0x21 (curve 8, bits 10, length of the point 12, point 14); 0x04 (length of the
//! exponent 6, bits 8, length of the modulus 10, which is 0 as the modulus is in the private
//! section, exponent 12).
//!
//! A skeleton has the header 0x1e and no keys.

use emulated_card::{MasterKey, Register, Registers};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use zeroize::Zeroizing;

use crate::codes::{
    Code, KEY_VALUES, MASTER_KEY_PATTERN, NO_KEY, PKA_FIELD, RSA_EXPONENT, RSA_MODULUS, SECTION,
    TOKEN_CONSISTENCY, TOKEN_HEADER,
};

const HEADER: usize = 8;
const INTERNAL: u8 = 0x1f;
const SKELETON: u8 = 0x1e;
const ECC_PRIVATE: u8 = 0x20;
const ECC_FIXED: usize = 76;
const ECC_PUBLIC: u8 = 0x21;
const RSA_PRIVATE: u8 = 0x31;
const RSA_FIXED: usize = 134;
const RSA_PUBLIC: u8 = 0x04;
const UNDER_MASTER_KEY: u8 = 8;
const PURPOSE: &str = "key pair";

/// What kind of key a pair is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spec {
    Ecc { brainpool: bool, bits: u16 },
    Rsa { bits: u16, exponent: Vec<u8> },
}

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Signature,
    Both,
    KeyManagement,
}

impl Usage {
    const ALL: [(Usage, u8, &'static str); 3] = [
        (Usage::Signature, 0x00, "SIG-ONLY"),
        (Usage::Both, 0x80, "KEY-MGMT"),
        (Usage::KeyManagement, 0xc0, "KM-ONLY "),
    ];

    pub(crate) fn from_keyword(keyword: &str) -> Option<Usage> {
        let mut all = Usage::ALL.into_iter();
        all.find(|(_, _, name)| *name == keyword)
            .map(|(usage, ..)| usage)
    }

    fn byte(self) -> u8 {
        let mut all = Usage::ALL.into_iter();
        all.find(|(usage, ..)| *usage == self)
            .map_or(0, |(_, byte, _)| byte)
    }

    fn from_byte(byte: u8) -> Result<Usage, Code> {
        let mut all = Usage::ALL.into_iter();
        let found = all.find(|(_, known, _)| *known == byte);
        found.map(|(usage, ..)| usage).ok_or(PKA_FIELD)
    }
}

impl Spec {
    /// Reads a key value structure for a skeleton on a curve.
    pub(crate) fn ecc_from_values(values: &[u8]) -> Result<Spec, Code> {
        let [curve @ (0 | 1), 0, high, low, 0, 0, 0, 0] = *values else {
            return Err(KEY_VALUES);
        };
        let spec = Spec::Ecc {
            brainpool: curve == 1,
            bits: u16::from_be_bytes([high, low]),
        };
        spec.nid().map(|_| spec)
    }

    /// Reads a key value structure for a skeleton of an RSA key.
    pub(crate) fn rsa_from_values(values: &[u8]) -> Result<Spec, Code> {
        let rest = values.get(18..).ok_or(KEY_VALUES)?;
        let bits = number(values, 0);
        if !(512..=4096).contains(&bits) || bits % 128 != 0 {
            return Err(RSA_MODULUS);
        }
        let has_lengths = number(values, 2) == 0 && values[6..18] == [0; 12];
        // libseckey passes three bytes more than the structure has, whatever is in them.
        let exponent = rest.get(..usize::from(number(values, 4)));
        let exponent = exponent.filter(|_| has_lengths).ok_or(KEY_VALUES)?;
        if ![&[3][..], &[1, 0, 1]].contains(&exponent) {
            return Err(RSA_EXPONENT);
        }
        Ok(Spec::Rsa {
            bits,
            exponent: exponent.to_vec(),
        })
    }

    fn nid(&self) -> Result<Nid, Code> {
        const BRAINPOOL_P160R1: i32 = 921;
        let Spec::Ecc { brainpool, bits } = self else {
            return Err(PKA_FIELD);
        };
        Ok(match (brainpool, bits) {
            (false, 192) => Nid::X9_62_PRIME192V1,
            (false, 224) => Nid::SECP224R1,
            (false, 256) => Nid::X9_62_PRIME256V1,
            (false, 384) => Nid::SECP384R1,
            (false, 521) => Nid::SECP521R1,
            (true, 160) => Nid::from_raw(BRAINPOOL_P160R1),
            (true, 192) => Nid::BRAINPOOL_P192R1,
            (true, 224) => Nid::BRAINPOOL_P224R1,
            (true, 256) => Nid::BRAINPOOL_P256R1,
            (true, 320) => Nid::BRAINPOOL_P320R1,
            (true, 384) => Nid::BRAINPOOL_P384R1,
            (true, 512) => Nid::BRAINPOOL_P512R1,
            _ => return Err(KEY_VALUES),
        })
    }

    fn generate(&self) -> PKey<Private> {
        match self {
            Spec::Ecc { .. } => {
                let nid = self.nid().expect("a known curve");
                let group = EcGroup::from_curve_name(nid).expect("a known curve");
                PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
            }
            Spec::Rsa { bits, exponent } => {
                let exponent = BigNum::from_slice(exponent).expect("a number");
                let key = Rsa::generate_with_e(u32::from(*bits), &exponent).expect("a key");
                PKey::from_rsa(key).expect("a key")
            }
        }
    }
}

/// A key pair.
pub(crate) struct Pair {
    pub(crate) spec: Spec,
    pub(crate) usage: Usage,
    pub(crate) key: PKey<Private>,
}

impl Pair {
    pub(crate) fn generate(spec: Spec, usage: Usage) -> Pair {
        let key = spec.generate();
        Pair { spec, usage, key }
    }

    /// The token under a master key.
    pub(crate) fn seal(&self, master: &MasterKey) -> Vec<u8> {
        let (clear, modulus, public) = self.parts();
        let payload = clear.len() + MasterKey::OVERHEAD;
        let mut token = frame(INTERNAL, &self.spec, self.usage, &modulus, &public, payload);
        let layout = Layout::of(&self.spec, modulus.len());
        let pattern = &master.pattern()[..8];
        token[HEADER + layout.pattern..][..8].copy_from_slice(pattern);
        token[HEADER + layout.security] = UNDER_MASTER_KEY;
        let sealed = master.seal(PURPOSE, &token, &clear);
        token[HEADER + layout.payload..][..payload].copy_from_slice(&sealed);
        token
    }

    /// Opens an internal token; tells where its master key is. NEW does not count.
    pub(crate) fn open(token: &[u8], registers: &Registers) -> Result<(Pair, Register), Code> {
        let read = Read::new(token, INTERNAL)?;
        let payload = HEADER + read.layout.payload..HEADER + read.layout.payload + read.payload;
        if payload.is_empty() {
            return Err(NO_KEY);
        }
        let pattern = &token[HEADER + read.layout.pattern..][..8];
        let (register, master) = registers
            .find(pattern)
            .filter(|(register, _)| *register != Register::New)
            .ok_or(MASTER_KEY_PATTERN)?;
        let mut associated = token.to_vec();
        associated[payload.clone()].fill(0);
        let clear = master.open(PURPOSE, &associated, &token[payload]);
        let clear = clear.ok_or(TOKEN_CONSISTENCY)?;
        let key = private_key(&read.spec, &clear, read.public).ok_or(TOKEN_CONSISTENCY)?;
        let pair = Pair {
            spec: read.spec,
            usage: read.usage,
            key,
        };
        Ok((pair, register))
    }

    /// Private part, modulus, and what stands in the public section after its head.
    fn parts(&self) -> (Zeroizing<Vec<u8>>, Vec<u8>, Vec<u8>) {
        match &self.spec {
            Spec::Ecc { .. } => {
                let key = self.key.ec_key().expect("a key on a curve");
                let mut context = BigNumContext::new().expect("a context");
                let form = PointConversionForm::UNCOMPRESSED;
                let point = key.public_key().to_bytes(key.group(), form, &mut context);
                let clear = Zeroizing::new(key.private_key().to_vec());
                (clear, Vec::new(), point.expect("a point"))
            }
            Spec::Rsa { bits, exponent } => {
                let key = self.key.rsa().expect("an RSA key");
                let size = i32::from(*bits / 8);
                let modulus = key.n().to_vec_padded(size).expect("a modulus");
                let clear = Zeroizing::new(key.private_key_to_der().expect("DER"));
                (clear, modulus, exponent.clone())
            }
        }
    }
}

/// A skeleton for [`read_skeleton`].
pub(crate) fn skeleton(spec: &Spec, usage: Usage) -> Vec<u8> {
    let public = match spec {
        Spec::Ecc { .. } => Vec::new(),
        Spec::Rsa { exponent, .. } => exponent.clone(),
    };
    frame(SKELETON, spec, usage, &[], &public, 0)
}

pub(crate) fn read_skeleton(token: &[u8]) -> Result<(Spec, Usage), Code> {
    let read = Read::new(token, SKELETON)?;
    // A skeleton that was tampered with is none.
    if skeleton(&read.spec, read.usage) != token {
        return Err(PKA_FIELD);
    }
    Ok((read.spec, read.usage))
}

/// Offsets in a token after its header.
struct Layout {
    security: usize,
    pattern: usize,
    payload: usize,
}

impl Layout {
    fn of(spec: &Spec, modulus: usize) -> Layout {
        match spec {
            Spec::Ecc { .. } => Layout {
                security: 10,
                pattern: 16,
                payload: ECC_FIXED,
            },
            Spec::Rsa { .. } => Layout {
                security: 11,
                pattern: 70,
                payload: RSA_FIXED + modulus,
            },
        }
    }
}

/// A token without anything secret.
fn frame(
    header: u8,
    spec: &Spec,
    usage: Usage,
    modulus: &[u8],
    public: &[u8],
    payload: usize,
) -> Vec<u8> {
    let mut token = vec![header, 0, 0, 0, 0, 0, 0, 0];
    let put = |section: &mut Vec<u8>, at: usize, value: usize| {
        section[at..at + 2].copy_from_slice(&(value as u16).to_be_bytes());
    };
    let (mut private, mut head) = match spec {
        Spec::Ecc { brainpool, bits } => {
            let mut private = vec![0; ECC_FIXED];
            private[0] = ECC_PRIVATE;
            // Enciphered with AESKW and SHA-256.
            private[4..6].copy_from_slice(&[1, 2]);
            (private[8], private[9]) = (usage.byte(), u8::from(*brainpool));
            put(&mut private, 12, usize::from(*bits));
            put(&mut private, 74, payload);
            let mut head = vec![0; 14];
            (head[0], head[8]) = (ECC_PUBLIC, u8::from(*brainpool));
            put(&mut head, 10, usize::from(*bits));
            put(&mut head, 12, public.len());
            (private, head)
        }
        Spec::Rsa { bits, .. } => {
            let mut private = vec![0; RSA_FIXED];
            (private[0], private[10], private[14]) = (RSA_PRIVATE, 2, 2);
            private[50] = usage.byte();
            put(&mut private, 6, payload);
            put(&mut private, 62, modulus.len());
            private.extend(modulus);
            let mut head = vec![0; 12];
            head[0] = RSA_PUBLIC;
            put(&mut head, 6, public.len());
            put(&mut head, 8, usize::from(*bits));
            (private, head)
        }
    };
    private.resize(private.len() + payload, 0);
    head.extend(public);
    for section in [&mut private, &mut head] {
        let length = section.len();
        put(section, 2, length);
    }
    token.extend(private);
    token.extend(head);
    let length = token.len();
    put(&mut token, 2, length);
    token
}

/// A token taken apart.
struct Read<'t> {
    spec: Spec,
    usage: Usage,
    layout: Layout,
    payload: usize,
    public: &'t [u8],
}

impl<'t> Read<'t> {
    fn new(token: &'t [u8], header: u8) -> Result<Read<'t>, Code> {
        let is_header = token.len() >= HEADER
            && token[..2] == [header, 0]
            && usize::from(number(token, 2)) == token.len()
            && token[4..8] == [0; 4];
        if !is_header {
            return Err(TOKEN_HEADER);
        }
        let (private, rest) = section(&token[HEADER..])?;
        let (public, rest) = section(rest)?;
        if !rest.is_empty() {
            return Err(SECTION);
        }
        let read = match (private[0], public[0]) {
            (ECC_PRIVATE, ECC_PUBLIC) => Read::ecc(private, public)?,
            (RSA_PRIVATE, RSA_PUBLIC) => Read::rsa(private, public)?,
            _ => return Err(SECTION),
        };
        if read.layout.payload + read.payload != private.len() {
            return Err(PKA_FIELD);
        }
        Ok(read)
    }

    fn ecc(private: &'t [u8], public: &'t [u8]) -> Result<Read<'t>, Code> {
        if private.len() < ECC_FIXED || public.len() < 14 || private[9] > 1 {
            return Err(PKA_FIELD);
        }
        let spec = Spec::Ecc {
            brainpool: private[9] == 1,
            bits: number(private, 12),
        };
        spec.nid().map_err(|_| PKA_FIELD)?;
        Ok(Read {
            usage: Usage::from_byte(private[8])?,
            layout: Layout::of(&spec, 0),
            payload: usize::from(number(private, 74)),
            public: &public[14..],
            spec,
        })
    }

    fn rsa(private: &'t [u8], public: &'t [u8]) -> Result<Read<'t>, Code> {
        if private.len() < RSA_FIXED || public.len() < 12 {
            return Err(PKA_FIELD);
        }
        let spec = Spec::Rsa {
            bits: number(public, 8),
            exponent: public[12..].to_vec(),
        };
        Ok(Read {
            usage: Usage::from_byte(private[50])?,
            layout: Layout::of(&spec, usize::from(number(private, 62))),
            payload: usize::from(number(private, 6)),
            public: &public[12..],
            spec,
        })
    }
}

/// The first section, and what comes after it.
fn section(content: &[u8]) -> Result<(&[u8], &[u8]), Code> {
    if content.len() < 4 {
        return Err(SECTION);
    }
    let length = usize::from(number(content, 2));
    if length < 4 || length > content.len() {
        return Err(SECTION);
    }
    Ok(content.split_at(length))
}

fn number(content: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([content[at], content[at + 1]])
}

fn private_key(spec: &Spec, clear: &[u8], public: &[u8]) -> Option<PKey<Private>> {
    match spec {
        Spec::Ecc { .. } => {
            let group = EcGroup::from_curve_name(spec.nid().ok()?).ok()?;
            let mut context = BigNumContext::new().ok()?;
            let point = EcPoint::from_bytes(&group, public, &mut context).ok()?;
            let scalar = BigNum::from_slice(clear).ok()?;
            let key = EcKey::from_private_components(&group, &scalar, &point).ok()?;
            PKey::from_ec_key(key).ok()
        }
        Spec::Rsa { .. } => PKey::from_rsa(Rsa::private_key_from_der(clear).ok()?).ok(),
    }
    .filter(|key| matches!(key.id(), Id::EC | Id::RSA))
}
