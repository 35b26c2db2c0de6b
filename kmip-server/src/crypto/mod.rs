//! Cryptography, all of it by OpenSSL.

mod asymmetric;
mod authority;
mod certificate;
mod cipher;
mod derive;
mod digest;
mod format;
mod generate;
mod kbkdf;
mod kind;
mod legacy;
mod mac;
mod padding;
mod parameters;
mod prime_sharing;
mod rsa;
mod sharing;
mod signature;
mod whole;
mod wrapping;

use kmip::server::Failure;
use kmip::types::ResultReason;
use openssl::error::ErrorStack;

pub(crate) use asymmetric::{private_key, private_material, public_key, public_material};
pub(crate) use authority::{CertificationAuthority, requested_key};
pub(crate) use certificate::{certificate_attributes, certificate_key};
pub(crate) use cipher::{CipherInput, CipherRun, Direction};
pub(crate) use derive::{agree, derive};
use digest::message_digest;
pub(crate) use digest::{digest, digests_of, short_identifier};
pub(crate) use format::{convert, symmetric_bytes};
pub(crate) use generate::{
    KeyPair, generate_key_pair, generate_secret, generate_symmetric, generator, key_bytes,
    new_identifier, random, usual_length,
};
pub(crate) use mac::mac;
pub(crate) use parameters::hash_function;
pub(crate) use rsa::{rsa_decrypt, rsa_encrypt};
pub(crate) use sharing::{Part, join, split};
pub(crate) use signature::{Signed, sign, verify};
pub(crate) use wrapping::{
    UnwrappingKey, WrappingKey, decode_key_value, encode_key_value, unwrap, wrap,
};

/// An operation that OpenSSL refuses, for a reason that lies in the keys or the data.
pub(crate) fn failed(what: &str) -> impl FnOnce(ErrorStack) -> Failure + '_ {
    move |_| {
        let message = format!("cryptographic failure: {what}");
        Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message)
    }
}
