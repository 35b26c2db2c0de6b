//! What may differ between an expected response and an actual one: the Permitted Test Case Variations
//! of the KMIP profiles (Cryptographic Services Profile 1.0, 4.7, and the same text in all others).
//! Everything else has to be as it is expected.

use kmip::ProtocolVersion;

use super::node::Node;
use super::requests;

/// Dates that the server sets unless the client does.
const DATES: [&str; 14] = [
    "ActivationDate",
    "ArchiveDate",
    "CompromiseDate",
    "CompromiseOccurrenceDate",
    "DeactivationDate",
    "DestroyDate",
    "InitialDate",
    "LastChangeDate",
    "OriginalCreationDate",
    "ProcessStartDate",
    "ProtectStopDate",
    "ValidityDate",
    "RotateDate",
    "TimeStamp",
];

/// Values that are the server's own choice, whatever the requests had.
const FREE: [&str; 6] = [
    "TimeStamp",
    "ResultMessage",
    "AsynchronousCorrelationValue",
    "ServerCorrelationValue",
    "DigestValue",
    "LinkedObjectIdentifier",
];

/// Results that differ with the key, or from one time to the next.
const RESULTS: [&str; 6] = [
    "Data",
    "SignatureData",
    "MACData",
    "IVCounterNonce",
    "AuthenticatedEncryptionTag",
    "CertificateValue",
];

/// What Query tells that a server may have more of than the documents show.
const OPEN_LISTS: [&str; 4] = [
    "Operation",
    "ObjectType",
    "ApplicationNamespace",
    "ExtensionInformation",
];

/// What a server may add to any response, and leave out.
const DISPENSABLE: [&str; 5] = [
    "ResultMessage",
    "ServerCorrelationValue",
    "TemplateAttribute",
    "PrivateKeyTemplateAttribute",
    "PublicKeyTemplateAttribute",
];

/// What is known of an item of a batch when its answer is compared.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) operation: String,
    /// Whether it is a request that is compared, not the answer to one.
    pub(super) is_request: bool,
    /// Whether it is an item of a batch of the case that comes in a request of its own.
    pub(super) is_of_batch: bool,
    /// The version of the request.
    pub(super) version: ProtocolVersion,
    /// Whether its object was made by the server.
    pub(super) server_made: bool,
    /// Whether its result is another one each time.
    pub(super) randomised: bool,
    /// Whether it asks for certain attributes only.
    pub(super) asks_for_attributes: bool,
    /// Whether it says in which format it wants a key.
    pub(super) asks_for_format: bool,
    /// Whether requests up to now put objects into groups.
    pub(super) client_groups: bool,
}

/// Where an element stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) item: &'p Item,
    /// The elements around it, outermost first.
    pub(super) around: &'p [&'p Node],
    /// The name of the attribute whose value it is, in KMIP 1.x.
    pub(super) attribute: Option<&'p str>,
}

impl<'p> Place<'p> {
    /// The place of an item itself.
    pub(super) fn of(item: &'p Item) -> Self {
        Place {
            item,
            around: &[],
            attribute: None,
        }
    }

    pub(super) fn is_in(&self, name: &str) -> bool {
        self.around.iter().any(|node| node.name == name)
    }

    pub(super) fn parent(&self) -> &str {
        self.around.last().map_or("", |node| node.name.as_str())
    }

    /// The name of the element as KMIP 2.x would have it.
    fn name_of(&self, node: &Node) -> String {
        match self.attribute {
            Some(attribute) if node.name == "AttributeValue" => {
                attribute.chars().filter(|c| !" -.".contains(*c)).collect()
            }
            _ => node.name.clone(),
        }
    }

    /// Whether an element may have another value than the expected one, which a request had or not.
    pub(super) fn value_may_vary(&self, node: &Node, was_in_request: bool) -> bool {
        if self.item.is_request {
            return requests::OWN.contains(&node.name.as_str());
        }
        let name = self.name_of(node);
        let name = name.as_str();
        if FREE.contains(&name) || self.is_of_vendor(name) {
            return true;
        }
        if was_in_request {
            return false;
        }
        let made = self.item.server_made;
        DATES.contains(&name)
            || name == "HashingAlgorithm" && self.is_digest()
            || name == "KeyFormatType" && !self.item.asks_for_format
            || RESULTS.contains(&name) && (made || self.item.randomised)
            || (made || self.is_wrapped()) && (self.is_in("KeyValue") || name == "KeyValue")
            || made && self.is_of_certificate(name)
            || Self::is_identifier(node)
    }

    /// Whether an element identifies an object.
    pub(super) fn is_identifier(node: &Node) -> bool {
        node.name.ends_with("UniqueIdentifier")
    }

    /// What Query tells of the vendor.
    fn is_of_vendor(&self, name: &str) -> bool {
        self.item.operation == "Query"
            && (self.is_in("ServerInformation")
                || name == "VendorIdentification" && self.parent() == "ResponsePayload")
    }

    fn is_digest(&self) -> bool {
        self.is_in("Digest") || self.attribute == Some("Digest")
    }

    /// What an authority decides about a certificate: all but the subject, and the type.
    fn is_of_certificate(&self, name: &str) -> bool {
        let name = match self.attribute {
            Some(attribute) => attribute.replace([' ', '.'], ""),
            None => name.replace('_', ""),
        };
        (name.starts_with("X509Certificate") || name.starts_with("Certificate"))
            && !name.contains("Subject")
            && name != "CertificateType"
    }

    /// The Key Material of an expected Key Value if it is that of a wrapped key, which is bytes. Some
    /// documents show it in the structure that a Key Value is otherwise.
    pub(super) fn wrapped_material<'n>(
        &self,
        expected: &'n Node,
        actual: &Node,
    ) -> Option<&'n Node> {
        let bytes = actual.item_type == "ByteString" && expected.value.is_none();
        match &expected.children[..] {
            [material] if bytes && expected.name == "KeyValue" && self.is_wrapped() => {
                (material.name == "KeyMaterial").then_some(material)
            }
            _ => None,
        }
    }

    fn is_wrapped(&self) -> bool {
        let wrapped =
            |node: &&&Node| node.name == "KeyBlock" && node.child("KeyWrappingData").is_some();
        self.around.iter().find(wrapped).is_some()
    }

    /// Whether an expected element may be absent.
    pub(super) fn may_be_absent(&self, node: &Node) -> bool {
        if self.item.is_request {
            return requests::may_be_absent(self, node);
        }
        self.is_dispensable(node) || is_group(node) && !self.item.client_groups
    }

    /// Whether an element may be there that is not expected.
    pub(super) fn may_be_extra(&self, node: &Node) -> bool {
        if self.item.is_request {
            return requests::may_be_extra(self, node);
        }
        let name = node.name.as_str();
        let all_attributes = !self.item.asks_for_attributes;
        let operation = self.item.operation.as_str();
        let listed = match (operation, self.parent()) {
            ("Query", "ResponsePayload") => OPEN_LISTS.contains(&name),
            ("Discover Versions", "ResponsePayload") => name == "ProtocolVersion",
            ("Get Attribute List", "ResponsePayload") => {
                name == "AttributeName" || name == "AttributeReference"
            }
            ("Get Attributes" | "Export", "ResponsePayload") => {
                name == "Attribute" && all_attributes
            }
            ("Get Attributes" | "Export", "Attributes") => all_attributes,
            (_, "RequestPayload") if FROM_SERVER.contains(&operation) => name == "Attribute",
            (_, "Attributes") => FROM_SERVER.contains(&operation),
            _ => false,
        };
        listed || self.is_dispensable(node) || is_group(node) || self.is_in("ServerInformation")
    }

    fn is_dispensable(&self, node: &Node) -> bool {
        let name = node.name.as_str();
        DISPENSABLE.contains(&name)
            || name == "VendorIdentification" && self.is_of_vendor(name)
            || self.is_dispensable_anywhere(node)
            || is_server_custom(node)
    }

    /// Whether requests and responses may have an element or not.
    pub(super) fn is_dispensable_anywhere(&self, node: &Node) -> bool {
        let name = node.name.as_str();
        name == "MessageExtension" && node.text("CriticalityIndicator") != Some("true")
            || name == "AttributeIndex"
                && self.item.version > ProtocolVersion::V1_0
                && node.value.as_deref() == Some("0")
    }
}

/// Requests of a server, in which it may tell more attributes.
const FROM_SERVER: [&str; 2] = ["Put", "Notify"];

/// Custom attributes of the server: `y-` in KMIP 1.x, those of the vendor `y` since.
fn is_server_custom(node: &Node) -> bool {
    let is = |name: &str| {
        node.text("AttributeName")
            .is_some_and(|text| text.starts_with(name))
    };
    let value = node.value.as_deref().unwrap_or_default();
    match node.name.as_str() {
        "Attribute" => is("y-") || node.text("VendorIdentification") == Some("y"),
        "AttributeName" => value.starts_with("y-"),
        "AttributeReference" => node.text("VendorIdentification") == Some("y"),
        _ => false,
    }
}

/// An Object Group, or its name in a list of attributes.
pub(super) fn is_group(node: &Node) -> bool {
    let value = node.value.as_deref();
    match node.name.as_str() {
        "ObjectGroup" => true,
        "Attribute" => node.text("AttributeName") == Some("Object Group"),
        "AttributeName" | "AttributeReference" => value == Some("Object Group"),
        _ => false,
    }
}
