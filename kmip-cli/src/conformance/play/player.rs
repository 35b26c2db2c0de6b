//! Playing a case: its requests are sent, and the responses compared with the expected ones.

use std::collections::{HashMap, HashSet};

use kmip::Encoding;
use kmip::codec::Options;
use kmip::conformance::Placeholder;
use kmip::types::{Authentication, Credential, DateTime, RequestMessage, ResponseMessage};

use super::bindings::Bindings;
use super::case::{CaseFile, Repeat, Step};
use super::compare::Comparison;
use super::finding::{Finding, Kind};
use super::node::{Node, single_spaced};
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
    /// Identifiers of the objects that the server made, also in cases before.
    server_made: &'t mut HashSet<String>,
    /// Identifiers of the objects whose content the case says.
    given: HashSet<String>,
    /// Cryptographic parameters that objects were made with.
    parameters: HashMap<String, HashSet<String>>,
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
            server_made,
            given: HashSet::new(),
            parameters: HashMap::new(),
            done_at_once: None,
            authentication: None,
        }
    }

    /// Gives a name and a password in requests that have no credentials.
    pub(super) fn log_in(&mut self, name: &str, password: &str) {
        let login = Credential::username_and_password(name.to_owned(), password.to_owned());
        self.authentication = Some(Authentication {
            credential: vec![login],
            ..Authentication::default()
        });
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
        let as_written = parse(step.request.text).map_err(no_request)?;
        result.operations = operations(&as_written).join(", ");
        let expected = match &step.response {
            Some(response) => Some(parse(response.text).map_err(no_request)?),
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
            let items = self.items(&as_written, &answer);
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
        let actual = parse(&result.received).map_err(no_response)?;
        let items: Vec<Item> = operations(expected)
            .into_iter()
            .map(|operation| Item {
                operation: operation.to_owned(),
                ..Item::default()
            })
            .collect();
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
        parse(&result.received).map_err(no_response)
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

    /// What is known of the items of a batch.
    fn items(&mut self, request: &Node, response: &Node) -> Vec<Item> {
        let mut items = Vec::new();
        let mut batch_has_made = false;
        let answers: Vec<&Node> = response.named("BatchItem").collect();
        for (number, request) in request.named("BatchItem").enumerate() {
            let operation = request.text("Operation").unwrap_or_default().to_owned();
            let mut named = Vec::new();
            let both = [Some(request), answers.get(number).copied()];
            for message in both.into_iter().flatten() {
                message.walk(&mut |node| {
                    let identifies = node.name.ends_with("UniqueIdentifier");
                    if let Some(value) = node.value.as_ref().filter(|_| identifies) {
                        named.push(self.bindings.of_placeholder(value).to_owned());
                    }
                });
            }
            let mut parameters = parameters(request);
            for id in &named {
                let own = self.parameters.entry(id.clone()).or_default();
                parameters.extend(own.iter().cloned());
            }
            if ["Create", "Create Key Pair", "Register"].contains(&operation.as_str()) {
                for id in &named {
                    self.parameters.insert(id.clone(), parameters.clone());
                }
            }
            let makes = MAKERS.contains(&operation.as_str());
            let known = named.iter().any(|id| self.server_made.contains(id));
            // Objects that the case does not bring along were made elsewhere.
            let foreign = !named.is_empty() && !named.iter().any(|id| self.given.contains(id));
            let brings = BRINGERS.contains(&operation.as_str());
            let made = makes || known || foreign && !brings || named.is_empty() && batch_has_made;
            match made && !brings {
                true => self.server_made.extend(named),
                false => self.given.extend(named),
            }
            batch_has_made |= made;
            items.push(Item {
                server_made: made,
                randomised: is_randomised(&operation, &parameters),
                asks_for_attributes: request.child("RequestPayload").is_some_and(|payload| {
                    payload.child("AttributeName").is_some()
                        || payload.child("AttributeReference").is_some()
                }),
                operation,
            });
        }
        items
    }
}

/// Operations that servers ask clients for.
const FROM_SERVER: [&str; 2] = ["Put", "Notify"];

/// Operations after which the server has an object that nobody knows beforehand.
const MAKERS: [&str; 7] = [
    "Create",
    "Create Key Pair",
    "Re-key",
    "Re-key Key Pair",
    "Create Split Key",
    "Certify",
    "Re-certify",
];
/// Operations after which the server has an object whose content the case says.
const BRINGERS: [&str; 2] = ["Register", "Import"];

/// Whether an operation with these parameters has another result each time.
fn is_randomised(operation: &str, parameters: &HashSet<String>) -> bool {
    let has = |wanted: &str| parameters.iter().any(|value| value.contains(wanted));
    match operation {
        "Encrypt" => has("OAEP") || has("PKCS1") || has("RandomIV"),
        "Sign" => has("PSS") || has("DSA"),
        _ => false,
    }
}

/// The cryptographic parameters in an item, as far as they decide about that.
fn parameters(item: &Node) -> HashSet<String> {
    let mut found = HashSet::new();
    item.walk(
        &mut |node| match (node.name.as_str(), node.value.as_deref()) {
            ("RandomIV", Some("true")) => {
                found.insert(node.name.clone());
            }
            ("PaddingMethod" | "DigitalSignatureAlgorithm", Some(value)) => {
                found.insert(value.to_owned());
            }
            _ => {}
        },
    );
    found
}

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

fn operations(message: &Node) -> Vec<&str> {
    let items = message.named("BatchItem");
    items.filter_map(|item| item.text("Operation")).collect()
}

fn is_pending(message: &Node) -> bool {
    let mut items = message.named("BatchItem");
    items.any(|item| item.text("ResultStatus") == Some("Operation Pending"))
}

fn parse(text: &str) -> Result<Node, String> {
    Node::parse(text).map_err(|error| error.to_string())
}

fn no_request(what: String) -> Finding {
    Finding::new(Kind::NoRequest, "", "", what)
}

fn no_response(what: String) -> Finding {
    Finding::new(Kind::NoResponse, "", "", what)
}
