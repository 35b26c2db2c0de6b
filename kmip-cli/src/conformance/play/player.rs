//! Playing a case: its requests are sent, and the responses compared with the expected ones.

use std::collections::HashSet;

use kmip::Encoding;
use kmip::codec::Options;
use kmip::conformance::Placeholder;
use kmip::types::{Authentication, Credential, DateTime, RequestMessage, ResponseMessage};

use super::bindings::Bindings;
use super::case::{CaseFile, Repeat, Step};
use super::compare::Comparison;
use super::finding::{Finding, Kind};
use super::node::{Node, single_spaced};
use super::objects::{Objects, version};
use super::target::Target;
use super::variations::Item;

/// How often a request is repeated until the expected response comes.
const REPETITIONS: u32 = 150;

/// What came out of a step.
#[derive(Debug)]
pub(super) struct StepResult {
    /// The line of the request in the document.
    pub(super) line: usize,
    /// The operations of the request.
    pub(super) operations: String,
    pub(super) verdict: Verdict,
    /// The request and the response in XML, as far as there are any.
    pub(super) sent: String,
    pub(super) received: String,
}

/// How a response compares.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is the expected one.
    Equal,
    /// It is the expected one but for what may vary.
    EqualModuloVariables,
    Different(Vec<Finding>),
    /// The server did at once what the case would have it do later.
    Unneeded,
}

/// A case that is being played.
pub(super) struct Player<'t, T> {
    target: &'t mut T,
    encoding: Encoding,
    bindings: Bindings,
    requested: HashSet<String>,
    objects: Objects<'t>,
    /// What the last response has that its version does not allow.
    malformed: Option<String>,
    /// The response to a request that was to be asynchronous and was not.
    done_at_once: Option<Node>,
    /// Credentials for requests that have none.
    authentication: Option<Authentication<'static>>,
}

impl<'t, T: Target> Player<'t, T> {
    pub(super) fn new(
        target: &'t mut T,
        encoding: Encoding,
        server_made: &'t mut HashSet<String>,
    ) -> Self {
        Player {
            target,
            encoding,
            bindings: Bindings::default(),
            requested: HashSet::new(),
            objects: Objects::new(server_made),
            malformed: None,
            done_at_once: None,
            authentication: None,
        }
    }

    /// Gives a name and a password in requests that have no credentials.
    pub(super) fn log_in(&mut self, name: &str, password: &str) {
        let login = Credential::username_and_password(name.to_owned(), password.to_owned());
        self.authentication = Some(login.into());
    }

    /// Plays all steps, also after one that has failed.
    pub(super) fn play(&mut self, case: &CaseFile) -> Result<Vec<StepResult>, String> {
        let steps = case.steps()?;
        Ok(steps.iter().map(|step| self.step(step)).collect())
    }

    fn step(&mut self, step: &Step<'_>) -> StepResult {
        let mut result = StepResult {
            line: step.request.line,
            operations: String::new(),
            verdict: Verdict::Unneeded,
            sent: String::new(),
            received: String::new(),
        };
        let outcome = self.try_step(step, &mut result);
        result.verdict = outcome.unwrap_or_else(|finding| Verdict::Different(vec![finding]));
        result
    }

    fn try_step(&mut self, step: &Step<'_>, result: &mut StepResult) -> Result<Verdict, Finding> {
        let as_written = Node::parse(step.request.text).map_err(no_request)?;
        result.operations = operations(&as_written).join(", ");
        let expected = match &step.response {
            Some(response) => Some(Node::parse(response.text).map_err(no_request)?),
            None => None,
        };
        let names = operations(&as_written);
        if step.from_server || names.iter().any(|name| FROM_SERVER.contains(name)) {
            return self.await_request(&as_written, result);
        }
        if let Some(done) = &self.done_at_once {
            if names == ["Poll"] {
                let done = done.clone();
                return Ok(match expected {
                    Some(expected) if !is_pending(&expected) => {
                        self.done_at_once = None;
                        self.compare(&expected, &done, &[Item::default()]).verdict()
                    }
                    _ => Verdict::Unneeded,
                });
            }
            if names == ["Cancel"] {
                self.done_at_once = None;
                return Ok(Verdict::Unneeded);
            }
        }
        let mut left = step.repeats.map_or(0, |_| REPETITIONS);
        let (mut equal, mut equal_at_first) = (None, None);
        loop {
            let answer = self.exchange(step, result)?;
            let Some(expected) = &expected else {
                return Ok(Verdict::EqualModuloVariables);
            };
            if is_pending(expected) && !is_pending(&answer) {
                self.done_at_once = Some(answer);
                return Ok(Verdict::EqualModuloVariables);
            }
            let items = self.objects.items(&as_written, &answer, &self.bindings);
            let comparison = self.compare(expected, &answer, &items);
            let different = !comparison.findings.is_empty();
            let bindings = comparison.bindings.clone();
            let mut verdict = comparison.verdict();
            // Documents show the response before or after the change that is awaited.
            let equal_at_first = *equal_at_first.get_or_insert(!different);
            let awaited = match step.repeats {
                None => true,
                Some(Repeat::UntilExpected) => !different,
                Some(Repeat::UntilChanged) => different == equal_at_first,
            };
            if !awaited && left > 0 {
                left -= 1;
                self.target.pass(1);
                equal = (!different).then_some(verdict);
                continue;
            }
            if different && awaited {
                verdict = equal.unwrap_or(verdict);
            }
            self.bindings = bindings;
            self.bindings.note(&answer);
            as_written.walk(&mut |node| {
                if let Some(value) = &node.value {
                    self.requested.insert(value.clone());
                }
            });
            return Ok(verdict);
        }
    }

    /// Waits for a request of the server, and compares it with that of the document.
    fn await_request(
        &mut self,
        expected: &Node,
        result: &mut StepResult,
    ) -> Result<Verdict, Finding> {
        let request = self.target.receive().map_err(no_response)?;
        let mut xml = Vec::new();
        let decoded: Result<RequestMessage<'_>, _> =
            kmip::ttlv::decode(&request, &Options::default());
        decoded
            .and_then(|message| kmip::xml::encode_indented(&message, &mut xml))
            .map_err(|error| no_response(format!("it cannot be read: {error}")))?;
        result.received = String::from_utf8_lossy(&xml).into_owned();
        let actual = Node::parse(&result.received).map_err(no_response)?;
        let items: Vec<Item> = operations(expected)
            .into_iter()
            .map(|operation| Item {
                operation: operation.to_owned(),
                version: version(&actual),
                ..Item::default()
            })
            .collect();
        self.malformed = None;
        let comparison = self.compare(expected, &actual, &items);
        let bindings = comparison.bindings.clone();
        let verdict = comparison.verdict();
        self.bindings = bindings;
        Ok(verdict)
    }

    fn compare(&self, expected: &Node, answer: &Node, items: &[Item]) -> Comparison<'_> {
        let bindings = self.bindings.clone();
        let mut comparison = Comparison::new(bindings, self.target.now(), &self.requested);
        comparison.messages(expected, answer, items);
        if let Some(fault) = self.malformed.as_ref() {
            if comparison.findings.is_empty() {
                let finding = Finding::new(Kind::Malformed, "", "", fault);
                comparison.findings.push(finding);
            }
        }
        comparison
    }

    /// Sends the request of a step and reads the response.
    fn exchange(&mut self, step: &Step<'_>, result: &mut StepResult) -> Result<Node, Finding> {
        let now: DateTime = self.target.now();
        let fill = |place: &Placeholder<'_>| self.bindings.fill(place, now);
        let filled = step.request.filled_with(fill);
        let filled = filled.map_err(|error| no_request(error.to_string()))?;
        result.sent = unbroken_names(&self.bindings.replace_samples(&filled.text));
        let request = self.encoded(&result.sent).map_err(no_request)?;
        let response = self.target.exchange(step.client, self.encoding, &request);
        let response = response.map_err(no_response)?;
        let options = Options::default();
        let mut xml = Vec::new();
        let decoded: Result<ResponseMessage<'_>, _> = self.encoding.decode(&response, &options);
        decoded
            .and_then(|message| kmip::xml::encode_indented(&message, &mut xml))
            .map_err(|error| no_response(format!("it cannot be read: {error}")))?;
        result.received = String::from_utf8_lossy(&xml).into_owned();
        // Read leniently, it can be compared; that is not to hide what is wrong with it.
        let strict: Result<ResponseMessage<'_>, _> =
            self.encoding.decode(&response, &Options::strict());
        self.malformed = strict.err().map(|error| error.to_string());
        Node::parse(&result.received).map_err(no_response)
    }

    fn encoded(&self, text: &str) -> Result<Vec<u8>, String> {
        let options = Options::default();
        let mut message: RequestMessage<'_> =
            kmip::xml::decode(text.as_bytes(), &options).map_err(|error| error.to_string())?;
        let authentication = &mut message.request_header.authentication;
        if authentication.is_none() {
            authentication.clone_from(&self.authentication);
        }
        let mut request = Vec::new();
        self.encoding
            .encode(&message, &mut request)
            .map_err(|error| error.to_string())?;
        Ok(request)
    }
}

/// Operations that servers ask clients for.
const FROM_SERVER: [&str; 2] = ["Put", "Notify"];

impl Comparison<'_> {
    fn verdict(self) -> Verdict {
        match (self.findings.is_empty(), self.variables) {
            (false, _) => Verdict::Different(self.findings),
            (true, 0) => Verdict::Equal,
            (true, _) => Verdict::EqualModuloVariables,
        }
    }
}

/// A message with one blank where documents have several in names of attributes.
fn unbroken_names(text: &str) -> String {
    let mut pieces = text.split("<AttributeName");
    let mut unbroken = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (element, after) = piece.split_once('>').unwrap_or((piece, ""));
        unbroken.push_str("<AttributeName ");
        unbroken.push_str(&single_spaced(element));
        unbroken.push('>');
        unbroken.push_str(after);
    }
    unbroken
}

/// The operations of the items of a message.
pub(super) fn operations(message: &Node) -> Vec<&str> {
    let items = message.named("BatchItem");
    items.filter_map(|item| item.text("Operation")).collect()
}

fn is_pending(message: &Node) -> bool {
    let mut items = message.named("BatchItem");
    items.any(|item| item.text("ResultStatus") == Some("Operation Pending"))
}

fn no_request(what: String) -> Finding {
    Finding::new(Kind::NoRequest, "", "", what)
}

fn no_response(what: String) -> Finding {
    Finding::new(Kind::NoResponse, "", "", what)
}
