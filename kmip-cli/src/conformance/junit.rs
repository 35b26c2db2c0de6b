//! The report as JUnit XML, which build servers show.

use super::report::{Check, Count, Outcome};

/// Writes the checks of all files, or other sections, under a title.
pub(super) fn write(title: &str, sections: &[(String, Vec<Check>)], output: &mut Vec<u8>) {
    let count = Count::of(sections.iter().flat_map(|(_, checks)| checks));
    line(output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    line(
        output,
        &format!(
            "<testsuites name=\"{}\" {}>",
            escaped(title),
            totals(&count)
        ),
    );
    for (file, checks) in sections {
        let count = Count::of(checks);
        let name = escaped(file);
        line(
            output,
            &format!("  <testsuite name=\"{name}\" {}>", totals(&count)),
        );
        for check in checks {
            let case = format!(
                "    <testcase classname=\"{name}\" name=\"{}\"",
                escaped(&check.name)
            );
            let inner = match &check.outcome {
                Outcome::Passed(None) => None,
                Outcome::Passed(Some(note)) | Outcome::Departed(note) => {
                    Some(format!("<system-out>{}</system-out>", escaped(note)))
                }
                Outcome::Failed(fault) => {
                    Some(format!("<failure message=\"{}\"/>", escaped(fault)))
                }
                Outcome::Skipped(reason) => {
                    Some(format!("<skipped message=\"{}\"/>", escaped(reason)))
                }
            };
            match inner {
                None => line(output, &format!("{case}/>")),
                Some(inner) => line(output, &format!("{case}>{inner}</testcase>")),
            }
        }
        line(output, "  </testsuite>");
    }
    line(output, "</testsuites>");
}

fn totals(count: &Count) -> String {
    let all = count.passed + count.failed + count.skipped;
    let (failed, skipped) = (count.failed, count.skipped);
    format!("tests=\"{all}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\"")
}

fn line(output: &mut Vec<u8>, text: &str) {
    output.extend_from_slice(text.as_bytes());
    output.push(b'\n');
}

/// A text for an attribute or an element, without characters that XML does not have.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            c if c < ' ' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
