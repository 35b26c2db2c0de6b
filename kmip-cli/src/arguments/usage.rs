//! Commands about how far keys may be used.

use clap::Args;
use kmip::types::CryptographicUsageMask;

use super::server::Online;
use crate::values::mask;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Identifier of the key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// Whether it may be used so, such as `encrypt`
    #[arg(short, long, value_name = "USES", value_parser = mask::<CryptographicUsageMask>)]
    pub(crate) usage: Option<CryptographicUsageMask>,
    /// Whether so much may still be used
    #[arg(long, value_name = "NUMBER")]
    pub(crate) usage_limit: Option<i64>,
    /// Whether it can be leased for so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lease_time: Option<u32>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct GetUsageAllocation {
    /// Identifier of the key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// How much of the key's Usage Limits is reserved for us
    #[arg(value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) count: i64,
    #[command(flatten)]
    pub(crate) online: Online,
}
