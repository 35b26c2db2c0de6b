//! Published TTLV: must decode and encode to the same bytes, and be what the JSON and XML forms of the
//! same message are.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use kmip::conformance::{check_bytes, check_item, check_json};
use kmip::types::Tag;
use serde_json::Value;

use super::report::Report;
use super::skips::Skips;
use crate::failure::Failure;

/// Messages of the test cases in TTLV, by case.
#[derive(Debug, Default)]
pub(super) struct Cases(HashMap<String, Vec<(Tag, Vec<u8>)>>);

impl Cases {
    pub(super) fn keep(&mut self, case: &str, tag: Tag, ttlv: Vec<u8>) {
        self.0.entry(case.to_owned()).or_default().push((tag, ttlv));
    }

    /// The message of a case with this place among those of its kind.
    fn message(&self, case: &str, tag: Tag, place: usize) -> Option<&[u8]> {
        let messages = self.0.get(case)?.iter();
        let mut messages = messages.filter(|(found, _)| *found == tag);
        messages.nth(place).map(|(_, ttlv)| ttlv.as_slice())
    }
}

/// Checks the entries of a file.
pub(super) fn check_file(
    file: &Path,
    skips: &Skips,
    cases: &Cases,
    report: &mut Report<impl Write>,
) -> Result<(), Failure> {
    let malformed = |what: String| Failure::Vectors {
        path: file.to_owned(),
        what,
    };
    let text = fs::read_to_string(file).map_err(Failure::reading(file))?;
    let entries: Value = serde_json::from_str(&text).map_err(|e| malformed(e.to_string()))?;
    let entries = entries.as_array();
    for entry in entries.ok_or_else(|| malformed("not a list".to_owned()))? {
        let field = |key: &str| entry[key].as_str();
        let (Some(name), Some(hex)) = (field("name"), field("hex")) else {
            return Err(malformed("an entry without `name` or `hex`".to_owned()));
        };
        let direction = field("direction").unwrap_or_default();
        let label = format!("{name} {direction}");
        let bytes = match from_digits(hex) {
            Some(bytes) => bytes,
            None => {
                let fault = Err("not hexadecimal digits".to_owned());
                report.add(&label, skips.judge(name, fault))?;
                continue;
            }
        };
        let checked = match direction {
            "request" | "response" => check_bytes(&bytes)
                .map(|passed| passed.departure.map(|departure| departure.to_string())),
            _ => check_item(&bytes).map(|()| None),
        };
        let checked = checked.map_err(|fault| fault.to_string());
        report.add(&label, skips.judge(name, checked))?;
        if let Some(text) = field("json_text") {
            let checked = match check_json(text, &bytes) {
                Ok(true) => Ok(None),
                Ok(false) => Ok(Some("the JSON text is an excerpt".to_owned())),
                Err(fault) => Err(fault.to_string()),
            };
            let label = format!("{label} in JSON");
            report.add(&label, skips.judge(&label, checked))?;
        }
        if let Some(case) = field("xml_case") {
            let label = format!("{label} in XML");
            let found = published(cases, case, name, direction);
            if let Some(found) = found {
                report.add(&label, skips.judge(&label, same(&bytes, found)))?;
            }
        }
    }
    Ok(())
}

/// The message of the test case that an entry such as `NAME time 1` is.
fn published<'c>(cases: &'c Cases, case: &str, name: &str, direction: &str) -> Option<&'c [u8]> {
    let place = name.rsplit_once(" time ")?.1.parse().ok()?;
    let tag = match direction {
        "request" => Tag::REQUEST_MESSAGE,
        _ => Tag::RESPONSE_MESSAGE,
    };
    cases.message(case, tag, place)
}

fn same(published: &[u8], encoded: &[u8]) -> Result<Option<String>, String> {
    if published == encoded {
        return Ok(None);
    }
    if without_time_stamp(published) == without_time_stamp(encoded) {
        return Ok(Some("another Time Stamp than in XML".to_owned()));
    }
    let differ = published.iter().zip(encoded).position(|(a, b)| a != b);
    let at = differ.unwrap_or(published.len().min(encoded.len()));
    Err(format!("is not the XML message from byte {at} on"))
}

/// The documents print some messages with different Time Stamps in different encodings.
fn without_time_stamp(message: &[u8]) -> Vec<u8> {
    let header = [0x42, 0x00, 0x92, 0x09, 0, 0, 0, 8];
    let mut message = message.to_vec();
    if let Some(at) = message.windows(8).position(|window| window == header) {
        let end = message.len().min(at + 16);
        message[at + 8..end].fill(0);
    }
    message
}

/// Bytes from hexadecimal digits.
fn from_digits(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.trim();
    if digits.len() % 2 != 0 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}
