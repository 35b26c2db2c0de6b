//! Official test cases in XML: every message is typed and survives all encodings.
//!
//! The documents are not part of the repository, see `test_support::reference`.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use kmip::ProtocolVersion;
use kmip::conformance::{Document, check_message};

#[test]
fn every_message_survives_all_encodings() {
    let Some(directory) = test_support::reference("conformance/xml") else {
        return;
    };
    let mut files = Vec::new();
    collect(&directory, &mut files);
    let (mut checked, mut failures, mut departures) = (0, Vec::new(), Vec::new());
    for file in &files {
        let text = fs::read_to_string(file).expect("a document");
        let document = Document::parse(&text);
        assert_eq!(document.broken, None, "{}", file.display());
        for message in &document.messages {
            if message.version > Some(ProtocolVersion::LATEST) {
                continue;
            }
            let filled = message.filled().expect("placeholders");
            match check_message(&filled) {
                Ok(passed) => {
                    checked += 1;
                    if let Some(departure) = passed.departure {
                        departures.push(format!("{}: {departure}", file.display()));
                    }
                }
                Err(fault) => {
                    failures.push(format!("{}:{}: {fault}", file.display(), message.line));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        failures.len() + checked,
        failures.join("\n")
    );
    assert!(checked > 4500, "only {checked} messages");
    // Documents whose messages have what their version does not; nearly all must be typed.
    assert!(departures.len() < 5, "{}", departures.join("\n"));
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "xml") {
            files.push(path);
        }
    }
}
