//! Bad JSON and XML: what is wrong, in which item, and at which byte.

use kmip::codec::{Limits, Options, RawValue, Result};
use kmip::types::{RequestMessage, Tag};
use kmip::{ProtocolVersion, json, xml};

/// A request with something in the place of its batch item's content, and the fault: the text
/// before `@` is where the offset must point at.
fn json_request(item: &str) -> String {
    format!(
        r#"{{"tag":"RequestMessage","value":[{{"tag":"RequestHeader","value":[
            {{"tag":"ProtocolVersion","value":[
                {{"tag":"ProtocolVersionMajor","type":"Integer","value":2}},
                {{"tag":"ProtocolVersionMinor","type":"Integer","value":1}}]}},
            {{"tag":"BatchCount","type":"Integer","value":1}}]}},
        {{"tag":"BatchItem","value":[{item}]}}]}}"#
    )
}

fn xml_request(item: &str) -> String {
    format!(
        r#"<RequestMessage><RequestHeader>
            <ProtocolVersion><ProtocolVersionMajor type="Integer" value="2"/>
            <ProtocolVersionMinor type="Integer" value="1"/></ProtocolVersion>
            <BatchCount type="Integer" value="1"/></RequestHeader>
        <BatchItem>{item}</BatchItem></RequestMessage>"#
    )
}

/// Decodes `text` without the mark `@`, whose place must be the error's offset.
fn fails_at(
    text: &str,
    expected: &str,
    options: &Options,
    decode: impl Fn(&[u8], &Options) -> Result<()>,
) {
    let offset = text.find('@').expect("a mark");
    let text = text.replacen('@', "", 1);
    let error = decode(text.as_bytes(), options).expect_err(&text);
    assert_eq!(
        error.to_string(),
        format!("{expected}, byte {offset}"),
        "{text}"
    );
}

fn json_fails(text: &str, expected: &str, options: &Options) {
    fails_at(text, expected, options, |bytes, options| {
        json::decode::<RequestMessage<'_>>(bytes, options).map(drop)
    });
}

fn xml_fails(text: &str, expected: &str, options: &Options) {
    fails_at(text, expected, options, |bytes, options| {
        xml::decode::<RequestMessage<'_>>(bytes, options).map(drop)
    });
}

const ITEM: &str = "RequestMessage/BatchItem[0]";

#[test]
fn faults_in_json_are_named_with_path_and_offset() {
    let lenient = Options::default();
    let get = r#"{"tag":"Operation","type":"Enumeration","value":"Get"}"#;
    let operation =
        |value: &str| format!(r#"@{{"tag":"Operation","type":"Enumeration","value":{value}}}"#);
    let cases = [
        (operation(r#""Got""#), format!("`Got` is not a value of Operation at {ITEM}/Operation")),
        (operation("1.5"), format!("a number with a fraction or of more than 64 bits is not a valid Enumeration at {ITEM}/Operation")),
        (operation("99999999999"), format!("99999999999 is not a valid Enumeration at {ITEM}/Operation")),
        (operation("100000000000000000000"), format!("a number with a fraction or of more than 64 bits is not a valid Enumeration at {ITEM}/Operation")),
        (operation("[]"), format!("an item with items in it is not a valid Enumeration at {ITEM}/Operation")),
        (
            r#"@{"tag":"Operation","type":"Integer","value":10}"#.to_owned(),
            format!("expected Enumeration, found Integer at {ITEM}/Operation"),
        ),
        (
            format!(r#"{get},{{"tag":"RequestPayload","value":[@{{"tag":"UniqueIdentifier","type":"ByteString","value":"00"}}]}}"#),
            format!("expected Text String, found Byte String at {ITEM}/RequestPayload/UniqueIdentifier"),
        ),
        (
            format!(r#"{get},{{"tag":"UniqueBatchItemID","type":"ByteString","value":"0g"}}"#).replace(r#"{"tag":"Unique"#, r#"@{"tag":"Unique"#),
            format!("`g` at digit 1 is not a valid hexadecimal digit at {ITEM}/UniqueBatchItemID"),
        ),
        (
            r#"@{"tag":"Operation","type":"Enumeration","tag":"BatchCount","value":"Get"}"#.to_owned(),
            "two members `tag` at RequestMessage/BatchItem/Operation".to_owned(),
        ),
        (
            r#"@{"tag":"Operation","value":"Get"}"#.to_owned(),
            "the item has no type at RequestMessage/BatchItem/Operation".to_owned(),
        ),
        (
            r#"@{"type":"Enumeration","value":"Get"}"#.to_owned(),
            "the item has no tag at RequestMessage/BatchItem".to_owned(),
        ),
        (
            r#"@{"tag":"Oparation","type":"Enumeration","value":"Get"}"#.to_owned(),
            "`Oparation` is not a tag at RequestMessage/BatchItem".to_owned(),
        ),
        (
            r#"@{"tag":"0x42000","type":"Enumeration","value":"Get"}"#.to_owned(),
            "`0x42000` is not a tag at RequestMessage/BatchItem".to_owned(),
        ),
        (
            r#"@{"tag":"Operation","type":"Enum","value":"Get"}"#.to_owned(),
            "`Enum` is not an item type at RequestMessage/BatchItem/Operation".to_owned(),
        ),
        (
            r#"{"tag":"Operation","type":"Enumeration","value":@{"a":1}}"#.to_owned(),
            "invalid type: map, expected a value: a text, a number, a Boolean, null or a list of items at RequestMessage/BatchItem/Operation".to_owned(),
        ),
        (
            r#"{"tag":"Operation","type":"Enumeration","value":"Get"@x}"#.to_owned(),
            "expected `,` or `}` at RequestMessage/BatchItem/Operation".to_owned(),
        ),
    ];
    for (item, expected) in cases {
        json_fails(&json_request(&item), &expected, &lenient);
    }
    json_fails(
        &json_request("").replace(r#"{"tag":"BatchItem""#, r#"@{"tag":"BatchItem""#),
        &format!("the required field Operation is missing at {ITEM}"),
        &lenient,
    );
}

#[test]
fn faults_in_xml_are_named_with_path_and_offset() {
    let lenient = Options::default();
    let get = r#"<Operation type="Enumeration" value="Get"/>"#;
    let cases = [
        (r#"@<Operation type="Enumeration" value="Got"/>"#.to_owned(), format!("`Got` is not a value of Operation at {ITEM}/Operation")),
        (r#"@<Operation type="Integer" value="10"/>"#.to_owned(), format!("expected Enumeration, found Integer at {ITEM}/Operation")),
        (r#"@<Operation type="Enumeration"/>"#.to_owned(), format!("no value is not a valid Enumeration at {ITEM}/Operation")),
        (r#"@<Operation value="Get"/>"#.to_owned(), "the item has no type at RequestMessage/BatchItem/Operation".to_owned()),
        (r#"@<Operation type="Enum" value="Get"/>"#.to_owned(), "`Enum` is not an item type at RequestMessage/BatchItem".to_owned()),
        (r#"@<Oparation type="Enumeration" value="Get"/>"#.to_owned(), "`Oparation` is not a tag at RequestMessage/BatchItem".to_owned()),
        (r#"@<TTLV type="Enumeration" value="Get"/>"#.to_owned(), "a TTLV element without tag at RequestMessage/BatchItem".to_owned()),
        (r#"@<Operation tag="0x42000D" type="Enumeration" value="Get"/>"#.to_owned(), "only a TTLV element has the attribute `tag` at RequestMessage/BatchItem".to_owned()),
        (r#"@<Operation type="Enumeration" value="Get" value="Locate"/>"#.to_owned(), "an attribute stands twice at RequestMessage/BatchItem".to_owned()),
        (format!(r#"{get}<RequestPayload>@<UniqueIdentifier type="ByteString" value="00"/></RequestPayload>"#), format!("expected Text String, found Byte String at {ITEM}/RequestPayload/UniqueIdentifier")),
        (format!(r#"{get}@<RequestPayload value="x"/>"#), "the item has no type at RequestMessage/BatchItem/RequestPayload".to_owned()),
        (r#"<Operation type="Enumeration" value="Get">@<Operation/></Operation>"#.to_owned(), "an item in an item that is no structure at RequestMessage/BatchItem/Operation/Operation".to_owned()),
        ("@<![CDATA[x]]>".to_owned(), "a CDATA section at RequestMessage/BatchItem".to_owned()),
        ("@text".to_owned(), "text outside of attributes at RequestMessage/BatchItem".to_owned()),
        ("@&amp;".to_owned(), "text outside of attributes at RequestMessage/BatchItem".to_owned()),
        ("@<?php?>".to_owned(), "a processing instruction at RequestMessage/BatchItem".to_owned()),
        (r#"@<Operation type="Enumeration" value="&x;"/>"#.to_owned(), "an entity that is not declared at RequestMessage/BatchItem".to_owned()),
        (r#"@<Operation type="Enumeration" value="&#0;"/>"#.to_owned(), "a reference to a character that XML does not have at RequestMessage/BatchItem".to_owned()),
    ];
    for (item, expected) in cases {
        xml_fails(&xml_request(&item), &expected, &lenient);
    }
    xml_fails(
        &xml_request("").replace("<BatchItem>", "@<BatchItem>"),
        &format!("the required field Operation is missing at {ITEM}"),
        &lenient,
    );
}

#[test]
fn documents_that_are_no_message_are_refused() {
    let lenient = Options::default();
    let json = [
        ("@", "EOF while parsing a value"),
        (
            "[@]",
            "invalid type: sequence, expected an item: an object with `tag`, `type` and `value`",
        ),
        (
            r#"@{"tag":"BatchCount","type":"Integer","value":1}"#,
            "expected RequestMessage, found BatchCount",
        ),
        (
            r#"{"tag":"RequestMessage","value":@"#,
            "EOF while parsing a value at RequestMessage",
        ),
        ("{@}", "the item has no tag"),
    ];
    for (text, expected) in json {
        let text = text.replace("[@]", "@[]").replace("{@}", "@{}");
        json_fails(&text, expected, &lenient);
    }
    json_fails(
        &format!(
            "{} @{{}}",
            json_request(
                r#"{"tag":"Operation","type":"Enumeration","value":"Ping"},{"tag":"RequestPayload"}"#
            )
        ),
        "trailing characters",
        &lenient,
    );
    let xml = [
        ("@", "there is no element"),
        (
            "@<!DOCTYPE a [<!ENTITY x 'y'>]><RequestMessage/>",
            "a document type declaration",
        ),
        ("@<?xml version='1.1'?><RequestMessage/>", "not XML 1.0"),
        (
            "@<?xml version='1.0' encoding='latin1'?><RequestMessage/>",
            "an encoding other than UTF-8",
        ),
        (
            "<!-- -->@<?xml version='1.0'?><RequestMessage/>",
            "an XML declaration that is not at the begin",
        ),
        (
            "<RequestMessage>@",
            "the text ends inside an element at RequestMessage",
        ),
        (
            "@<BatchCount type='Integer' value='1'/>",
            "expected RequestMessage, found BatchCount",
        ),
    ];
    for (text, expected) in xml {
        xml_fails(text, expected, &lenient);
    }
    let ping = r#"<Operation type="Enumeration" value="Ping"/><RequestPayload/>"#;
    xml_fails(
        &format!("{}@<BatchCount/>", xml_request(ping)),
        "BatchCount is not expected here",
        &lenient,
    );
}

#[test]
fn strict_decoding_refuses_what_is_not_in_the_specification() {
    let strict = Options::strict();
    json_fails(
        &json_request(r#"@{"tag":"Operation","type":"Enumeration","value":"Get","comment":1}"#),
        "an item has no member `comment` at RequestMessage/BatchItem/Operation",
        &strict,
    );
    json_fails(
        &json_request(r#"@{"tag":"Operation","type":"Enumeration","value":"get"}"#),
        &format!("`get` is not a value of Operation at {ITEM}/Operation"),
        &strict,
    );
    xml_fails(
        &xml_request(r#"@<Operation type="Enumeration" value="Get" comment="1"/>"#),
        "an attribute other than tag, name, type and value at RequestMessage/BatchItem",
        &strict,
    );
    xml_fails(
        &xml_request(r#"@<Operation xmlns="urn:other" type="Enumeration" value="Get"/>"#),
        "the namespace is not that of KMIP at RequestMessage/BatchItem",
        &strict,
    );
    xml_fails(
        &xml_request(r#"@<k:Operation type="Enumeration" value="Get"/>"#),
        "`k:Operation` is not a tag at RequestMessage/BatchItem",
        &strict,
    );
}

#[test]
fn errors_show_no_secrets() {
    let item = r#"{"tag":"Operation","type":"Enumeration","value":"Register"},
        {"tag":"RequestPayload","value":[{"tag":"SecretData","value":[{"tag":"KeyBlock","value":[
        {"tag":"KeyFormatType","type":"Enumeration","value":"Raw"},{"tag":"KeyValue","value":[
        {"tag":"KeyMaterial","type":"ByteString","value":"73656372657453O"}]}]}]}]}"#;
    let text = json_request(item);
    let error = json::decode::<RequestMessage<'_>>(text.as_bytes(), &Options::default());
    let shown = format!("{:?}", error.expect_err("not hexadecimal"));
    assert!(shown.contains("`O`") && !shown.contains("7365"), "{shown}");
}

#[test]
fn limits_are_kept() {
    let limits = |change: fn(&mut Limits)| {
        let mut options = Options::default();
        change(&mut options.limits);
        options
    };
    let json = json_request(
        r#"{"tag":"Operation","type":"Enumeration","value":"Ping"},{"tag":"RequestPayload"}"#,
    );
    let xml = xml_request(r#"<Operation type="Enumeration" value="Ping"/><RequestPayload/>"#);
    let cases = [
        (
            limits(|l| l.message_bytes = 100),
            "bytes are more than the limit of 100",
        ),
        (limits(|l| l.depth = 2), "nested deeper than 2 structures"),
        (limits(|l| l.items = 4), "more than 4 items"),
        (limits(|l| l.batch_items = 0), "more than 0 items"),
    ];
    for (options, expected) in cases {
        let in_json = json::decode::<RequestMessage<'_>>(json.as_bytes(), &options);
        let in_xml = xml::decode::<RequestMessage<'_>>(xml.as_bytes(), &options);
        for error in [in_json.expect_err(expected), in_xml.expect_err(expected)] {
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
    let options = limits(|l| l.text_bytes = 3);
    let text = r#"{"tag":"Comment","type":"TextString","value":"abcd"}"#;
    let read: Result<RawValue<'_>> = json::decode_item(
        text.as_bytes(),
        Tag::COMMENT,
        ProtocolVersion::V2_1,
        &options,
    );
    assert_eq!(
        read.expect_err("too long").to_string(),
        "4 bytes are more than the limit of 3 at Comment, byte 0"
    );
}

#[test]
fn texts_that_xml_cannot_hold_are_named_and_nothing_is_written() {
    let mut text = b"before".to_vec();
    let value = RawValue::from("a\u{1}");
    let version = ProtocolVersion::V2_1;
    let error = xml::encode_item(&value, Tag::COMMENT, version, &mut text);
    assert_eq!(
        error.expect_err("a control character").to_string(),
        "U+0001 is not a valid character of XML at Comment"
    );
    assert_eq!(text, b"before");
}
