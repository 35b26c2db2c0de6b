//! Probe of wrapped keys: which forms of an RSA key the server takes, and which paddings it has.

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, BigInteger, CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask,
    EncodingOption, EncryptionKeyInformation, GetRequest, HashingAlgorithm, KeyBlock,
    KeyFormatType, KeyMaterial, KeyRoleType, KeyValue, KeyWrappingSpecification, ManagedObject,
    MaskGenerator, ObjectType, PaddingMethod, PublicKey, Secret, TransparentRsaPublicKey,
    UniqueIdentifier, WrappingMethod,
};
use openssl::encrypt::Decrypter;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding as RsaPadding, Rsa};

use super::probe::Made;
use super::reason;
use super::report::Report;
use crate::failure::Failure;

/// Bits of the key for the probe, and in the profile.
pub(super) const BITS: i32 = 2048;

/// A way to get wrapped keys that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrapping {
    pub(super) form: Form,
    pub(super) padding: Padding,
}

/// How a public key is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Pkcs1,
    Pkcs8,
    Transparent,
}

/// How the server pads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    OaepSha256,
    OaepSha1,
    Pkcs1,
}

const FORMS: [(Form, &str); 3] = [
    (Form::Pkcs1, "PKCS#1"),
    (Form::Pkcs8, "PKCS#8"),
    (Form::Transparent, "transparent"),
];

/// The best first.
const PADDINGS: [(Padding, &str); 3] = [
    (Padding::OaepSha256, "OAEP with SHA-256"),
    (Padding::OaepSha1, "OAEP with SHA-1"),
    (Padding::Pkcs1, "PKCS#1 v1.5"),
];

pub(super) fn examine(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    clear: Option<&[u8]>,
    report: &mut Report,
) -> Result<Option<Wrapping>, Failure> {
    let rsa = Rsa::generate(BITS as u32).map_err(Failure::openssl("make an RSA key"))?;
    let mut registered: Option<(Form, UniqueIdentifier<'static>)> = None;
    let mut works = Vec::new();
    let mut fails = Vec::new();
    for (form, name) in FORMS {
        match register(made, &rsa, form)? {
            Ok(id) => {
                works.push(name);
                registered.get_or_insert((form, id));
            }
            Err(error) => fails.push(format!("{name} ({error})")),
        }
    }
    let Some((form, wrapping)) = registered else {
        let found = format!(
            "no form of an RSA public key is taken: {}",
            fails.join("; ")
        );
        let advice = "zkey cannot work with this server: it gives out keys wrapped with RSA only";
        report.bad("Register", found, advice)?;
        return Ok(None);
    };
    let mut found = format!("RSA public key: {}", works.join(", "));
    if !fails.is_empty() {
        found = format!("{found}; not {}", fails.join("; "));
    }
    report.good("Register", found)?;

    let mut best = None;
    let (mut works, mut fails) = (Vec::new(), Vec::new());
    for (padding, name) in PADDINGS {
        match get(made, key, &wrapping, padding, &rsa, clear) {
            Ok(()) => {
                works.push(name);
                best.get_or_insert(Wrapping { form, padding });
            }
            Err(error) => fails.push(format!("{name} ({error})")),
        }
    }
    let rest = match fails.is_empty() {
        true => String::new(),
        false => format!("; not {}", fails.join("; ")),
    };
    match best {
        Some(_) => {
            report.good("Get wrapped", format!("{}{rest}", works.join(", ")))?;
            if best.is_some_and(|best| best.padding == Padding::Pkcs1) {
                let advice = "PKCS#1 v1.5 is weak; ask the vendor for OAEP";
                report.doubtful("Get wrapped", "there is no OAEP", advice)?;
            }
        }
        None => report.bad(
            "Get wrapped",
            fails.join("; "),
            "zkey cannot work with this server: it gives out no keys wrapped with RSA",
        )?,
    }
    Ok(best)
}

/// Registers the public key. An inner error is the server's.
fn register(
    made: &mut Made<'_>,
    rsa: &Rsa<Private>,
    form: Form,
) -> Result<Result<UniqueIdentifier<'static>, String>, Failure> {
    let (format, material) =
        public_key(rsa, form).map_err(Failure::openssl("encode a public key"))?;
    let object = PublicKey {
        key_block: KeyBlock {
            key_format_type: format,
            key_value: Some(KeyValue::new(material)),
            cryptographic_algorithm: Some(CryptographicAlgorithm::RSA),
            cryptographic_length: Some(BITS),
            ..KeyBlock::default()
        },
        ..PublicKey::default()
    };
    let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::WRAP_KEY;
    let attributes = [Attribute::cryptographic_usage_mask(usage)];
    let registered = made
        .client
        .register(ObjectType::PUBLIC_KEY, object, attributes);
    let registered = registered.and_then(|id| {
        made.note(&id);
        made.client.activate(&id).map(|()| id)
    });
    Ok(registered.map_err(|error| reason(&error)))
}

fn public_key(
    rsa: &Rsa<Private>,
    form: Form,
) -> Result<(KeyFormatType, KeyMaterial<'static>), ErrorStack> {
    Ok(match form {
        Form::Pkcs1 => (
            KeyFormatType::PKCS_1,
            Secret::owned(rsa.public_key_to_der_pkcs1()?).into(),
        ),
        // As the plugin does it: the name of the format is not quite right, and what servers know.
        Form::Pkcs8 => (
            KeyFormatType::PKCS_8,
            Secret::owned(rsa.public_key_to_der()?).into(),
        ),
        Form::Transparent => (
            KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
            KeyMaterial::TransparentRsaPublicKey(TransparentRsaPublicKey {
                modulus: BigInteger::from_unsigned(&rsa.n().to_vec()),
                public_exponent: BigInteger::from_unsigned(&rsa.e().to_vec()),
                ..TransparentRsaPublicKey::default()
            }),
        ),
    })
}

/// Gets the key wrapped, with the same request as the plugin's, and unwraps it.
fn get(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    wrapping: &UniqueIdentifier<'static>,
    padding: Padding,
    rsa: &Rsa<Private>,
    clear: Option<&[u8]>,
) -> Result<(), String> {
    let version = made.client.version();
    let request = |format| GetRequest {
        unique_identifier: Some(key.clone()),
        key_format_type: format,
        key_wrapping_specification: Some(Box::new(specification(wrapping, padding, version))),
        ..GetRequest::default()
    };
    let got = made.client.call(request(Some(KeyFormatType::RAW)));
    // Several servers refuse a format together with wrapping.
    let got = got.or_else(|_| made.client.call(request(None)));
    let got = got.map_err(|error| reason(&error))?;
    let ManagedObject::SymmetricKey(object) = &got.managed_object else {
        return Err("the answer is no symmetric key".to_owned());
    };
    let value = object.key_block.key_value.as_ref();
    let wrapped = value.and_then(|value| value.as_bytes());
    let wrapped = wrapped.ok_or("the answer has no key")?;
    let unwrapped = unwrap(rsa, padding, wrapped);
    let unwrapped = unwrapped.map_err(|_| "what comes does not unwrap".to_owned())?;
    match clear {
        Some(clear) if clear != unwrapped => Err("what comes unwraps to another key".to_owned()),
        None if unwrapped.len() != 32 => Err("what comes unwraps to no AES-256 key".to_owned()),
        _ => Ok(()),
    }
}

fn specification(
    wrapping: &UniqueIdentifier<'static>,
    padding: Padding,
    version: ProtocolVersion,
) -> KeyWrappingSpecification<'static> {
    let (method, hash) = match padding {
        Padding::OaepSha256 => (PaddingMethod::OAEP, Some(HashingAlgorithm::SHA_256)),
        Padding::OaepSha1 => (PaddingMethod::OAEP, Some(HashingAlgorithm::SHA_1)),
        Padding::Pkcs1 => (PaddingMethod::PKCS1_V1_5, None),
    };
    let mask_hash = hash.filter(|_| version >= ProtocolVersion::V1_4);
    let rsa = CryptographicAlgorithm::RSA;
    KeyWrappingSpecification {
        wrapping_method: WrappingMethod::ENCRYPT,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: wrapping.clone(),
            cryptographic_parameters: Some(CryptographicParameters {
                padding_method: Some(method),
                hashing_algorithm: hash,
                key_role_type: Some(KeyRoleType::KEK),
                cryptographic_algorithm: (version >= ProtocolVersion::V1_2).then_some(rsa),
                mask_generator: mask_hash.map(|_| MaskGenerator::MGF1),
                mask_generator_hashing_algorithm: mask_hash,
                ..CryptographicParameters::default()
            }),
            ..EncryptionKeyInformation::default()
        }),
        encoding_option: (version >= ProtocolVersion::V1_2).then_some(EncodingOption::NO_ENCODING),
        ..KeyWrappingSpecification::default()
    }
}

fn unwrap(rsa: &Rsa<Private>, padding: Padding, wrapped: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::from_rsa(rsa.clone())?;
    let mut decrypter = Decrypter::new(&key)?;
    match padding {
        Padding::Pkcs1 => decrypter.set_rsa_padding(RsaPadding::PKCS1)?,
        Padding::OaepSha1 | Padding::OaepSha256 => {
            let digest = match padding {
                Padding::OaepSha256 => MessageDigest::sha256(),
                _ => MessageDigest::sha1(),
            };
            decrypter.set_rsa_padding(RsaPadding::PKCS1_OAEP)?;
            decrypter.set_rsa_oaep_md(digest)?;
            decrypter.set_rsa_mgf1_md(digest)?;
        }
    }
    let mut clear = vec![0; decrypter.decrypt_len(wrapped)?];
    let length = decrypter.decrypt(wrapped, &mut clear)?;
    clear.truncate(length);
    Ok(clear)
}
