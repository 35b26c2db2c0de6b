//! Comparing the response of a server with the expected one.

use std::collections::HashSet;

use kmip::types::DateTime;

use super::bindings::{Bindings, Fit};
use super::finding::{Finding, Kind};
use super::node::Node;
use super::variations::{Item, Place};

/// What a comparison needs, and what came out of it.
#[derive(Debug)]
pub(super) struct Comparison<'c> {
    pub(super) bindings: Bindings,
    pub(super) now: DateTime,
    /// All values that the requests of the case had so far, placeholders as such.
    pub(super) requested: &'c HashSet<String>,
    pub(super) findings: Vec<Finding>,
    /// How many values were variable.
    pub(super) variables: usize,
}

impl<'c> Comparison<'c> {
    pub(super) fn new(bindings: Bindings, now: DateTime, requested: &'c HashSet<String>) -> Self {
        Comparison {
            bindings,
            now,
            requested,
            findings: Vec::new(),
            variables: 0,
        }
    }

    /// Compares messages whose batch items are about `items`.
    pub(super) fn messages(&mut self, expected: &Node, actual: &Node, items: &[Item]) {
        let none = Item::default();
        let headers = expected
            .child("ResponseHeader")
            .zip(actual.child("ResponseHeader"));
        if let Some((expected, actual)) = headers {
            let place = Place {
                item: &none,
                around: &[],
                attribute: None,
            };
            self.node(expected, actual, "ResponseHeader", place);
        }
        let mut answers: Vec<&Node> = actual.named("BatchItem").collect();
        for (number, expected) in expected.named("BatchItem").enumerate() {
            let path = match number {
                0 if answers.len() == 1 => "BatchItem".to_owned(),
                _ => format!("BatchItem[{number}]"),
            };
            let id = expected.text("UniqueBatchItemID");
            let same = |actual: &&Node| actual.text("UniqueBatchItemID") == id;
            let answer = match answers.iter().position(same) {
                Some(at) => answers.remove(at),
                None => {
                    self.find(Kind::MissingField, &path, shown(expected), "");
                    continue;
                }
            };
            self.item(expected, answer, &path, items.get(number).unwrap_or(&none));
        }
        for extra in answers {
            self.find(Kind::ExtraField, "BatchItem", "", shown(extra));
        }
    }

    fn item(&mut self, expected: &Node, actual: &Node, path: &str, item: &Item) {
        let status = |node: &Node| node.text("ResultStatus").unwrap_or_default().to_owned();
        if status(expected) != status(actual) {
            let reason = actual.text("ResultReason").unwrap_or_default();
            let message = actual.text("ResultMessage").unwrap_or_default();
            let actual = [&status(actual), reason, message].join(" ");
            let wanted = [
                &status(expected),
                expected.text("ResultReason").unwrap_or_default(),
            ];
            let path = format!("{path}/ResultStatus");
            let (wanted, actual) = (wanted.join(" "), actual.trim());
            return self.find(Kind::WrongStatus, &path, wanted.trim(), actual);
        }
        let place = Place {
            item,
            around: &[],
            attribute: None,
        };
        self.node(expected, actual, path, place);
    }

    /// Compares elements of the same name.
    fn node(&mut self, expected: &Node, actual: &Node, path: &str, place: Place<'_>) {
        let wrapped = expected
            .value
            .as_deref()
            .is_some_and(|v| v.starts_with('$'));
        if expected.item_type != actual.item_type && !wrapped {
            let (expected, actual) = (&expected.item_type, &actual.item_type);
            return self.find(Kind::WrongValue, path, expected, actual);
        }
        match (&expected.value, &actual.value) {
            (Some(wanted), Some(value)) => self.value(expected, wanted, value, path, place),
            // A placeholder for a structure, such as a transparent key.
            (Some(_), None) => self.variables += 1,
            _ => self.children(expected, actual, path, place),
        }
    }

    fn value(&mut self, node: &Node, wanted: &str, value: &str, path: &str, place: Place<'_>) {
        if wanted.starts_with('$') {
            match self.bindings.fit(wanted, value, self.now) {
                Fit::Same => {}
                Fit::Bound => self.variables += 1,
                Fit::Other(_) if place.value_may_vary(node, self.requested.contains(wanted)) => {
                    self.variables += 1;
                }
                Fit::Other(bound) => {
                    let expected = format!("{wanted} = {}", quoted(&bound));
                    self.find(Kind::WrongValue, path, expected, quoted(value));
                }
            }
            return;
        }
        if wanted == value || self.bindings.of_sample(wanted) == value {
            return;
        }
        if place.value_may_vary(node, self.requested.contains(wanted)) {
            self.variables += 1;
            // Later messages of the document may repeat a sample.
            if node.item_type == "ByteString" && wanted.len() >= 16 {
                self.bindings.sample(wanted, value);
            }
            return;
        }
        let kind = match node.name.as_str() {
            "ResultReason" => Kind::WrongReason,
            _ => Kind::WrongValue,
        };
        self.find(kind, path, quoted(wanted), quoted(value));
    }

    /// Compares what is in two elements. Elements of the same name are a set: those that fit are
    /// paired first.
    fn children(&mut self, expected: &Node, actual: &Node, path: &str, place: Place<'_>) {
        let around: Vec<&Node> = place.around.iter().copied().chain([expected]).collect();
        let attribute = expected.text("AttributeName").or(place.attribute);
        let place = Place {
            around: &around,
            attribute,
            ..place
        };
        let mut left: Vec<&Node> = actual.children.iter().collect();
        let mut open: Vec<&Node> = expected.children.iter().collect();
        // What there is one of needs no search.
        open.retain(|wanted| {
            let label = wanted.label();
            let alone = |nodes: &[Node]| nodes.iter().filter(|n| n.label() == label).count() == 1;
            let alone = alone(&expected.children) && alone(&actual.children);
            match left
                .iter()
                .position(|actual| alone && actual.label() == label)
            {
                Some(at) => {
                    let actual = left.remove(at);
                    self.node(wanted, actual, &below(path, wanted), place);
                    false
                }
                None => true,
            }
        });
        // First what fits without giving a placeholder a value, then what fits.
        for bind in [false, true] {
            open.retain(|wanted| {
                let fits = |actual: &&Node| self.fits(wanted, actual, path, place, bind);
                match left.iter().position(fits) {
                    Some(at) => {
                        let actual = left.remove(at);
                        self.node(wanted, actual, &below(path, wanted), place);
                        false
                    }
                    None => true,
                }
            });
        }
        for wanted in open {
            let label = wanted.label();
            let dispensable = wanted.value.is_some() && place.may_be_absent(wanted);
            match left.iter().position(|actual| actual.label() == label) {
                Some(at) if !dispensable => {
                    let actual = left.remove(at);
                    self.node(wanted, actual, &below(path, wanted), place);
                }
                _ if place.may_be_absent(wanted) => self.variables += 1,
                _ => {
                    let path = below(path, wanted);
                    self.find(Kind::MissingField, &path, shown(wanted), "");
                }
            }
        }
        for extra in left {
            match place.may_be_extra(extra) {
                true => self.variables += 1,
                false => self.find(Kind::ExtraField, &below(path, extra), "", shown(extra)),
            }
        }
    }

    fn fits(&self, wanted: &Node, actual: &Node, path: &str, place: Place<'_>, bind: bool) -> bool {
        if wanted.label() != actual.label() {
            return false;
        }
        let mut trial = Comparison::new(self.bindings.clone(), self.now, self.requested);
        trial.node(wanted, actual, path, place);
        trial.findings.is_empty() && (bind || trial.bindings.count() == self.bindings.count())
    }

    fn find(
        &mut self,
        kind: Kind,
        path: &str,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        self.findings
            .push(Finding::new(kind, path, expected, actual));
    }
}

fn below(path: &str, node: &Node) -> String {
    format!("{path}/{}", node.label())
}

fn quoted(value: &str) -> String {
    const LONGEST: usize = 96;
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("`{}...`", &value[..at]),
        None => format!("`{value}`"),
    }
}

fn shown(node: &Node) -> String {
    match &node.value {
        Some(value) => format!("{} {}", node.label(), quoted(value)),
        None => match node
            .child("AttributeValue")
            .and_then(|value| value.value.as_deref())
        {
            Some(value) => format!("{} {}", node.label(), quoted(value)),
            None => node.label(),
        },
    }
}
