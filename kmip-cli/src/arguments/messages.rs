//! Commands about messages and the specification.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kmip_spec::Version;

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
    /// Print the values as a JSON object, redacted like the tree; `convert` keeps types and order
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Print all differences as JSON
    #[arg(long)]
    pub(crate) json: bool,
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
