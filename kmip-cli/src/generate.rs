//! Shell completions and manual pages.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::Failure;

pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "kmip", &mut text);
    let mut output = io::stdout().lock();
    output.write_all(&text)?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// A page for the program and one for each command.
pub(crate) fn manual(directory: &Path) -> Result<ExitCode, Failure> {
    let mut command = Arguments::command();
    command.build();
    page(&command, directory)?;
    Ok(ExitCode::SUCCESS)
}

fn page(command: &clap::Command, directory: &Path) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = directory.join(format!("{name}.1"));
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    fs::write(&path, text).map_err(Failure::writing(&path))?;
    for inner in command.get_subcommands() {
        if inner.get_name() != "help" {
            page(inner, directory)?;
        }
    }
    Ok(())
}
