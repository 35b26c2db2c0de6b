//! `kmip conformance serve`: test cases played to clients.

mod listener;
mod request;
mod response;
mod script;

use std::net::{TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip_server::trial::KeyKind;

use super::case::CaseFile;
use super::contradictions::Contradictions;
use super::options::HostOptions;
use super::outcome::Played;
use super::reporting::Report;
use super::{PlayError, SKIPS, is_wanted, load};
use crate::arguments::{DevCerts, ShowOptions};
use crate::conformance::skips::Skips;
use crate::dev_certs;
use crate::failure::Failure;
use listener::{Listener, Shared};
use script::{Script, ended};

/// Plays the cases to whoever connects, and prints what comes out.
pub(crate) fn serve(options: &HostOptions) -> Result<ExitCode, Failure> {
    let mut cases = load(&options.cases)?;
    cases.retain(|case| is_wanted(case, &options.cases));
    let skips = Skips::load(SKIPS);
    let contradictions = Contradictions::load();
    let mut skipped = Vec::new();
    let reason = |case: &CaseFile| {
        let version = case.version().and_then(|version| skips.version(version));
        version.or_else(|| contradictions.reason(&case.name))
    };
    cases.retain(|case| match reason(case) {
        Some(reason) => {
            skipped.push(ended(case, Played::Skipped(reason.to_owned())));
            false
        }
        None => true,
    });
    if cases.is_empty() {
        return Err(PlayError::NoCases.into());
    }
    let tls = acceptor(options)?;
    let listening = |error| PlayError::Listen(options.listen.clone(), error);
    let addresses = options.listen.to_socket_addrs().map_err(listening)?;
    let listener = TcpListener::bind(&addresses.collect::<Vec<_>>()[..]).map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let mut report = Report::new("kmip conformance serve", &options.report);
    let shared = Arc::new(Shared::new(Script::new(cases)));
    let https = options.https.clone();
    Listener { tls, https }.run(listener, shared.clone());
    report.ready(&address.to_string())?;
    for result in skipped {
        report.add(result)?;
    }
    let idle = options.timeout.map(Duration::from_secs);
    shared.play_until_end(idle, |result| report.add(result))?;
    report.finish()
}

fn acceptor(options: &HostOptions) -> Result<TlsAcceptor, Failure> {
    let [cert, key, ca] = match (&options.dev_certs, &options.cert, &options.key, &options.ca) {
        (Some(directory), ..) => {
            let files = ["server.crt", "server.key", "ca.crt"].map(|name| directory.join(name));
            if !files[0].exists() {
                dev_certs::make_in(&DevCerts {
                    directory: directory.clone(),
                    hosts: Vec::new(),
                    client: "dev".to_owned(),
                    days: 30,
                    key_type: KeyKind::P256,
                    show: ShowOptions { json: false },
                })?;
            }
            files
        }
        (None, Some(cert), Some(key), Some(ca)) => [cert, key, ca].map(PathBuf::clone),
        // The options need each other.
        _ => return Err(PlayError::NoCertificates.into()),
    };
    let identity = Identity::from_pem_files(&cert, &key, None).map_err(PlayError::from)?;
    let tls = ServerTls::new(identity).client_ca_file(ca);
    Ok(TlsAcceptor::new(tls).map_err(PlayError::from)?)
}
