//! Commands about sessions and connections.

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use kmip::types::{
    DelegatedLoginRequest, InteropRequest, Interval, LoginRequest, LogoutRequest, Objects,
    Operations, Pkcs11Request, Pkcs11ReturnCode, Right, Rights, Secret, SetEndpointRoleRequest,
    Ticket,
};
use serde_json::json;

use super::show;
use crate::arguments::{
    DelegatedLogin, Interop, Log, Login, Logout, Ping, Pkcs11, SetEndpointRole,
};
use crate::connect::{connect, ticket};
use crate::failure::Failure;
use crate::{files, values};

pub(super) fn login(options: &Login) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let answer = client.call(LoginRequest {
        lease_time: options.lease_time.map(Interval),
        request_count: options.requests,
        ..LoginRequest::default()
    })?;
    keep(&answer.ticket, options)
}

pub(super) fn delegated_login(options: &DelegatedLogin) -> Result<(), Failure> {
    let operations = (!options.operations.is_empty()).then(|| Operations {
        operation: options.operations.clone(),
        ..Operations::default()
    });
    let objects = options.objects.iter().map(|id| id.clone().into());
    let objects = (!options.objects.is_empty()).then(|| Objects {
        unique_identifier: objects.collect(),
        ..Objects::default()
    });
    let right = Right {
        operations,
        objects,
        ..Right::default()
    };
    let login = &options.login;
    let mut client = connect(&login.online)?;
    let answer = client.call(DelegatedLoginRequest {
        lease_time: login.lease_time.map(Interval),
        request_count: login.requests,
        rights: Rights {
            right: vec![right],
            ..Rights::default()
        },
        ..DelegatedLoginRequest::default()
    })?;
    keep(&answer.ticket, login)
}

/// Writes a ticket where it is wanted.
fn keep(ticket: &Ticket<'_>, options: &Login) -> Result<(), Failure> {
    files::write(&options.output, ticket::to_text(ticket).as_bytes())?;
    match options.online.show.json {
        true => show::json(&json!({ "ticket": options.output })),
        false => show::line(&format!("ticket in {}", options.output.display())),
    }
}

pub(super) fn logout(options: &Logout) -> Result<(), Failure> {
    let ticket = ticket::read(&options.file)?;
    let mut client = connect(&options.online)?;
    client.call(LogoutRequest {
        ticket,
        ..LogoutRequest::default()
    })?;
    fs::remove_file(&options.file).map_err(Failure::writing(&options.file))?;
    match options.online.show.json {
        true => show::json(&json!({ "removed": options.file })),
        false => show::line("logged out"),
    }
}

pub(super) fn log(options: &Log) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    client.log(&options.text)?;
    match options.online.show.json {
        true => show::json(&json!({ "logged": options.text })),
        false => Ok(()),
    }
}

pub(super) fn ping(options: &Ping) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let json = options.online.show.json;
    let mut times = Vec::new();
    for _ in 0..options.count {
        let start = Instant::now();
        client.ping()?;
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        if !json {
            let server = show::printable(client.server());
            let version = client.version();
            show::line(&format!(
                "{server} answers in {milliseconds:.1} ms, KMIP {version}"
            ))?;
        }
        times.push(milliseconds);
    }
    match json {
        true => show::json(&json!({
            "server": client.server(),
            "version": client.version().to_string(),
            "milliseconds": times,
        })),
        false => Ok(()),
    }
}

pub(super) fn set_endpoint_role(options: &SetEndpointRole) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let answer = client.call(SetEndpointRoleRequest {
        endpoint_role: options.role,
        ..SetEndpointRoleRequest::default()
    })?;
    let role = show::named(answer.endpoint_role);
    match options.online.show.json {
        true => show::json(&json!({ "role": role })),
        false => show::line(&format!("the role of the server is {role}")),
    }
}

pub(super) fn interop(options: &Interop) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    client.call(InteropRequest {
        interop_function: options.function,
        interop_identifier: options.identifier.as_str().into(),
        ..InteropRequest::default()
    })?;
    let function = show::named(options.function);
    match options.online.show.json {
        true => show::json(&json!({ "test": options.identifier, "function": function })),
        false => show::line(&format!(
            "{function} {}",
            show::printable(&options.identifier)
        )),
    }
}

pub(super) fn pkcs11(options: &Pkcs11) -> Result<ExitCode, Failure> {
    let input = options.input.as_deref().map(files::read).transpose()?;
    let mut client = connect(&options.online)?;
    let answer = client.call(Pkcs11Request {
        pkcs_11_interface: options.interface.as_deref().map(Into::into),
        pkcs_11_function: options.function,
        correlation_value: options
            .correlation
            .as_ref()
            .map(|one| one.0.as_slice().into()),
        pkcs_11_input_parameters: input.map(|bytes| Secret::owned(bytes.to_vec())),
        ..Pkcs11Request::default()
    })?;
    let output = answer.pkcs_11_output_parameters.as_ref();
    let output = output.map(|output| output.expose()).unwrap_or_default();
    if let Some(path) = &options.output {
        files::write(path, output)?;
    }
    let correlation = answer.correlation_value.as_deref().map(values::to_hex);
    let result = show::named(answer.pkcs_11_return_code);
    if options.online.show.json {
        show::json(&json!({
            "function": show::named(options.function),
            "result": result,
            "correlation": correlation,
            "bytes": output.len(),
            "file": options.output,
        }))?;
    } else {
        let mut rows = vec![vec!["result".to_owned(), result]];
        rows.extend(correlation.map(|value| vec!["correlation".to_owned(), value]));
        rows.push(vec!["output".to_owned(), format!("{} bytes", output.len())]);
        show::table(&[], rows)?;
    }
    Ok(match answer.pkcs_11_return_code == Pkcs11ReturnCode::OK {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
