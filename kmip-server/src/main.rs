//! The reference key server as a program of its own.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use kmip::with_causes;
use kmip_server::command::{Options, run};

/// A KMIP key server for tests and demonstrations; it is no hardware security module
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading it.
            let _ = writeln!(io::stderr(), "kmip-server: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}
