//! `kmip doctor`: a server examined step by step, from its name to wrapped keys.

mod attributes;
mod identity;
mod network;
mod probe;
mod profile;
mod protocol;
mod report;
mod rsa_key;
mod tls;
mod wrapping;

use std::process::ExitCode;

use kmip::client::Client;
use serde_json::json;

use crate::arguments::{Doctor, ServerOptions};
use crate::connect::Settings;
use crate::failure::Failure;
use crate::files;
use crate::online::show;
use protocol::Announced;
use report::Report;

/// Nothing is wrong.
const HEALTHY: u8 = 0;
/// Something does not work.
const AILING: u8 = 1;
/// The server cannot be reached or trusted, so that nothing more can be said.
const UNREACHABLE: u8 = 3;

pub(crate) fn run(options: &Doctor) -> Result<ExitCode, Failure> {
    let settings = Settings::resolve(&server(options))?;
    let mut report = Report::new(settings.place.to_string(), options.show.json);
    let status = match reach(&settings, &mut report)? {
        None => UNREACHABLE,
        Some((client, announced)) => {
            examine(client, &announced, &settings, options, &mut report)?;
            if report.failed() { AILING } else { HEALTHY }
        }
    };
    report.finish()?;
    Ok(ExitCode::from(status))
}

/// The options, with the server that stands alone on the command line.
fn server(options: &Doctor) -> ServerOptions {
    let mut server = options.server.clone();
    if let Some(target) = &options.target {
        match target.to_ascii_lowercase().starts_with("https://") {
            true => server.https = Some(target.clone()),
            false => server.server = Some(target.clone()),
        }
    }
    server
}

/// From the name to an agreed version; `None` if that fails.
fn reach(settings: &Settings, report: &mut Report) -> Result<Option<(Client, Announced)>, Failure> {
    if !network::examine(settings, report)? {
        return Ok(None);
    }
    identity::examine(settings, report)?;
    if !tls::examine(settings, report)? {
        return Ok(None);
    }
    protocol::examine(settings, report)
}

fn examine(
    mut client: Client,
    announced: &Announced,
    settings: &Settings,
    options: &Doctor,
    report: &mut Report,
) -> Result<(), Failure> {
    let findings = match options.write {
        true => Some(probe::examine(&mut client, report)?),
        false => {
            report.skip("write probe", "not asked for (--write)")?;
            None
        }
    };
    if let Some(traits) = findings.as_ref().and_then(|one| one.traits.as_ref()) {
        report.fact("traits", json!(traits.names()));
    }
    if let Some(path) = &options.profile {
        let text = profile::profile(settings, announced, client.version(), findings.as_ref());
        files::write(path, text.as_bytes())?;
        report.good("profile", format!("written to {}", path.display()))?;
        report.fact("profile", json!(path));
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            if !name.ends_with(".profile") || name.matches('.').count() != 1 {
                let advice = "name it NAME.profile, with no other dot, for the plugin to find it";
                report.doubtful("profile", "the plugin does not look for this name", advice)?;
            }
        }
    }
    Ok(())
}

/// The reason that the server gives, for lists of several failures.
fn reason(error: &kmip::client::Error) -> String {
    match error.result_reason() {
        Some(reason) => format!("{reason:?}"),
        None => brief(error),
    }
}

/// What is worth telling of an error: its causes, without the server's name again.
fn brief(error: &kmip::client::Error) -> String {
    match error.failure() {
        Some(failure) => show::printable(&failure.to_string()),
        None => crate::failure::chain(error),
    }
}
