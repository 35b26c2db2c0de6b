//! Test cases: the conversations in the documents.

use std::fs;
use std::path::{Path, PathBuf};

use kmip::ProtocolVersion;
use kmip::conformance::{Document, Message};
use kmip::types::Tag;

use crate::conformance::files;
use crate::failure::Failure;

/// The document of a case.
#[derive(Debug)]
pub(super) struct CaseFile {
    /// Its name, which is that of the file.
    pub(super) name: String,
    /// The directory of the file: `mandatory`, `optional` or another group.
    pub(super) group: String,
    pub(super) text: String,
    path: PathBuf,
    /// Why the file cannot be played, whatever is in it.
    fault: Option<String>,
}

/// The most bytes that a document may have. The largest official one has less than a hundredth of it.
const LONGEST: u64 = 32 << 20;

/// A request and the expected response.
#[derive(Debug)]
pub(super) struct Step<'d> {
    pub(super) request: Message<'d>,
    pub(super) response: Option<Message<'d>>,
    /// Letter of the client that sends the request, if there are several.
    pub(super) client: char,
    /// Until when the request is repeated.
    pub(super) repeats: Option<Repeat>,
    /// The server sends the request.
    pub(super) from_server: bool,
}

/// When a request has been repeated often enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// When the expected response comes.
    UntilExpected,
    /// When the expected response no longer comes.
    UntilChanged,
}

impl CaseFile {
    /// Reads a document. One that is no text, or too long for one, is a case that cannot be played.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let length = fs::metadata(path).map_err(Failure::reading(path))?.len();
        let (text, fault) = match length > LONGEST {
            true => (String::new(), Some(format!("it has {length} bytes"))),
            false => {
                let bytes = fs::read(path).map_err(Failure::reading(path))?;
                match String::from_utf8(bytes) {
                    Ok(text) => (text, None),
                    Err(error) => (String::new(), Some(error.utf8_error().to_string())),
                }
            }
        };
        let name = path.file_stem().unwrap_or_default();
        let group = path.parent().and_then(Path::file_name).unwrap_or_default();
        Ok(CaseFile {
            name: name.to_string_lossy().into_owned(),
            group: group.to_string_lossy().into_owned(),
            text,
            path: path.to_owned(),
            fault,
        })
    }

    /// Another case, which stands in the same directory or near it.
    pub(super) fn near(&self, name: &str) -> Option<Self> {
        let path = files::near(&self.path, &format!("{name}.xml"))?;
        CaseFile::read(&path).ok()
    }

    /// The steps of the conversation, or why there are none.
    pub(super) fn steps(&self) -> Result<Vec<Step<'_>>, String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let document = Document::parse(&self.text);
        if let Some(error) = document.broken {
            return Err(error.to_string());
        }
        let mut steps: Vec<Step<'_>> = Vec::new();
        let mut client = 'A';
        for message in document.messages {
            if message.tag == Tag::RESPONSE_MESSAGE {
                if let Some(step) = steps.last_mut().filter(|step| step.response.is_none()) {
                    step.response = Some(message);
                }
                continue;
            }
            client = marked_client(message.remarks).unwrap_or(client);
            steps.push(Step {
                client,
                repeats: repeat(message.remarks),
                from_server: message.remarks.contains("[Server-to-Client]"),
                request: message,
                response: None,
            });
        }
        match steps.is_empty() {
            true => Err("the document has no request".to_owned()),
            false => Ok(steps),
        }
    }

    /// The version of the first message that has one.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        let document = Document::parse(&self.text);
        document.messages.iter().find_map(|message| message.version)
    }
}

/// `[REPEAT] until ...` before a request.
fn repeat(remarks: &str) -> Option<Repeat> {
    let (_, until) = remarks.rsplit_once("[REPEAT]")?;
    Some(match until.contains("changed") {
        true => Repeat::UntilChanged,
        false => Repeat::UntilExpected,
    })
}

/// The letter in a mark such as `[Client-B]`.
fn marked_client(remarks: &str) -> Option<char> {
    let (_, after) = remarks.rsplit_once("[Client-")?;
    let mut letters = after.chars();
    let letter = letters.next()?;
    (letters.next() == Some(']')).then_some(letter)
}
