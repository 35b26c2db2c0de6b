//! Commands about what new objects are like.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kmip::types::{Attribute, ObjectType};

use super::server::Online;
use crate::values::{attribute, enumeration};

/// One rule, or a file with several, or none at all.
#[derive(Debug, Args)]
#[group(id = "rules", required = true, multiple = true)]
pub(crate) struct Rules {
    /// An attribute of new objects, as for `kmip create`; may be repeated
    #[arg(short, long = "attribute", value_name = "NAME=VALUE", value_parser = attribute, conflicts_with_all = ["file", "clear"])]
    pub(crate) attributes: Vec<Attribute<'static>>,
    /// Only for objects of these types; for all otherwise
    #[arg(short = 't', long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = enumeration::<ObjectType>, requires = "attributes")]
    pub(crate) object_types: Vec<ObjectType>,
    /// Only for objects of these Object Groups
    #[arg(long = "group", value_name = "NAME", requires = "attributes")]
    pub(crate) groups: Vec<String>,
    /// File with all rules, in the XML of KMIP: DefaultsInformation or Constraints
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// No rules any more
    #[arg(long, conflicts_with = "file")]
    pub(crate) clear: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetDefaults {
    #[command(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Constraints {
    /// Show the constraints
    Get(GetConstraints),
    /// Replace all constraints
    Set(SetConstraints),
}

#[derive(Debug, Args)]
pub(crate) struct GetConstraints {
    /// Write them to a file in XML, which `set --file` takes
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct SetConstraints {
    #[command(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    pub(crate) online: Online,
}
