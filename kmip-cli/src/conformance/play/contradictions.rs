//! Documents that contradict themselves: what no server can fulfil is not held against one.

use super::finding::Finding;
use super::outcome::Played;
use super::player::Verdict;
use super::setups::base;

/// The list that comes with the program: a case, with or without a version; the differences, of which
/// all that are found have to contain one; and the reason.
const LIST: &str = include_str!("../../../data/conformance-contradictions.tsv");

/// What stands between the differences of a row.
const OR: &str = " | ";

/// The documents, and what is impossible in them.
pub(super) struct Contradictions {
    rows: Vec<Row>,
}

struct Row {
    case: &'static str,
    differences: Vec<&'static str>,
    reason: &'static str,
}

impl Contradictions {
    pub(super) fn load() -> Self {
        let rows = LIST.lines().skip(1).filter_map(|line| {
            let mut columns = line.split('\t');
            Some(Row {
                case: columns.next()?,
                differences: columns.next()?.split(OR).collect(),
                reason: columns.next()?,
            })
        });
        Contradictions {
            rows: rows.collect(),
        }
    }

    fn of<'c>(&'c self, case: &'c str) -> impl Iterator<Item = &'c Row> + 'c {
        let rows = self.rows.iter();
        rows.filter(move |row| [case, base(case)].contains(&row.case))
    }

    /// Why a case is listed, if it is.
    pub(super) fn reason(&self, case: &str) -> Option<&'static str> {
        self.of(case).map(|row| row.reason).next()
    }

    /// Takes a case as skipped if it fails as the document must, and in nothing else.
    pub(super) fn judge(&self, case: &str, played: Played) -> Played {
        let Played::Steps(steps) = played else {
            return played;
        };
        let findings = steps.iter().flat_map(|step| match &step.verdict {
            Verdict::Different(findings) => &findings[..],
            _ => &[],
        });
        let findings: Vec<String> = findings.map(Finding::to_string).collect();
        let explains = |row: &&Row| {
            let known = |found: &String| row.differences.iter().any(|part| found.contains(part));
            !findings.is_empty() && findings.iter().all(known)
        };
        let reason = self.of(case).find(explains).map(|row| row.reason);
        match reason {
            Some(reason) => Played::Contradictory(reason.to_owned(), steps),
            None => Played::Steps(steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Contradictions, LIST};
    use crate::conformance::play::finding::{Finding, Kind};
    use crate::conformance::play::outcome::Played;
    use crate::conformance::play::player::{StepResult, Verdict};

    fn played(paths: &[&str]) -> Played {
        let finding = |path: &&str| Finding::new(Kind::WrongValue, path, "`a`", "`b`");
        Played::Steps(vec![StepResult {
            line: 1,
            operations: "Get".to_owned(),
            verdict: Verdict::Different(paths.iter().map(finding).collect()),
            sent: String::new(),
            received: String::new(),
        }])
    }

    #[test]
    fn every_row_is_understood() {
        let rows = Contradictions::load().rows;
        assert_eq!(rows.len(), LIST.lines().count() - 1);
        for row in rows {
            assert!(!row.reason.is_empty() && !row.differences.contains(&""));
        }
    }

    #[test]
    fn only_what_is_listed_is_excused() {
        let contradictions = Contradictions::load();
        let row = &contradictions.rows[0];
        let listed = played(&[row.differences[0]]);
        let other = played(&[row.differences[0], "BatchItem/ResultStatus"]);
        let case = row.case;
        assert!(matches!(
            contradictions.judge(case, listed),
            Played::Contradictory(..)
        ));
        assert!(matches!(
            contradictions.judge(case, other),
            Played::Steps(_)
        ));
        let unlisted = played(&[row.differences[0]]);
        assert!(matches!(
            contradictions.judge("SKLC-M-1-12", unlisted),
            Played::Steps(_)
        ));
    }
}
