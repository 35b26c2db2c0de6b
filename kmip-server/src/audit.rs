//! The audit log: who has done what, one JSON object a line, without secrets.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::codec::Item;
use kmip::server::{Call, Failure};
use kmip::types::{
    Enumeration, Operation, ProtocolVersion, RequestPayload, ResponsePayload, ResultReason, Tag,
};
use serde_json::json;

use crate::named::identifiers;
use crate::names::name_of;
use crate::server::user_name;

/// How many bytes wait at most for a log that cannot be written.
const MOST_WAITING: usize = 1 << 20;
/// How many objects of a request, and of its answer, a line names at most.
const MOST_OBJECTS: usize = 64;
/// How many characters of an identifier a line has at most: one of a client's can be of any length.
const MOST_CHARACTERS: usize = 256;

/// An append-only file with a line for each batch item that was processed.
///
/// While it cannot be written, for instance since the disk is full, operations that change something
/// are refused, and the others go on. What happened meanwhile is written as soon as that is possible.
pub struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// Lines, or the rest of one, that could not be written.
    waiting: Vec<u8>,
}

impl AuditLog {
    /// Opens the file, which is made (mode 0600) if there is none.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(AuditLog {
            path: path.to_owned(),
            state: Mutex::new(State {
                file: open(path)?,
                waiting: Vec::new(),
            }),
        })
    }

    /// Notes that the server has started.
    ///
    /// # Errors
    /// If that cannot be written yet.
    pub fn started(&self) -> io::Result<()> {
        let line = json!({
            "time": time(),
            "event": "started",
            "program": concat!("kmip-server ", env!("CARGO_PKG_VERSION")),
        });
        self.write(&line.to_string())
    }

    /// Opens the file by its name again, after it was renamed to begin a new one.
    ///
    /// # Errors
    /// If it cannot be opened. The old one stays in use then.
    pub fn reopen(&self) -> io::Result<()> {
        let file = open(&self.path)?;
        let mut state = self.lock();
        let _ = state.flush();
        state.file = file;
        let _ = state.flush();
        Ok(())
    }

    /// Whether an operation may begin.
    ///
    /// # Errors
    /// If it changes something, and the log cannot be written.
    pub(crate) fn admit(&self, operation: Operation) -> Result<(), Failure> {
        if !changes(operation) {
            return Ok(());
        }
        let mut state = self.lock();
        match state.waiting.is_empty() || state.flush().is_ok() {
            true => Ok(()),
            false => Err(Failure::new(
                ResultReason::GENERAL_FAILURE,
                "the audit log cannot be written, so nothing is changed; reading still works",
            )),
        }
    }

    fn write(&self, line: &str) -> io::Result<()> {
        let mut state = self.lock();
        // An operation that only reads may be lost, but not the memory of the process. While nothing
        // waits, nothing is lost, however long the line is.
        if state.waiting.is_empty() || state.waiting.len() + line.len() < MOST_WAITING {
            state.waiting.extend_from_slice(line.as_bytes());
            state.waiting.push(b'\n');
        }
        state.flush()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Writes what waits.
    fn flush(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            match self.file.write(&self.waiting) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path)
}

/// A line that is being made.
pub(crate) struct Record<'a> {
    log: &'a AuditLog,
    operation: Operation,
    objects: Vec<String>,
}

impl<'a> Record<'a> {
    /// Begins with what a request tells.
    pub(crate) fn begin(log: &'a AuditLog, call: &Call<'_>, request: &RequestPayload<'_>) -> Self {
        let operation = request.operation();
        let tag = Tag::REQUEST_PAYLOAD;
        let mut objects = to_be_noted(request, tag, call.version());
        if objects.is_empty() && !makes_objects(operation) {
            objects.extend(call.identify(None).ok().map(|one| cut(&one)));
        }
        Record {
            log,
            operation,
            objects,
        }
    }

    /// Ends with what became of it.
    ///
    /// # Errors
    /// If the line cannot be written yet.
    pub(crate) fn end(
        mut self,
        call: &Call<'_>,
        outcome: &Result<ResponsePayload<'static>, Failure>,
    ) -> io::Result<()> {
        let (result, reason) = match outcome {
            Ok(response) => {
                if makes_objects(self.operation) {
                    let tag = Tag::RESPONSE_PAYLOAD;
                    let made = to_be_noted(response, tag, call.version());
                    let new = made.into_iter().filter(|one| !self.objects.contains(one));
                    let new: Vec<String> = new.collect();
                    self.objects.extend(new);
                }
                ("Success", None)
            }
            Err(failure) => ("Operation Failed", Some(failure.reason())),
        };
        self.finish(call, result, reason)
    }

    /// Begins with what was done and is to be undone.
    pub(crate) fn undoing(log: &'a AuditLog, call: &Call<'_>, done: &ResponsePayload<'_>) -> Self {
        Record {
            log,
            operation: done.operation(),
            objects: to_be_noted(done, Tag::RESPONSE_PAYLOAD, call.version()),
        }
    }

    /// Ends with whether it was undone.
    ///
    /// # Errors
    /// As for [`end`](Self::end).
    pub(crate) fn undone(self, call: &Call<'_>, outcome: &Result<(), Failure>) -> io::Result<()> {
        match outcome {
            Ok(()) => self.finish(call, "Operation Undone", None),
            Err(failure) => self.finish(call, "Undo Failed", Some(failure.reason())),
        }
    }

    /// Ends with the news that it will be done later.
    ///
    /// # Errors
    /// As for [`end`](Self::end).
    pub(crate) fn pending(self, call: &Call<'_>) -> io::Result<()> {
        self.finish(call, "Operation Pending", None)
    }

    fn finish(self, call: &Call<'_>, result: &str, reason: Option<ResultReason>) -> io::Result<()> {
        let peer = call.peer();
        let line = json!({
            "time": time(),
            "address": peer.address().map(|address| address.to_string()),
            "certificate": peer.common_name(),
            "user": call.user().and_then(user_name),
            "version": call.version().to_string(),
            "operation": name_of(Operation::TABLE, self.operation.value()),
            "objects": self.objects,
            "result": result,
            "reason": reason.map(|reason| name_of(ResultReason::TABLE, reason.value())),
        });
        self.log.write(&line.to_string())
    }
}

/// The objects that a payload names, as a line has them.
fn to_be_noted<'a>(payload: &impl Item<'a>, tag: Tag, version: ProtocolVersion) -> Vec<String> {
    let mut named = identifiers(payload, tag, version).unwrap_or_default();
    // What a client puts in besides, where it means nothing, must not crowd out what the operation
    // is about: that is the first of its tag, and not within something else.
    named.sort_by_key(|one| (one.depth, one.position));
    let more = named.len().saturating_sub(MOST_OBJECTS);
    named.truncate(MOST_OBJECTS);
    let mut noted: Vec<String> = named.iter().map(|one| cut(&one.identifier)).collect();
    if more > 0 {
        noted.push(format!("[{more} more]"));
    }
    noted
}

/// An identifier, or its begin with a mark.
fn cut(identifier: &str) -> String {
    match identifier.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}[cut off]", &identifier[..end]),
        None => identifier.to_owned(),
    }
}

/// A client that was not let in.
pub(crate) fn refused(
    log: &AuditLog,
    peer: &kmip::server::Peer,
    failure: &Failure,
) -> io::Result<()> {
    let line = json!({
        "time": time(),
        "address": peer.address().map(|address| address.to_string()),
        "certificate": peer.common_name(),
        "user": null,
        "operation": null,
        "objects": [],
        "result": "Operation Failed",
        "reason": name_of(ResultReason::TABLE, failure.reason().value()),
    });
    log.write(&line.to_string())
}

/// The time by RFC 3339. That of the machine, also for servers whose own clock is set by hand.
fn time() -> String {
    kmip::types::DateTime::now().to_string()
}

/// Whether an operation changes an object or the rights of a client. What uses a key does not,
/// although it counts against the limits of its usage.
fn changes(operation: Operation) -> bool {
    const READS: [Operation; 28] = [
        Operation::LOCATE,
        Operation::CHECK,
        Operation::GET,
        Operation::GET_ATTRIBUTES,
        Operation::GET_ATTRIBUTE_LIST,
        Operation::EXPORT,
        Operation::OBTAIN_LEASE,
        Operation::VALIDATE,
        Operation::QUERY,
        Operation::DISCOVER_VERSIONS,
        Operation::POLL,
        Operation::CANCEL,
        Operation::ENCRYPT,
        Operation::DECRYPT,
        Operation::SIGN,
        Operation::SIGNATURE_VERIFY,
        Operation::MAC,
        Operation::MAC_VERIFY,
        Operation::HASH,
        Operation::RNG_RETRIEVE,
        Operation::RNG_SEED,
        Operation::PING,
        Operation::LOG,
        Operation::LOGIN,
        Operation::LOGOUT,
        Operation::INTEROP,
        Operation::GET_CONSTRAINTS,
        Operation::QUERY_ASYNCHRONOUS_REQUESTS,
    ];
    !READS.contains(&operation)
}

/// Whether the response names objects that were not there before.
fn makes_objects(operation: Operation) -> bool {
    const MAKES: [Operation; 12] = [
        Operation::CREATE,
        Operation::CREATE_KEY_PAIR,
        Operation::REGISTER,
        Operation::RE_KEY,
        Operation::RE_KEY_KEY_PAIR,
        Operation::DERIVE_KEY,
        Operation::CERTIFY,
        Operation::RE_CERTIFY,
        Operation::CREATE_SPLIT_KEY,
        Operation::JOIN_SPLIT_KEY,
        Operation::IMPORT,
        Operation::RE_PROVISION,
    ];
    MAKES.contains(&operation)
}
