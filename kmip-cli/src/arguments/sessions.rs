//! Commands about sessions, and about operations that a server does later.

use std::path::PathBuf;

use clap::Args;

use super::server::Online;
use crate::values::{Bytes, hex};

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// File for the ticket (mode 0600), which --ticket takes
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Seconds that the ticket shall be valid
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lease_time: Option<u32>,
    /// How many requests the ticket shall be good for
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) requests: Option<i32>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// File with the ticket; it is removed
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// What the server writes into its log
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Ping {
    /// How often
    #[arg(short, long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Poll {
    /// Asynchronous Correlation Value of the operation, in hexadecimal digits
    #[arg(value_name = "HEX", value_parser = hex)]
    pub(crate) correlation: Bytes,
    /// Show keys, passwords and the like in the answer
    #[arg(long)]
    pub(crate) show_secrets: bool,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Asynchronous Correlation Value of the operation, in hexadecimal digits
    #[arg(value_name = "HEX", value_parser = hex)]
    pub(crate) correlation: Bytes,
    #[command(flatten)]
    pub(crate) online: Online,
}
