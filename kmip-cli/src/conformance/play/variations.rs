//! What may differ between an expected response and an actual one: the Permitted Test Case Variations
//! of the KMIP profiles (Cryptographic Services Profile 1.0, 4.7, and the same text in all others).

use super::node::Node;

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

/// Values that are the server's own choice.
const FREE: [&str; 7] = [
    "TimeStamp",
    "ResultMessage",
    "VendorIdentification",
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

/// What is known of an item of a batch when its answer is compared.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) operation: String,
    /// Whether its object was made by the server.
    pub(super) server_made: bool,
    /// Whether its result is another one each time.
    pub(super) randomised: bool,
    /// Whether it asks for certain attributes only.
    pub(super) asks_for_attributes: bool,
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

impl Place<'_> {
    fn is_in(&self, name: &str) -> bool {
        self.around.iter().any(|node| node.name == name)
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

    /// Whether an element may have another value than the expected one.
    pub(super) fn value_may_vary(&self, node: &Node, was_in_request: bool) -> bool {
        let name = self.name_of(node);
        let name = name.as_str();
        if FREE.contains(&name) || self.is_in("ServerInformation") {
            return true;
        }
        if was_in_request {
            return false;
        }
        let made = self.item.server_made;
        DATES.contains(&name)
            || name == "HashingAlgorithm" && self.is_digest()
            || RESULTS.contains(&name) && (made || self.item.randomised)
            || made && (self.is_in("KeyValue") || name == "KeyValue")
            || self.is_wrapped() && (self.is_in("KeyValue") || name == "KeyValue")
            || name == "KeyFormatType"
            || name.ends_with("UniqueIdentifier")
            || made && self.is_of_certificate(name)
            || self.item.operation == "RNG Retrieve" && name == "Data"
    }

    fn is_digest(&self) -> bool {
        self.is_in("Digest") || self.attribute == Some("Digest")
    }

    /// Names and numbers that an authority gives a certificate.
    fn is_of_certificate(&self, name: &str) -> bool {
        let certificate = |name: &str| {
            name.starts_with("X_509Certificate")
                || name.starts_with("X509Certificate")
                || name.starts_with("Certificate") && name != "CertificateType"
        };
        let attribute = self.attribute.map(|name| name.replace([' ', '.'], ""));
        certificate(name) || attribute.is_some_and(|name| certificate(&name))
    }

    fn is_wrapped(&self) -> bool {
        let wrapped =
            |node: &&&Node| node.name == "KeyBlock" && node.child("KeyWrappingData").is_some();
        self.around.iter().find(wrapped).is_some()
    }

    /// Whether an expected element may be absent.
    pub(super) fn may_be_absent(&self, node: &Node) -> bool {
        match node.name.as_str() {
            "ResultMessage"
            | "TemplateAttribute"
            | "MessageExtension"
            | "ServerInformation"
            | "PrivateKeyTemplateAttribute"
            | "PublicKeyTemplateAttribute"
            | "ClientCorrelationValue"
            | "ServerCorrelationValue"
            | "VendorIdentification" => true,
            "AttributeIndex" => node.value.as_deref() == Some("0"),
            "Attribute" => is_server_custom(node),
            "AttributeName" => node.value.as_deref() == Some("Object Group"),
            // What a server offers is its own; the documents say that the lists may vary.
            "Operation" | "ObjectType" => {
                self.item.operation == "Query" && self.is_in("ResponsePayload")
            }
            _ => false,
        }
    }

    /// Whether an element may be there that is not expected.
    pub(super) fn may_be_extra(&self, node: &Node) -> bool {
        let operation = self.item.operation.as_str();
        match node.name.as_str() {
            "ResultMessage"
            | "TemplateAttribute"
            | "MessageExtension"
            | "PrivateKeyTemplateAttribute"
            | "PublicKeyTemplateAttribute"
            | "ServerCorrelationValue" => true,
            "AttributeIndex" => node.value.as_deref() == Some("0"),
            "Attribute" if is_server_custom(node) => true,
            "ProtocolVersion" => operation == "Discover Versions",
            _ if operation == "Query" => true,
            "AttributeName" | "AttributeReference" => operation == "Get Attribute List",
            "Attribute" if FROM_SERVER.contains(&operation) => true,
            "Attribute" => operation == "Get Attributes" && !self.item.asks_for_attributes,
            _ => {
                let parent = self.around.last().map(|node| node.name.as_str());
                let tells = operation == "Get Attributes" && !self.item.asks_for_attributes
                    || FROM_SERVER.contains(&operation);
                tells && parent == Some("Attributes")
            }
        }
    }
}

/// Requests of a server, in which it may tell more attributes.
const FROM_SERVER: [&str; 2] = ["Put", "Notify"];

/// Custom attributes of the server begin with `y-`.
fn is_server_custom(attribute: &Node) -> bool {
    let name = attribute.text("AttributeName");
    name.is_some_and(|name| name.starts_with("y-"))
}
