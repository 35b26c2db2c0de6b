//! What has to be found in a response, and what may vary.

mod lists;

use std::collections::HashSet;

use kmip::ProtocolVersion;
use kmip::types::DateTime;

use super::super::bindings::Bindings;
use super::super::node::Node;
use super::super::variations::Item;
use super::Comparison;

const NOW: DateTime = DateTime(1_700_000_000);

/// A comparison of the answers to one operation.
struct Answers {
    item: Item,
    requested: HashSet<String>,
    bindings: Bindings,
}

impl Answers {
    fn to(operation: &str) -> Self {
        Answers {
            item: Item {
                operation: operation.to_owned(),
                version: ProtocolVersion::V1_2,
                ..Item::default()
            },
            requested: HashSet::new(),
            bindings: Bindings::default(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Item)) -> Self {
        change(&mut self.item);
        self
    }

    fn requested(mut self, value: &str) -> Self {
        self.requested.insert(value.to_owned());
        self
    }

    /// The findings in messages with these batch items; the bindings stay.
    fn messages(&mut self, expected: &str, actual: &str) -> Vec<String> {
        let expected = Node::parse(expected).expect("a message");
        let actual = Node::parse(actual).expect("a message");
        let mut comparison = Comparison::new(self.bindings.clone(), NOW, &self.requested);
        let items = std::slice::from_ref(&self.item);
        comparison.messages(&expected, &actual, items);
        self.bindings = comparison.bindings;
        let findings = comparison.findings.iter();
        findings.map(ToString::to_string).collect()
    }

    /// The findings in the payloads of successful answers.
    fn payloads(&mut self, expected: &str, actual: &str) -> Vec<String> {
        let message = |payload: &str| {
            let payload = format!("<ResponsePayload>{payload}</ResponsePayload>");
            message(&[&item(SUCCESS, &payload)])
        };
        self.messages(&message(expected), &message(actual))
    }
}

const SUCCESS: &str = r#"<ResultStatus type="Enumeration" value="Success"/>"#;

fn item(result: &str, payload: &str) -> String {
    format!("<BatchItem>{result}{payload}</BatchItem>")
}

fn message(items: &[&str]) -> String {
    let (number, items) = (items.len(), items.concat());
    format!(
        r#"<ResponseMessage><ResponseHeader><TimeStamp type="DateTime" value="{NOW}"/>
        <BatchCount type="Integer" value="{number}"/></ResponseHeader>{items}</ResponseMessage>"#
    )
}

fn failed(reason: &str) -> String {
    let status = r#"<ResultStatus type="Enumeration" value="OperationFailed"/>"#;
    let reason = format!(r#"<ResultReason type="Enumeration" value="{reason}"/>"#);
    item(&format!("{status}{reason}"), "")
}

fn text(name: &str, value: &str) -> String {
    format!(r#"<{name} type="TextString" value="{value}"/>"#)
}

fn enumeration(name: &str, value: &str) -> String {
    format!(r#"<{name} type="Enumeration" value="{value}"/>"#)
}

fn bytes(name: &str, value: &str) -> String {
    format!(r#"<{name} type="ByteString" value="{value}"/>"#)
}

fn id(value: &str) -> String {
    text("UniqueIdentifier", value)
}

/// An attribute of KMIP 1.x whose value is a text.
fn attribute(name: &str, index: Option<u8>, value: &str) -> String {
    let index = index.map_or(String::new(), |index| {
        format!(r#"<AttributeIndex type="Integer" value="{index}"/>"#)
    });
    let (name, value) = (text("AttributeName", name), text("AttributeValue", value));
    format!("<Attribute>{name}{index}{value}</Attribute>")
}

fn date(name: &str, value: &str) -> String {
    let name = text("AttributeName", name);
    format!(r#"<Attribute>{name}<AttributeValue type="DateTime" value="{value}"/></Attribute>"#)
}

fn key(format: &str, material: &str) -> String {
    let format = enumeration("KeyFormatType", format);
    let material = bytes("KeyMaterial", material);
    format!(
        "<SymmetricKey><KeyBlock>{format}<KeyValue>{material}</KeyValue></KeyBlock></SymmetricKey>"
    )
}

const NOTHING: [&str; 0] = [];

#[test]
fn status_and_reason_have_to_be_the_expected_ones() {
    let mut get = Answers::to("Get");
    let (success, not_found) = (item(SUCCESS, ""), failed("ItemNotFound"));
    assert_eq!(
        get.messages(&message(&[&success]), &message(&[&not_found])),
        [
            "wrong status at BatchItem/ResultStatus: expected Success, got Operation Failed Item Not Found"
        ]
    );
    assert_eq!(
        get.messages(&message(&[&not_found]), &message(&[&success])),
        [
            "wrong status at BatchItem/ResultStatus: expected Operation Failed Item Not Found, got Success"
        ]
    );
    assert_eq!(
        get.messages(
            &message(&[&failed("PermissionDenied")]),
            &message(&[&not_found])
        ),
        [
            "wrong reason at BatchItem/ResultReason: expected `Permission Denied`, got `Item Not Found`"
        ]
    );
    let without = not_found.replace(&enumeration("ResultReason", "ItemNotFound"), "");
    assert_eq!(
        get.messages(&message(&[&not_found]), &message(&[&without])),
        ["missing field at BatchItem/ResultReason: expected ResultReason `Item Not Found`"]
    );
}

#[test]
fn the_text_of_a_result_is_the_servers_own() {
    let plain = message(&[&failed("ItemNotFound")]);
    let said = plain.replace(
        "</BatchItem>",
        &(text("ResultMessage", "no") + "</BatchItem>"),
    );
    let mut get = Answers::to("Get");
    assert_eq!(get.messages(&plain, &said), NOTHING);
    assert_eq!(get.messages(&said, &plain), NOTHING);
    assert_eq!(
        get.messages(&said, &said.replace("no\"", "none\"")),
        NOTHING
    );
}

#[test]
fn items_of_a_batch_are_neither_lost_nor_added() {
    let (one, two) = (message(&[&item(SUCCESS, "")]), item(SUCCESS, ""));
    let two = message(&[&two, &two]);
    let mut get = Answers::to("Get");
    assert_eq!(
        get.messages(&two, &one),
        [
            "wrong value at ResponseHeader/BatchCount: expected `2`, got `1`",
            "missing field at BatchItem[1]: expected BatchItem",
        ]
    );
    assert_eq!(
        get.messages(&one, &two),
        [
            "wrong value at ResponseHeader/BatchCount: expected `1`, got `2`",
            "extra field at BatchItem: BatchItem",
        ]
    );
}

#[test]
fn fields_are_neither_lost_nor_added_nor_changed() {
    let mut get = Answers::to("Get");
    let (object, key_id) = (
        enumeration("ObjectType", "SymmetricKey"),
        id("$UNIQUE_IDENTIFIER_0"),
    );
    let both = format!("{object}{key_id}");
    let path = "BatchItem/ResponsePayload/ObjectType";
    assert_eq!(
        get.payloads(&both, &id("a")),
        [format!(
            "missing field at {path}: expected ObjectType `Symmetric Key`"
        )]
    );
    assert_eq!(
        get.payloads(&key_id, &format!("{object}{}", id("a"))),
        [format!("extra field at {path}: ObjectType `Symmetric Key`")]
    );
    assert_eq!(
        get.payloads(&object, &enumeration("ObjectType", "SecretData")),
        [format!(
            "wrong value at {path}: expected `Symmetric Key`, got `Secret Data`"
        )]
    );
    assert_eq!(
        get.payloads(&object, &text("ObjectType", "SymmetricKey")),
        [format!(
            "wrong value at {path}: expected Enumeration, got TextString"
        )]
    );
    assert_eq!(
        get.payloads(&both, &format!("{object}{object}{}", id("a"))),
        [format!("extra field at {path}: ObjectType `Symmetric Key`")]
    );
}

#[test]
fn a_placeholder_stands_for_one_object_and_only_that() {
    let mut locate = Answers::to("Locate");
    let (zero, one) = (id("$UNIQUE_IDENTIFIER_0"), id("$UNIQUE_IDENTIFIER_1"));
    let path = "BatchItem/ResponsePayload/UniqueIdentifier";
    assert_eq!(locate.payloads(&zero, &id("a")), NOTHING);
    assert_eq!(
        locate.payloads(&zero, &id("b")),
        [format!(
            "wrong value at {path}: expected $UNIQUE_IDENTIFIER_0 = `a`, got `b`"
        )]
    );
    assert_eq!(
        locate.payloads(&one, &id("a")),
        [format!(
            "wrong value at {path}: expected $UNIQUE_IDENTIFIER_1 = `an object not seen before`, got `a`"
        )]
    );
    // In any order.
    let both = format!("{zero}{one}");
    assert_eq!(locate.payloads(&both, &(id("b") + &id("a"))), NOTHING);
    assert_eq!(
        locate.payloads(&both, &(id("b") + &id("c"))),
        [format!(
            "wrong value at {path}: expected $UNIQUE_IDENTIFIER_0 = `a`, got `c`"
        )]
    );
    assert_eq!(
        locate.payloads(&zero, ""),
        [format!(
            "missing field at {path}: expected UniqueIdentifier `$UNIQUE_IDENTIFIER_0`"
        )]
    );
}

#[test]
fn an_identifier_in_the_document_stands_for_one_object() {
    let mut locate = Answers::to("Locate").requested("mine");
    assert_eq!(locate.payloads(&id("sample"), &id("a")), NOTHING);
    assert_eq!(
        locate.payloads(&id("sample"), &id("b")),
        ["wrong value at BatchItem/ResponsePayload/UniqueIdentifier: expected `sample`, got `b`"]
    );
    // The one that the request had.
    assert_eq!(
        locate.payloads(&id("mine"), &id("a")),
        ["wrong value at BatchItem/ResponsePayload/UniqueIdentifier: expected `mine`, got `a`"]
    );
}

#[test]
fn a_key_varies_only_if_the_server_made_or_wrapped_it() {
    let (raw, other) = (key("Raw", "00"), key("Raw", "01"));
    let path = "BatchItem/ResponsePayload/SymmetricKey/KeyBlock";
    let found = [format!(
        "wrong value at {path}/KeyValue/KeyMaterial: expected `00`, got `01`"
    )];
    assert_eq!(Answers::to("Get").payloads(&raw, &other), found);
    let mut made = Answers::to("Get").with(|item| item.server_made = true);
    assert_eq!(made.payloads(&raw, &other), NOTHING);
    let wrapped = |key: &str| {
        key.replace(
            "</KeyBlock>",
            "<KeyWrappingData></KeyWrappingData></KeyBlock>",
        )
    };
    assert_eq!(
        Answers::to("Get").payloads(&wrapped(&raw), &wrapped(&other)),
        NOTHING
    );
}

#[test]
fn the_server_chooses_the_format_only_if_the_client_does_not() {
    let (raw, opaque) = (key("Raw", "00"), key("Opaque", "00"));
    assert_eq!(Answers::to("Get").payloads(&raw, &opaque), NOTHING);
    let found = [
        "wrong value at BatchItem/ResponsePayload/SymmetricKey/KeyBlock/KeyFormatType: \
                  expected `Raw`, got `Opaque`",
    ];
    let mut asked = Answers::to("Get").with(|item| item.asks_for_format = true);
    assert_eq!(asked.payloads(&raw, &opaque), found);
    let mut registered = Answers::to("Get").requested("Raw");
    assert_eq!(registered.payloads(&raw, &opaque), found);
}

#[test]
fn results_vary_only_with_a_key_that_nobody_knows() {
    let (data, other) = (bytes("Data", "00"), bytes("Data", "01"));
    let found = ["wrong value at BatchItem/ResponsePayload/Data: expected `00`, got `01`"];
    assert_eq!(Answers::to("Encrypt").payloads(&data, &other), found);
    let mut made = Answers::to("Encrypt").with(|item| item.server_made = true);
    assert_eq!(made.payloads(&data, &other), NOTHING);
    // The plaintext of an earlier Encrypt has to come back.
    let mut back = Answers::to("Decrypt")
        .with(|item| item.server_made = true)
        .requested("00");
    assert_eq!(back.payloads(&data, &other), found);
}

#[test]
fn dates_vary_unless_the_client_has_set_them() {
    let expected = date("Activation Date", "2012-04-27T08:12:21+00:00");
    let actual = date("Activation Date", "2023-04-27T08:12:21+00:00");
    assert_eq!(
        Answers::to("Get Attributes").payloads(&expected, &actual),
        NOTHING
    );
    let mut set = Answers::to("Get Attributes").requested("2012-04-27T08:12:21+00:00");
    assert_eq!(
        set.payloads(&expected, &actual),
        [
            "wrong value at BatchItem/ResponsePayload/Attribute[Activation Date]/AttributeValue: \
          expected `2012-04-27T08:12:21+00:00`, got `2023-04-27T08:12:21+00:00`"
        ]
    );
    let custom = |date: &str| date.replace("Activation Date", "x-Date");
    assert_eq!(
        Answers::to("Get Attributes")
            .payloads(&custom(&expected), &custom(&actual))
            .len(),
        1
    );
    // What is to be now is not yesterday.
    let now = date("Initial Date", "$NOW");
    let found = Answers::to("Get Attributes")
        .payloads(&now, &date("Initial Date", "2023-04-27T08:12:21+00:00"));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn the_clock_of_the_server_goes() {
    let expected = message(&[&item(SUCCESS, "")]);
    let moment = |seconds: i64| {
        let moment = DateTime(NOW.0 + seconds);
        expected.replace(&NOW.to_string(), &moment.to_string())
    };
    let mut get = Answers::to("Get");
    let old = expected.replace(&NOW.to_string(), "2012-04-27T08:12:21+00:00");
    assert_eq!(get.messages(&old, &moment(3_600)), NOTHING);
    let found = get.messages(&old, &moment(-200_000));
    assert!(
        found[0].starts_with("wrong value at ResponseHeader/TimeStamp"),
        "{found:?}"
    );
}
