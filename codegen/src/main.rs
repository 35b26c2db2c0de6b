//! `codegen`: shows what the generator knows and makes.

mod dump;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use kmip_spec::Spec;

const USAGE: &str = "\
usage: codegen COMMAND

commands:
  dump    print the tables as one JSON object, for comparison with other sources
  help    print this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["dump"] => print_dump(),
        ["help" | "--help" | "-h"] => print(USAGE),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("codegen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_dump() -> Result<(), Box<dyn Error>> {
    let dump = dump::dump(&Spec::load()?);
    print(&format!("{dump:#}\n"))
}

/// Writes to standard output; a reader that has seen enough is no error.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    let mut output = io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
