//! `kmip conformance run` as a process: the official cases against the embedded server, and what is
//! reported of cases that fail.

#[path = "common/case.rs"]
mod case;
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use case::CASE;
use common::kmip;
use kmip::server::ServeOptions;
use kmip::transport::tls::{ClientTls, Identity, ServerTls, TlsAcceptor, TlsConnector};
use kmip::types::Interval;
use kmip_server::{Configuration, KeyServer, MemoryStore, NetworkNotices, Recipient};
use serde_json::Value;
use test_support::{Authority, Browser, Certified, is_emulated, reference};

/// The cases that fail, with the reason. Whoever mends one removes it from the list.
const FAILURES: &str = include_str!("data/conformance-failures.tsv");

fn run(directory: &Path, options: &[&str]) -> Output {
    let mut command = kmip();
    command.args(["conformance", "run"]).arg(directory);
    command.args(options).output().expect("the program")
}

/// What a run against the embedded server prints, and its exit status.
fn embedded(directory: &Path) -> (String, Option<i32>) {
    let output = run(directory, &["--embedded"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (text, output.status.code())
}

/// The same for a single case.
fn outcome(case: &str) -> (String, Option<i32>) {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("MY-1-12.xml"), case).expect("a file");
    embedded(directory.path())
}

/// All that are listed fail, and no others.
fn official_cases(encoding: &str) {
    let Some(directory) = reference("conformance/xml") else {
        return;
    };
    let listed: BTreeMap<&str, &str> = FAILURES
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').expect("a case and a reason"))
        .collect();
    let mut options = vec!["--embedded", "--json", "--encoding", encoding];
    if is_emulated() {
        // An emulator is too slow for all of them.
        options.extend(["--filter", "SKLC", "--filter", "CS-BC", "--filter", "TC-SJ"]);
    }
    let output = run(&directory, &options);
    let results: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut wrong = Vec::new();
    for case in results["cases"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        match (case["outcome"].as_str(), listed.get(name)) {
            (Some("failed"), None) => wrong.push(format!("{name} fails: {}", case["reason"])),
            (Some("passed"), Some(_)) => wrong.push(format!("{name} passes, take it off the list")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(results["passed"].as_u64() > Some(0));
    // Those of KMIP 3.0, and what contradicts itself.
    for case in results["cases"].as_array().expect("cases") {
        let is_of = |version: &str| case["version"].as_str() == Some(version);
        let reason = case["reason"].as_str().unwrap_or_default();
        assert!(
            case["outcome"] != "skipped" || is_of("3.0") || reason.contains("the document"),
            "{case}"
        );
    }
}

#[test]
fn the_official_cases_pass_in_ttlv() {
    official_cases("ttlv");
}

#[test]
fn the_official_cases_pass_in_json() {
    official_cases("json");
}

#[test]
fn the_official_cases_pass_in_xml() {
    official_cases("xml");
}

#[test]
fn a_case_passes_whatever_may_vary() {
    let (text, code) = outcome(CASE);
    assert!(
        text.ends_with("\n1 passed, 0 failed, 0 skipped\n"),
        "{text}"
    );
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn differences_are_told_with_their_kind_and_path() {
    let last = CASE.rfind("Success").expect("a status");
    let mut wrong_status = CASE.to_owned();
    wrong_status.replace_range(last..last + "Success".len(), "OperationFailed");
    let extra = r#"<ObjectType type="Enumeration" value="SymmetricKey"/>
      <UniqueIdentifier type="TextString" value="$"#;
    let identifier = r#"<UniqueIdentifier type="TextString" value="$"#;
    let without_type = CASE.replacen(extra, identifier, 1);
    let cases = [
        (
            wrong_status,
            "wrong status at BatchItem/ResultStatus: expected Operation Failed, got Success",
        ),
        (
            without_type,
            "extra field at BatchItem/ResponsePayload/ObjectType: ObjectType `Symmetric Key`",
        ),
        (
            CASE.replacen(
                extra,
                &format!("<LeaseTime type=\"Interval\" value=\"1\"/>{extra}"),
                1,
            ),
            "missing field at BatchItem/ResponsePayload/LeaseTime: expected LeaseTime `1`",
        ),
    ];
    for (case, expected) in cases {
        let (text, code) = outcome(&case);
        assert!(text.contains(expected), "{expected} is not in {text}");
        assert!(
            text.ends_with("\n0 passed, 1 failed, 0 skipped\n"),
            "{text}"
        );
        assert_eq!(code, Some(1));
    }
}

#[test]
fn a_wrong_reason_is_told() {
    let destroy = CASE.rfind("<RequestMessage>").expect("a request");
    let again = CASE[destroy..].replace(
        r#""Success"/>"#,
        r#""OperationFailed"/><ResultReason type="Enumeration" value="PermissionDenied"/>"#,
    );
    let again = again.replacen("$UNIQUE_IDENTIFIER_0", "nothing", 1);
    let case = format!("{}{again}", &CASE[..destroy]);
    let (text, _) = outcome(&case);
    let expected = "wrong reason at BatchItem/ResultReason: expected `Permission Denied`, \
                    got `Item Not Found`";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn documents_that_cannot_be_played_fail_and_say_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let deep = CASE.replacen(
        "<TemplateAttribute>",
        &format!(
            "{}{}<TemplateAttribute>",
            "<TemplateAttribute>".repeat(5000),
            "</TemplateAttribute>".repeat(5000)
        ),
        1,
    );
    let mut latin = CASE.as_bytes().to_vec();
    latin.splice(0..0, *b"<!-- \xe9 -->");
    let unknown = CASE.replacen(r#"value="256""#, r#"value="$NOBODY_KNOWS""#, 1);
    let cut = CASE[..CASE.len() / 2].to_owned();
    let typeless = CASE.replacen(r#"type="Integer" value="256""#, r#"value="256""#, 1);
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("DEEP", deep.into_bytes(), "more than 200 elements"),
        ("LATIN", latin, "invalid utf-8"),
        ("UNKNOWN", unknown.into_bytes(), "`$NOBODY_KNOWS`"),
        ("CUT", cut.into_bytes(), "line 40"),
        ("TYPELESS", typeless.into_bytes(), "no request"),
        ("EMPTY", Vec::new(), "the document has no request"),
        ("OTHER", b"<html/>".to_vec(), "the document has no request"),
    ];
    for (name, document, _) in &cases {
        let path = directory.path().join(format!("{name}-1-12.xml"));
        fs::write(path, document).expect("a file");
    }
    let (text, status) = embedded(directory.path());
    assert_eq!(status, Some(1));
    for (name, _, why) in &cases {
        let line = text.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not in {text}"));
        assert!(line.starts_with("FAILED") && line.contains(why), "{line}");
    }
    assert!(
        text.ends_with("\n0 passed, 7 failed, 0 skipped\n"),
        "{text}"
    );
}

#[test]
fn a_case_that_comes_before_is_found_beside_the_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let before = directory.path().join("1.3/testcases");
    let cases = directory.path().join("1.4/mandatory");
    for path in [&before, &cases] {
        fs::create_dir_all(path).expect("a directory");
    }
    let (text, _) = embedded(&cases);
    assert!(text.ends_with("0 passed, 0 failed, 0 skipped\n"), "{text}");
    fs::write(cases.join("TC-OTP-1-14.xml"), CASE).expect("a file");
    let (text, _) = embedded(&cases);
    assert!(
        text.contains("it needs the case TC-OTP-SETUP-1-13"),
        "{text}"
    );
    fs::write(before.join("TC-OTP-SETUP-1-13.xml"), CASE).expect("a file");
    let (text, _) = embedded(&cases);
    assert!(
        text.ends_with("\n1 passed, 0 failed, 0 skipped\n"),
        "{text}"
    );
}

#[test]
fn cases_can_be_chosen_and_reported_as_junit() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["ONE-1-12.xml", "TWO-1-12.xml"] {
        fs::write(directory.path().join(name), CASE).expect("a file");
    }
    let junit = directory.path().join("report.junit");
    let options = ["--embedded", "-v", "--filter", "TWO", "--junit"];
    let mut options = options.to_vec();
    options.push(junit.to_str().expect("UTF-8"));
    let output = run(directory.path(), &options);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.contains("ONE-1-12"), "{text}");
    assert!(text.contains("Destroy: equal modulo variables\n"), "{text}");
    assert!(
        text.ends_with("\n1 passed, 0 failed, 0 skipped\n"),
        "{text}"
    );
    let report = fs::read_to_string(junit).expect("a report");
    assert!(report.contains(r#"name="TWO-1-12"/>"#), "{report}");
    let output = run(directory.path(), &["--embedded", "--version", "2.1"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.ends_with("0 passed, 0 failed, 0 skipped\n"), "{text}");
}

/// A case that fails in its last step but one, and one that passes.
fn page_of_two(directory: &Path) -> PathBuf {
    let wrong = CASE.replace(
        r#""SymmetricKey"/>
      <UniqueIdentifier"#,
        r#""SecretData"/>
      <UniqueIdentifier"#,
    );
    fs::write(directory.join("SKLC-M-9-12.xml"), wrong).expect("a file");
    fs::write(directory.join("SKLC-M-1-12.xml"), CASE).expect("a file");
    fs::write(directory.join("TC-1-12.xml"), CASE).expect("a file");
    let path = directory.join("report.html");
    let output = run(
        directory,
        &["--embedded", "--html", path.to_str().expect("UTF-8")],
    );
    assert_eq!(output.status.code(), Some(1));
    path
}

#[test]
fn a_page_shows_the_messages_of_cases_that_fail() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = page_of_two(directory.path());
    let page = fs::read_to_string(path).expect("a page");
    for wanted in [
        r##"<td class="failed"><a href="#1.2-SKLC">1 of 2</a></td>"##,
        r##"<td class="passed"><a href="#1.2-TC">1</a></td>"##,
        r#"<h2 id="1.2-SKLC">"#,
        "<li>wrong value at BatchItem/ResponsePayload/ObjectType",
    ] {
        assert!(page.contains(wanted), "{wanted} is not in {page}");
    }
    // Request and response of both steps of the case that fails, and nothing of the others.
    assert_eq!(page.matches("&lt;RequestMessage&gt;").count(), 2, "{page}");
    assert!(!page.contains("<RequestMessage>"), "{page}");
    // It is a page that needs nothing else.
    for foreign in ["<script", "<link", "src=", "http:", "https:"] {
        assert!(!page.contains(foreign), "{foreign} is in {page}");
    }
}

#[test]
fn a_browser_shows_the_page() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let path = page_of_two(directory.path());
    let url = format!("file://{}", path.display());
    let document = browser.document(&url);
    // What the browser has understood is what was meant: both levels fold, one in the other.
    let folded = document.matches("<details><summary").count();
    assert_eq!(folded, 3 + 3 * 2, "{document}");
    assert!(document.contains("</main>"), "{document}");
    browser.picture(&url, "conformance-wide", (1280, 900), false);
    browser.picture(&url, "conformance-narrow", (400, 900), true);
}

#[test]
fn a_server_elsewhere_is_played_against_over_tls_and_https() {
    let authority = Authority::new("test authority");
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let client = authority.client("tester");
    fs::write(path("client.key"), client.key_pem()).expect("a file");
    fs::write(path("client.pem"), client.certificate_pem()).expect("a file");
    authority.write_pem(&path("ca.pem"));
    fs::create_dir(path("cases")).expect("a directory");
    fs::write(path("cases/MY-1-12.xml"), CASE).expect("a file");
    for (https, encoding) in [(false, "ttlv"), (true, "xml")] {
        let server = authority.server();
        let identity = Identity::new(server.key, server.certificate, Vec::new());
        let tls = ServerTls::new(identity.expect("an identity"));
        let tls = tls.client_ca(authority.certificate().clone());
        let acceptor = TlsAcceptor::new(tls).expect("an acceptor");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let server = KeyServer::new(Configuration::default(), Arc::new(MemoryStore::new()));
        let mut options = ServeOptions::default();
        if https {
            options = options.https("/kmip");
        }
        let server = kmip_server::serve(listener, acceptor, server, options).expect("a server");
        let address = format!("localhost:{}", server.address().port());
        let mut command = kmip();
        command.args(["conformance", "run"]).arg(path("cases"));
        command.args(["--server", &address, "--encoding", encoding]);
        for (option, file) in [
            ("--cert", "client.pem"),
            ("--key", "client.key"),
            ("--ca", "ca.pem"),
        ] {
            command.arg(option).arg(path(file));
        }
        if https {
            command.arg("--https");
        }
        let output = command.output().expect("the program");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(
            text.ends_with("\n1 passed, 0 failed, 0 skipped\n"),
            "{text}{errors}"
        );
    }
}

/// The server connects to the runner, and tells it over TLS what the case awaits.
#[test]
fn what_a_server_elsewhere_tells_is_awaited() {
    let Some(cases) = reference("conformance/xml/1.4/testcases") else {
        return;
    };
    let authority = Authority::new("test authority");
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let client = authority.client("tester");
    client.write_pem(directory.path(), "client");
    authority.server().write_pem(directory.path(), "listener");
    authority.write_pem(&path("ca.pem"));
    let identity = |certified: Certified| {
        Identity::new(certified.key, certified.certificate, Vec::new()).expect("an identity")
    };
    // A port that was free a moment ago: the server has to know it before the runner listens.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let inbox = free.local_addr().expect("its address").to_string();
    drop(free);
    let mut notices = NetworkNotices::new();
    let tls = ClientTls::new()
        .ca_certificate(authority.certificate().clone())
        .identity(identity(authority.client("teller")));
    let told = notices.tell(
        Recipient::Certificate(&client.certificate),
        inbox.parse().expect("an address"),
        TlsConnector::new(tls).expect("a connector"),
        Arc::new(|error| eprintln!("{error:?}")),
    );
    told.expect("a thread");
    let mut configuration = Configuration::default();
    configuration.notices = Some(Arc::new(notices));
    configuration.lease_time = Some(Interval(3600));
    let tls = ServerTls::new(identity(authority.server()));
    let tls = tls.client_ca(authority.certificate().clone());
    let acceptor = TlsAcceptor::new(tls).expect("an acceptor");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let server = KeyServer::new(configuration, Arc::new(MemoryStore::new()));
    let options = ServeOptions::default();
    let server = kmip_server::serve(listener, acceptor, server, options).expect("a server");
    let mut command = kmip();
    command.args(["conformance", "run"]).arg(cases);
    command.args(["--case", "TC-NP-2-14", "--notices", &inbox]);
    command.args([
        "--server",
        &format!("localhost:{}", server.address().port()),
    ]);
    for (option, file) in [
        ("--cert", "client.crt"),
        ("--key", "client.key"),
        ("--ca", "ca.pem"),
        ("--notices-cert", "listener.crt"),
        ("--notices-key", "listener.key"),
    ] {
        command.arg(option).arg(path(file));
    }
    let output = command.output().expect("the program");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        text.ends_with("\n1 passed, 0 failed, 0 skipped\n"),
        "{text}{errors}"
    );
}
