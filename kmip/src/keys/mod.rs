//! Keys and certificates of KMIP in other forms: as objects of OpenSSL, and in PEM.
//!
//! ```
//! use kmip::keys::Pem;
//! use kmip::types::{KeyFormatType, ObjectType};
//! # let key = openssl::pkey::PKey::generate_ed25519()?.private_key_to_pem_pkcs8()?;
//!
//! let pem = Pem::read(&key)?;
//! assert_eq!(pem.object_type, ObjectType::PRIVATE_KEY);
//! assert_eq!(pem.format, Some(KeyFormatType::PKCS_8));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Key Blocks become keys with [`to_public_key`](crate::types::KeyBlock::to_public_key) and
//! [`to_private_key`](crate::types::KeyBlock::to_private_key), certificates with
//! [`to_x509`](crate::types::Certificate::to_x509).

mod curves;
mod error;
mod pem;
mod read;

pub use error::KeyError;
pub(crate) use pem::kind_of;
pub use pem::{Pem, PemError};
