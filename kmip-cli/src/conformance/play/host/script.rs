//! Who says what next: requests of a client against those of the cases.

use std::collections::{HashSet, VecDeque};

use kmip::types::{DateTime, ResponseMessage};
use kmip::{Encoding, ProtocolVersion};

use super::super::bindings::Bindings;
use super::super::case::{CaseFile, Step};
use super::super::compare::Comparison;
use super::super::finding::{Finding, Kind};
use super::super::node::Node;
use super::super::outcome::{CaseResult, Played};
use super::super::player::{StepResult, Verdict, operations};
use super::super::variations::Item;
use super::request::{Request, part, shown};
use super::response;

/// The cases that are left, and where in the first of them the client is.
pub(super) struct Script {
    cases: VecDeque<CaseFile>,
    place: Place,
    results: Vec<CaseResult>,
}

/// A place in a case.
#[derive(Default)]
struct Place {
    /// Number of the step that is awaited, and of its items how many have come on their own.
    step: usize,
    items: usize,
    bindings: Bindings,
    /// All values that the requests of the case had so far.
    requested: HashSet<String>,
    results: Vec<StepResult>,
    /// What was wrong with the awaited step up to now.
    findings: Vec<Finding>,
}

impl Script {
    pub(super) fn new(cases: Vec<CaseFile>) -> Self {
        let mut script = Script {
            cases: cases.into(),
            place: Place::default(),
            results: Vec::new(),
        };
        script.advance();
        script
    }

    /// The results of cases that have ended since the last time.
    pub(super) fn take_results(&mut self) -> Vec<CaseResult> {
        std::mem::take(&mut self.results)
    }

    pub(super) fn is_over(&self) -> bool {
        self.cases.is_empty()
    }

    /// Nothing comes any more: what is awaited is missing.
    pub(super) fn give_up(&mut self) {
        while let Some(case) = self.cases.pop_front() {
            let mut place = std::mem::take(&mut self.place);
            if let Ok(steps) = case.steps() {
                for step in steps.iter().skip(place.step) {
                    let mut findings = std::mem::take(&mut place.findings);
                    let may_miss = step.from_server || is_clean_up(step) && findings.is_empty();
                    findings.push(Finding::new(Kind::NoRequest, "", "", "it did not come"));
                    let verdict = match may_miss {
                        true => Verdict::Unneeded,
                        false => Verdict::Different(findings),
                    };
                    place.results.push(result(step, verdict));
                }
            }
            self.results
                .push(ended(&case, Played::Steps(place.results)));
        }
    }

    /// Answers a request, and takes note of what is wrong with it.
    pub(super) fn answer(&mut self, encoding: Encoding, request: &[u8]) -> Vec<u8> {
        let response = match Request::read(encoding, request) {
            Ok(request) => self.respond(&request),
            Err(fault) => {
                let why = format!("the request cannot be read: {fault}");
                let finding = Finding::new(Kind::Malformed, "", "", fault);
                self.place.findings.push(finding);
                response::refusal(None, self.version(), &why)
            }
        };
        let mut bytes = Vec::new();
        if let Err(error) = encoding.encode(&response, &mut bytes) {
            bytes.clear();
            let why = format!("the response of the case cannot be encoded: {error}");
            let refusal = response::refusal(None, ProtocolVersion::V1_0, &why);
            // It has nothing that a version or an encoding could lack.
            let _ = encoding.encode(&refusal, &mut bytes);
        }
        bytes
    }

    fn version(&self) -> ProtocolVersion {
        let version = self.cases.front().and_then(CaseFile::version);
        version.unwrap_or(ProtocolVersion::LATEST)
    }

    fn respond(&mut self, request: &Request) -> ResponseMessage<'static> {
        let version = self.version();
        loop {
            let Some(case) = self.cases.front() else {
                let why = "all cases were played";
                return response::refusal(Some(&request.message), version, why);
            };
            // A case that cannot be read is over at once.
            let steps = case.steps().unwrap_or_default();
            let Some(step) = steps.get(self.place.step) else {
                self.end_case();
                continue;
            };
            if let Some(response) = self.place.respond(step, request) {
                self.advance();
                return response.unwrap_or_else(|why| {
                    response::refusal(Some(&request.message), version, &why)
                });
            }
            let names = operations(&request.node);
            let previous = self.place.step.checked_sub(1).and_then(|at| steps.get(at));
            if let Some(previous) = previous.filter(|step| step.repeats.is_some()) {
                if let Some(Ok(response)) = self.place.repeat(previous, request) {
                    return response;
                }
            }
            if names == ["Discover Versions"] {
                return response::versions(&request.message, version);
            }
            let clean_up_is_left = steps[self.place.step..].iter().all(is_clean_up);
            if self.cases.len() > 1 && clean_up_is_left && self.place.findings.is_empty() {
                for step in &steps[self.place.step..] {
                    self.place.results.push(result(step, Verdict::Unneeded));
                }
                self.end_case();
                continue;
            }
            let expected = Node::parse(step.request.text).map(|node| operations(&node).join(", "));
            let expected = expected.unwrap_or_default();
            let why = format!("line {}: the case has {expected} here", step.request.line);
            let finding = Finding::new(
                Kind::WrongValue,
                "BatchItem/Operation",
                expected,
                names.join(", "),
            );
            self.place.findings.push(finding);
            return response::refusal(Some(&request.message), version, &why);
        }
    }

    /// Goes past what no client does, and ends the case if there is nothing more.
    fn advance(&mut self) {
        while let Some(case) = self.cases.front() {
            let steps = match case.steps() {
                Ok(steps) => steps,
                Err(fault) => {
                    let result = ended(case, Played::Unplayable(fault));
                    self.results.push(result);
                    self.cases.pop_front();
                    self.place = Place::default();
                    continue;
                }
            };
            match steps.get(self.place.step) {
                Some(step) if step.from_server => {
                    self.place.results.push(result(step, Verdict::Unneeded));
                    self.place.step += 1;
                }
                Some(_) => return,
                None => self.end_case(),
            }
        }
    }

    fn end_case(&mut self) {
        if let Some(case) = self.cases.pop_front() {
            let place = std::mem::take(&mut self.place);
            self.results
                .push(ended(&case, Played::Steps(place.results)));
        }
    }
}

impl Place {
    /// The response to a request that has the operations of a step or, from where the client is, some
    /// of them; `None` if it has others.
    fn respond(
        &mut self,
        step: &Step<'_>,
        request: &Request,
    ) -> Option<Result<ResponseMessage<'static>, String>> {
        let document = Node::parse(step.request.text).ok()?;
        let awaited = operations(&document);
        let names = operations(&request.node);
        let rest = awaited.get(self.items..)?;
        if names.is_empty() || !rest.starts_with(&names) {
            return None;
        }
        let (first, all) = (self.items, names.len() == awaited.len());
        let expected = match all {
            true => document.clone(),
            false => part(&document, first, names.len()),
        };
        let now = DateTime::now();
        let items: Vec<Item> = names.iter().map(|name| about(name, all)).collect();
        let mut comparison = Comparison::new(self.bindings.clone(), now, &self.requested);
        comparison.requests(&expected, &request.node, &items);
        self.findings.append(&mut comparison.findings);
        let variables = comparison.variables;
        self.bindings = comparison.bindings;
        expected.walk(&mut |node| self.requested.extend(node.value.clone()));
        self.items += names.len();
        let response = self.response(step, request, first, now);
        if self.items == awaited.len() {
            let findings = std::mem::take(&mut self.findings);
            let verdict = match (findings.is_empty(), variables) {
                (false, _) => Verdict::Different(findings),
                (true, 0) => Verdict::Equal,
                (true, _) => Verdict::EqualModuloVariables,
            };
            let mut result = result(step, verdict);
            result.sent.clone_from(&request.text);
            result.received = response.as_ref().map(shown).unwrap_or_default();
            self.results.push(result);
            self.step += 1;
            self.items = 0;
        }
        Some(response)
    }

    /// The response to a step that the client may repeat, and does.
    fn repeat(
        &mut self,
        step: &Step<'_>,
        request: &Request,
    ) -> Option<Result<ResponseMessage<'static>, String>> {
        let document = Node::parse(step.request.text).ok()?;
        let same = operations(&document) == operations(&request.node);
        same.then(|| self.response(step, request, 0, DateTime::now()))
    }

    fn response(
        &mut self,
        step: &Step<'_>,
        request: &Request,
        first: usize,
        now: DateTime,
    ) -> Result<ResponseMessage<'static>, String> {
        let line = step.request.line;
        let document = step.response.as_ref();
        let document = document.ok_or(format!("line {line}: the case has no response"))?;
        let (message, bindings) = (&request.message, &mut self.bindings);
        let response = response::of_document(document, message, first, bindings, now);
        response.map_err(|fault| format!("line {line}: the response of the case: {fault}"))
    }
}

/// What is known of an item of a request.
fn about(operation: &str, is_whole_batch: bool) -> Item {
    Item {
        operation: operation.to_owned(),
        version: ProtocolVersion::LATEST,
        is_request: true,
        is_of_batch: !is_whole_batch,
        ..Item::default()
    }
}

/// Whether a client may leave out a step at the end of a case.
fn is_clean_up(step: &Step<'_>) -> bool {
    let node = Node::parse(step.request.text);
    node.is_ok_and(|node| {
        let names = operations(&node);
        names
            .iter()
            .all(|name| ["Revoke", "Destroy"].contains(name))
    })
}

fn result(step: &Step<'_>, verdict: Verdict) -> StepResult {
    let operations = Node::parse(step.request.text).map(|node| operations(&node).join(", "));
    StepResult {
        line: step.request.line,
        operations: operations.unwrap_or_default(),
        verdict,
        sent: String::new(),
        received: String::new(),
    }
}

/// The result of a case.
pub(super) fn ended(case: &CaseFile, result: Played) -> CaseResult {
    CaseResult {
        name: case.name.clone(),
        group: case.group.clone(),
        version: case.version(),
        result,
    }
}
