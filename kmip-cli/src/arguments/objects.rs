//! Commands on objects: making, finding, fetching them, and their life.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kmip::types::{
    Attribute, BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask, DateTime,
    HashingAlgorithm, KeyFormatType, ObjectType, PaddingMethod, RecommendedCurve,
    RevocationReasonCode, SecretDataType, State,
};

use super::server::Online;
use crate::values::{attribute, date, enumeration, mask};

/// What new objects have in common.
#[derive(Debug, Clone, Args)]
pub(crate) struct NewObject {
    /// Name of the object; may be repeated
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) name: Vec<String>,
    /// What the key may be used for, such as `encrypt,decrypt`
    #[arg(short, long, value_name = "USES", value_parser = mask::<CryptographicUsageMask>)]
    pub(crate) usage: Option<CryptographicUsageMask>,
    /// A further attribute, `NAME=VALUE`; custom ones are `x-NAME=VALUE` or `VENDOR:NAME=VALUE`
    #[arg(short, long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attributes: Vec<Attribute<'static>>,
    /// Activate it at once
    #[arg(long)]
    pub(crate) activate: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Algorithm of the key
    #[arg(long, value_name = "NAME", default_value = "AES", value_parser = enumeration::<CryptographicAlgorithm>)]
    pub(crate) algorithm: CryptographicAlgorithm,
    /// Length of the key in bits
    #[arg(short, long, value_name = "BITS", default_value_t = 256)]
    pub(crate) length: i32,
    #[command(flatten)]
    pub(crate) object: NewObject,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct CreateKeyPair {
    /// Algorithm of the keys
    #[arg(long, value_name = "NAME", default_value = "RSA", value_parser = enumeration::<CryptographicAlgorithm>)]
    pub(crate) algorithm: CryptographicAlgorithm,
    /// Length of the keys in bits: for RSA 3072, for elliptic curves 256, unless it is said
    #[arg(short, long, value_name = "BITS", conflicts_with = "curve")]
    pub(crate) length: Option<i32>,
    /// Elliptic curve, such as P-256
    #[arg(long, value_name = "NAME", value_parser = enumeration::<RecommendedCurve>)]
    pub(crate) curve: Option<RecommendedCurve>,
    /// Name of the private key; the public one gets `-public` behind it
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// What the private key may be used for; by default what suits the algorithm, such as `sign`
    #[arg(long, value_name = "USES", value_parser = mask::<CryptographicUsageMask>)]
    pub(crate) private_usage: Option<CryptographicUsageMask>,
    /// What the public key may be used for; by default what suits the algorithm, such as `verify`
    #[arg(long, value_name = "USES", value_parser = mask::<CryptographicUsageMask>)]
    pub(crate) public_usage: Option<CryptographicUsageMask>,
    /// A further attribute of both keys
    #[arg(short, long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attributes: Vec<Attribute<'static>>,
    /// Activate both at once
    #[arg(long)]
    pub(crate) activate: bool,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// File with the object, `-` for standard input: PEM, or the bytes of a key, secret or object
    pub(crate) file: PathBuf,
    /// Type of the object; that of the PEM, and else a symmetric key
    #[arg(short = 't', long = "type", value_name = "TYPE", value_parser = enumeration::<ObjectType>)]
    pub(crate) object_type: Option<ObjectType>,
    /// Format of the key; that of the PEM, and else Raw
    #[arg(long, value_name = "FORMAT", value_parser = enumeration::<KeyFormatType>)]
    pub(crate) format: Option<KeyFormatType>,
    /// Algorithm of the key; that of the PEM, and else AES
    #[arg(long, value_name = "NAME", value_parser = enumeration::<CryptographicAlgorithm>)]
    pub(crate) algorithm: Option<CryptographicAlgorithm>,
    /// Type of a secret
    #[arg(long, value_name = "TYPE", default_value = "Password", value_parser = enumeration::<SecretDataType>)]
    pub(crate) secret_type: SecretDataType,
    #[command(flatten)]
    pub(crate) object: NewObject,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// File that `kmip export` wrote
    pub(crate) file: PathBuf,
    /// Identifier of the new object; that of the exported one otherwise
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Replace the object if there is one with this identifier
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// File for the object with its attributes, in XML (mode 0600)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) wrapping: WrappingOptions,
    #[command(flatten)]
    pub(crate) online: Online,
}

/// How the server wraps what it sends.
#[derive(Debug, Clone, Args)]
pub(crate) struct WrappingOptions {
    /// Identifier of the key with which the server wraps the key
    #[arg(long, value_name = "ID")]
    pub(crate) wrap_with: Option<String>,
    /// Wrap with this mode, such as NISTKeyWrap
    #[arg(long, value_name = "MODE", value_parser = enumeration::<BlockCipherMode>, requires = "wrap_with")]
    pub(crate) wrap_mode: Option<BlockCipherMode>,
    /// Wrap with this padding, such as OAEP
    #[arg(long, value_name = "METHOD", value_parser = enumeration::<PaddingMethod>, requires = "wrap_with")]
    pub(crate) wrap_padding: Option<PaddingMethod>,
    /// Hash of the padding, such as SHA-256
    #[arg(long, value_name = "HASH", value_parser = enumeration::<HashingAlgorithm>, requires = "wrap_with")]
    pub(crate) wrap_hash: Option<HashingAlgorithm>,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Identifier of the object
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// Write the key, secret or certificate to a file (mode 0600)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print it on standard output
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// How it is written: the bytes, hexadecimal digits, base64, or PEM
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub(crate) form: Option<KeyForm>,
    /// Format that the server is asked for, such as PKCS_8
    #[arg(long, value_name = "FORMAT", value_parser = enumeration::<KeyFormatType>)]
    pub(crate) format: Option<KeyFormatType>,
    #[command(flatten)]
    pub(crate) wrapping: WrappingOptions,
    #[command(flatten)]
    pub(crate) online: Online,
}

/// How a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyForm {
    Raw,
    Hex,
    Base64,
    Pem,
}

#[derive(Debug, Args)]
pub(crate) struct Locate {
    /// Objects with this name
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Objects of this type, such as SymmetricKey
    #[arg(short = 't', long = "type", value_name = "TYPE", value_parser = enumeration::<ObjectType>)]
    pub(crate) object_type: Option<ObjectType>,
    /// Objects in this state, such as Active
    #[arg(long, value_name = "STATE", value_parser = enumeration::<State>)]
    pub(crate) state: Option<State>,
    /// Keys for this algorithm
    #[arg(long, value_name = "NAME", value_parser = enumeration::<CryptographicAlgorithm>)]
    pub(crate) algorithm: Option<CryptographicAlgorithm>,
    /// Objects with this attribute; may be repeated
    #[arg(short, long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attributes: Vec<Attribute<'static>>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) max: Option<i32>,
    /// Leave out the first so many (KMIP 1.3 and later)
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) offset: Option<i32>,
    /// Also objects in the archive
    #[arg(long)]
    pub(crate) archived: bool,
    /// Only the identifiers, one a line; attributes are not asked for
    #[arg(long)]
    pub(crate) ids: bool,
    #[command(flatten)]
    pub(crate) online: Online,
}

/// A command that needs nothing but objects.
#[derive(Debug, Args)]
pub(crate) struct Objects {
    /// Identifiers of the objects
    #[arg(required = true, value_name = "ID")]
    pub(crate) objects: Vec<String>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Identifiers of the objects
    #[arg(required = true, value_name = "ID")]
    pub(crate) objects: Vec<String>,
    /// Why, such as KeyCompromise
    #[arg(long, value_name = "REASON", default_value = "CessationOfOperation", value_parser = enumeration::<RevocationReasonCode>)]
    pub(crate) reason: RevocationReasonCode,
    /// Further words about it
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Since when the key is compromised: a date, or `now` (the default for a compromise)
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) compromised_since: Option<DateTime>,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// Identifiers of the objects
    #[arg(required = true, value_name = "ID")]
    pub(crate) objects: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Revoke active objects first
    #[arg(long)]
    pub(crate) revoke: bool,
    #[command(flatten)]
    pub(crate) online: Online,
}

#[derive(Debug, Args)]
pub(crate) struct Rekey {
    /// Identifier of the key; with --pair that of the private key
    #[arg(value_name = "ID")]
    pub(crate) object: String,
    /// It is the private key of a pair, and both are replaced
    #[arg(long)]
    pub(crate) pair: bool,
    /// Seconds from the creation of the new key to its activation
    #[arg(long, value_name = "SECONDS")]
    pub(crate) offset: Option<u32>,
    #[command(flatten)]
    pub(crate) online: Online,
}
