//! Lists of attributes and of what a server can do, and extensions.

use kmip::ProtocolVersion;

use super::{Answers, NOTHING, SUCCESS, attribute, enumeration, item, message, text};

#[test]
fn query_may_list_more_and_never_less() {
    let list = |names: &[&str]| -> String {
        names
            .iter()
            .map(|name| enumeration("Operation", name))
            .collect()
    };
    let mut query = Answers::to("Query");
    assert_eq!(
        query.payloads(
            &list(&["Get", "Create"]),
            &list(&["Create", "Locate", "Get"])
        ),
        NOTHING
    );
    assert_eq!(
        query.payloads(&list(&["Get", "Put"]), &list(&["Create", "Get", "Locate"])),
        ["missing field at BatchItem/ResponsePayload/Operation: expected Operation `Put`"]
    );
    let generator = |algorithm: &str| format!("<RNGParameters>{algorithm}</RNGParameters>");
    let (drbg, hash) = (
        enumeration("RNGAlgorithm", "DRBG"),
        enumeration("HashingAlgorithm", "SHA_256"),
    );
    assert_eq!(
        query.payloads(&generator(&drbg), &generator(&format!("{drbg}{hash}"))),
        [
            "extra field at BatchItem/ResponsePayload/RNGParameters/HashingAlgorithm: HashingAlgorithm `SHA-256`"
        ]
    );
    assert_eq!(
        query.payloads("<ServerInformation></ServerInformation>", ""),
        [
            "missing field at BatchItem/ResponsePayload/ServerInformation: expected ServerInformation"
        ]
    );
    // No other operation has lists that may be longer.
    assert_eq!(Answers::to("Get").payloads("", &list(&["Get"])).len(), 1);
}

#[test]
fn there_may_be_more_attributes_unless_some_are_asked_for() {
    let (name, state) = (
        attribute("Name", None, "a"),
        attribute("Contact Information", None, "b"),
    );
    let both = format!("{state}{name}");
    assert_eq!(
        Answers::to("Get Attributes").payloads(&name, &both),
        NOTHING
    );
    let mut asked = Answers::to("Get Attributes").with(|item| item.asks_for_attributes = true);
    assert_eq!(
        asked.payloads(&name, &both),
        [
            "extra field at BatchItem/ResponsePayload/Attribute[Contact Information]: \
          Attribute[Contact Information] `b`"
        ]
    );
    assert_eq!(
        Answers::to("Get Attributes").payloads(&both, &name),
        [
            "missing field at BatchItem/ResponsePayload/Attribute[Contact Information]: \
          expected Attribute[Contact Information] `b`"
        ]
    );
    assert_eq!(
        Answers::to("Get Attributes").payloads(&name, &attribute("Name", None, "b")),
        [
            "wrong value at BatchItem/ResponsePayload/Attribute[Name]/AttributeValue: expected `a`, got `b`"
        ]
    );
    let names = |names: &[&str]| -> String {
        names
            .iter()
            .map(|name| text("AttributeName", name))
            .collect()
    };
    let mut list = Answers::to("Get Attribute List");
    assert_eq!(
        list.payloads(
            &names(&["State", "Name"]),
            &names(&["Name", "Digest", "State"])
        ),
        NOTHING
    );
    assert_eq!(
        list.payloads(&names(&["State", "Name"]), &names(&["Name", "Digest"])),
        [
            "missing field at BatchItem/ResponsePayload/AttributeName: expected AttributeName `State`"
        ]
    );
}

#[test]
fn attributes_of_the_server_do_not_matter() {
    let custom = |name: &str| attribute(name, None, "a");
    for operation in ["Get Attributes", "Locate"] {
        let mut asked = Answers::to(operation).with(|item| item.asks_for_attributes = true);
        assert_eq!(asked.payloads("", &custom("y-tape")), NOTHING);
        assert_eq!(asked.payloads(&custom("y-tape"), ""), NOTHING);
        assert_eq!(asked.payloads("", &custom("Object Group")), NOTHING);
        assert_eq!(asked.payloads(&custom("Object Group"), ""), NOTHING);
        assert_eq!(asked.payloads("", &custom("x-tape")).len(), 1);
        assert_eq!(asked.payloads(&custom("x-tape"), "").len(), 1);
        // The group that the client has chosen has to be there.
        asked.item.client_groups = true;
        assert_eq!(asked.payloads(&custom("Object Group"), "").len(), 1);
    }
}

#[test]
fn the_first_index_may_be_left_out_since_1_1() {
    let mut get = Answers::to("Get Attributes");
    let (without, first) = (
        attribute("Name", None, "a"),
        attribute("Name", Some(0), "a"),
    );
    assert_eq!(get.payloads(&without, &first), NOTHING);
    assert_eq!(get.payloads(&first, &without), NOTHING);
    let path = "BatchItem/ResponsePayload/Attribute[Name]/AttributeIndex";
    assert_eq!(
        get.payloads(&without, &attribute("Name", Some(1), "a")),
        [format!("extra field at {path}: AttributeIndex `1`")]
    );
    get.item.version = ProtocolVersion::V1_0;
    assert_eq!(
        get.payloads(&without, &first),
        [format!("extra field at {path}: AttributeIndex `0`")]
    );
}

#[test]
fn a_critical_extension_is_not_passed_over() {
    let plain = message(&[&item(SUCCESS, "")]);
    let extended = |critical: &str| {
        let vendor = text("VendorIdentification", "v");
        let extension = format!(
            r#"<MessageExtension>{vendor}<CriticalityIndicator type="Boolean" value="{critical}"/>
            <VendorExtension></VendorExtension></MessageExtension></BatchItem>"#
        );
        plain.replace("</BatchItem>", &extension)
    };
    let mut get = Answers::to("Get");
    assert_eq!(get.messages(&plain, &extended("false")), NOTHING);
    assert_eq!(
        get.messages(&plain, &extended("true")),
        ["extra field at BatchItem/MessageExtension: MessageExtension"]
    );
}
