//! Commands about sessions and connections.

use std::path::PathBuf;

use clap::Args;
use kmip::types::{EndpointRole, InteropFunction, Operation, Pkcs11Function};

use super::server::Online;
use crate::values::{Bytes, enumeration, hex};

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
pub(crate) struct DelegatedLogin {
    /// Operations that the ticket is good for, separated by commas; all otherwise
    #[arg(long = "operation", value_name = "NAME", value_delimiter = ',', value_parser = enumeration::<Operation>)]
    pub(crate) operations: Vec<Operation>,
    /// Identifier of an object that the ticket is good for; may be repeated; all otherwise
    #[arg(long = "object", value_name = "ID")]
    pub(crate) objects: Vec<String>,
    #[command(flatten)]
    pub(crate) login: Login,
}

#[derive(Debug, Args)]
pub(crate) struct SetEndpointRole {
    /// The role of the server on this connection: Server or Client
    #[arg(value_name = "ROLE", value_parser = enumeration::<EndpointRole>)]
    pub(crate) role: EndpointRole,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Interop {
    /// Begin, End or Reset
    #[arg(value_name = "FUNCTION", value_parser = enumeration::<InteropFunction>)]
    pub(crate) function: InteropFunction,
    /// Name of the test
    #[arg(value_name = "NAME")]
    pub(crate) identifier: String,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Pkcs11 {
    /// The function, such as C_Initialize
    #[arg(value_name = "FUNCTION", value_parser = enumeration::<Pkcs11Function>)]
    pub(crate) function: Pkcs11Function,
    /// Name of the interface, such as `PKCS 11`
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Correlation Value that C_Initialize returned, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) correlation: Option<Bytes>,
    /// File with the input parameters as KMIP encodes them
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// File for the output parameters (mode 0600); they are not shown otherwise
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) online: Online,
}
