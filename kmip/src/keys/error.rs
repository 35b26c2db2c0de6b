//! Why a key or certificate cannot be used.

use openssl::error::ErrorStack;

use crate::types::{KeyFormatType, ObjectType, RecommendedCurve};

/// The longest number of a key in bytes: that of RSA moduli with which OpenSSL calculates
/// (`OPENSSL_RSA_MAX_MODULUS_BITS`).
pub(super) const LONGEST: usize = 16_384 / 8;

/// A key or certificate cannot be used with OpenSSL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The object holds no key: only its description, or something else.
    #[error("there is no key in it")]
    Missing,
    /// The key is wrapped.
    #[error("the key is wrapped")]
    Wrapped,
    /// Keys of this kind do not come in this format, or not in one that is understood.
    #[error("a key of this kind is not understood as {0:?}")]
    Format(KeyFormatType),
    /// The key is damaged, or of another format than is said.
    #[error("the key is no valid {format:?}")]
    Malformed {
        /// The format.
        format: KeyFormatType,
        /// OpenSSL's reason.
        source: ErrorStack,
    },
    /// It is on a curve that this OpenSSL does not have.
    #[error("OpenSSL has no curve {0:?}")]
    Curve(RecommendedCurve),
    /// Of an RSA private key, neither the exponent nor both primes are there.
    #[error("the key has neither a private exponent nor both primes")]
    Incomplete,
    /// One of its numbers is longer than OpenSSL takes any, or all of them together are.
    #[error(
        "the key, or a number in it, has {bytes} bytes; OpenSSL takes numbers of up to {limit}",
        limit = LONGEST
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is an object of another kind than the one that was asked for.
    #[error("it is a {0:?}")]
    OtherObject(ObjectType),
    /// The certificate is no X.509 certificate, or damaged.
    #[error("it is no valid X.509 certificate")]
    Certificate(#[source] ErrorStack),
}
