//! What the generator cannot do.

/// The tables hold something that the generator has no shape for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// A name that two items of the same scope would get.
    #[error("{scope}: two items would be called `{name}`")]
    NameTwice {
        /// The enclosing item.
        scope: String,
        /// The Rust name.
        name: String,
    },
    /// A field whose types no Rust type stands for.
    #[error("{structure}: no Rust type for the field {field} ({kinds})")]
    NoType {
        /// The structure.
        structure: String,
        /// The field.
        field: String,
        /// Its item types.
        kinds: String,
    },
    /// Rows of one field that would need different Rust types.
    #[error(
        "{structure}: the rows of the field {field} need different types: {first} and {second}"
    )]
    TypesDiffer {
        /// The structure.
        structure: String,
        /// The field.
        field: String,
        /// One type.
        first: String,
        /// The other.
        second: String,
    },
    /// More rows than there are bits.
    #[error("{0} has more than 64 rows")]
    TooManyRows(String),
    /// A name of the tables that resolves to nothing.
    #[error("{structure}: there is no tag {tag}")]
    UnknownTag {
        /// The structure.
        structure: String,
        /// The tag.
        tag: String,
    },
}
