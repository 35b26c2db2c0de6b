//! `kmip create` and `kmip create-key-pair`.

use kmip::client::Client;
use kmip::types::{
    ActivateRequest, Attribute, CreateRequest, CryptographicAlgorithm,
    CryptographicDomainParameters, CryptographicUsageMask, ObjectType, RecommendedCurve,
    UniqueIdentifier,
};
use serde_json::json;

use super::show;
use crate::arguments::{Create, CreateKeyPair, NewObject, Online};
use crate::connect::connect;
use crate::failure::Failure;
use crate::values::name;

pub(super) fn key(options: &Create) -> Result<(), Failure> {
    let usage = options.object.usage;
    let usage = usage.unwrap_or_else(|| usual_usage(options.algorithm));
    let required = [
        Attribute::cryptographic_algorithm(options.algorithm),
        Attribute::cryptographic_length(options.length),
        Attribute::cryptographic_usage_mask(usage),
    ];
    let attributes = required.into_iter().chain(attributes(&options.object));
    let mut client = connect(&options.online.server)?;
    let created = client.call(CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: attributes.collect(),
        ..CreateRequest::default()
    })?;
    made(
        &mut client,
        &created.unique_identifier,
        options.object.activate,
        &options.online,
    )
}

/// What keys of an algorithm are mostly for.
pub(super) fn usual_usage(algorithm: CryptographicAlgorithm) -> CryptographicUsageMask {
    let name = format!("{algorithm:?}");
    match name.contains("HMAC") || name.contains("MAC") {
        true => CryptographicUsageMask::MAC_GENERATE | CryptographicUsageMask::MAC_VERIFY,
        false => CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
    }
}

/// Names and further attributes of a new object.
pub(super) fn attributes(object: &NewObject) -> impl Iterator<Item = Attribute<'static>> {
    let names = object.name.iter().map(|text| name(text));
    names.chain(object.attributes.iter().cloned())
}

/// Activates a new object if that is wanted, and shows its identifier.
pub(super) fn made(
    client: &mut Client,
    object: &UniqueIdentifier<'static>,
    activate: bool,
    online: &Online,
) -> Result<(), Failure> {
    // Shown before it is activated: if that fails, the object is there nevertheless.
    if !online.show.json {
        show::line(&show::printable(&object.to_string()))?;
    }
    if activate {
        client.activate(object)?;
    }
    match online.show.json {
        true => show::json(&json!({ "id": object.to_string(), "activated": activate })),
        false => Ok(()),
    }
}

pub(super) fn key_pair(options: &CreateKeyPair) -> Result<(), Failure> {
    let elliptic = options.curve.is_some()
        || [
            CryptographicAlgorithm::EC,
            CryptographicAlgorithm::ECDSA,
            CryptographicAlgorithm::ECDH,
        ]
        .contains(&options.algorithm);
    let algorithm = match (elliptic, options.algorithm) {
        // A curve says enough.
        (true, CryptographicAlgorithm::RSA) => CryptographicAlgorithm::EC,
        (_, algorithm) => algorithm,
    };
    let mut common = vec![Attribute::cryptographic_algorithm(algorithm)];
    if elliptic {
        let curve = options.curve.unwrap_or(RecommendedCurve::P_256);
        common.push(Attribute::cryptographic_domain_parameters(
            CryptographicDomainParameters {
                recommended_curve: Some(curve),
                ..CryptographicDomainParameters::default()
            },
        ));
    }
    let length = options.length.or((!elliptic).then_some(3072));
    common.extend(length.map(Attribute::cryptographic_length));
    common.extend(options.attributes.iter().cloned());
    let usage = |given: Option<CryptographicUsageMask>, usual| {
        Attribute::cryptographic_usage_mask(given.unwrap_or(usual))
    };
    let mut private = vec![usage(options.private_usage, CryptographicUsageMask::SIGN)];
    let mut public = vec![usage(options.public_usage, CryptographicUsageMask::VERIFY)];
    if let Some(text) = &options.name {
        private.push(name(text));
        public.push(name(&format!("{text}-public")));
    }
    let mut client = connect(&options.online.server)?;
    let (private, public) = client.create_key_pair(
        common.into_iter().collect::<kmip::types::Attributes<'_>>(),
        private.into_iter().collect::<kmip::types::Attributes<'_>>(),
        public.into_iter().collect::<kmip::types::Attributes<'_>>(),
    )?;
    if !options.online.show.json {
        show::table(
            &[],
            vec![
                vec!["private".to_owned(), private.to_string()],
                vec!["public".to_owned(), public.to_string()],
            ],
        )?;
    }
    if options.activate {
        for key in [&private, &public] {
            client.call(ActivateRequest {
                unique_identifier: Some(key.clone()),
                ..ActivateRequest::default()
            })?;
        }
    }
    match options.online.show.json {
        true => show::json(&json!({
            "private": private.to_string(),
            "public": public.to_string(),
            "activated": options.activate,
        })),
        false => Ok(()),
    }
}
