//! Comparing the response of a server with the expected one.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use kmip::types::DateTime;

use super::bindings::{Bindings, Fit};
use super::finding::{Finding, Kind};
use super::node::Node;
use super::requests;
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

    /// Compares responses whose batch items are about `items`.
    pub(super) fn messages(&mut self, expected: &Node, actual: &Node, items: &[Item]) {
        let none = Item::default();
        self.header(expected, actual, "ResponseHeader", &none);
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

    /// Compares requests with the same operations, whose batch items `items` are about.
    pub(super) fn requests(&mut self, expected: &Node, actual: &Node, items: &[Item]) {
        let header = Item {
            is_request: true,
            ..Item::default()
        };
        self.header(expected, actual, "RequestHeader", &header);
        let both = expected.named("BatchItem").zip(actual.named("BatchItem"));
        for (number, ((expected, actual), item)) in both.zip(items).enumerate() {
            let path = match items.len() {
                1 => "BatchItem".to_owned(),
                _ => format!("BatchItem[{number}]"),
            };
            self.node(expected, actual, &path, Place::of(item));
        }
    }

    fn header(&mut self, expected: &Node, actual: &Node, name: &str, item: &Item) {
        if let Some((expected, actual)) = expected.child(name).zip(actual.child(name)) {
            self.node(expected, actual, name, Place::of(item));
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
        self.node(expected, actual, path, Place::of(item));
    }

    /// Compares elements of the same name.
    fn node(&mut self, expected: &Node, actual: &Node, path: &str, place: Place<'_>) {
        if let Some(material) = place.wrapped_material(expected, actual) {
            let (wanted, value) = (&material.value, &actual.value);
            if let (Some(wanted), Some(value)) = (wanted, value) {
                return self.value(material, wanted, value, path, place);
            }
        }
        let placeholder = expected
            .value
            .as_deref()
            .is_some_and(|v| v.starts_with('$'));
        let any_key = placeholder && ["KeyValue", "KeyMaterial"].contains(&expected.name.as_str());
        if expected.item_type != actual.item_type && !any_key {
            let (expected, actual) = (&expected.item_type, &actual.item_type);
            return self.find(Kind::WrongValue, path, expected, actual);
        }
        match (&expected.value, &actual.value) {
            (Some(wanted), Some(value)) => self.value(expected, wanted, value, path, place),
            // A placeholder for a structure: a transparent key.
            (Some(_), None) => self.variables += 1,
            _ => self.children(expected, actual, path, place),
        }
    }

    fn value(&mut self, node: &Node, wanted: &str, value: &str, path: &str, place: Place<'_>) {
        if wanted.starts_with('$') {
            match self
                .bindings
                .fit(wanted, value, self.now, place.item.is_request)
            {
                Fit::Same => {}
                Fit::Bound => self.variables += 1,
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
        // What stands for an identifier stands for that one from then on.
        let known = self.requested.contains(wanted)
            || Place::is_identifier(node) && self.bindings.of_sample(wanted) != wanted;
        if place.value_may_vary(node, known) && self.is_plausible(node, value) {
            self.variables += 1;
            // Later messages of the document may repeat a sample.
            if Place::is_identifier(node) || node.item_type == "ByteString" && wanted.len() >= 16 {
                self.bindings.sample(wanted, value);
            }
            return;
        }
        if requests::is_prefixed(&place, node, wanted, value) {
            self.variables += 1;
            self.bindings.sample(wanted, value);
            return;
        }
        let kind = match node.name.as_str() {
            "ResultReason" => Kind::WrongReason,
            _ => Kind::WrongValue,
        };
        self.find(kind, path, quoted(wanted), quoted(value));
    }

    /// Whether a value can be what the element is for, as far as that can be told.
    fn is_plausible(&self, node: &Node, value: &str) -> bool {
        const DAY: i64 = 86_400;
        let near = |moment: DateTime| (moment.0 - self.now.0).abs() < DAY;
        node.name != "TimeStamp" || value.parse().is_ok_and(near)
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
            // In a list that may have more, or of what may be absent, another one is not the one.
            let own_place = |actual: &&Node| {
                actual.label() == label
                    && !(wanted.value.is_some() && place.may_be_absent(wanted))
                    && !place.may_be_extra(actual)
            };
            match left.iter().position(own_place) {
                Some(at) => {
                    let actual = left.remove(at);
                    self.node(wanted, actual, &below(path, wanted), place);
                }
                None if place.may_be_absent(wanted) => self.variables += 1,
                None => {
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
