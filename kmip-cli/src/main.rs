//! The command `kmip`: servers, messages and tables of the Key Management Interoperability
//! Protocol.

mod arguments;
mod conformance;
mod connect;
mod convert;
mod decode;
mod dev_certs;
mod diff;
mod doctor;
mod dump;
mod explain;
mod failure;
mod files;
mod fragments;
mod generate;
mod input;
mod message;
mod online;
mod paint;
mod tables;
mod tree;
mod values;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use arguments::{Arguments, Command, Conformance};
use failure::Failure;

fn main() -> ExitCode {
    let words = arguments::reordered(std::env::args_os());
    let matches = Arguments::command().get_matches_from(words);
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let outcome = match &arguments.command {
        Command::Decode(options) => decode::run(options),
        Command::Convert(options) => convert::run(options),
        Command::Diff(options) => diff::run(options),
        Command::Explain(options) => explain::run(options),
        Command::Spec(options) => tables::run(options),
        Command::Conformance(Conformance::Codec(options)) => conformance::codec(options),
        Command::Conformance(Conformance::Run(options)) => conformance::run(options),
        Command::Conformance(Conformance::Serve(options)) => conformance::serve(options),
        Command::Doctor(options) => doctor::run(options),
        Command::Serve(options) => serve(options),
        Command::DevCerts(options) => dev_certs::run(options),
        Command::Completions { shell } => generate::completions(*shell),
        Command::Man { directory } => generate::manual(directory),
        online => online::run(online),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(wants_json(&matches));
            failure.exit_code()
        }
    }
}

/// Whether a command was asked for JSON.
fn wants_json(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, inner)) => wants_json(inner),
        None => matches!(matches.try_get_one::<bool>("json"), Ok(Some(true))),
    }
}

fn serve(options: &kmip_server::command::Options) -> Result<ExitCode, Failure> {
    kmip_server::command::run(options).map_err(Failure::Serve)?;
    Ok(ExitCode::SUCCESS)
}
