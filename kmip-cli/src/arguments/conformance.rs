//! Commands that check implementations.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::EXIT_CODES;

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
    /// Play the server of test cases in XML to a client
    ///
    /// Compares each request with the next one of the case and answers with the response in the
    /// document; what the profiles permit to vary may. Case follows case, in the order of their
    /// files; the program ends after the last one. Discover Versions is always answered. Prints
    /// `ready HOST:PORT` once clients can connect (with --json to standard error). The last line is
    /// `N passed, M failed, K skipped`, counted in cases.
    #[command(after_help = concat!("Example:\n  kmip conformance serve cases --case SKLC-M-1-12 --dev-certs dev --timeout 60\n\n",
        "Exit status:\n  0  all requests were as they should be\n  1  some were not, or did not come\n  2  the command line is wrong"))]
    Serve(crate::conformance::HostOptions),
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
    /// A line for each file, and notes on messages
    #[arg(short, long)]
    pub(crate) verbose: bool,
}
