//! The tables of KMIP 1.0 to 2.1 as data: tags, enumerations, structures, operations and attributes,
//! each with the versions that define it.
//!
//! The tables are tab-separated text files (`kmip-spec/tables/*.tsv`, described in the README beside
//! them). [`Spec::load`] reads the built-in ones into the plain structs of [`model`], [`Spec::parse`]
//! reads others of the same form, and [`check()`] tells what is inconsistent in them.
//!
//! ```
//! use kmip_spec::{Spec, Version, names::normalise};
//!
//! let spec = Spec::load().expect("the built-in tables are well-formed");
//! let tag = spec.tag("Cryptographic Algorithm").expect("a tag of every version");
//! assert_eq!(tag.value, 0x42_0028);
//! assert!(tag.range.contains(Version::V1_0));
//! assert_eq!(normalise("MAC/Signature Key Information"), "MACSignatureKeyInformation");
//! ```

mod check;
mod error;
#[cfg(feature = "json")]
pub mod json;
mod load;
pub mod model;
pub mod names;
mod tsv;
mod version;

pub use check::{Finding, check};
pub use error::{Problem, TableError};
pub use load::Tables;
pub use model::Spec;
pub use version::{UnknownVersion, Version, VersionRange};
