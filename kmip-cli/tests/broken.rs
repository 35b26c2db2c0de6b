//! `kmip decode` on what is broken: one line with the fault and its place, and with `--lenient` what
//! can be read.

mod common;

use common::{GET, fails, run, succeeds};

#[test]
fn what_is_broken_is_named_with_its_place() {
    let cut = &GET[..GET.len() - 24];
    let (shown, error) = fails(&["decode"], cut.as_bytes());
    assert_eq!(
        error,
        "kmip: standard input: truncated: 12 more bytes are needed, 100 are left, byte 0\n"
    );
    assert_eq!(shown, "byte 0: 42 00 78 01 00 00 00 70\n        ^\n");
    let (shown, _) = fails(&["decode", "--lenient"], cut.as_bytes());
    assert!(
        shown.contains("    Operation: Get (0x0000000A) Enumeration\n"),
        "{shown}"
    );
    assert!(
        shown.starts_with("# standard input, Hex, Ttlv\nRequestMessage KMIP 1.2\n"),
        "{shown}"
    );

    let (_, error) = fails(&["decode"], &GET.as_bytes()[..101]);
    assert_eq!(
        error,
        "kmip: standard input: the hexadecimal digits end in the middle of byte 50\n"
    );

    let xml = succeeds(&["convert", "--to", "xml", GET], b"").replace("\"Get\"", "\"Got\"");
    let (shown, error) = fails(&["decode"], xml.as_bytes());
    assert!(
        error.contains(
            "`Got` is not a value of Operation at RequestMessage/BatchItem[0]/Operation, byte "
        ),
        "{error}"
    );
    assert!(
        shown.starts_with("line 10: <Operation type=\"Enumeration\" "),
        "{shown}"
    );
    assert!(shown.ends_with("\n         ^\n"), "{shown}");

    for input in ["", "hello", "\0\x01", "deadbeef", "SGVsbG8="] {
        let (_, error) = fails(&["decode"], input.as_bytes());
        assert!(
            error.starts_with("kmip: standard input: "),
            "{input}: {error}"
        );
    }
    assert_eq!(
        run(&["decode", "--form", "morse"], b"").status.code(),
        Some(2)
    );
}

#[test]
fn faults_of_text_are_named_with_their_place() {
    let json = succeeds(&["convert", "--to", "json", "--compact", GET], b"");
    let xml = succeeds(&["convert", "--to", "xml", "--compact", GET], b"");
    let cases = [
        (
            json.replace(
                "\"BatchCount\",\"type\":\"Integer\",\"value\":1",
                "\"BatchCount\",\"type\":\"Integer\",\"value\":99999999999",
            ),
            "99999999999 is not a valid Integer at RequestMessage/RequestHeader/BatchCount, byte ",
        ),
        (
            xml.replace("<UniqueIdentifier ", "<UniqueIdentifer "),
            "`UniqueIdentifer` is not a tag at RequestMessage/BatchItem/RequestPayload, byte ",
        ),
        (
            xml.replace(
                "<BatchCount type=\"Integer\"",
                "<BatchCount type=\"LongInteger\"",
            ),
            "expected Integer, found Long Integer at RequestMessage/RequestHeader/BatchCount, byte ",
        ),
        (
            xml.replace("<BatchCount type=\"Integer\"", "<BatchCount type=\"Int\""),
            "`Int` is not an item type at RequestMessage/RequestHeader, byte ",
        ),
        (
            json[..json.len() - 2].to_owned(),
            "EOF while parsing an object at RequestMessage, byte ",
        ),
    ];
    for (text, expected) in cases {
        let (_, error) = fails(&["decode"], text.as_bytes());
        assert!(
            error.starts_with(&format!("kmip: standard input: {expected}")),
            "{error}"
        );
    }
}

#[test]
fn bytes_behind_a_message_are_named() {
    for garbage in ["00", "FFFFFFFFFFFFFFFFFFFFFFFF", GET] {
        let (_, error) = fails(&["decode"], format!("{GET}{garbage}").as_bytes());
        let expected = format!(
            "kmip: standard input: {} bytes follow the end of the message, byte 120\n",
            garbage.len() / 2
        );
        assert_eq!(error, expected);
    }
}

/// The tree of the lines up to the item with the fault.
const HEADER: &str = "\
RequestMessage KMIP 1.2
  RequestHeader
    ProtocolVersion
      ProtocolVersionMajor: 1 Integer
      ProtocolVersionMinor: 2 Integer
    BatchCount: 1 Integer
  BatchItem
";

#[test]
fn the_readable_part_of_json_is_shown() {
    let json = succeeds(&["convert", "--to", "json", "--compact", GET], b"");
    let cases = [
        // A wrong value and a wrong name are no obstacle.
        (
            json.replace("\"Get\"", "\"Got\"")
                .replace("\"UniqueIdentifier\"", "\"UniqueIdentifer\""),
            "    Operation: not readable (`Got` is not a value of Operation)
    RequestPayload
      ?: [redacted] Text String (`UniqueIdentifer` is not a tag)
",
        ),
        // A wrong type is a fault of the message, not of the item.
        (
            json.replace(
                "\"type\":\"Enumeration\",\"value\":\"Get\"",
                "\"type\":\"Interval\",\"value\":10",
            ),
            "    Operation: 10 s Interval
    RequestPayload
      UniqueIdentifier: \"a\" Text String
",
        ),
        (
            json[..json.find("\"Get\"").expect("the operation")].to_owned(),
            "    Operation: not readable (no value is not a valid Enumeration)
(not readable from here on)
",
        ),
    ];
    for (text, expected) in cases {
        let (shown, _) = fails(&["decode", "--lenient"], text.as_bytes());
        let tree = format!("# standard input, Json\n{HEADER}{expected}");
        assert!(shown.starts_with(&tree), "{text}\n{shown}");
    }
}

#[test]
fn the_readable_part_of_xml_is_shown() {
    let xml = succeeds(&["convert", "--to", "xml", "--compact", GET], b"");
    let cases = [
        (
            xml.replace("\"Get\"", "\"Got\"")
                .replace("<UniqueIdentifier ", "<UniqueIdentifer "),
            "    Operation: not readable (`Got` is not a value of Operation)
    RequestPayload
      ?: [redacted] Text String (`UniqueIdentifer` is not a tag)
",
        ),
        (
            xml.replace("\"TextString\"", "\"Text\""),
            "    Operation: Get (0x0000000A) Enumeration
    RequestPayload
      UniqueIdentifier: not readable (`Text` is not an item type)
",
        ),
        (
            xml.replace("</RequestPayload>", "</ResponsePayload>"),
            "    Operation: Get (0x0000000A) Enumeration
    RequestPayload
      UniqueIdentifier: \"a\" Text String
(not readable from here on)
",
        ),
    ];
    for (text, expected) in cases {
        let (shown, _) = fails(&["decode", "--lenient"], text.as_bytes());
        let tree = format!("# standard input, Xml\n{HEADER}{expected}");
        assert!(shown.starts_with(&tree), "{text}\n{shown}");
    }
}

#[test]
fn broken_secrets_are_not_shown() {
    let key = |name: &str, value: &str| {
        format!(
            "<ResponsePayload><KeyBlock><KeyValue><{name} type=\"ByteString\" value=\"{value}\"/>\
             </KeyValue></KeyBlock></ResponsePayload>"
        )
    };
    for text in [
        key("KeyMaterial", "00112233445566778899x"),
        key("KeyMateriel", "001122334455667788"),
        key("TTLV tag=\"0x540001\"", "001122334455667788") + "x",
    ] {
        let output = run(&["decode", "--lenient"], text.as_bytes());
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(shown.contains("  KeyBlock\n"), "{shown}");
        assert!(
            !format!("{shown}{errors}").contains("3344"),
            "{shown}{errors}"
        );
    }
}
