//! Commands on attributes.

use clap::{Args, Subcommand};
use kmip::types::{AdjustmentType, Attribute, AttributeReference, RawValue};

use super::server::Online;
use crate::values::{attribute, enumeration, number, reference};

#[derive(Debug, Subcommand)]
pub(crate) enum Attributes {
    /// Show attributes of an object, all unless some are named
    #[command(visible_alias = "show")]
    Get(GetAttributes),
    /// List the names of the attributes that an object has
    List(ListAttributes),
    /// Give an attribute that has one value its value, whether it had one or not
    Set(ChangeAttribute),
    /// Add an attribute, or a further value of it
    Add(ChangeAttribute),
    /// Change the value of an attribute that the object has
    Modify(ModifyAttribute),
    /// Count an attribute up or down, or negate it (KMIP 2.0 and later)
    Adjust(AdjustAttribute),
    /// Remove an attribute, or one of its values
    Delete(DeleteAttribute),
}

#[derive(Debug, Args)]
pub(crate) struct GetAttributes {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// Names of attributes, such as State or x-purpose
    #[arg(value_name = "NAME", value_parser = reference)]
    pub(crate) attributes: Vec<AttributeReference<'static>>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct ListAttributes {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeAttribute {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// The attribute, such as `Name=disk 1`
    #[arg(value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attribute: Attribute<'static>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct ModifyAttribute {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// The attribute with its new value
    #[arg(value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attribute: Attribute<'static>,
    /// Of several values the one to change: its index (KMIP 1.x)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) index: Option<i32>,
    /// Of several values the one to change (KMIP 2.x)
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) current: Option<Attribute<'static>>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct AdjustAttribute {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// Name of the attribute
    #[arg(value_name = "NAME", value_parser = reference)]
    pub(crate) attribute: AttributeReference<'static>,
    /// Increment, Decrement or Negate
    #[arg(value_name = "HOW", value_parser = enumeration::<AdjustmentType>)]
    pub(crate) adjustment: AdjustmentType,
    /// By how much; by 1 otherwise. For an attribute of another type than Integer, TYPE:NUMBER, with
    /// long, interval or date as TYPE
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub(crate) by: Option<RawValue<'static>>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteAttribute {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// Name of the attribute, or with `=VALUE` one of its values
    #[arg(value_name = "NAME[=VALUE]")]
    pub(crate) attribute: String,
    /// Of several values the one to remove: its index (KMIP 1.x)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) index: Option<i32>,
    #[command(flatten)]
    pub(crate) online: Online,
}
