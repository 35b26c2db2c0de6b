//! `kmip decode`, `convert` and `diff` as processes.

mod common;

use std::fs;

use common::{GET, fails, run, succeeds};

/// A Get response with the key 00112233445566778899AABBCCDDEEFF.
const KEY: &str = r#"<ResponseMessage><ResponseHeader><ProtocolVersion>
<ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/>
</ProtocolVersion><TimeStamp type="DateTime" value="2020-01-01T00:00:00Z"/><BatchCount type="Integer" value="1"/></ResponseHeader>
<BatchItem><Operation type="Enumeration" value="Get"/><ResultStatus type="Enumeration" value="Success"/>
<ResponsePayload><ObjectType type="Enumeration" value="SymmetricKey"/><UniqueIdentifier type="TextString" value="a"/>
<SymmetricKey><KeyBlock><KeyFormatType type="Enumeration" value="Raw"/><KeyValue>
<KeyMaterial type="ByteString" value="00112233445566778899aabbccddeeff"/>
</KeyValue><CryptographicAlgorithm type="Enumeration" value="AES"/><CryptographicLength type="Integer" value="128"/>
</KeyBlock></SymmetricKey></ResponsePayload></BatchItem></ResponseMessage>"#;

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits"))
        .collect()
}

#[test]
fn every_form_of_a_message_is_recognised() {
    let tree = "\
RequestMessage KMIP 1.2
  RequestHeader
    ProtocolVersion
      ProtocolVersionMajor: 1 Integer
      ProtocolVersionMinor: 2 Integer
    BatchCount: 1 Integer
  BatchItem
    Operation: Get (0x0000000A) Enumeration
    RequestPayload
      UniqueIdentifier: \"a\" Text String
";
    let binary = bytes(GET);
    let json = succeeds(&["convert", "--to", "json", GET], b"");
    let xml = succeeds(&["convert", "--to", "xml", "--compact", GET], b"");
    let http = [
        format!(
            "POST /kmip HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
            binary.len()
        )
        .as_bytes(),
        &binary,
    ]
    .concat();
    let spaced: String = GET
        .as_bytes()
        .chunks(32)
        .enumerate()
        .map(|(line, digits)| {
            let digits: Vec<_> = digits.chunks(2).map(String::from_utf8_lossy).collect();
            format!(
                "{:08x}  {}  |................|\n",
                line * 16,
                digits.join(" ")
            )
        })
        .collect();
    let base64 = "QgB4AQAAAHBCAHcBAAAAOEIAaQEAAAAgQgBqAgAAAAQAAAABAAAAAEIAawIAAAAEAAAAAgAAAABCAA0CAAAABAAAAAEAAAAAQgAPAQAAAChCAFwFAAAABAAAAAoAAAAAQgB5AQAAABBCAJQHAAAAAWEAAAAAAAAA";
    let forms: [(&str, &[u8]); 7] = [
        ("Ttlv", &binary),
        ("Hex, Ttlv", GET.as_bytes()),
        ("Hex, Ttlv", spaced.as_bytes()),
        ("Base64, Ttlv", base64.as_bytes()),
        ("Http, Ttlv", &http),
        ("Json", json.as_bytes()),
        ("Xml", xml.as_bytes()),
    ];
    for (form, input) in forms {
        let shown = succeeds(&["decode"], input);
        assert_eq!(shown, format!("# standard input, {form}\n{tree}"));
        assert_eq!(succeeds(&["decode", "--strict", "-"], input), shown);
        let text = succeeds(&["convert", "--to", "text"], input);
        assert_eq!(text, tree);
        assert_eq!(
            succeeds(&["convert", "--to", "hex"], input),
            format!("{GET}\n")
        );
    }
    assert!(succeeds(&["decode", GET], b"").starts_with("# argument, Hex, Ttlv\n"));
    let output = run(&["convert", "--to", "ttlv"], json.as_bytes());
    assert_eq!(output.stdout, binary);
}

#[test]
fn files_are_read_and_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let (input, output) = (directory.path().join("in"), directory.path().join("out"));
    fs::write(&input, bytes(GET)).expect("a file");
    let (input, output) = (
        input.to_str().expect("a path"),
        output.to_str().expect("a path"),
    );
    succeeds(&["convert", "--to", "xml", "-o", output, input], b"");
    assert!(
        fs::read_to_string(output)
            .expect("a file")
            .starts_with("<RequestMessage>\n")
    );
    assert_eq!(succeeds(&["diff", input, output], b""), "");
    let (_, error) = fails(&["decode", "missing.bin"], b"");
    assert!(
        error.starts_with("kmip: cannot read missing.bin: "),
        "{error}"
    );
}

#[test]
fn secrets_are_shown_only_on_demand() {
    for arguments in [&["decode"][..], &["convert", "--to", "text"]] {
        let shown = succeeds(arguments, KEY.as_bytes());
        assert!(
            shown.contains("KeyMaterial: [redacted, 16 bytes] Byte String"),
            "{shown}"
        );
        assert!(!shown.contains("00112233"), "{shown}");
        let shown = succeeds(&[arguments, &["--show-secrets"]].concat(), KEY.as_bytes());
        assert!(
            shown.contains("KeyMaterial: 00112233445566778899aabbccddeeff Byte String"),
            "{shown}"
        );
    }
    let other = KEY.replace("eeff", "eeee");
    let shown = run(&["diff", KEY, &other], b"");
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    assert!(shown.ends_with("KeyMaterial\n  - [redacted, 16 bytes] Byte String\n  + [redacted, 16 bytes] Byte String\n"), "{shown}");
    // Nor are they shown around a fault.
    let broken = KEY.replace("eeff", "eefg");
    let (shown, error) = fails(&["decode"], broken.as_bytes());
    assert!(
        !format!("{shown}{error}").contains("00112233"),
        "{shown}{error}"
    );
    assert!(
        error.contains("`g` at digit 31 is not a valid hexadecimal digit"),
        "{error}"
    );
}

#[test]
fn colours_are_for_terminals() {
    let escape = "\x1B[";
    assert!(!succeeds(&["decode", GET], b"").contains(escape));
    assert!(succeeds(&["decode", "--color", "always", GET], b"").contains(escape));
    // A text cannot move the cursor.
    let xml = succeeds(&["convert", "--to", "json", GET], b"").replace("\"a\"", "\"\\u001b[2J\"");
    let shown = succeeds(&["decode"], xml.as_bytes());
    assert!(shown.contains(r#""\u{1b}[2J""#), "{shown}");
}

#[test]
fn strict_decoding_refuses_what_lenient_decoding_shows() {
    let xml = succeeds(&["convert", "--to", "xml", GET], b"");
    let extra = xml.replace(
        "<UniqueIdentifier",
        "<Comment type=\"TextString\" value=\"x\"/>\n<UniqueIdentifier",
    );
    let shown = succeeds(&["decode"], extra.as_bytes());
    assert!(shown.contains("Comment: \"x\" Text String"), "{shown}");
    let (_, error) = fails(&["decode", "--strict"], extra.as_bytes());
    assert!(error.contains("Comment is not expected here"), "{error}");
}

#[test]
fn differences_are_named_by_path() {
    let xml = succeeds(&["convert", "--to", "xml", KEY], b"");
    let other = xml.replace("\"AES\"", "\"DES3\"").replace(
        "<BatchCount",
        "<ClientCorrelationValue type=\"TextString\" value=\"c\"/><BatchCount",
    );
    let output = run(&["diff", KEY, &other], b"");
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(
        shown,
        "ResponseMessage/ResponseHeader/ClientCorrelationValue\n  + \"c\" Text String\n\
         ResponseMessage/BatchItem/ResponsePayload/SymmetricKey/KeyBlock/CryptographicAlgorithm\n  \
         - AES (0x00000003) Enumeration\n  + DES3 (0x00000002) Enumeration\n"
    );
}
