//! What is known of the objects in a case: who made them, and with which parameters.

use std::collections::{HashMap, HashSet};

use kmip::ProtocolVersion;

use super::bindings::Bindings;
use super::node::Node;
use super::variations::{Item, is_group};

/// The objects of a case, by identifier.
pub(super) struct Objects<'o> {
    /// Those that the server made, also in cases before.
    server_made: &'o mut HashSet<String>,
    /// Those whose content the case says.
    given: HashSet<String>,
    /// Cryptographic parameters that they were made with.
    parameters: HashMap<String, HashSet<String>>,
    /// Whether requests up to now put objects into groups.
    client_groups: bool,
}

impl<'o> Objects<'o> {
    pub(super) fn new(server_made: &'o mut HashSet<String>) -> Self {
        Objects {
            server_made,
            given: HashSet::new(),
            parameters: HashMap::new(),
            client_groups: false,
        }
    }

    /// What is known of the items of a batch.
    pub(super) fn items(
        &mut self,
        request: &Node,
        response: &Node,
        bindings: &Bindings,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        let mut batch_has_made = false;
        let version = version(request);
        request.walk(&mut |node| self.client_groups |= is_group(node));
        let answers: Vec<&Node> = response.named("BatchItem").collect();
        for (number, request) in request.named("BatchItem").enumerate() {
            let operation = request.text("Operation").unwrap_or_default().to_owned();
            let mut named = Vec::new();
            let both = [Some(request), answers.get(number).copied()];
            for message in both.into_iter().flatten() {
                message.walk(&mut |node| {
                    let identifies = node.name.ends_with("UniqueIdentifier");
                    if let Some(value) = node.value.as_ref().filter(|_| identifies) {
                        named.push(bindings.of_placeholder(value).to_owned());
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
                asks_for_format: request
                    .child("RequestPayload")
                    .is_some_and(|payload| payload.child("KeyFormatType").is_some()),
                client_groups: self.client_groups,
                version,
                is_request: false,
                is_of_batch: false,
                operation,
            });
        }
        items
    }
}

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
        "RNG Retrieve" => true,
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

/// The version in the header of a message.
pub(super) fn version(message: &Node) -> ProtocolVersion {
    let header = message.child("RequestHeader");
    let version = header.and_then(|header| header.child("ProtocolVersion"));
    let number = |name| version?.text(name)?.parse().ok();
    ProtocolVersion {
        major: number("ProtocolVersionMajor").unwrap_or_default(),
        minor: number("ProtocolVersionMinor").unwrap_or_default(),
    }
}
