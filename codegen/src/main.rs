//! `codegen`: shows what the generator knows and makes.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use kmip_spec::Spec;

const USAGE: &str = "\
usage: codegen COMMAND

commands:
  dump          print the tables as one JSON object, for comparison with other sources
  print NAME    print the rows and the generated code of an enumeration, structure or operation
  check         check that the tables are consistent and that all generated code is valid Rust
  help          print this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["dump"] => print_dump(),
        ["print", ref name @ ..] if !name.is_empty() => print_item(&name.join(" ")),
        ["check"] => check(),
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
    let dump = kmip_spec::json::dump(&Spec::load()?);
    print(&format!("{dump:#}\n"))
}

fn print_item(name: &str) -> Result<(), Box<dyn Error>> {
    match codegen::print(&Spec::load()?, name)? {
        Some(text) => print(&text),
        None => Err(format!("nothing in the tables is called `{name}`").into()),
    }
}

fn check() -> Result<(), Box<dyn Error>> {
    let spec = Spec::load()?;
    let findings = kmip_spec::check(&spec);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if !findings.is_empty() {
        return Err(format!("{} findings in the tables", findings.len()).into());
    }
    let mut items = 0;
    for file in codegen::generate(&spec)? {
        let parsed = syn::parse2::<syn::File>(file.tokens);
        items += parsed
            .map_err(|fault| format!("{}: {fault}", file.name))?
            .items
            .len();
    }
    print(&format!(
        "the tables are consistent; {items} items of generated code are valid\n"
    ))
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
