//! Records of keys, as zkey prints them and as JSON.

use serde_json::Value;

use super::error::HostError;
use super::terminal::Terminal;

/// Width of the column with the names of fields.
const NAME_WIDTH: usize = 28;
const LINE_WIDTH: usize = NAME_WIDTH + 54 + 3;
const INDENT: usize = 8;

/// One key on its way to the user.
#[derive(Debug)]
pub(super) struct Record {
    fields: Vec<(&'static str, Vec<String>)>,
    json: serde_json::Map<String, Value>,
}

impl Record {
    /// A record of the thing that `title` names.
    pub(super) fn new(title: &'static str, name: &str) -> Self {
        Record {
            fields: vec![(title, vec![name.to_owned()])],
            json: [("name".to_owned(), Value::from(name))]
                .into_iter()
                .collect(),
        }
    }

    /// Adds a field with a line of text, and its value under another name in JSON.
    #[must_use]
    pub(super) fn field(
        mut self,
        title: &'static str,
        text: impl Into<String>,
        json: &str,
        value: impl Into<Value>,
    ) -> Self {
        self.fields.push((title, vec![text.into()]));
        self.json.insert(json.to_owned(), value.into());
        self
    }

    /// Adds a field with a text that may be missing; `absent` is shown then.
    #[must_use]
    pub(super) fn optional(
        self,
        title: &'static str,
        text: Option<&str>,
        absent: &str,
        json: &str,
    ) -> Self {
        self.field(title, text.unwrap_or(absent), json, text)
    }

    /// Adds a field with several lines; `absent` is shown when there are none.
    #[must_use]
    pub(super) fn lines<T: AsRef<str>>(
        mut self,
        title: &'static str,
        lines: &[T],
        absent: &str,
        json: &str,
    ) -> Self {
        let lines: Vec<String> = lines.iter().map(|line| line.as_ref().to_owned()).collect();
        self.json.insert(json.to_owned(), lines.clone().into());
        let shown = if lines.is_empty() {
            vec![absent.to_owned()]
        } else {
            lines
        };
        self.fields.push((title, shown));
        self
    }

    /// Adds a field with a text that may be missing, and is shown in lines of `width` characters.
    #[must_use]
    pub(super) fn divided(
        mut self,
        title: &'static str,
        (text, width): (Option<&str>, usize),
        absent: &str,
        json: &str,
    ) -> Self {
        let characters: Vec<char> = text.unwrap_or(absent).chars().collect();
        let lines = characters.chunks(width).map(|line| line.iter().collect());
        self.fields.push((title, lines.collect()));
        self.json.insert(json.to_owned(), text.into());
        self
    }

    /// The record as JSON.
    pub(super) fn into_json(self) -> Value {
        Value::Object(self.json)
    }

    /// The lines that zkey prints for it.
    fn to_text(&self) -> String {
        let mut text = String::new();
        for (index, (title, lines)) in self.fields.iter().enumerate() {
            let indent = if index == 0 { 0 } else { INDENT };
            for (line, value) in lines.iter().enumerate() {
                let title = if line == 0 { title } else { "" };
                let width = NAME_WIDTH - indent;
                let colon = if line == 0 { ':' } else { ' ' };
                // What a server says must not control the terminal or forge lines.
                let value = value.replace(char::is_control, "\u{fffd}");
                let row = format!("{:indent$}{title:width$} {colon} {value}", "");
                text.push_str(row.trim_end());
                text.push('\n');
            }
            if index == 0 {
                text.push_str(&"-".repeat(LINE_WIDTH));
                text.push('\n');
            }
        }
        text.push('\n');
        text
    }
}

/// Prints records.
///
/// # Errors
/// Standard output fails.
pub(super) fn print(
    records: Vec<Record>,
    json: bool,
    terminal: &Terminal,
) -> Result<(), HostError> {
    if json {
        let objects = records.into_iter().map(Record::into_json);
        return print_json(&Value::Array(objects.collect()), terminal);
    }
    records
        .iter()
        .try_for_each(|record| terminal.print(&record.to_text()))
}

/// Prints a JSON value.
///
/// # Errors
/// Standard output fails.
pub(super) fn print_json(value: &Value, terminal: &Terminal) -> Result<(), HostError> {
    let text = kmip::json::for_terminal(&format!("{value:#}"));
    terminal.say(format_args!("{text}"))
}

/// The sector size for people.
pub(super) fn sector_size(bytes: u32) -> String {
    match bytes {
        0 => "(system default)".to_owned(),
        bytes => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_of_zkey() {
        let record = Record::new("Key", "disk1")
            .field("Key type", "CCA-AESDATA", "key_type", "CCA-AESDATA")
            .lines("Volumes", &["/dev/a:a", "/dev/b:b"], "(none)", "volumes")
            .optional("KMS", None, "(local)", "kms");
        let text = record.to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Key                          : disk1");
        assert_eq!(lines[1].len(), 85);
        assert_eq!(lines[2], "        Key type             : CCA-AESDATA");
        assert_eq!(lines[4], "                               /dev/b:b");
        assert_eq!(lines[5], "        KMS                  : (local)");
        assert!(text.ends_with("\n\n"));
        assert_eq!(record.json["kms"], Value::Null);
    }

    #[test]
    fn texts_do_not_control_the_terminal() {
        let text = Record::new("Key", "a")
            .lines("KMS key label", &["x\x1b]0;y\x07\nKMS : z"], "", "labels")
            .to_text();
        assert!(
            text.ends_with(": x\u{fffd}]0;y\u{fffd}\u{fffd}KMS : z\n\n"),
            "{text:?}"
        );
    }

    #[test]
    fn json_does_not_control_the_terminal() {
        let value = Value::from("a\x1b\u{9b}2J\x7f\u{e4}");
        let text = kmip::json::for_terminal(&value.to_string());
        assert_eq!(text, "\"a\\u001b\\u009b2J\\u007f\u{e4}\"");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
