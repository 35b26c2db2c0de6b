//! `kmip create` and `kmip create-key-pair`.

use kmip::client::{Client, KeyPair, NewKey, NewKeyPair, default_usage};
use kmip::types::{Attribute, CryptographicAlgorithm, RecommendedCurve, UniqueIdentifier};
use serde_json::json;

use super::show;
use crate::arguments::{Create, CreateKeyPair, NewObject, Online};
use crate::connect::connect;
use crate::failure::Failure;
use crate::values::name;

pub(super) fn key(options: &Create) -> Result<(), Failure> {
    let key = NewKey::new(options.algorithm, options.length);
    let key = options.object.usage.into_iter().fold(key, NewKey::usage);
    let key = attributes(&options.object).fold(key, NewKey::attribute);
    let mut client = connect(&options.online)?;
    let key = client.create(key)?;
    made(&mut client, &key, options.object.activate, &options.online)
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
    let pair = new_pair(options)?;
    let mut client = connect(&options.online)?;
    let KeyPair { private, public } = client.generate_key_pair(pair)?;
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
            client.activate(key)?;
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

fn new_pair(options: &CreateKeyPair) -> Result<NewKeyPair<'static>, Failure> {
    use CryptographicAlgorithm as Algorithm;

    let (algorithm, curve) = match (options.algorithm, options.curve) {
        // A curve says enough.
        (Algorithm::RSA, Some(curve)) => (Algorithm::ECDSA, Some(curve)),
        (algorithm @ (Algorithm::EC | Algorithm::ECDSA | Algorithm::ECDH), None) => {
            (algorithm, Some(curve_of(options.length)?))
        }
        (algorithm @ Algorithm::ED25519, None) => (algorithm, Some(RecommendedCurve::CURVE25519)),
        (algorithm @ Algorithm::ED448, None) => (algorithm, Some(RecommendedCurve::CURVE448)),
        said => said,
    };
    let pair = match curve {
        Some(curve) => NewKeyPair::on_curve(algorithm, curve),
        None => NewKeyPair::new(algorithm, options.length.unwrap_or(3072)),
    };
    let usual = default_usage(algorithm);
    let pair = pair.usage(
        options.private_usage.unwrap_or(usual.0),
        options.public_usage.unwrap_or(usual.1),
    );
    let pair = match &options.name {
        Some(text) => pair
            .private_attribute(name(text))
            .public_attribute(name(&format!("{text}-public"))),
        None => pair,
    };
    Ok(options
        .attributes
        .iter()
        .cloned()
        .fold(pair, NewKeyPair::attribute))
}

/// The curve that is meant by a length.
fn curve_of(length: Option<i32>) -> Result<RecommendedCurve, Failure> {
    let bits = length.unwrap_or(256);
    RecommendedCurve::of_bits(bits).ok_or_else(|| {
        let what = format!("there is no usual curve of {bits} bits: name one with --curve");
        Failure::Usage(what)
    })
}
