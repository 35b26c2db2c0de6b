//! Commands that use keys where they are.

use std::path::PathBuf;

use clap::Args;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, DigitalSignatureAlgorithm, HashingAlgorithm,
    PaddingMethod,
};

use super::server::Online;
use crate::values::{Bytes, enumeration, hex};

/// Where data comes from and goes to.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataOptions {
    /// File with the data; standard input otherwise
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// File for the result (mode 0600); standard output otherwise, in hexadecimal digits on a
    /// terminal
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How the key is used. What is not given, the key's own parameters or the server decide.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cryptographic parameters")]
pub(crate) struct Parameters {
    /// Block cipher mode, such as CBC or GCM
    #[arg(long, value_name = "MODE", value_parser = enumeration::<BlockCipherMode>)]
    pub(crate) mode: Option<BlockCipherMode>,
    /// Padding, such as PKCS5, OAEP or PSS
    #[arg(long, value_name = "METHOD", value_parser = enumeration::<PaddingMethod>)]
    pub(crate) padding: Option<PaddingMethod>,
    /// Hash, such as SHA-256
    #[arg(long, value_name = "HASH", value_parser = enumeration::<HashingAlgorithm>)]
    pub(crate) hash: Option<HashingAlgorithm>,
    /// Algorithm, such as RSA or HMAC-SHA256
    #[arg(long, value_name = "NAME", value_parser = enumeration::<CryptographicAlgorithm>)]
    pub(crate) algorithm: Option<CryptographicAlgorithm>,
    /// Algorithm of signatures, such as SHA256WithRSAEncryption
    #[arg(long, value_name = "NAME", value_parser = enumeration::<DigitalSignatureAlgorithm>)]
    pub(crate) signature_algorithm: Option<DigitalSignatureAlgorithm>,
    /// Bytes of the authentication tag
    #[arg(long, value_name = "BYTES")]
    pub(crate) tag_length: Option<i32>,
}

#[derive(Debug, Args)]
pub(crate) struct Encrypt {
    /// Identifier of the key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// Initialisation vector in hexadecimal digits; the server chooses one otherwise
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) iv: Option<Bytes>,
    /// Additional data that is authenticated, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) aad: Option<Bytes>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    /// Authentication tag in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) tag: Option<Bytes>,
    #[command(flatten)]
    pub(crate) encrypt: Encrypt,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Identifier of the private key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// The data is a digest already
    #[arg(long)]
    pub(crate) digested: bool,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Identifier of the public key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// File with the signature
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: PathBuf,
    /// The data is a digest already
    #[arg(long)]
    pub(crate) digested: bool,
    /// File with the data; standard input otherwise
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Mac {
    /// Identifier of the key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// File with a MAC that is verified; without it, one is made
    #[arg(long, value_name = "FILE")]
    pub(crate) verify: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Hash {
    /// The hash
    #[arg(value_name = "HASH", default_value = "SHA-256", value_parser = enumeration::<HashingAlgorithm>)]
    pub(crate) algorithm: HashingAlgorithm,
    #[command(flatten)]
    pub(crate) data: DataOptions,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Rng {
    /// How many random bytes; with --seed none
    #[arg(value_name = "BYTES", default_value_t = 32, value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) length: i32,
    /// Give the data of this file to the server's generator instead
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// File for the bytes (mode 0600); standard output otherwise, in hexadecimal digits on a
    /// terminal
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) online: Online,
}
