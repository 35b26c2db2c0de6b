//! Messages that are not what their own version says, with the reason: they pass, but only leniently
//! decoded.

/// The list that comes with the program.
const LIST: &str = include_str!("../../data/codec-departures.tsv");

/// Why a message of a case, counted from 1, is not of its version; `None` if it is not listed.
pub(super) fn reason(case: &str, message: usize) -> Option<&'static str> {
    LIST.lines().skip(1).find_map(|line| {
        let mut columns = line.split('\t');
        let listed = columns.next()? == case && columns.next()?.parse() == Ok(message);
        listed.then(|| columns.next()).flatten()
    })
}
