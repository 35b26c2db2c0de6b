//! Commands that make objects from others, and certificates.

use std::path::PathBuf;

use clap::Args;
use kmip::types::{
    CryptographicAlgorithm, DateTime, DerivationMethod, ObjectType, SecretDataType, SplitKeyMethod,
};

use super::cryptography::Parameters;
use super::objects::NewObject;
use super::server::Online;
use crate::values::{Bytes, date, enumeration, hex};

#[derive(Debug, Args)]
pub(crate) struct DeriveKey {
    /// Identifier of the key or secret that is derived from; for some methods also that of a second
    /// one with the derivation data
    #[arg(required = true, value_name = "ID", num_args = 1..=2)]
    pub(crate) objects: Vec<String>,
    /// How it is derived, such as HMAC, HASH, PBKDF2, ENCRYPT or HKDF
    #[arg(long, value_name = "METHOD", value_parser = enumeration::<DerivationMethod>)]
    pub(crate) method: DerivationMethod,
    /// Derivation data in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) data: Option<Bytes>,
    /// Salt in hexadecimal digits, for PBKDF2 and HKDF
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) salt: Option<Bytes>,
    /// Number of iterations, for PBKDF2
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) iterations: Option<i32>,
    /// Initialisation vector in hexadecimal digits, for ENCRYPT
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) iv: Option<Bytes>,
    /// Type of what is made: SymmetricKey or SecretData
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "SymmetricKey", value_parser = enumeration::<ObjectType>)]
    pub(crate) object_type: ObjectType,
    /// Algorithm that the new key is for
    #[arg(long, value_name = "NAME", default_value = "AES", value_parser = enumeration::<CryptographicAlgorithm>)]
    pub(crate) key_algorithm: CryptographicAlgorithm,
    /// Length of the new key in bits
    #[arg(short, long, value_name = "BITS", default_value_t = 256)]
    pub(crate) length: i32,
    #[command(flatten)]
    pub(crate) object: NewObject,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct SplitKey {
    /// Identifier of the key that is split; the server makes a new one otherwise
    #[arg(value_name = "ID")]
    pub(crate) object: Option<String>,
    /// Number of parts
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(2..))]
    pub(crate) parts: i32,
    /// Number of parts that suffice to join the key; by default all
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(2..))]
    pub(crate) threshold: Option<i32>,
    /// How it is split; by default XOR if all parts are needed, and else PolynomialSharingGF2_8
    #[arg(long, value_name = "METHOD", value_parser = enumeration::<SplitKeyMethod>)]
    pub(crate) method: Option<SplitKeyMethod>,
    /// Algorithm of a new key
    #[arg(long, value_name = "NAME", default_value = "AES", value_parser = enumeration::<CryptographicAlgorithm>)]
    pub(crate) algorithm: CryptographicAlgorithm,
    /// Length of a new key in bits
    #[arg(short, long, value_name = "BITS", default_value_t = 256)]
    pub(crate) length: i32,
    #[command(flatten)]
    pub(crate) object_options: NewObject,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct JoinSplitKey {
    /// Identifiers of the parts
    #[arg(required = true, value_name = "ID", num_args = 2..)]
    pub(crate) parts: Vec<String>,
    /// Type of what is joined
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "SymmetricKey", value_parser = enumeration::<ObjectType>)]
    pub(crate) object_type: ObjectType,
    /// Type of a secret
    #[arg(long, value_name = "TYPE", value_parser = enumeration::<SecretDataType>)]
    pub(crate) secret_type: Option<SecretDataType>,
    #[command(flatten)]
    pub(crate) object: NewObject,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Certify {
    /// Identifier of the public key, or of a certificate request on the server
    #[arg(value_name = "ID", required_unless_present = "request")]
    pub(crate) object: Option<String>,
    /// File with a PKCS#10 certificate request in PEM or DER
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) object_options: NewObject,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Recertify {
    /// Identifier of the certificate that is replaced
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// File with a PKCS#10 certificate request in PEM or DER
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Seconds from the creation of the new certificate to its activation
    #[arg(long, value_name = "SECONDS")]
    pub(crate) offset: Option<u32>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct ReProvision {
    /// File with a PKCS#10 certificate request for the new certificate, in PEM or DER
    #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
    pub(crate) request: Option<PathBuf>,
    /// File with the new certificate, in PEM or DER
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Identifiers of the certificates of a chain on the server
    #[arg(value_name = "ID", required_unless_present = "certificates")]
    pub(crate) objects: Vec<String>,
    /// File with a certificate of the chain in PEM or DER; may be repeated
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
    /// When they should be valid: a date; now otherwise
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) at: Option<DateTime>,
    #[command(flatten)]
    pub(crate) online: Online,
}
