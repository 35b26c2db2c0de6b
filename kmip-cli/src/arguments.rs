//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit status:
  0  done; nothing differs, nothing failed
  1  the input is no KMIP message, messages differ, or a check failed
  2  the command line is wrong";

/// Decodes, converts and compares KMIP messages, looks up what the specifications say, and checks
/// implementations.
#[derive(Debug, Parser)]
#[command(name = "kmip", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check implementations against published messages
    #[command(subcommand)]
    Conformance(Conformance),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Conformance {
    /// Check the codecs of this program against test cases in XML
    ///
    /// Every message is decoded, sent through TTLV, JSON and XML, and must come out the same.
    /// Placeholders such as $NOW get a valid value. The last line is `N passed, M failed, K
    /// skipped`, counted in messages.
    #[command(after_help = EXIT_CODES)]
    Codec(CodecOptions),
}

#[derive(Debug, Args)]
pub(crate) struct CodecOptions {
    /// Directory of test cases, searched at any depth for *.xml
    pub(crate) directory: PathBuf,
    /// Directory of published TTLV, searched at any depth for *.json: lists of objects with `name`,
    /// `direction` and `hex`, and perhaps `json_text` and `xml_case`
    #[arg(long, value_name = "DIR")]
    pub(crate) hex: Option<PathBuf>,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// A line for each file, and what messages have that their version does not
    #[arg(short, long)]
    pub(crate) verbose: bool,
}
