//! The command `kmip`: messages and tables of the Key Management Interoperability Protocol.

mod arguments;
mod conformance;
mod failure;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Conformance};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Command::Conformance(Conformance::Codec(options)) => conformance::codec(options),
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
