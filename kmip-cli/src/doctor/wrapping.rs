//! Probe of wrapped keys: which forms of an RSA key the server takes, and which paddings it has.

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask,
    EncodingOption, EncryptionKeyInformation, GetRequest, HashingAlgorithm, KeyFormatType,
    KeyRoleType, KeyWrappingSpecification, ManagedObject, MaskGenerator, ObjectType, PaddingMethod,
    UniqueIdentifier, WrappingMethod,
};
use serde_json::json;
use zkey_needs::server_traits::ServerTrait;

use super::probe::{Made, is_refusal};
use super::reason;
use super::report::Report;
use super::rsa_key::{Form, Padding, RsaKey};
use crate::failure::Failure;

/// Bits of the keys that are tried. The first one tells about forms and paddings.
const SIZES: [i32; 3] = [2048, 3072, 4096];

/// Bits in a profile where nothing was tried.
pub(super) const USUAL_BITS: i32 = 2048;

/// A way to get wrapped keys that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrapping {
    pub(super) form: Form,
    pub(super) padding: Padding,
    /// Of the longest RSA key that works.
    pub(super) bits: i32,
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

/// What works, and what does not with the server's reasons.
struct Outcomes<T> {
    works: Vec<(T, &'static str)>,
    fails: Vec<String>,
}

impl<T> Outcomes<T> {
    fn new() -> Self {
        Outcomes {
            works: Vec::new(),
            fails: Vec::new(),
        }
    }

    fn note(&mut self, name: &'static str, outcome: Result<T, String>) {
        match outcome {
            Ok(value) => self.works.push((value, name)),
            Err(error) => self.fails.push(format!("{name} ({error})")),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.works.iter().map(|(_, name)| *name).collect()
    }

    fn text(&self) -> String {
        let fails = self.fails.join("; ");
        match (self.works.is_empty(), self.fails.is_empty()) {
            (_, true) => self.names().join(", "),
            (true, false) => format!("not {fails}"),
            (false, false) => format!("{}; not {fails}", self.names().join(", ")),
        }
    }
}

/// The key that is fetched wrapped.
struct Probed<'p> {
    id: &'p UniqueIdentifier<'static>,
    /// If the server gives it out.
    clear: Option<&'p [u8]>,
}

pub(super) fn examine(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    clear: Option<&[u8]>,
    report: &mut Report,
) -> Result<Option<Wrapping>, Failure> {
    let probed = Probed { id: key, clear };
    let [first, longer @ ..] = SIZES;
    let rsa = RsaKey::generate(first)?;
    let mut registered = Outcomes::new();
    for (form, name) in FORMS {
        let outcome = register(made, &rsa, form)?;
        registered.note(name, outcome.map(|id| (form, id)));
    }
    report.fact("wrapping_key_formats", json!(registered.names()));
    if registered.works.is_empty() {
        let found = format!(
            "no form of an RSA public key is taken: {}",
            registered.fails.join("; ")
        );
        let advice = "zkey cannot work with this server: it gives out keys wrapped with RSA only";
        report.bad("Register", found, advice)?;
        return Ok(None);
    }
    report.good("Register", format!("RSA public key: {}", registered.text()))?;

    // Not every form that is taken can be used.
    let mut usable = Vec::new();
    for ((form, id), name) in registered.works {
        let mut paddings = Outcomes::new();
        for (padding, padding_name) in PADDINGS {
            let outcome = get(made, &probed, &id, padding, &rsa);
            paddings.note(padding_name, outcome.map(|()| padding));
        }
        usable.push((form, name, paddings));
    }
    let rank = |paddings: &Outcomes<Padding>| {
        let best = paddings.works.first().map(|(padding, _)| *padding);
        PADDINGS.iter().position(|(one, _)| Some(*one) == best)
    };
    // The first of equals.
    usable.sort_by_key(|(_, _, paddings)| rank(paddings).unwrap_or(PADDINGS.len()));
    let (form, _, paddings) = &usable[0];
    report.fact("paddings", json!(paddings.names()));
    let Some((padding, _)) = paddings.works.first() else {
        report.bad(
            "Get wrapped",
            paddings.fails.join("; "),
            "zkey cannot work with this server: it gives out no keys wrapped with RSA",
        )?;
        return Ok(None);
    };
    report.good("Get wrapped", paddings.text())?;
    for (_, name, others) in &usable[1..] {
        if others.names() != paddings.names() {
            let found = format!("with a key that came in {name}: {}", others.text());
            report.adapted("Get wrapped", found, "another form is used")?;
        }
    }
    if *padding == Padding::Pkcs1 {
        let advice = "PKCS#1 v1.5 is weak; ask the vendor for OAEP";
        report.doubtful("Get wrapped", "there is no OAEP", advice)?;
    }
    if made.traits.has(ServerTrait::DefaultKeyFormat) {
        let instead = "zkey asks without one";
        let found = "refused with a Key Format Type";
        report.adapted("Get wrapped", found, instead)?;
    }
    let best = Wrapping {
        form: *form,
        padding: *padding,
        bits: first,
    };
    sizes(made, &probed, best, &longer, report).map(Some)
}

/// The same with longer keys.
fn sizes(
    made: &mut Made<'_>,
    probed: &Probed<'_>,
    mut best: Wrapping,
    longer: &[i32],
    report: &mut Report,
) -> Result<Wrapping, Failure> {
    const CHECK: &str = "RSA sizes";
    let mut works = vec![best.bits];
    let mut fails = Vec::new();
    for bits in longer {
        let rsa = RsaKey::generate(*bits)?;
        let outcome = register(made, &rsa, best.form)?;
        match outcome.and_then(|id| get(made, probed, &id, best.padding, &rsa)) {
            Ok(()) => works.push(*bits),
            Err(error) => fails.push(format!("{bits} ({error})")),
        }
    }
    report.fact("wrapping_key_bits", json!(works));
    best.bits = works.last().copied().unwrap_or(best.bits);
    let list = works.iter().map(ToString::to_string);
    let list = format!("{} bits", list.collect::<Vec<_>>().join(", "));
    match fails.is_empty() {
        true => report.good(CHECK, list)?,
        false => {
            let instead = format!("wrapping keys have {} bits", best.bits);
            report.adapted(CHECK, format!("{list}; not {}", fails.join("; ")), instead)?;
        }
    }
    Ok(best)
}

/// Registers the public key. An inner error is the server's.
fn register(
    made: &mut Made<'_>,
    rsa: &RsaKey,
    form: Form,
) -> Result<Result<UniqueIdentifier<'static>, String>, Failure> {
    let object = rsa.public_key(form)?;
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

/// Gets the key wrapped, with the same request as the plugin's, and unwraps it.
fn get(
    made: &mut Made<'_>,
    probed: &Probed<'_>,
    wrapping: &UniqueIdentifier<'static>,
    padding: Padding,
    rsa: &RsaKey,
) -> Result<(), String> {
    let version = made.client.version();
    let request = |format| GetRequest {
        unique_identifier: Some(probed.id.clone()),
        key_format_type: format,
        key_wrapping_specification: Some(specification(wrapping, padding, version)),
        ..GetRequest::default()
    };
    let by_default = made.traits.has(ServerTrait::DefaultKeyFormat);
    let format = (!by_default).then_some(KeyFormatType::RAW);
    let got = match made.client.call(request(format)) {
        // Several servers refuse a format together with wrapping.
        Err(error) if !by_default && is_refusal(&error) => {
            let got = made.client.call(request(None));
            if got.is_ok() {
                made.traits.insert(ServerTrait::DefaultKeyFormat);
            }
            got
        }
        got => got,
    };
    let got = got.map_err(|error| reason(&error))?;
    let ManagedObject::SymmetricKey(object) = &got.managed_object else {
        return Err("the answer is no symmetric key".to_owned());
    };
    let value = object.key_block.key_value.as_ref();
    let wrapped = value.and_then(|value| value.as_bytes());
    let wrapped = wrapped.ok_or("the answer has no key")?;
    let unwrapped = rsa.unwrap(padding, wrapped);
    let unwrapped = unwrapped.map_err(|_| "what comes does not unwrap".to_owned())?;
    match probed.clear {
        Some(clear) if clear != &unwrapped[..] => {
            Err("what comes unwraps to another key".to_owned())
        }
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
