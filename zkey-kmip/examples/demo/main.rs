//! A key's whole life, on a machine without coprocessor and key server: `make demo`, or
//! `make demo BACKEND=cca` and `BACKEND=ep11` with emulated coprocessors.
//!
//! Starts the reference key server, or a foreign one, on a loopback port with certificates made for
//! the occasion, and drives the command line host, which loads the plugin through its C interface as
//! zkey does.

mod backend;
mod keys;
mod programs;
mod report;
mod scene;
mod server;
mod upkeep;

use std::path::PathBuf;
use std::process::ExitCode;

use backend::Backend;
use report::Report;
use scene::Scene;
use server::{Contact, Peer};

const HELP: &str = "\
A key's whole life: made by a KMIP server, fetched wrapped under an RSA key, turned into a secure
key in a zkey repository, removed and imported again.

usage: demo [--backend BACKEND] [--cosmian PROGRAM] [--kmip VERSION] [--https ENCODING]
            [--profile NAME | --doctor] [--keep DIR] [--json]

  --backend BACKEND   what makes the secure keys: `software` (the default), or `cca` or `ep11`,
                      the host library of such adapters, emulated
  --cosmian PROGRAM   the key server is Cosmian KMS, this program
  --kmip VERSION      the profile says this protocol version, or AUTO
  --https ENCODING    the profile says HTTPS with TTLV, JSON or XML
  --profile NAME      use this profile, whatever the server says about itself
  --doctor            use a profile that `kmip doctor` makes by examining the server
  --keep DIR          keep everything that was made in DIR, which must not exist or be empty
  --json              print the steps and the places of the files as JSON
";

struct Arguments {
    backend: Backend,
    peer: Peer,
    contact: Contact,
    keep: Option<PathBuf>,
    json: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(fault) => {
            eprint!("demo: {fault}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(arguments.json);
    match play(&arguments, &mut report) {
        Ok(places) => {
            report.finish(&places);
            ExitCode::SUCCESS
        }
        Err(fault) => {
            report.fail(&fault);
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments {
        backend: Backend::Software,
        peer: Peer::Reference,
        contact: Contact::default(),
        keep: None,
        json: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--keep" => arguments.keep = Some(PathBuf::from(value()?)),
            "--backend" => arguments.backend = Backend::from_name(&value()?)?,
            "--cosmian" => arguments.peer = Peer::Cosmian(PathBuf::from(value()?)),
            "--kmip" => arguments.contact.version = Some(value()?),
            "--https" => arguments.contact.https = Some(value()?),
            "--doctor" => arguments.contact.asks_doctor = true,
            "--profile" => arguments.contact.profile = Some(value()?),
            "--json" => arguments.json = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    Ok(Some(arguments))
}

/// Plays all steps. Returns what lies where, if it was to be kept.
fn play(arguments: &Arguments, report: &mut Report) -> Result<Vec<report::Place>, String> {
    let scratch = match &arguments.keep {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?),
    };
    let directory = match (&arguments.keep, &scratch) {
        (Some(keep), _) => keep.clone(),
        (None, Some(scratch)) => scratch.path().to_owned(),
        (None, None) => return Err("there is no directory to work in".to_owned()),
    };
    let mut scene = Scene::set(
        &directory,
        arguments.backend,
        &arguments.peer,
        &arguments.contact,
        report,
    )?;
    scene.bind(report)?;
    scene.configure(report)?;
    scene.generate(report)?;
    scene.list(report)?;
    scene.change(report)?;
    scene.remove_and_import(report)?;
    scene.renew_wrapping_key(report)?;
    scene.reencipher(report)?;
    scene.change_states(report)?;
    scene.info(report)?;
    scene.unbind(report)?;
    scene.count(report)?;
    scene.stop(report)?;
    Ok(if arguments.keep.is_some() {
        scene.places()
    } else {
        Vec::new()
    })
}
