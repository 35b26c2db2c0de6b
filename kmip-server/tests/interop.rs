//! Clients of others with our server: PyKMIP's over TLS, and curl with the requests that users of other
//! products send over HTTPS.

use std::path::{Path, PathBuf};
use std::process::Command;

use kmip_server::testing::{Builder, Personality, Server};

/// A server, and what a client needs to reach it.
struct World {
    server: Server,
    directory: tempfile::TempDir,
}

impl World {
    fn new(server: Builder) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = server.start();
        server.write_certificates(directory.path()).unwrap();
        World { server, directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a script with PyKMIP in one version.
    fn pykmip(&self, script: &str, version: &str) -> String {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pykmip");
        let address = self.server.address();
        let ended = Command::new(test_support::pykmip("PYTHON"))
            .arg(scripts.join(script))
            .args([address.ip().to_string(), address.port().to_string()])
            .args(["ca.pem", "client.crt", "client.key"].map(|name| self.file(name)))
            .arg(version)
            .output()
            .unwrap();
        let output = String::from_utf8(ended.stdout).unwrap();
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{version}: {output}{errors}");
        output
    }
}

/// The versions that PyKMIP speaks, and how many steps `operations.py` has in each.
const VERSIONS: [(&str, u32); 6] = [
    ("1.0", 6),
    ("1.1", 8),
    ("1.2", 11),
    ("1.3", 11),
    ("1.4", 11),
    ("2.0", 10),
];

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_key_lives_and_dies_for_pykmip_in_every_version_it_speaks() {
    // As it is; as PyKMIP knows its own server; and with the answers in tiny pieces.
    for (number, server) in [
        Server::builder(),
        Server::builder().personality(Personality::PyKmip),
        Server::builder().fault("one-byte-records"),
    ]
    .into_iter()
    .enumerate()
    {
        let world = World::new(server);
        for (version, _) in VERSIONS {
            let output = world.pykmip("client.py", version);
            assert_eq!(output, "ok: 9 steps\n", "{number}, {version}");
        }
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn all_other_operations_of_pykmip_work_in_every_version_it_speaks() {
    let world = World::new(Server::builder());
    for (version, steps) in VERSIONS {
        let output = world.pykmip("operations.py", version);
        assert_eq!(output, format!("ok: {steps} steps\n"), "{version}");
    }
}

/// Sends a request with curl, and gives back status and body.
fn curl(world: &World, content_type: &str, body: &str) -> (String, String) {
    let url = format!("https://{}/kmip", world.server.address());
    let ended = Command::new("curl")
        .args(["--silent", "--show-error", "--write-out", "\n%{http_code}"])
        .arg("--cacert")
        .arg(world.file("ca.pem"))
        .arg("--cert")
        .arg(world.file("client.crt"))
        .arg("--key")
        .arg(world.file("client.key"))
        .args(["--header", &format!("Content-Type: {content_type}")])
        .args(["--data-binary", body, &url])
        .output()
        .expect("curl; use `make interop`");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{errors}");
    let output = String::from_utf8(ended.stdout).unwrap();
    let (body, status) = output.rsplit_once('\n').unwrap();
    (status.to_owned(), body.to_owned())
}

/// The text value of the first item with a tag, in JSON or XML.
fn text_of(body: &str, tag: &str) -> String {
    let begin = body.find(tag).unwrap_or_else(|| panic!("{tag} in {body}"));
    let rest = &body[begin + tag.len()..];
    let begin = rest.find("value").unwrap() + "value".len();
    let value = rest[begin..].trim_start_matches(['"', ':', '=', ' ']);
    value[..value.find('"').unwrap()].to_owned()
}

/// JSON with every type spelled out, enumerations by name and masks as numbers, as the HTTP interfaces
/// of key management services document it.
fn verbose_json(operation: &str, payload: &str, minor: u32, major: u32) -> String {
    format!(
        r#"{{"tag":"RequestMessage","type":"Structure","value":[
            {{"tag":"RequestHeader","type":"Structure","value":[
                {{"tag":"ProtocolVersion","type":"Structure","value":[
                    {{"tag":"ProtocolVersionMajor","type":"Integer","value":{major}}},
                    {{"tag":"ProtocolVersionMinor","type":"Integer","value":{minor}}}]}},
                {{"tag":"BatchCount","type":"Integer","value":1}}]}},
            {{"tag":"BatchItem","type":"Structure","value":[
                {{"tag":"Operation","type":"Enumeration","value":"{operation}"}},
                {{"tag":"RequestPayload","type":"Structure","value":[{payload}]}}]}}]}}"#
    )
}

#[test]
#[ignore = "needs curl: make interop"]
fn json_as_key_management_services_document_it_is_understood() {
    let world = World::new(Server::builder().https("/kmip"));
    let create = r#"{"tag":"ObjectType","type":"Enumeration","value":"SymmetricKey"},
        {"tag":"Attributes","type":"Structure","value":[
            {"tag":"CryptographicAlgorithm","type":"Enumeration","value":"AES"},
            {"tag":"CryptographicLength","type":"Integer","value":256},
            {"tag":"CryptographicUsageMask","type":"Integer","value":12},
            {"tag":"KeyFormatType","type":"Enumeration","value":"TransparentSymmetricKey"},
            {"tag":"ObjectType","type":"Enumeration","value":"SymmetricKey"}]}"#;
    let request = verbose_json("Create", create, 1, 2);
    let (status, body) = curl(&world, "application/json", &request);
    assert_eq!(status, "200", "{body}");
    assert_eq!(text_of(&body, "ResultStatus"), "Success", "{body}");
    let key = text_of(&body, "UniqueIdentifier");
    let get = format!(r#"{{"tag":"UniqueIdentifier","type":"TextString","value":"{key}"}}"#);
    for (minor, major) in [(1, 2), (4, 1)] {
        let request = verbose_json("Get", &get, minor, major);
        let (status, body) = curl(&world, "application/json;charset=UTF-8", &request);
        assert_eq!(status, "200", "{body}");
        // In the format that was asked for when it was made.
        let format = text_of(&body, "KeyFormatType");
        assert_eq!(format, "TransparentSymmetricKey", "{body}");
        assert_eq!(text_of(&body, r#""Key""#).len(), 64, "{body}");
    }
    let missing = get.replace(&key, "no such key");
    let request = verbose_json("Get", &missing, 1, 2);
    let (status, body) = curl(&world, "application/json", &request);
    assert_eq!(status, "200", "a failed operation is an answer: {body}");
    assert_eq!(text_of(&body, "ResultStatus"), "OperationFailed", "{body}");
}

#[test]
#[ignore = "needs curl: make interop"]
fn terse_json_and_xml_of_other_clients_are_understood() {
    let world = World::new(Server::builder().https("/kmip"));
    // No types of structures, masks as names, numbers of enumerations in hexadecimal.
    let json = r#"{"tag":"RequestMessage","value":[
        {"tag":"RequestHeader","value":[
            {"tag":"ProtocolVersion","value":[
                {"tag":"ProtocolVersionMajor","type":"Integer","value":1},
                {"tag":"ProtocolVersionMinor","type":"Integer","value":4}]},
            {"tag":"BatchCount","type":"Integer","value":1}]},
        {"tag":"BatchItem","value":[
            {"tag":"Operation","type":"Enumeration","value":"Create"},
            {"tag":"RequestPayload","value":[
                {"tag":"ObjectType","type":"Enumeration","value":"0x00000002"},
                {"tag":"TemplateAttribute","value":[
                    {"tag":"Attribute","value":[
                        {"tag":"AttributeName","type":"TextString","value":"Cryptographic Algorithm"},
                        {"tag":"AttributeValue","type":"Enumeration","value":"0x00000003"}]},
                    {"tag":"Attribute","value":[
                        {"tag":"AttributeName","type":"TextString","value":"Cryptographic Length"},
                        {"tag":"AttributeValue","type":"Integer","value":256}]},
                    {"tag":"Attribute","value":[
                        {"tag":"AttributeName","type":"TextString","value":"Cryptographic Usage Mask"},
                        {"tag":"AttributeValue","type":"Integer","value":"Encrypt|Decrypt"}]}]}]}]}]}"#;
    let (status, body) = curl(&world, "application/json", json);
    assert_eq!(status, "200", "{body}");
    assert_eq!(text_of(&body, "ResultStatus"), "Success", "{body}");
    let key = text_of(&body, "UniqueIdentifier");
    let xml = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <RequestMessage><RequestHeader><ProtocolVersion>
            <ProtocolVersionMajor type="Integer" value="1"/>
            <ProtocolVersionMinor type="Integer" value="4"/></ProtocolVersion>
            <BatchCount type="Integer" value="1"/></RequestHeader>
        <BatchItem><Operation type="Enumeration" value="Get"/><RequestPayload>
            <UniqueIdentifier type="TextString" value="{key}"/></RequestPayload></BatchItem>
        </RequestMessage>"#
    );
    for content_type in ["text/xml", "text/xml;charset=UTF-8"] {
        let (status, body) = curl(&world, content_type, &xml);
        assert_eq!(status, "200", "{body}");
        assert_eq!(text_of(&body, "ResultStatus"), "Success", "{body}");
        assert_eq!(text_of(&body, "KeyMaterial").len(), 64, "{body}");
    }
    let (status, _) = curl(&world, "text/plain", "what is this?");
    assert!(status.starts_with('4'), "{status}");
}
