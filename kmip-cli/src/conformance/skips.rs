//! Messages that cannot pass, with the reason: the document is at fault, or about a version that is
//! not known.

use kmip::ProtocolVersion;

use super::report::Outcome;

/// The list that comes with the program.
const LIST: &str = include_str!("../../data/codec-skips.tsv");

pub(super) struct Skips {
    rows: Vec<Row>,
}

struct Row {
    case: &'static str,
    version: Option<ProtocolVersion>,
    reason: &'static str,
}

impl Skips {
    pub(super) fn load() -> Self {
        let rows = LIST.lines().skip(1).filter_map(|line| {
            let mut columns = line.split('\t');
            Some(Row {
                case: columns.next()?,
                version: columns.next()?.parse().ok(),
                reason: columns.next()?,
            })
        });
        Skips {
            rows: rows.collect(),
        }
    }

    /// Why messages of a version are not checked.
    pub(super) fn version(&self, version: ProtocolVersion) -> Option<&'static str> {
        let mut rows = self.rows.iter();
        let row = rows.find(|row| row.case == "*" && row.version == Some(version));
        row.map(|row| row.reason)
    }

    /// A fault in a listed document is the document's.
    pub(super) fn judge(&self, case: &str, result: Result<Option<String>, String>) -> Outcome {
        match result {
            Ok(note) => Outcome::Passed(note),
            Err(fault) => {
                let mut rows = self.rows.iter();
                match rows.find(|row| row.case == case) {
                    Some(row) => Outcome::Skipped(row.reason.to_owned()),
                    None => Outcome::Failed(fault),
                }
            }
        }
    }
}
