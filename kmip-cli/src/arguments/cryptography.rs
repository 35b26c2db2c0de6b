//! Commands that use keys where they are.

use std::path::PathBuf;

use clap::Args;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, DigitalSignatureAlgorithm, HashingAlgorithm,
    PaddingMethod,
};

use super::server::Online;
use crate::values::{Bytes, enumeration, hex};

/// Where data comes from.
#[derive(Debug, Clone, Args)]
pub(crate) struct InputFile {
    /// File with the data; standard input otherwise
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
}

/// Where a result goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputFile {
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

/// A use of a key for data.
#[derive(Debug, Args)]
pub(crate) struct KeyUse {
    /// Identifier of the key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    #[command(flatten)]
    pub(crate) data: InputFile,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    #[command(flatten)]
    pub(crate) online: Online,
}

/// What ciphers need besides key and data.
#[derive(Debug, Args)]
pub(crate) struct CipherOptions {
    /// Initialisation vector in hexadecimal digits; for encryption the server chooses one otherwise
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) iv: Option<Bytes>,
    /// Additional data that is authenticated, in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) aad: Option<Bytes>,
}

#[derive(Debug, Args)]
pub(crate) struct Encrypt {
    #[command(flatten)]
    pub(crate) key: KeyUse,
    #[command(flatten)]
    pub(crate) cipher: CipherOptions,
    #[command(flatten)]
    pub(crate) to: OutputFile,
}

#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    #[command(flatten)]
    pub(crate) key: KeyUse,
    #[command(flatten)]
    pub(crate) cipher: CipherOptions,
    /// Authentication tag in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub(crate) tag: Option<Bytes>,
    #[command(flatten)]
    pub(crate) to: OutputFile,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) key: KeyUse,
    /// The data is a digest already
    #[arg(long)]
    pub(crate) digested: bool,
    #[command(flatten)]
    pub(crate) to: OutputFile,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) key: KeyUse,
    /// File with the signature
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: PathBuf,
    /// The data is a digest already
    #[arg(long)]
    pub(crate) digested: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Mac {
    #[command(flatten)]
    pub(crate) key: KeyUse,
    /// File with a MAC that is verified; without it, one is made
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub(crate) verify: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) to: OutputFile,
}

#[derive(Debug, Args)]
pub(crate) struct Hash {
    /// The hash
    #[arg(value_name = "HASH", default_value = "SHA-256", value_parser = enumeration::<HashingAlgorithm>)]
    pub(crate) algorithm: HashingAlgorithm,
    #[command(flatten)]
    pub(crate) data: InputFile,
    #[command(flatten)]
    pub(crate) to: OutputFile,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Rng {
    /// How many random bytes; with --seed none
    #[arg(value_name = "BYTES", default_value_t = 32, value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) length: i32,
    /// Give the data of this file to the server's generator instead
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub(crate) seed: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) to: OutputFile,
    #[command(flatten)]
    pub(crate) online: Online,
}
