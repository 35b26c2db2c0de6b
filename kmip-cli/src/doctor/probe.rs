//! What works, found out by doing it. Whatever is made is removed again.

use kmip::client::Client;
use kmip::types::{
    ActivateRequest, Attribute, CreateRequest, CryptographicAlgorithm, CryptographicUsageMask,
    ObjectType, RevocationReasonCode, UniqueIdentifier,
};

use super::brief;
use super::objects::{self, Attributes};
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
}

/// The objects that were made.
pub(super) struct Made<'c> {
    pub(super) client: &'c mut Client,
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
    placeholder(made, report)?;
    let clear = objects::clear_get(made, &key, report)?;
    findings.attributes = objects::attributes(made, &key, report)?;
    findings.wrapping = wrapping::examine(made, &key, clear.as_deref(), report)?;
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
fn placeholder(made: &mut Made<'_>, report: &mut Report) -> Result<(), Failure> {
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
    let advice = "the zkey plugin makes and activates keys in one message; ask the vendor for it";
    let results = made.client.call_batch((create, ActivateRequest::default()));
    match results {
        Ok((created, activated)) => {
            if let Ok(created) = &created {
                made.note(&created.unique_identifier);
            }
            match created.and(activated) {
                Ok(_) => report.good(CHECK, "works"),
                Err(error) => report.bad(CHECK, brief(&error), advice),
            }
        }
        Err(error) => report.bad(CHECK, brief(&error), advice),
    }
}

fn clean_up(made: Made<'_>, report: &mut Report) -> Result<(), Failure> {
    let Made { client, objects } = made;
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
