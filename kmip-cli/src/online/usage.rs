//! Commands about how far keys may be used.

use std::process::ExitCode;

use kmip::client::Client;
use kmip::types::{CheckRequest, Interval, ObtainLeaseRequest};
use serde_json::{Value as Json, json};

use super::show;
use crate::arguments::{Check, GetUsageAllocation, Objects};
use crate::connect::connect;
use crate::failure::Failure;

pub(super) fn check(options: &Check) -> Result<ExitCode, Failure> {
    let mut client = connect(&options.online)?;
    let answer = client.call(CheckRequest {
        unique_identifier: Some(options.object.clone().into()),
        usage_limits_count: options.usage_limit,
        cryptographic_usage_mask: options.usage,
        lease_time: options.lease_time.map(Interval),
        ..CheckRequest::default()
    })?;
    // The server names what it does not allow.
    let mut denied = Vec::new();
    if let Some(usage) = answer.cryptographic_usage_mask {
        denied.push(format!("usage {usage:?}"));
    }
    if let Some(count) = answer.usage_limits_count {
        denied.push(format!("usage limit {count}"));
    }
    if let Some(lease) = answer.lease_time {
        denied.push(format!("lease time {} s", lease.0));
    }
    let allowed = denied.is_empty();
    if options.online.show.json {
        show::json(&json!({
            "id": options.object,
            "allowed": allowed,
            "denied": denied,
        }))?;
    } else {
        show::line(&match allowed {
            true => format!("{} may be used so", options.object),
            false => format!("{}: not {}", options.object, denied.join(", ")),
        })?;
    }
    Ok(match allowed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

pub(super) fn obtain_lease(options: &Objects) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let mut leases = Vec::new();
    let mut outcome = Ok(());
    for object in &options.objects {
        match lease(&mut client, object) {
            Ok(lease) => leases.push(lease),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    match options.online.show.json {
        true => show::json(&Json::Array(leases))?,
        false => {
            let text = |value: &Json| value.as_str().map_or(value.to_string(), str::to_owned);
            let columns = ["id", "seconds", "changed"];
            let row = |lease: &Json| columns.map(|column| text(&lease[column])).to_vec();
            show::table(&columns, leases.iter().map(row).collect())?;
        }
    }
    Ok(outcome?)
}

fn lease(client: &mut Client, object: &str) -> Result<Json, kmip::client::Error> {
    let answer = client.call(ObtainLeaseRequest {
        unique_identifier: Some(object.to_owned().into()),
        ..ObtainLeaseRequest::default()
    })?;
    Ok(json!({
        "id": object,
        "seconds": answer.lease_time.0,
        "changed": answer.last_change_date.to_string(),
    }))
}

pub(super) fn get_usage_allocation(options: &GetUsageAllocation) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    client.allocate_usage(options.object.as_str(), options.count)?;
    let (object, count) = (&options.object, options.count);
    match options.online.show.json {
        true => show::json(&json!({ "id": object, "allocated": count })),
        false => show::line(&format!("{count} of {} are ours", show::printable(object))),
    }
}
