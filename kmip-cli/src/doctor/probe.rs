//! What works, found out by doing it. Whatever is made is removed again.

use kmip::client::{Batch, Client, Error};
use kmip::types::{
    ActivateRequest, Attribute, CreateRequest, CryptographicAlgorithm, CryptographicUsageMask,
    GetAttributesRequest, ManagedObject, ObjectType, RevocationReasonCode, Tag, UniqueIdentifier,
};
use zkey_needs::server_traits::{ServerTrait, ServerTraits};

use super::attributes::{self, Attributes};
use super::brief;
use super::report::Report;
use super::wrapping::{self, Wrapping};
use crate::failure::Failure;
use crate::values::name;

/// What the probe has found out.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) attributes: Attributes,
    /// The best way to get wrapped keys; `None` if none works.
    pub(super) wrapping: Option<Wrapping>,
    /// All traits, if the probe came to its end.
    pub(super) traits: Option<ServerTraits>,
}

/// The objects that were made, and what showed meanwhile.
pub(super) struct Made<'c> {
    pub(super) client: &'c mut Client,
    pub(super) traits: ServerTraits,
    objects: Vec<UniqueIdentifier<'static>>,
}

impl Made<'_> {
    /// To be destroyed at the end.
    pub(super) fn note(&mut self, object: &UniqueIdentifier<'static>) {
        self.objects.push(object.clone());
    }
}

pub(super) fn examine(client: &mut Client, report: &mut Report) -> Result<Findings, Failure> {
    let mut made = Made {
        client,
        traits: ServerTraits::default(),
        objects: Vec::new(),
    };
    let outcome = probe(&mut made, report);
    clean_up(made, report)?;
    outcome
}

fn probe(made: &mut Made<'_>, report: &mut Report) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    let label = format!("kmip-doctor-{}", std::process::id());
    let created = made
        .client
        .create_symmetric_key(256, usage(), [name(&label)]);
    let key = match created {
        Ok(key) => key,
        Err(error) => {
            let advice =
                "may this client create keys? Ask the server's administrator for the right";
            report.bad("Create", brief(&error), advice)?;
            return Ok(findings);
        }
    };
    made.note(&key);
    report.good("Create", format!("AES-256 with a name, {key}"))?;
    match made.client.activate(&key) {
        Ok(()) => report.good("Activate", "works")?,
        Err(error) => {
            let advice = "keys must be usable for anything else: allow this client Activate";
            report.bad("Activate", brief(&error), advice)?;
            return Ok(findings);
        }
    }
    locate(made, &key, &label, report)?;
    placeholder(made, &key, report)?;
    let clear = clear_get(made, &key, report)?;
    findings.attributes = attributes::examine(made, &key, report)?;
    findings.wrapping = wrapping::examine(made, &key, clear.as_deref(), report)?;
    spelling(made, report)?;
    findings.traits = Some(made.traits.clone());
    Ok(findings)
}

pub(super) fn usage() -> CryptographicUsageMask {
    CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT
}

fn locate(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    label: &str,
    report: &mut Report,
) -> Result<(), Failure> {
    match made.client.locate([name(label)], None) {
        Ok(found) if found.as_slice() == std::slice::from_ref(key) => {
            report.good("Locate", "finds the key by its name")
        }
        Ok(found) if found.contains(key) => {
            let found = format!("finds {} objects by the name of one", found.len());
            let advice = "the server ignores conditions; names must not be relied on";
            report.doubtful("Locate", found, advice)
        }
        Ok(_) => report.bad(
            "Locate",
            "does not find the key by its name",
            "keys cannot be found again by their labels",
        ),
        Err(error) => report.bad("Locate", brief(&error), "keys cannot be listed"),
    }
}

/// Create and Activate in one message, the second for the object of the first.
fn placeholder(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    report: &mut Report,
) -> Result<(), Failure> {
    const CHECK: &str = "batch, ID placeholder";
    let create = CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(usage()),
        ]
        .into(),
        ..CreateRequest::default()
    };
    let results = made.client.call_batch((create, ActivateRequest::default()));
    let outcome = results.and_then(|(created, activated)| {
        if let Ok(created) = &created {
            made.note(&created.unique_identifier);
        }
        created.and(activated)
    });
    match outcome {
        Ok(_) => report.good(CHECK, "works"),
        // The key above was made and activated, so it is not for lack of rights.
        Err(error) if error.failure().is_some() => {
            made.traits.insert(ServerTrait::SeparateActivate);
            let instead = "objects are activated by their identifiers, in a message of its own";
            report.adapted(CHECK, brief(&error), instead)?;
            batches(made, key, report)
        }
        Err(error) => {
            let advice = "the server does not survive it";
            report.bad(CHECK, brief(&error), advice)
        }
    }
}

/// Several operations in one message that have nothing to do with each other.
fn batches(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    report: &mut Report,
) -> Result<(), Failure> {
    let ask = || GetAttributesRequest {
        unique_identifier: Some(key.clone()),
        attribute_reference: vec![Tag::STATE.into()],
        ..GetAttributesRequest::default()
    };
    let results = made.client.send_batch(Batch::new().with(ask()).with(ask()));
    let results = results.unwrap_or_else(|error| vec![Err(error)]);
    match results.into_iter().find_map(Result::err) {
        None => report.good("batch", "works without the ID placeholder"),
        Some(error) if error.failure().is_none() => {
            let advice = "the server does not survive it";
            report.bad("batch", brief(&error), advice)
        }
        Some(error) => {
            made.traits.insert(ServerTrait::NoBatches);
            let instead = "each operation has a message of its own, which takes longer";
            report.adapted("batch", brief(&error), instead)
        }
    }
}

/// The key in clear, if the server gives it out.
fn clear_get(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    report: &mut Report,
) -> Result<Option<Vec<u8>>, Failure> {
    match made.client.get(key) {
        Ok(got) => {
            let bytes = match &got.managed_object {
                ManagedObject::SymmetricKey(key) => key.key_block.key_value.as_ref(),
                _ => None,
            };
            let bytes = bytes.and_then(|value| value.as_bytes()).map(<[u8]>::to_vec);
            match bytes.as_deref().map(<[u8]>::len) {
                Some(32) => report.good("Get", "the key has 32 bytes")?,
                other => report.bad(
                    "Get",
                    format!("the key has {other:?} bytes instead of 32"),
                    "report it to the vendor",
                )?,
            }
            Ok(bytes)
        }
        Err(error) => {
            report.doubtful(
                "Get",
                brief(&error),
                "keys may leave this server only wrapped",
            )?;
            Ok(None)
        }
    }
}

/// What the client had to change in JSON, XML or HTTP to be understood.
fn spelling(made: &mut Made<'_>, report: &mut Report) -> Result<(), Failure> {
    if made.client.sends_charset() {
        made.traits.insert(ServerTrait::ContentCharset);
        let instead = "the Content-Type names the character set";
        report.adapted("HTTPS", "the usual Content-Type is refused", instead)?;
    }
    if made.client.sends_numbers() {
        made.traits.insert(ServerTrait::NumericValues);
        let instead = "enumerations and masks are sent as numbers";
        report.adapted("encoding", "names of values are not known", instead)?;
    }
    Ok(())
}

/// Whether the server refuses a request for its form rather than for what it is about.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.failure().is_some() && !error.is_not_found() && !error.is_permission_denied()
}

fn clean_up(made: Made<'_>, report: &mut Report) -> Result<(), Failure> {
    let Made {
        client, objects, ..
    } = made;
    let mut left = Vec::new();
    for object in objects.iter().rev() {
        // One that is not active needs no revocation, and servers differ in whether it may be.
        let reason = RevocationReasonCode::CESSATION_OF_OPERATION;
        let _ = client.revoke(object, reason, None);
        if let Err(error) = client.destroy(object) {
            left.push(format!("{object} ({})", brief(&error)));
        }
    }
    match left.is_empty() {
        true => report.good(
            "Revoke and Destroy",
            format!("{} objects removed", objects.len()),
        ),
        false => report.bad(
            "Revoke and Destroy",
            format!("left on the server: {}", left.join("; ")),
            "remove them by hand, and allow this client Revoke and Destroy",
        ),
    }
}
