//! Commands that change the state of objects, or ask for it.

use std::io::{self, BufRead, IsTerminal, Write};

use kmip::client::Client;
use kmip::types::{
    ArchiveRequest, DateTime, Interval, ReKeyKeyPairRequest, ReKeyRequest, RecoverRequest,
    RevocationReason, RevocationReasonCode, RevokeRequest, State, Tag, UniqueIdentifier,
};
use serde_json::{Map, Value as Json, json};

use super::show;
use crate::arguments::{Destroy, Objects, Online, Rekey, Revoke};
use crate::connect::connect;
use crate::failure::Failure;

pub(super) fn activate(options: &Objects) -> Result<(), Failure> {
    let change = |client: &mut Client, object: &str| client.activate(object);
    each(&options.online, &options.objects, "activated", change)
}

pub(super) fn archive(options: &Objects) -> Result<(), Failure> {
    let change = |client: &mut Client, object: &str| {
        client.call(ArchiveRequest {
            unique_identifier: Some(object.to_owned().into()),
            ..ArchiveRequest::default()
        })?;
        Ok(())
    };
    each(&options.online, &options.objects, "archived", change)
}

pub(super) fn recover(options: &Objects) -> Result<(), Failure> {
    let change = |client: &mut Client, object: &str| {
        client.call(RecoverRequest {
            unique_identifier: Some(object.to_owned().into()),
            ..RecoverRequest::default()
        })?;
        Ok(())
    };
    each(&options.online, &options.objects, "recovered", change)
}

pub(super) fn revoke(options: &Revoke) -> Result<(), Failure> {
    let compromise = [
        RevocationReasonCode::KEY_COMPROMISE,
        RevocationReasonCode::CA_COMPROMISE,
    ]
    .contains(&options.reason);
    let since = options.compromised_since;
    let since = since.or_else(|| compromise.then(DateTime::now));
    let change = |client: &mut Client, object: &str| {
        client.call(RevokeRequest {
            unique_identifier: Some(object.to_owned().into()),
            revocation_reason: RevocationReason {
                revocation_reason_code: options.reason,
                revocation_message: options.message.clone().map(Into::into),
                ..RevocationReason::default()
            },
            compromise_occurrence_date: since,
            ..RevokeRequest::default()
        })?;
        Ok(())
    };
    each(&options.online, &options.objects, "revoked", change)
}

pub(super) fn destroy(options: &Destroy) -> Result<(), Failure> {
    confirm(options)?;
    let change = |client: &mut Client, object: &str| {
        if options.revoke {
            let attributes = client.get_attributes(object, [Tag::STATE.into()])?;
            if attributes.state() == Some(&State::ACTIVE) {
                client.revoke(object, RevocationReasonCode::CESSATION_OF_OPERATION, None)?;
            }
        }
        client.destroy(object)
    };
    each(&options.online, &options.objects, "destroyed", change)
}

/// Asks on a terminal; programs have to say that they mean it.
fn confirm(options: &Destroy) -> Result<(), Failure> {
    if options.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::NotConfirmed(
            "give --yes where there is no terminal to ask on",
        ));
    }
    let mut error = io::stderr();
    for object in &options.objects {
        writeln!(error, "  {}", show::printable(object))?;
    }
    let count = options.objects.len();
    write!(error, "Destroy {count} object(s) for ever? [y/N] ")?;
    error.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::NotConfirmed("it was not confirmed")),
    }
}

/// Changes one object after the other; stops at the first that cannot be changed.
fn each(
    online: &Online,
    objects: &[String],
    done: &str,
    change: impl Fn(&mut Client, &str) -> Result<(), kmip::client::Error>,
) -> Result<(), Failure> {
    let mut client = connect(online)?;
    let mut changed = Vec::new();
    let mut outcome = Ok(());
    for object in objects {
        outcome = change(&mut client, object);
        if outcome.is_err() {
            break;
        }
        changed.push(object.clone());
        if !online.show.json {
            show::line(&format!("{done} {}", show::printable(object)))?;
        }
    }
    if online.show.json {
        show::json(&json!({ done: changed }))?;
    }
    Ok(outcome?)
}

pub(super) fn rekey(options: &Rekey) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let object = || Some(UniqueIdentifier::from(options.object.clone()));
    let offset = options.offset.map(Interval);
    let made = if options.pair {
        let made = client.call(ReKeyKeyPairRequest {
            private_key_unique_identifier: object(),
            offset,
            ..ReKeyKeyPairRequest::default()
        })?;
        vec![
            ("private", made.private_key_unique_identifier),
            ("public", made.public_key_unique_identifier),
        ]
    } else {
        let made = client.call(ReKeyRequest {
            unique_identifier: object(),
            offset,
            ..ReKeyRequest::default()
        })?;
        vec![("id", made.unique_identifier)]
    };
    if options.online.show.json {
        let object: Map<String, Json> = made
            .into_iter()
            .map(|(name, id)| (name.to_owned(), id.to_string().into()))
            .collect();
        return show::json(&Json::Object(object));
    }
    for (name, id) in made {
        let prefix = if name == "id" {
            String::new()
        } else {
            format!("{name}  ")
        };
        show::line(&format!("{prefix}{}", show::printable(&id.to_string())))?;
    }
    Ok(())
}
