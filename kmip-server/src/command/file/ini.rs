//! Files of sections with names and values, as Python's configparser reads them.

use super::Fault;

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Number of the line, from 1.
    pub(super) line: usize,
    pub(super) section: String,
    /// In lower case.
    pub(super) name: String,
    /// The lines of the value, joined by blanks.
    pub(super) value: String,
}

/// All values, in their order.
///
/// # Errors
/// If a line is no section, no value and no continuation of one, or something comes twice.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Fault> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section: Option<String> = None;
    // Whether an indented line continues the last value.
    let mut open = false;
    for (line, raw) in (1..).zip(text.lines()) {
        let fault = |message: &str| {
            let message = message.to_owned();
            Err(Fault { line, message })
        };
        let content = raw.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if raw.starts_with([' ', '\t']) && open {
            if let Some(last) = entries.last_mut() {
                last.value.push(' ');
                last.value.push_str(content);
                continue;
            }
        }
        if let Some(rest) = content.strip_prefix('[') {
            let Some(name) = rest.strip_suffix(']') else {
                return fault("the bracket of the section is not closed");
            };
            section = Some(name.trim().to_owned());
            open = false;
            continue;
        }
        let Some(section) = &section else {
            return fault("a section such as [server] comes first");
        };
        let Some((name, value)) = content.split_once(['=', ':']) else {
            return fault("write NAME=VALUE");
        };
        let name = name.trim().to_lowercase();
        let same = |entry: &&Entry| entry.section == *section && entry.name == name;
        if let Some(first) = entries.iter().find(same) {
            return fault(&format!("`{name}` was set on line {} already", first.line));
        }
        entries.push(Entry {
            line,
            section: section.clone(),
            name,
            value: value.trim().to_owned(),
        });
        open = true;
    }
    Ok(entries)
}
