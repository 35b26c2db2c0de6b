//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kmip_spec::Version;

const EXIT_CODES: &str = "\
Exit status:
  0  done; nothing differs, nothing failed
  1  the input is no KMIP message, messages differ, or a check failed
  2  the command line is wrong";

/// Decodes, converts and compares KMIP messages, looks up what the specifications say, and checks
/// implementations.
#[derive(Debug, Parser)]
#[command(name = "kmip", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a message as a tree
    ///
    /// Takes TTLV (binary, hexadecimal digits, dumps of xxd, hexdump and Wireshark, base64), JSON,
    /// XML, and HTTP messages with one of these. Keys and passwords are redacted.
    #[command(after_help = EXIT_CODES)]
    Decode(Decode),
    /// Convert a message to another encoding
    #[command(after_help = EXIT_CODES)]
    Convert(Convert),
    /// Compare two messages, in whatever form they are
    #[command(after_help = EXIT_CODES)]
    Diff(Diff),
    /// Look up a tag, enumeration, value, structure, operation or attribute in the specifications
    #[command(after_help = EXIT_CODES)]
    Explain(Explain),
    /// Print the tables of the specifications
    Spec(SpecOptions),
    /// Check implementations against published messages
    #[command(subcommand)]
    Conformance(Conformance),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a directory
    Man {
        /// The directory, which must be there
        directory: PathBuf,
    },
}

/// How messages are read.
#[derive(Debug, Clone, Args)]
pub(crate) struct InputOptions {
    /// Form of the input; it is guessed otherwise
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) form: Option<Form>,
    /// Refuse whatever the specification does not have at its place
    #[arg(long, conflicts_with = "lenient")]
    pub(crate) strict: bool,
    /// Also show the readable part of a broken message
    #[arg(long)]
    pub(crate) lenient: bool,
    /// Version whose rules hold for items that are no whole message
    #[arg(long, value_name = "VERSION", default_value = "2.1")]
    pub(crate) version_of_item: Version,
}

/// How messages are shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputOptions {
    /// Show keys, passwords and the like
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// When to use colours; `auto` heeds NO_COLOR
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// A form of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Ttlv,
    Hex,
    Base64,
    Http,
    Json,
    Xml,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The binary encoding
    Ttlv,
    Json,
    Xml,
    /// The binary encoding as hexadecimal digits
    Hex,
    /// A tree for people
    Text,
}

#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// File, `-` for standard input (as without it), or the message itself
    pub(crate) message: Option<String>,
    #[command(flatten)]
    pub(crate) input: InputOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// File, `-` for standard input (as without it), or the message itself
    pub(crate) message: Option<String>,
    /// What to convert it to
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) to: Target,
    /// Write to a file, not to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// JSON and XML without white space
    #[arg(long)]
    pub(crate) compact: bool,
    /// Show keys, passwords and the like in text; the encodings always hold them
    #[arg(long)]
    pub(crate) show_secrets: bool,
    #[command(flatten)]
    pub(crate) input: InputOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The one message: file, `-`, or the message itself
    pub(crate) left: String,
    /// The other message
    pub(crate) right: String,
    /// Print all differences, not only the first ten
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) input: InputOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Name in the spelling of the specification or of XML, or a tag such as 0x420028
    #[arg(required = true, value_name = "NAME")]
    pub(crate) name: Vec<String>,
    /// Only what this version has
    #[arg(long)]
    pub(crate) version: Option<Version>,
}

#[derive(Debug, Args)]
pub(crate) struct SpecOptions {
    /// All tables as one JSON object, not only their sizes
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Play test cases in XML against a server
    ///
    /// Sends the requests of each case and compares the responses with those in the document. What
    /// the profiles permit to vary may: identifiers, dates, keys that the server makes. The last
    /// line is `N passed, M failed, K skipped`, counted in cases.
    #[command(after_help = EXIT_CODES)]
    Run(crate::conformance::RunOptions),
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
