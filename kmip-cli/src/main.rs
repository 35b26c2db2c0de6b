//! The command `kmip`: messages and tables of the Key Management Interoperability Protocol.

mod arguments;
mod conformance;
mod convert;
mod decode;
mod diff;
mod dump;
mod explain;
mod failure;
mod fragments;
mod generate;
mod input;
mod message;
mod paint;
mod tables;
mod tree;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Conformance};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Command::Decode(options) => decode::run(options),
        Command::Convert(options) => convert::run(options),
        Command::Diff(options) => diff::run(options),
        Command::Explain(options) => explain::run(options),
        Command::Spec(options) => tables::run(options),
        Command::Conformance(Conformance::Codec(options)) => conformance::codec(options),
        Command::Conformance(Conformance::Run(options)) => conformance::run(options),
        Command::Completions { shell } => generate::completions(*shell),
        Command::Man { directory } => generate::manual(directory),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kmip: {failure}");
            ExitCode::FAILURE
        }
    }
}
