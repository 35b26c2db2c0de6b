//! How much of Usage Limits (KMIP 1.4, 3.21; 2.1, 4.62) is left.

use kmip::types::{UsageLimits, UsageLimitsUnit};

pub(crate) fn left(limits: &UsageLimits<'_>) -> i64 {
    limits
        .usage_limits_count
        .unwrap_or(limits.usage_limits_total)
}

/// What is left after a use with so much data. `None` if it is too much.
pub(crate) fn left_after(limits: &UsageLimits<'_>, bytes: usize) -> Option<i64> {
    let used = match limits.usage_limits_unit {
        UsageLimitsUnit::BYTE => i64::try_from(bytes).unwrap_or(i64::MAX),
        _ => 1,
    };
    left(limits).checked_sub(used).filter(|left| *left >= 0)
}
