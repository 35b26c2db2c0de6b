//! What can be wrong with the text of a table.

use crate::version::{UnknownVersion, Version};

/// A table cannot be read: where, and why.
///
/// The place is given as `file:line: column`, lines counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{} {problem}", column.as_deref().map(|c| format!(" column `{c}`:")).unwrap_or_default())]
pub struct TableError {
    /// The table's file name.
    pub file: &'static str,
    /// The line, counted from 1; the header is line 1.
    pub line: usize,
    /// The column's name in the header, if one column is at fault.
    pub column: Option<String>,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at one place of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file is empty.
    #[error("the header line is missing")]
    NoHeader,
    /// The header lacks a column that the table must have.
    #[error("the header lacks the column")]
    MissingColumn,
    /// The header names a column that the table does not have, or names it twice.
    #[error("the table has no such column, or has it already")]
    UnexpectedColumn,
    /// A row has another number of cells than the header.
    #[error(
        "{found} cells, where the header has {expected}: separate them by tabs, keep empty ones"
    )]
    CellCount {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// A cell that must not be empty is.
    #[error("the cell must not be empty")]
    EmptyCell,
    /// A cell is no hexadecimal number, or one too large.
    #[error("`{0}` is no number: write `0x` and 1 to 8 hexadecimal digits")]
    Number(String),
    /// A cell names a version that does not exist.
    #[error(transparent)]
    Version(#[from] UnknownVersion),
    /// A range ends before it starts.
    #[error("the range ends with {until}, before its start {since}")]
    EmptyRange {
        /// First version as written.
        since: Version,
        /// Last version as written.
        until: Version,
    },
    /// A cell holds a word that is not one of those allowed there.
    #[error("`{found}` is not allowed here: write {expected}")]
    Word {
        /// What the cell holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// A list item lacks the version range in front.
    #[error("`{0}` lacks its version range: write `1.0-1.4 TEXT`, `2.1 TEXT` or `2.0- TEXT`")]
    Ranged(String),
    /// A row belongs to something that no earlier row or table defines.
    #[error("`{0}` is not defined before this row")]
    UnknownOwner(String),
    /// A row defines again what an earlier row defines.
    #[error("`{0}` is defined already")]
    Redefined(String),
}
