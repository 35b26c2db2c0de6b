//! Reading tab-separated tables: a header line with the names of the columns, then a row per line.
//!
//! Every error knows its file, line and column, so a mistake in a table is found at once.

use std::str::FromStr;

use crate::error::{Problem, TableError};
use crate::version::{Version, VersionRange};

/// The rows of one table whose header has exactly `columns`, in any order.
pub(crate) struct Table<'t> {
    file: &'static str,
    columns: Vec<&'t str>,
    lines: std::iter::Enumerate<std::str::Lines<'t>>,
}

impl<'t> Table<'t> {
    pub(crate) fn new(
        file: &'static str,
        text: &'t str,
        columns: &[&str],
    ) -> Result<Self, TableError> {
        let mut lines = text.lines().enumerate();
        let header_error = |column: Option<&str>, problem| TableError {
            file,
            line: 1,
            column: column.map(str::to_owned),
            problem,
        };
        let (_, header) = lines
            .next()
            .ok_or_else(|| header_error(None, Problem::NoHeader))?;
        let found: Vec<&str> = header.split('\t').collect();
        for (index, column) in found.iter().enumerate() {
            if !columns.contains(column) || found[..index].contains(column) {
                return Err(header_error(Some(column), Problem::UnexpectedColumn));
            }
        }
        if let Some(missing) = columns.iter().find(|column| !found.contains(column)) {
            return Err(header_error(Some(missing), Problem::MissingColumn));
        }
        Ok(Table {
            file,
            columns: found,
            lines,
        })
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_, 't>>, TableError> {
        let Some((index, text)) = self.lines.next() else {
            return Ok(None);
        };
        let row = Row {
            file: self.file,
            line: index + 1,
            columns: &self.columns,
            cells: text.split('\t').collect(),
        };
        if row.cells.len() == self.columns.len() {
            Ok(Some(row))
        } else {
            let problem = Problem::CellCount {
                found: row.cells.len(),
                expected: self.columns.len(),
            };
            Err(row.error(None, problem))
        }
    }
}

/// One row; the getters take the column's name.
pub(crate) struct Row<'r, 't> {
    file: &'static str,
    line: usize,
    columns: &'r [&'t str],
    cells: Vec<&'t str>,
}

impl<'t> Row<'_, 't> {
    pub(crate) fn error(&self, column: Option<&str>, problem: Problem) -> TableError {
        TableError {
            file: self.file,
            line: self.line,
            column: column.map(str::to_owned),
            problem,
        }
    }

    /// The cell as it is, empty if the table has no such column.
    pub(crate) fn cell(&self, column: &str) -> &'t str {
        let index = self.columns.iter().position(|&name| name == column);
        debug_assert!(
            index.is_some(),
            "the reader of {} asks for column {column}",
            self.file
        );
        index.map_or("", |index| self.cells[index])
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, TableError> {
        match self.cell(column) {
            "" => Err(self.error(Some(column), Problem::EmptyCell)),
            text => Ok(text.to_owned()),
        }
    }

    pub(crate) fn optional(&self, column: &str) -> Option<String> {
        Some(self.cell(column))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    /// Items separated by `|`; none in an empty cell.
    pub(crate) fn list(&self, column: &str) -> impl Iterator<Item = &'t str> + use<'t> {
        self.cell(column).split('|').filter(|item| !item.is_empty())
    }

    pub(crate) fn names(&self, column: &str) -> Vec<String> {
        self.list(column).map(str::to_owned).collect()
    }

    pub(crate) fn number(&self, column: &str) -> Result<u32, TableError> {
        let text = self.cell(column);
        text.strip_prefix("0x")
            .filter(|digits| !digits.starts_with('+'))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.error(Some(column), Problem::Number(text.to_owned())))
    }

    /// The word of the cell, as one of `words`; `expected` says for the error what is allowed.
    pub(crate) fn word<T: Copy>(
        &self,
        column: &str,
        words: &[(&str, T)],
        expected: &'static str,
    ) -> Result<T, TableError> {
        let found = self.cell(column);
        words
            .iter()
            .find(|(word, _)| *word == found)
            .map(|&(_, value)| value)
            .ok_or_else(|| {
                self.error(
                    Some(column),
                    Problem::Word {
                        found: found.to_owned(),
                        expected,
                    },
                )
            })
    }

    pub(crate) fn flag(&self, column: &str) -> Result<bool, TableError> {
        self.word(column, &[("yes", true), ("", false)], "`yes` or nothing")
    }

    /// The columns `since` and `until`.
    pub(crate) fn range(&self) -> Result<VersionRange, TableError> {
        let since = self.version("since", self.cell("since"))?;
        let until = match self.cell("until") {
            "" => None,
            text => Some(self.version("until", text)?),
        };
        self.checked("until", since, until)
    }

    /// A range in one cell: `1.0-1.4`, `2.1` or `2.0-`; none in an empty cell.
    pub(crate) fn optional_range(&self, column: &str) -> Result<Option<VersionRange>, TableError> {
        match self.cell(column) {
            "" => Ok(None),
            text => self.parse_range(column, text).map(Some),
        }
    }

    /// Items `RANGE TEXT` separated by `|`.
    pub(crate) fn ranged(&self, column: &str) -> Result<Vec<(VersionRange, String)>, TableError> {
        self.list(column)
            .map(|item| match item.split_once(' ') {
                Some((range, text)) if !text.is_empty() => {
                    Ok((self.parse_range(column, range)?, text.to_owned()))
                }
                _ => Err(self.error(Some(column), Problem::Ranged(item.to_owned()))),
            })
            .collect()
    }

    fn parse_range(&self, column: &str, text: &str) -> Result<VersionRange, TableError> {
        let (since, until) = match text.split_once('-') {
            None => (text, Some(text)),
            Some((since, "")) => (since, None),
            Some((since, until)) => (since, Some(until)),
        };
        let since = self.version(column, since)?;
        let until = until.map(|until| self.version(column, until)).transpose()?;
        self.checked(column, since, until)
    }

    fn version(&self, column: &str, text: &str) -> Result<Version, TableError> {
        Version::from_str(text).map_err(|unknown| self.error(Some(column), unknown.into()))
    }

    fn checked(
        &self,
        column: &str,
        since: Version,
        until: Option<Version>,
    ) -> Result<VersionRange, TableError> {
        match until {
            Some(until) if until < since => {
                Err(self.error(Some(column), Problem::EmptyRange { since, until }))
            }
            _ => Ok(VersionRange { since, until }),
        }
    }
}
