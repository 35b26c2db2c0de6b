//! Return and reason codes, as CCA documents them.

use serde::{Deserialize, Serialize};

/// Return code and reason code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code(pub i64, pub i64);

impl Code {
    /// Whether nothing was done.
    pub fn is_failure(self) -> bool {
        self.0 >= 8
    }
}

/// Done.
pub const OK: Code = Code(0, 0);
/// Done with a key under the OLD master key.
pub const OLD_MASTER_KEY: Code = Code(0, 10001);
/// The check value in an internal token is wrong.
pub const TOKEN_CHECK: Code = Code(8, 29);
/// A rule array has an unknown keyword.
pub const KEYWORD: Code = Code(8, 33);
/// Keywords do not go together.
pub const KEYWORD_COMBINATION: Code = Code(8, 34);
/// The number of keywords is wrong.
pub const RULE_COUNT: Code = Code(8, 35);
/// A token has content that makes no sense.
pub const TOKEN_CONTENT: Code = Code(8, 47);
/// The master key of a token is in no register.
pub const MASTER_KEY_PATTERN: Code = Code(8, 48);
/// A token has no key in it.
pub const NO_KEY: Code = Code(8, 62);
/// A token has a wrong header.
pub const TOKEN_HEADER: Code = Code(8, 63);
/// The key must not be used for this.
pub const NOT_PERMITTED: Code = Code(8, 64);
/// A token is not consistent.
pub const TOKEN_CONSISTENCY: Code = Code(8, 65);
/// What RSA recovered has not the expected form.
pub const RECOVERED_BLOCK: Code = Code(8, 66);
/// A size is wrong.
pub const SIZE: Code = Code(8, 72);
/// A pointer is null.
pub const NULL_POINTER: Code = Code(8, 184);
/// The adapter or library cannot do this.
pub const NOT_IMPLEMENTED: Code = Code(8, 335);
/// The buffer for the result is too small.
pub const TOO_SMALL: Code = Code(8, 343);
/// A reserved parameter is not empty.
pub const RESERVED: Code = Code(8, 714);
/// The hash in an OAEP block is wrong.
pub const OAEP_HASH: Code = Code(8, 718);
/// The length of an RSA modulus is wrong.
pub const RSA_MODULUS: Code = Code(8, 760);
/// The length of an RSA exponent is wrong.
pub const RSA_EXPONENT: Code = Code(8, 761);
/// A length in a key value structure is wrong.
pub const KEY_VALUES: Code = Code(8, 762);
/// A section of a PKA token is unknown.
pub const SECTION: Code = Code(8, 763);
/// A field of a PKA token is wrong.
pub const PKA_FIELD: Code = Code(8, 770);
/// `CSU_DEFAULT_DOMAIN` or `CSU_DEFAULT_ADAPTER` name what does not exist.
pub const ENVIRONMENT: Code = Code(8, 2034);
/// The clear key has an impossible length.
pub const CLEAR_KEY_LENGTH: Code = Code(8, 2114);
/// The key may not be exported like this.
pub const EXPORT: Code = Code(8, 2143);
/// The check value in an AES token is not that of its key.
pub const KEY_CHECK: Code = Code(8, 3013);
/// The adapter is allocated already.
pub const ALLOCATED: Code = Code(8, 6000);
/// No adapter is allocated.
pub const NOT_ALLOCATED: Code = Code(8, 6001);
/// The length of the name of an adapter is wrong.
pub const RESOURCE_LENGTH: Code = Code(8, 6013);
/// There is no such adapter.
pub const RESOURCE: Code = Code(8, 6014);
/// The adapter does not respond.
pub const NO_RESPONSE: Code = Code(12, 338);
/// The master key is not loaded.
pub const NO_MASTER_KEY: Code = Code(12, 764);
