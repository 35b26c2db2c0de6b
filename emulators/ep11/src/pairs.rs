//! Key pairs.

use openssl::asn1::Asn1Object;
use openssl::bn::BigNum;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::md::{Md, MdRef};
use openssl::pkey::{Id, PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::RsaPssSaltlen;
use zeroize::Zeroizing;

use crate::blob::{Blob, Content, PublicKey, attribute};
use crate::codes::{self, Rv};
use crate::template::{EC_PARAMS, MODULUS_BITS, PUBLIC_EXPONENT, SENSITIVE, Template};
use crate::{Clear, Domain, Mechanism, Parameter, Response, Single};

const RSA_KEY_PAIR: u64 = 0x0000;
const EC_KEY_PAIR: u64 = 0x1040;
pub(crate) const RSA_PKCS: u64 = 0x0001;
pub(crate) const RSA_OAEP: u64 = 0x0009;
const RSA_PSS: u64 = 0x000d;
const ECDSA: u64 = 0x1041;

/// The curves that zkey offers.
const CURVES: [&str; 12] = [
    "1.2.840.10045.3.1.1",
    "1.3.132.0.33",
    "1.2.840.10045.3.1.7",
    "1.3.132.0.34",
    "1.3.132.0.35",
    "1.3.36.3.3.2.8.1.1.1",
    "1.3.36.3.3.2.8.1.1.3",
    "1.3.36.3.3.2.8.1.1.5",
    "1.3.36.3.3.2.8.1.1.7",
    "1.3.36.3.3.2.8.1.1.9",
    "1.3.36.3.3.2.8.1.1.11",
    "1.3.36.3.3.2.8.1.1.13",
];

pub(crate) fn generate(
    domain: &Domain<'_>,
    mechanism: &Mechanism,
    public: &Template,
    private: &Template,
) -> Response {
    use attribute::{DECRYPT, DERIVE, ENCRYPT, SIGN, UNWRAP, VERIFY, WRAP};
    let current = domain.current()?;
    private.value(SENSITIVE)?;
    let (public_flags, private_flags, key) = match (mechanism.number, &mechanism.parameter) {
        (EC_KEY_PAIR, Parameter::None) => {
            let public_flags = public.flags(&[EC_PARAMS], VERIFY)?;
            let private_flags = private.flags(&[], SIGN | DERIVE)?;
            (
                public_flags,
                private_flags,
                ec_key(public.value(EC_PARAMS)?)?,
            )
        }
        (RSA_KEY_PAIR, Parameter::None) => {
            let values = [MODULUS_BITS, PUBLIC_EXPONENT];
            let public_flags = public.flags(&values, VERIFY | ENCRYPT | WRAP)?;
            let private_flags = private.flags(&[], SIGN | DECRYPT | UNWRAP)?;
            let bits = public.number(MODULUS_BITS)?;
            let key = rsa_key(bits, public.value(PUBLIC_EXPONENT)?)?;
            (public_flags, private_flags, key)
        }
        (EC_KEY_PAIR | RSA_KEY_PAIR, _) => return Err(codes::MECHANISM_PARAM_INVALID),
        _ => return Err(codes::MECHANISM_INVALID),
    };
    let der = key.public_key_to_der().expect("a public key");
    let public = PublicKey {
        attributes: public_flags,
        key: PKey::public_key_from_der(&der).expect("a public key"),
    };
    let blob = Blob {
        attributes: private_flags | attribute::NEVER_EXTRACTABLE | attribute::LOCAL,
        content: Content::Private(key),
    };
    Ok(vec![blob.seal(current), public.seal(current)])
}

fn ec_key(parameters: &[u8]) -> Result<PKey<Private>, Rv> {
    let name = object_identifier(parameters).ok_or(codes::ATTRIBUTE_VALUE_INVALID)?;
    if !CURVES.contains(&name.as_str()) {
        return Err(codes::CURVE_NOT_SUPPORTED);
    }
    let generate = || {
        let curve = Asn1Object::from_str(&name)?.nid();
        let mut group = EcGroup::from_curve_name(curve)?;
        group.set_asn1_flag(Asn1Flag::NAMED_CURVE);
        PKey::from_ec_key(EcKey::generate(&group)?)
    };
    generate().map_err(|_| codes::CURVE_NOT_SUPPORTED)
}

/// Decodes an OBJECT IDENTIFIER (DER).
fn object_identifier(der: &[u8]) -> Option<String> {
    let [0x06, length, first, rest @ ..] = der else {
        return None;
    };
    if usize::from(*length) != rest.len() + 1 || rest.last()? & 0x80 != 0 {
        return None;
    }
    let mut text = format!("{}.{}", first / 40, first % 40);
    let mut number = 0_u32;
    for byte in rest {
        number = number.checked_mul(128)? + u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            text += &format!(".{number}");
            number = 0;
        }
    }
    Some(text)
}

fn rsa_key(bits: u64, exponent: &[u8]) -> Result<PKey<Private>, Rv> {
    let bits = u32::try_from(bits)
        .ok()
        .filter(|bits| [512, 1024, 2048, 3072, 4096].contains(bits))
        .ok_or(codes::KEY_SIZE_RANGE)?;
    let exponent = BigNum::from_slice(exponent).map_err(|_| codes::ATTRIBUTE_VALUE_INVALID)?;
    let is_known = [3, 5, 17, 257, 65537]
        .iter()
        .any(|known| BigNum::from_u32(*known).is_ok_and(|known| known == exponent));
    if !is_known {
        return Err(codes::ATTRIBUTE_VALUE_INVALID);
    }
    Rsa::generate_with_e(bits, &exponent)
        .and_then(PKey::from_rsa)
        .map_err(|_| codes::KEY_SIZE_RANGE)
}

pub(crate) fn sign(domain: &Domain<'_>, single: &Single) -> Response {
    let blob = domain.open(&single.key)?;
    let key = blob.private()?;
    blob.demand(attribute::SIGN)?;
    let data = &single.data;
    check_signature_mechanism(&single.mechanism, key.id(), data, field_bytes(key.as_ref()))?;
    let signature = match single.mechanism.parameter {
        Parameter::Pss(hash, ..) => {
            let digest = digest(hash)?.0;
            let mut context = PkeyCtx::new(key).expect("a key");
            let mut signature = Vec::new();
            context
                .sign_init()
                .and_then(|()| context.set_rsa_padding(Padding::PKCS1_PSS))
                .and_then(|()| context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH))
                .and_then(|()| context.set_signature_md(digest))
                .and_then(|()| context.set_rsa_mgf1_md(digest))
                .and_then(|()| context.sign_to_vec(data, &mut signature))
                .map_err(|_| codes::KEY_SIZE_RANGE)?;
            signature
        }
        _ if key.id() == Id::EC => {
            let signature = EcdsaSig::sign(data, &key.ec_key().expect("an EC key"));
            let signature = signature.expect("a signature");
            let length = field_bytes(key.as_ref()) as i32;
            let half = |number: &openssl::bn::BigNumRef| {
                number
                    .to_vec_padded(length)
                    .expect("a number below the order")
            };
            [half(signature.r()), half(signature.s())].concat()
        }
        _ => {
            let rsa = key.rsa().expect("an RSA key");
            let mut signature = vec![0; rsa.size() as usize];
            rsa.private_encrypt(data, &mut signature, Padding::PKCS1)
                .map_err(|_| codes::DATA_LEN_RANGE)?;
            signature
        }
    };
    Ok(vec![signature])
}

fn field_bytes<T: openssl::pkey::HasPublic>(key: &openssl::pkey::PKeyRef<T>) -> usize {
    key.bits().div_ceil(8) as usize
}

fn check_signature_mechanism(
    mechanism: &Mechanism,
    id: Id,
    data: &[u8],
    field: usize,
) -> Result<(), Rv> {
    let suits = match mechanism.number {
        ECDSA => id == Id::EC,
        RSA_PKCS | RSA_PSS => id == Id::RSA,
        _ => return Err(codes::MECHANISM_INVALID),
    };
    if !suits {
        return Err(codes::KEY_TYPE_INCONSISTENT);
    }
    match (mechanism.number, &mechanism.parameter) {
        (ECDSA, Parameter::None) if (1..=field).contains(&data.len()) => Ok(()),
        // A DigestInfo, which the real one does not ask for.
        (RSA_PKCS, Parameter::None) if data.first() != Some(&0x30) => Err(codes::DATA_INVALID),
        (RSA_PKCS, Parameter::None) if data.len() + 11 <= field => Ok(()),
        (ECDSA | RSA_PKCS, Parameter::None) => Err(codes::DATA_LEN_RANGE),
        (RSA_PSS, Parameter::Pss(hash, mask, salt)) => {
            let (digest, expected_mask) = digest(*hash)?;
            let size = digest.size();
            if *mask != expected_mask || *salt != size as u64 {
                Err(codes::MECHANISM_PARAM_INVALID)
            } else if data.len() == size {
                Ok(())
            } else {
                Err(codes::DATA_LEN_RANGE)
            }
        }
        _ => Err(codes::MECHANISM_PARAM_INVALID),
    }
}

/// The digest of a `CKM_SHA...`, and the `CKG_MGF1_SHA...` that goes with it.
fn digest(hash: u64) -> Result<(&'static MdRef, u64), Rv> {
    match hash {
        0x220 => Ok((Md::sha1(), 1)),
        0x255 => Ok((Md::sha224(), 5)),
        0x250 => Ok((Md::sha256(), 2)),
        0x260 => Ok((Md::sha384(), 3)),
        0x270 => Ok((Md::sha512(), 4)),
        _ => Err(codes::MECHANISM_PARAM_INVALID),
    }
}

pub(crate) fn verify(domain: &Domain<'_>, single: &Single, signature: &[u8]) -> Response {
    let public = PublicKey::open(domain.current()?, &single.key)?;
    public.demand(attribute::VERIFY)?;
    let key = &public.key;
    let data = &single.data;
    check_signature_mechanism(&single.mechanism, key.id(), data, field_bytes(key.as_ref()))?;
    let is_good = match key.id() {
        Id::EC => {
            if signature.len() != 2 * field_bytes(key.as_ref()) {
                return Err(codes::SIGNATURE_LEN_RANGE);
            }
            let (r, s) = signature.split_at(signature.len() / 2);
            let numbers = BigNum::from_slice(r).and_then(|r| Ok((r, BigNum::from_slice(s)?)));
            let (r, s) = numbers.expect("numbers");
            EcdsaSig::from_private_components(r, s)
                .and_then(|signature| signature.verify(data, &*key.ec_key()?))
                .unwrap_or(false)
        }
        _ if single.mechanism.number == RSA_PSS => return Err(codes::MECHANISM_INVALID),
        _ => {
            let rsa = key.rsa().expect("an RSA key");
            if signature.len() != rsa.size() as usize {
                return Err(codes::SIGNATURE_LEN_RANGE);
            }
            let mut found = vec![0; signature.len()];
            let length = rsa.public_decrypt(signature, &mut found, Padding::PKCS1);
            length.is_ok_and(|length| found[..length] == data[..])
        }
    };
    if is_good {
        Ok(Vec::new())
    } else {
        Err(codes::SIGNATURE_INVALID)
    }
}

pub(crate) fn decrypt(domain: &Domain<'_>, single: &Single) -> Response {
    let blob = domain.open(&single.key)?;
    let key = blob.private()?;
    blob.demand(attribute::DECRYPT)?;
    let clear = rsa_decrypt(key, &single.mechanism, &single.data)?;
    let clear = clear.ok_or(codes::ENCRYPTED_DATA_INVALID)?;
    Ok(vec![clear.to_vec()])
}

/// Decrypts; nothing if it is not for this key or with another padding.
pub(crate) fn rsa_decrypt(
    key: &PKey<Private>,
    mechanism: &Mechanism,
    data: &[u8],
) -> Result<Option<Clear>, Rv> {
    if key.id() != Id::RSA {
        return Err(codes::KEY_TYPE_INCONSISTENT);
    }
    if data.len() != key.size() {
        return Err(codes::ENCRYPTED_DATA_LEN_RANGE);
    }
    let padding = match (mechanism.number, &mechanism.parameter) {
        (RSA_PKCS, Parameter::None) => None,
        (RSA_OAEP, Parameter::Oaep(hash, mask)) => {
            let (digest, expected_mask) = digest(*hash)?;
            if *mask != expected_mask {
                return Err(codes::MECHANISM_PARAM_INVALID);
            }
            Some(digest)
        }
        (RSA_PKCS | RSA_OAEP, _) => return Err(codes::MECHANISM_PARAM_INVALID),
        _ => return Err(codes::MECHANISM_INVALID),
    };
    let mut context = PkeyCtx::new(key).expect("a key");
    let mut clear = Zeroizing::new(vec![0; key.size()]);
    let decrypted = context
        .decrypt_init()
        .and_then(|()| match padding {
            Some(digest) => {
                context.set_rsa_padding(Padding::PKCS1_OAEP)?;
                context.set_rsa_oaep_md(digest)?;
                context.set_rsa_mgf1_md(digest)
            }
            // OpenSSL's own removal of this padding may return random bytes for a wrong one.
            None => context.set_rsa_padding(Padding::NONE),
        })
        .and_then(|()| context.decrypt(data, Some(&mut clear)));
    let Ok(length) = decrypted else {
        return Ok(None);
    };
    clear.truncate(length);
    if padding.is_none() {
        return Ok(remove_pkcs1_padding(&clear));
    }
    Ok(Some(clear))
}

fn remove_pkcs1_padding(padded: &[u8]) -> Option<Clear> {
    let [0, 2, rest @ ..] = padded else {
        return None;
    };
    let zero = rest.iter().position(|byte| *byte == 0)?;
    (zero >= 8).then(|| Zeroizing::new(rest[zero + 1..].to_vec()))
}
