//! Protocol versions, and what the server says of itself.

use kmip::ProtocolVersion;
use kmip::client::Client;
use kmip::types::{QueryFunction, QueryResponse};
use serde_json::json;

use super::brief;
use super::report::Report;
use crate::connect::Settings;
use crate::failure::Failure;

/// What a server says of itself.
pub(super) struct Announced {
    /// Its introduction, as the plugin compares it with profiles.
    pub(super) introduction: String,
    /// Whether it announces all that the plugin needs.
    pub(super) complete: bool,
}

/// A client that has agreed on a version, and the server's introduction.
pub(super) fn examine(
    settings: &Settings,
    report: &mut Report,
) -> Result<Option<(Client, Announced)>, Failure> {
    let mut client = match settings.builder()?.connect() {
        Ok(client) => client,
        Err(error) => {
            let advice = "TLS works, KMIP does not: is another service on this port, is HTTPS spoken \
                          there (--https), or does the server want a password (--user)?";
            report.bad("KMIP version", brief(&error), advice)?;
            return Ok(None);
        }
    };
    let version = client.version();
    let how = match settings.version() {
        Some(_) => "as demanded",
        None => "negotiated",
    };
    let Some(answer) = introduction(&mut client, report)? else {
        return Ok(None);
    };
    report.good("KMIP version", format!("{version}, {how}"))?;
    report.fact("version", json!(version.to_string()));
    let working = working_versions(settings, report)?;
    report.fact("versions", json!(working));
    let announced = describe(&answer, &client, report)?;
    Ok(Some((client, announced)))
}

fn introduction(
    client: &mut Client,
    report: &mut Report,
) -> Result<Option<QueryResponse<'static>>, Failure> {
    match client.query_all() {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => {
            let advice = match error.is_permission_denied() {
                true => {
                    "the server does not accept who we are: check certificate, --user and \
                         --password-file, and whether the client is registered there"
                }
                false => "the server answers but not to Query, which every server has",
            };
            report.bad("Query", brief(&error), advice)?;
            Ok(None)
        }
    }
}

/// The versions in which the server answers, each tried on a connection of its own.
fn working_versions(settings: &Settings, report: &mut Report) -> Result<Vec<String>, Failure> {
    let mut working = Vec::new();
    let mut refused = Vec::new();
    for version in ProtocolVersion::ALL {
        let tried = settings.builder()?.version(version).connect();
        let answer =
            tried.and_then(|mut client| client.query([QueryFunction::QUERY_SERVER_INFORMATION]));
        match answer {
            Ok(_) => working.push(version.to_string()),
            Err(_) => refused.push(version.to_string()),
        }
    }
    let mut found = format!("{} work", working.join(", "));
    if !refused.is_empty() {
        found = format!("{found}; {} do not", refused.join(", "));
    }
    report.good("all versions", found)?;
    Ok(working)
}

fn describe(
    answer: &QueryResponse<'_>,
    client: &Client,
    report: &mut Report,
) -> Result<Announced, Failure> {
    let introduction = zkey_needs::introduction(answer);
    match introduction.is_empty() {
        true => report.doubtful(
            "Query",
            "the server does not say what it is",
            "a profile cannot be chosen automatically; name it",
        )?,
        false => report.good("Query", format!("the server is `{introduction}`"))?,
    }
    report.fact("vendor_identification", json!(introduction));
    let missing = zkey_needs::missing(answer);
    let complete = missing.is_empty();
    let count = answer.operation.len();
    let types = answer.object_type.len();
    report.good(
        "  announces",
        format!("{count} operations, {types} object types"),
    )?;
    if !complete {
        report.adapted(
            "  announces",
            format!("what zkey needs is not announced: {}", missing.join(", ")),
            "it may be there nevertheless: --write tries, and check-server-capabilities=FALSE in a \
             profile makes the plugin go on",
        )?;
    }
    if client.version() < ProtocolVersion::V1_2 {
        let advice = "later versions have more attributes and Discover Versions; update the server";
        report.doubtful("  version", "it is very old", advice)?;
    }
    Ok(Announced {
        introduction,
        complete,
    })
}
