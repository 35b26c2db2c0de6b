//! The forms of values in JSON and XML: what strict and lenient decoding take, and what is written.

use kmip::ProtocolVersion;
use kmip::codec::{Options, RawItem, RawValue};
use kmip::types::{
    BigInteger, CredentialType, CryptographicAlgorithm, CryptographicUsageMask, DateTime,
    DateTimeExtended, HashingAlgorithm, Interval, Tag,
};
use kmip::{json, ttlv, xml};

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

/// Who takes a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Strict and lenient decoding.
    Both,
    /// Only lenient decoding.
    Lenient,
    /// Nobody.
    None,
}
use Takes::{Both, Lenient, None as Nobody};

/// Type, value in JSON, value in XML, with who takes them, and what they mean.
type Row = (
    Tag,
    &'static str,
    (&'static str, Takes),
    (&'static str, Takes),
    RawValue<'static>,
);

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    let mask = |mask: CryptographicUsageMask| RawValue::Integer(mask.0 as i32);
    let (encrypt, both) = (
        CryptographicUsageMask::ENCRYPT,
        CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
    );
    let hash = |value: HashingAlgorithm| RawValue::Enumeration(value.0);
    let big = |bytes: &[u8]| RawValue::BigInteger(BigInteger(bytes.to_vec().into()));
    let bytes = |bytes: &[u8]| RawValue::ByteString(bytes.to_vec().into());
    let time = RawValue::DateTime(DateTime(0x47DA_67F8));
    let micros = RawValue::DateTimeExtended(DateTimeExtended(1_402_388_612_000_001));
    let count = Tag::BATCH_COUNT;
    let usage = Tag::CRYPTOGRAPHIC_USAGE_MASK;
    let limit = Tag::USAGE_LIMITS_TOTAL;
    let number = Tag::MODULUS;
    let algorithm = Tag::CRYPTOGRAPHIC_ALGORITHM;
    let hashing = Tag::HASHING_ALGORITHM;
    let fresh = Tag::FRESH;
    let text = Tag::COMMENT;
    let data = Tag::DATA;
    let date = Tag::ACTIVATION_DATE;
    let lease = Tag::LEASE_TIME;
    let no_value = RawValue::Integer(0);
    vec![
        (count, "Integer", ("7", Both), ("7", Both), RawValue::Integer(7)),
        (count, "Integer", ("-7", Both), ("-7", Both), RawValue::Integer(-7)),
        (count, "Integer", (r#""0x0000000A""#, Both), ("0x0000000A", Both), RawValue::Integer(10)),
        (count, "Integer", (r#""0xffffffff""#, Both), ("0xFFFFFFFF", Both), RawValue::Integer(-1)),
        (count, "Integer", (r#""0xA""#, Lenient), ("0xA", Lenient), RawValue::Integer(10)),
        (count, "Integer", (r#""7""#, Lenient), (" 7 ", Lenient), RawValue::Integer(7)),
        (count, "Integer", ("2147483648", Nobody), ("2147483648", Nobody), no_value.clone()),
        (count, "Integer", ("1e3", Nobody), ("1e3", Nobody), no_value.clone()),
        (count, "Integer", ("true", Nobody), ("true", Nobody), no_value.clone()),
        (count, "Integer", ("null", Nobody), ("", Nobody), no_value.clone()),
        (count, "Integer", (r#""0x000000001""#, Nobody), ("0x", Nobody), no_value.clone()),
        (count, "Integer", (r#""0x+0000007""#, Nobody), ("0x-0000007", Nobody), no_value.clone()),
        (usage, "Integer", (r#""Encrypt|Decrypt""#, Both), ("Decrypt  Encrypt", Both), mask(both)),
        (usage, "Integer", (r#""Encrypt Decrypt""#, Lenient), ("Encrypt|Decrypt", Lenient), mask(both)),
        (usage, "Integer", (r#""0x00000008|Encrypt""#, Both), ("Encrypt 0x00000008", Both), mask(both)),
        (usage, "Integer", ("12", Both), ("12", Both), mask(both)),
        (usage, "Integer", (r#""encrypt""#, Lenient), ("ENCRYPT", Lenient), mask(encrypt)),
        (usage, "Integer", (r#""""#, Lenient), ("", Lenient), mask(CryptographicUsageMask(0))),
        (usage, "Integer", (r#""0x80000000""#, Both), ("0x80000000", Both), RawValue::Integer(i32::MIN)),
        (usage, "Integer", ("2147483648", Both), ("-2147483648", Both), RawValue::Integer(i32::MIN)),
        // A bit that 2.x reserves, by the name that everybody gives it.
        (usage, "Integer", (r#""ContentCommitment""#, Both), ("ContentCommitment", Both), RawValue::Integer(0x400)),
        (usage, "Integer", (r#""Encrypt|Fly""#, Nobody), ("Encrypt Fly", Nobody), no_value.clone()),
        (limit, "LongInteger", ("7", Both), ("7", Both), RawValue::LongInteger(7)),
        (limit, "LongInteger", ("4503599627370495", Both), ("4503599627370495", Both), RawValue::LongInteger((1 << 52) - 1)),
        (limit, "LongInteger", ("4503599627370496", Lenient), ("4503599627370496", Both), RawValue::LongInteger(1 << 52)),
        (limit, "LongInteger", (r#""0x0010000000000000""#, Both), ("0x0010000000000000", Both), RawValue::LongInteger(1 << 52)),
        (limit, "LongInteger", (r#""0x10000000000000""#, Lenient), ("0x10000000000000", Lenient), RawValue::LongInteger(1 << 52)),
        (limit, "LongInteger", (r#""0xFFFFFFFFFFFFFFFF""#, Both), ("-1", Both), RawValue::LongInteger(-1)),
        (limit, "LongInteger", ("9223372036854775808", Nobody), ("9223372036854775808", Nobody), no_value.clone()),
        (limit, "LongInteger", ("99999999999999999999", Nobody), ("99999999999999999999", Nobody), no_value.clone()),
        (number, "BigInteger", (r#""0x0000000000000102""#, Both), ("0000000000000102", Both), big(&[0, 0, 0, 0, 0, 0, 1, 2])),
        (number, "BigInteger", (r#""0000000000000102""#, Lenient), ("0x0000000000000102", Lenient), big(&[0, 0, 0, 0, 0, 0, 1, 2])),
        (number, "BigInteger", (r#""0x102""#, Lenient), ("102", Lenient), big(&[0, 0, 0, 0, 0, 0, 1, 2])),
        (number, "BigInteger", ("258", Both), ("00000000 00000102", Lenient), big(&[0, 0, 0, 0, 0, 0, 1, 2])),
        (number, "BigInteger", ("-1", Both), ("ffffffffffffffff", Both), big(&[0xFF; 8])),
        (algorithm, "Enumeration", (r#""AES""#, Both), ("AES", Both), RawValue::Enumeration(3)),
        (algorithm, "Enumeration", (r#""0x00000003""#, Both), ("0x00000003", Both), RawValue::Enumeration(3)),
        (algorithm, "Enumeration", ("3", Both), ("3", Lenient), RawValue::Enumeration(3)),
        (algorithm, "Enumeration", (r#""3""#, Lenient), ("0x3", Lenient), RawValue::Enumeration(3)),
        (algorithm, "Enumeration", (r#""aes""#, Lenient), ("Aes", Lenient), RawValue::Enumeration(3)),
        (algorithm, "Enumeration", (r#""3DES""#, Lenient), ("3DES", Lenient), RawValue::Enumeration(2)),
        (algorithm, "Enumeration", (r#""0x80000001""#, Both), ("0x80000001", Both), RawValue::Enumeration(0x8000_0001)),
        (algorithm, "Enumeration", ("-1", Nobody), ("-1", Nobody), no_value.clone()),
        (algorithm, "Enumeration", (r#""Rot13""#, Nobody), ("Rot13", Nobody), no_value.clone()),
        // The same name has another number in another enumeration, and an older spelling here.
        (hashing, "Enumeration", (r#""SHA3_224""#, Both), ("SHA3_224", Both), hash(HashingAlgorithm::SHA3_224)),
        (hashing, "Enumeration", (r#""SHA_3_224""#, Both), ("SHA_3_224", Both), hash(HashingAlgorithm::SHA3_224)),
        (algorithm, "Enumeration", (r#""SHA3_224""#, Both), ("SHA3_224", Both), RawValue::Enumeration(CryptographicAlgorithm::SHA3_224.0)),
        (fresh, "Boolean", ("true", Both), ("true", Both), RawValue::Boolean(true)),
        (fresh, "Boolean", (r#""0x0000000000000001""#, Both), ("1", Both), RawValue::Boolean(true)),
        (fresh, "Boolean", ("1", Lenient), ("True", Lenient), RawValue::Boolean(true)),
        (fresh, "Boolean", (r#""false""#, Lenient), ("0x0", Lenient), RawValue::Boolean(false)),
        (fresh, "Boolean", ("2", Nobody), ("2", Nobody), no_value.clone()),
        (text, "TextString", (r#""a\"\u00e9\n""#, Both), ("a&quot;&#xe9;&#10;", Both), "a\"é\n".into()),
        (text, "TextString", (r#""""#, Both), ("", Both), "".into()),
        (text, "TextString", ("7", Nobody), ("&undefined;", Nobody), no_value.clone()),
        (data, "ByteString", (r#""00fF""#, Both), ("00fF", Both), bytes(&[0, 255])),
        (data, "ByteString", (r#""""#, Both), ("", Both), bytes(&[])),
        (data, "ByteString", (r#""0x00ff""#, Lenient), ("0X00ff", Lenient), bytes(&[0, 255])),
        (data, "ByteString", (r#""fff""#, Lenient), ("fff", Lenient), bytes(&[15, 255])),
        (data, "ByteString", (r#""00 ff""#, Lenient), ("00&#10;ff", Lenient), bytes(&[0, 255])),
        (data, "ByteString", (r#""0g""#, Nobody), ("0g", Nobody), no_value.clone()),
        (date, "DateTime", (r#""2008-03-14T11:56:40+00:00""#, Both), ("2008-03-14T11:56:40Z", Both), time.clone()),
        (date, "DateTime", (r#""2008-03-14T12:56:40.5+01:00""#, Both), ("2008-03-14T06:56:40-05:00", Both), time.clone()),
        (date, "DateTime", (r#""0x0000000047DA67F8""#, Both), ("0x0000000047da67f8", Both), time.clone()),
        (date, "DateTime", (r#""0x47DA67F8""#, Lenient), ("1205495800", Lenient), time.clone()),
        (date, "DateTime", ("1205495800", Lenient), ("2008-03-14 11:56:40", Lenient), time.clone()),
        (date, "DateTime", (r#""2008-02-30T00:00:00Z""#, Nobody), ("yesterday", Nobody), no_value.clone()),
        (lease, "Interval", ("4294967295", Both), ("4294967295", Both), RawValue::Interval(Interval(u32::MAX))),
        (lease, "Interval", (r#""0x00000E10""#, Both), ("0x00000E10", Both), RawValue::Interval(Interval(3600))),
        (lease, "Interval", ("-1", Nobody), ("4294967296", Nobody), no_value),
        (date, "DateTimeExtended", (r#""2014-06-10T08:23:32.000001Z""#, Both), ("2014-06-10T08:23:32.000001+00:00", Both), micros.clone()),
        (date, "DateTimeExtended", ("1402388612000001", Lenient), ("1402388612000001", Lenient), micros),
    ]
}

fn check<T: std::fmt::Debug + PartialEq>(
    form: &str,
    takes: Takes,
    expected: &T,
    decode: impl Fn(&Options) -> kmip::codec::Result<T>,
) {
    let strict = decode(&Options::strict());
    let lenient = decode(&Options::default());
    match takes {
        Both => assert_eq!(strict.as_ref(), Ok(expected), "strict: {form}"),
        _ => assert!(strict.is_err(), "strict: {form} is {strict:?}"),
    }
    match takes {
        Nobody => {
            let error = lenient.expect_err(form);
            assert!(error.offset().is_some(), "{form}: {error}");
        }
        _ => assert_eq!(lenient.as_ref(), Ok(expected), "lenient: {form}"),
    }
}

#[test]
fn values_are_read_in_all_their_forms() {
    for (tag, name, (in_json, takes_json), (in_xml, takes_xml), expected) in rows() {
        let text = format!(r#"{{"tag":"{tag}","type":"{name}","value":{in_json}}}"#);
        check(&text, takes_json, &expected, |options| {
            json::decode_item(text.as_bytes(), tag, VERSION, options).map(own)
        });
        let text = format!(r#"<{tag} type="{name}" value="{in_xml}"/>"#);
        check(&text, takes_xml, &expected, |options| {
            xml::decode_item(text.as_bytes(), tag, VERSION, options).map(own)
        });
    }
}

fn own(value: RawValue<'_>) -> RawValue<'static> {
    kmip::types::IntoOwned::into_owned(value)
}

#[test]
fn values_are_written_in_the_canonical_form_and_read_strictly() {
    for (tag, .., expected) in rows() {
        let mut text = Vec::new();
        json::encode_item(&expected, tag, VERSION, &mut text).expect("JSON");
        let read: RawValue<'_> =
            json::decode_item(&text, tag, VERSION, &Options::strict()).expect("JSON");
        assert_eq!(read, expected, "{}", String::from_utf8_lossy(&text));
        let mut text = Vec::new();
        xml::encode_item(&expected, tag, VERSION, &mut text).expect("XML");
        let read: RawValue<'_> =
            xml::decode_item(&text, tag, VERSION, &Options::strict()).expect("XML");
        assert_eq!(read, expected, "{}", String::from_utf8_lossy(&text));
    }
}

#[test]
#[rustfmt::skip]
fn canonical_forms() {
    let cases = [
        (Tag::CRYPTOGRAPHIC_USAGE_MASK, RawValue::Integer(0x4000_000C), r#""Encrypt|Decrypt|0x40000000""#, "Encrypt Decrypt 0x40000000"),
        (Tag::CRYPTOGRAPHIC_USAGE_MASK, RawValue::Integer(0), r#""0x00000000""#, "0x00000000"),
        (Tag::USAGE_LIMITS_TOTAL, RawValue::LongInteger(1 << 52), r#""0x0010000000000000""#, "4503599627370496"),
        (Tag::MODULUS, RawValue::BigInteger(BigInteger(vec![0xFE].into())), r#""0xfffffffffffffffe""#, "fffffffffffffffe"),
        (Tag::CREDENTIAL_TYPE, RawValue::Enumeration(CredentialType::DEVICE.0), r#""Device""#, "Device"),
        (Tag::CREDENTIAL_TYPE, RawValue::Enumeration(0x8000_0001), r#""0x80000001""#, "0x80000001"),
        (Tag::DATA, RawValue::ByteString(vec![0xAB].into()), r#""ab""#, "ab"),
        (Tag::ACTIVATION_DATE, RawValue::DateTime(DateTime(0)), r#""1970-01-01T00:00:00+00:00""#, "1970-01-01T00:00:00+00:00"),
        (Tag::COMMENT, "<\"\t>".into(), r#""<\"\t>""#, "&lt;&quot;&#9;&gt;"),
    ];
    for (tag, value, in_json, in_xml) in cases {
        let mut text = Vec::new();
        json::encode_item(&value, tag, VERSION, &mut text).expect("JSON");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.ends_with(&format!(r#""value":{in_json}}}"#)), "{text}");
        let mut text = Vec::new();
        xml::encode_item(&value, tag, VERSION, &mut text).expect("XML");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.ends_with(&format!(r#"value="{in_xml}"/>"#)), "{text}");
    }
}

#[test]
fn unknown_items_survive_all_encodings() {
    let item = |tag: u32, value: RawValue<'static>| RawItem {
        tag: Tag(tag),
        value,
    };
    let value = RawValue::Structure(vec![
        item(0x54_0001, RawValue::Integer(1)),
        item(
            0x54_0002,
            RawValue::Structure(vec![
                item(0x42_FFFF, RawValue::Enumeration(5)),
                item(0x54_0003, RawValue::Structure(Vec::new())),
                item(0x54_0004, "text".into()),
            ]),
        ),
        item(Tag::COMMENT.0, "known".into()),
        item(0x54_0005, RawValue::ByteString(vec![1, 2].into())),
        item(
            0x54_0006,
            RawValue::BigInteger(BigInteger(vec![0; 8].into())),
        ),
    ]);
    let tag = Tag::VENDOR_EXTENSION;
    let (mut first, mut in_json, mut in_xml, mut last) = (vec![], vec![], vec![], vec![]);
    ttlv::encode_item(&value, tag, VERSION, &mut first).expect("TTLV");
    let options = Options::strict();
    let read: RawValue<'_> = ttlv::decode_item(&first, tag, VERSION, &options).expect("TTLV");
    json::encode_item(&read, tag, VERSION, &mut in_json).expect("JSON");
    let read: RawValue<'_> = json::decode_item(&in_json, tag, VERSION, &options).expect("JSON");
    xml::encode_item_indented(&read, tag, VERSION, &mut in_xml).expect("XML");
    let in_xml = String::from_utf8(in_xml).expect("UTF-8");
    assert!(in_xml.contains(r#"<TTLV tag="0x540003"/>"#), "{in_xml}");
    let read: RawValue<'_> =
        xml::decode_item(in_xml.as_bytes(), tag, VERSION, &options).expect("XML");
    ttlv::encode_item(&read, tag, VERSION, &mut last).expect("TTLV");
    assert_eq!(first, last);
}

#[test]
fn members_and_attributes_come_in_any_order() {
    let orders = [
        r#"{"tag":"Name","type":"Structure","value":[V]}"#,
        r#"{"type":"Structure","value":[V],"tag":"Name"}"#,
        r#"{"value":[V],"tag":"Name"}"#,
        r#"{"value":[V],"name":"x","type":"Structure","comment":{"a":[1]},"tag":"Name"}"#,
        "\u{FEFF} {\n \"tag\" : \"0x420053\", \"value\" : [ V ] }\r\n",
        r#"{"t\u0061g":"N\u0061me","value":[V]}"#,
    ];
    let items = r#"{"value":"a","type":"TextString","tag":"NameValue"},
        {"type":"Enumeration","tag":"NameType","value":"URI"}"#;
    let expected = RawValue::Structure(vec![
        RawItem {
            tag: Tag::NAME_VALUE,
            value: "a".into(),
        },
        RawItem {
            tag: Tag::NAME_TYPE,
            value: RawValue::Enumeration(2),
        },
    ]);
    for order in orders {
        let text = order.replace('V', items).replace("0x420053", "Name");
        let read: RawValue<'_> =
            json::decode_item(text.as_bytes(), Tag::NAME, VERSION, &Options::default())
                .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read, expected, "{text}");
    }
    let texts = [
        r#"<Name><NameValue type="TextString" value="a"/><NameType type="Enumeration" value="URI"/></Name>"#,
        "\u{FEFF}<?xml version='1.0' encoding='UTF-8'?>\n<!-- a name -->\n<Name type='Structure' xmlns='urn:oasis:tc:kmip:xmlns'>
            <NameValue value='a' type='TextString'></NameValue>
            <TTLV name='NameType' value='URI' type='Enumeration' tag='0x420054'/></Name>\n<!-- end -->",
        r#"<k:Name xmlns:k="urn:oasis:tc:kmip:xmlns"><k:NameValue other="x" type="TextString" value="a"/><NameType type="Enumeration" value="0x00000002"/></k:Name>"#,
    ];
    for text in texts {
        let read: RawValue<'_> =
            xml::decode_item(text.as_bytes(), Tag::NAME, VERSION, &Options::default())
                .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read, expected, "{text}");
    }
}

#[test]
fn a_reader_keeps_nothing_of_the_last_message() {
    let options = Options::default();
    let tag = Tag::COMMENT;
    let mut reader = json::Reader::new();
    for text in [r#""a\n""#, r#""\u0062""#, r#""c""#] {
        let message = format!(r#"{{"tag":"Comment","type":"TextString","value":{text}}}"#);
        let read: RawValue<'_> = reader
            .decode_item(message.as_bytes(), tag, VERSION, &options)
            .expect("a text");
        let expected: String = serde_json::from_str(text).expect("JSON");
        assert_eq!(read.as_text(), Some(expected.as_str()));
        assert!(reader.root_tag(b"{\"tag\":\"Comment\"", &options).is_err());
    }
}

/// The example of the encoding's specification has both kinds of names.
#[test]
fn pkcs11_names_are_those_of_that_standard() {
    let text = br#"<PKCS_11Function type="Enumeration" value="C_Initialize"/>"#;
    let tag = Tag::PKCS_11_FUNCTION;
    let read: RawValue<'_> =
        xml::decode_item(text, tag, VERSION, &Options::strict()).expect("a function");
    assert_eq!(read, RawValue::Enumeration(1));
    let text =
        br#"{"tag":"PKCS_11ReturnCode","type":"Enumeration","value":"SESSION_HANDLE_INVALID"}"#;
    let tag = Tag::PKCS_11_RETURN_CODE;
    let read: RawValue<'_> =
        json::decode_item(text, tag, VERSION, &Options::strict()).expect("a code");
    assert_eq!(read, RawValue::Enumeration(0xB3));
}
