//! Commands about operations that a server does later.

use clap::Args;
use kmip::types::Operation;

use super::server::Online;
use crate::values::{Bytes, enumeration, hex};

#[derive(Debug, Args)]
pub(crate) struct Poll {
    /// Asynchronous Correlation Value of the operation, in hexadecimal digits
    #[arg(value_name = "HEX", value_parser = hex)]
    pub(crate) correlation: Bytes,
    /// Ask again until it is done; every second, and as long as it takes
    #[arg(long)]
    pub(crate) wait: bool,
    /// Show keys, passwords and the like in the answer
    #[arg(long)]
    pub(crate) show_secrets: bool,
    #[command(flatten)]
    pub(crate) online: Online,
}

/// A command that needs nothing but an operation.
#[derive(Debug, Args)]
pub(crate) struct Correlated {
    /// Asynchronous Correlation Value of the operation, in hexadecimal digits
    #[arg(value_name = "HEX", value_parser = hex)]
    pub(crate) correlation: Bytes,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct QueryAsynchronousRequests {
    /// Only the one with this Asynchronous Correlation Value, in hexadecimal digits
    #[arg(value_name = "HEX", value_parser = hex)]
    pub(crate) correlation: Option<Bytes>,
    /// Only these operations
    #[arg(long = "operation", value_name = "NAME", value_delimiter = ',', value_parser = enumeration::<Operation>)]
    pub(crate) operations: Vec<Operation>,
    #[command(flatten)]
    pub(crate) online: Online,
}
