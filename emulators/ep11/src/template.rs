//! Templates, which must have exactly the attributes that they should.

use std::ffi::c_ulong;

use serde::{Deserialize, Serialize};

use crate::blob::attribute;
use crate::codes::{self, Rv};

pub(crate) const CLASS: u64 = 0x000;
pub(crate) const KEY_TYPE: u64 = 0x100;
pub(crate) const SENSITIVE: u64 = 0x103;
pub(crate) const MODULUS_BITS: u64 = 0x121;
pub(crate) const PUBLIC_EXPONENT: u64 = 0x122;
pub(crate) const EC_PARAMS: u64 = 0x180;

/// Attributes that are true or false: `CKA_...`, and the bit in blobs.
const FLAGS: [(u64, u64); 9] = [
    (SENSITIVE, 0),
    (0x104, attribute::ENCRYPT),
    (0x105, attribute::DECRYPT),
    (0x106, attribute::WRAP),
    (0x107, attribute::UNWRAP),
    (0x108, attribute::SIGN),
    (0x10a, attribute::VERIFY),
    (0x10c, attribute::DERIVE),
    (0x8001_000c, attribute::PROTECTED_KEY),
];

/// Types of attributes with their values as they lie in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template(pub Vec<(u64, Vec<u8>)>);

impl Template {
    /// Checks that no attribute is there twice, that there are only those in `values` and flags
    /// for one of `allowed`, and returns the flags.
    pub(crate) fn flags(&self, values: &[u64], allowed: u64) -> Result<u64, Rv> {
        let mut flags = 0;
        for (at, (kind, value)) in self.0.iter().enumerate() {
            if self.0[..at].iter().any(|(other, _)| other == kind) {
                return Err(codes::TEMPLATE_INCONSISTENT);
            }
            let Some((_, bit)) = FLAGS.iter().find(|(flag, _)| flag == kind) else {
                if values.contains(kind) {
                    continue;
                }
                return Err(codes::ATTRIBUTE_TYPE_INVALID);
            };
            match value[..] {
                [0] if *kind == SENSITIVE => return Err(codes::TEMPLATE_INCONSISTENT),
                [0] => {}
                [1] if bit & !allowed != 0 => return Err(codes::TEMPLATE_INCONSISTENT),
                [1] => flags |= bit,
                _ => return Err(codes::ATTRIBUTE_VALUE_INVALID),
            }
        }
        Ok(flags)
    }

    /// The value of an attribute that must be there.
    pub(crate) fn value(&self, kind: u64) -> Result<&[u8], Rv> {
        let found = self.0.iter().find(|(found, _)| *found == kind);
        let (_, value) = found.ok_or(codes::TEMPLATE_INCOMPLETE)?;
        Ok(value)
    }

    /// The value of an attribute that is a `CK_ULONG`.
    pub(crate) fn number(&self, kind: u64) -> Result<u64, Rv> {
        let bytes = self.value(kind)?.try_into();
        let number = bytes.map(c_ulong::from_ne_bytes);
        #[allow(clippy::useless_conversion)]
        number
            .map(u64::from)
            .map_err(|_| codes::ATTRIBUTE_VALUE_INVALID)
    }
}
