//! `kmip conformance codec` as a process: what it prints, and when it fails.

mod common;

use std::fs;

use common::kmip;
use test_support::reference;

const GET: &str = r#"<KMIP>
# TIME 0
<RequestMessage>
  <RequestHeader>
    <ProtocolVersion>
      <ProtocolVersionMajor type="Integer" value="1"/>
      <ProtocolVersionMinor type="Integer" value="2"/>
    </ProtocolVersion>
    <BatchCount type="Integer" value="1"/>
  </RequestHeader>
  <BatchItem>
    <Operation type="Enumeration" value="Get"/>
    <RequestPayload>
      <UniqueIdentifier type="TextString" value="$UNIQUE_IDENTIFIER_0"/>
    </RequestPayload>
  </BatchItem>
</RequestMessage>
</KMIP>"#;

#[test]
fn the_official_messages_pass() {
    let Some(directory) = reference("conformance") else {
        return;
    };
    let output = kmip()
        .args(["conformance", "codec"])
        .arg(directory.join("xml"))
        .arg("--hex")
        .arg(directory.join("hex"))
        .output()
        .expect("the program");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    let last = text.lines().last().expect("a line");
    assert!(last.contains(" passed, 0 failed, "), "{last}");
}

#[test]
fn files_are_found_at_any_depth_and_counted_by_message() {
    let directory = tempfile::tempdir().expect("a directory");
    let deep = directory.path().join("a/b");
    fs::create_dir_all(&deep).expect("directories");
    fs::write(deep.join("case.xml"), GET).expect("a file");
    fs::write(directory.path().join("notes.txt"), "not a case").expect("a file");
    let newer = GET.replace(
        r#"value="1"/>
      <ProtocolVersionMinor type="Integer" value="2""#,
        r#"value="3"/>
      <ProtocolVersionMinor type="Integer" value="0""#,
    );
    fs::write(deep.join("newer.xml"), newer).expect("a file");
    let output = kmip()
        .args(["conformance", "codec", "-v"])
        .arg(directory.path())
        .output()
        .expect("the program");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("case.xml: 1 passed, 0 failed, 0 skipped\n"),
        "{text}"
    );
    assert!(text.contains("because KMIP 3.0 is newer"), "{text}");
    assert!(
        text.ends_with("\n1 passed, 0 failed, 1 skipped\n"),
        "{text}"
    );
}

#[test]
fn a_message_that_does_not_pass_is_named_and_fails_the_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let bad = GET.replace("\"Get\"", "\"Fly\"");
    fs::write(directory.path().join("bad.xml"), bad).expect("a file");
    fs::write(directory.path().join("cut.xml"), &GET[..GET.len() - 4]).expect("a file");
    let junit = directory.path().join("report.junit");
    let output = kmip()
        .args(["conformance", "codec"])
        .arg(directory.path())
        .arg("--junit")
        .arg(&junit)
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.contains("bad.xml: 1 RequestMessage (line 3): XML cannot be decoded: `Fly` is not a value of Operation at RequestMessage/BatchItem[0]/Operation, byte "),
        "{text}"
    );
    assert!(text.contains("cut.xml: document: line "), "{text}");
    assert!(
        text.ends_with("\n1 passed, 2 failed, 0 skipped\n"),
        "{text}"
    );
    let report = fs::read_to_string(junit).expect("a report");
    assert!(report.contains(r#"<testsuites name="kmip conformance codec" tests="3" failures="2" errors="0" skipped="0">"#), "{report}");
    assert!(
        report.contains(r#"<failure message="XML cannot be decoded: `Fly`"#),
        "{report}"
    );
}

#[test]
fn published_bytes_are_compared() {
    let directory = tempfile::tempdir().expect("a directory");
    let hex = directory.path().join("hex");
    fs::create_dir(&hex).expect("a directory");
    // The same message in three encodings, and once with a byte that no encoder writes.
    let case = GET.replace("$UNIQUE_IDENTIFIER_0", "a");
    fs::write(directory.path().join("case.xml"), case).expect("a file");
    let good = concat!(
        "42007801000000704200770100000038420069010000002042006a02000000040000000100000000",
        "42006b0200000004000000020000000042000d0200000004000000010000000042000f0100000028",
        "42005c05000000040000000a0000000042007901000000104200940700000001610000000000",
        "0000"
    );
    let odd = good.replacen("0000000161000000", "0000000161000001", 1);
    let entries = format!(
        r#"[{{"name":"case time 0","direction":"request","hex":"{good}","xml_case":"case"}},
            {{"name":"odd","direction":"request","hex":"{odd}"}}]"#
    );
    fs::write(hex.join("list.json"), entries).expect("a file");
    let output = kmip()
        .args(["conformance", "codec"])
        .arg(directory.path().join("case.xml"))
        .arg("--hex")
        .arg(&hex)
        .output()
        .expect("the program");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.contains("odd request: TTLV cannot be decoded: the padding is not zero"),
        "{text}"
    );
    assert!(
        text.ends_with("\n3 passed, 1 failed, 0 skipped\n"),
        "{text}"
    );
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let output = kmip()
        .args(["conformance", "codec", "/nonexistent"])
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        text.starts_with("kmip: cannot read /nonexistent: "),
        "{text}"
    );
}

#[test]
fn a_message_that_is_not_of_its_version_is_named_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let newer = GET.replace(
        "<UniqueIdentifier",
        "<KeyWrapType type=\"Enumeration\" value=\"NotWrapped\"/><UniqueIdentifier",
    );
    fs::write(directory.path().join("newer.xml"), newer).expect("a file");
    let output = kmip()
        .args(["conformance", "codec"])
        .arg(directory.path())
        .output()
        .expect("the program");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("lenient "), "{text}");
    assert!(
        lines[0].contains("newer.xml: 1 RequestMessage (line 3): XML cannot be decoded: "),
        "{text}"
    );
    assert_eq!(lines[1], "1 passed, 0 failed, 0 skipped");
}
