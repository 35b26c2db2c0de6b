//! Messages that cannot pass, with the reason: the document is at fault, or about a version that is
//! not known.

use kmip::ProtocolVersion;

use super::report::Outcome;

/// A list of them.
pub(super) struct Skips {
    rows: Vec<Row>,
}

struct Row {
    case: &'static str,
    version: Option<ProtocolVersion>,
    reason: &'static str,
}

impl Skips {
    /// Reads a list with the columns case, version and reason, which comes with the program.
    pub(super) fn load(list: &'static str) -> Self {
        let rows = list.lines().skip(1).filter_map(|line| {
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

    /// Why a case cannot pass.
    fn case(&self, case: &str) -> Option<&'static str> {
        let row = self.rows.iter().find(|row| row.case == case);
        row.map(|row| row.reason)
    }

    /// A fault in a listed document is the document's.
    pub(super) fn judge(&self, case: &str, result: Result<Option<String>, String>) -> Outcome {
        match result {
            Ok(note) => Outcome::Passed(note),
            Err(fault) => match self.case(case) {
                Some(reason) => Outcome::Skipped(reason.to_owned()),
                None => Outcome::Failed(fault),
            },
        }
    }
}
