//! Operations that a server does later, and calls that few servers know.

mod common;
#[path = "common/server.rs"]
mod server;

use server::{Client, World, failure};

/// A Locate that may be done later; returns its correlation value.
fn locate_later(client: &Client<'_>, version: &str) -> String {
    let (major, minor) = version.split_once('.').expect("a version");
    // From 2.0 on it is an enumeration.
    let indicator = match major {
        "1" => r#"<AsynchronousIndicator type="Boolean" value="true"/>"#,
        _ => r#"<AsynchronousIndicator type="Enumeration" value="Mandatory"/>"#,
    };
    let rest = if major == "1" { "" } else { "<Attributes/>" };
    let request = format!(
        r#"<RequestMessage><RequestHeader><ProtocolVersion>
<ProtocolVersionMajor type="Integer" value="{major}"/>
<ProtocolVersionMinor type="Integer" value="{minor}"/></ProtocolVersion>{indicator}
<BatchCount type="Integer" value="1"/></RequestHeader><BatchItem>
<Operation type="Enumeration" value="Locate"/><RequestPayload>{rest}</RequestPayload></BatchItem>
</RequestMessage>"#
    );
    let message = client.world.write("request.xml", request.as_bytes());
    let answer = client.succeeds(&["raw", message.to_str().unwrap(), "--to", "xml"]);
    let (_, after) = answer
        .split_once("AsynchronousCorrelationValue type=\"ByteString\" value=\"")
        .unwrap_or_else(|| panic!("no correlation value: {answer}"));
    after.split_once('"').expect("an end").0.to_owned()
}

#[test]
fn what_is_done_later_is_asked_for_in_its_version() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    for version in ["1.0", "1.4", "2.1"] {
        let correlation = locate_later(&client, version);
        let told = client.succeeds(&["poll", &correlation, "--wait"]);
        assert!(told.starts_with("done\n"), "{version}: {told}");
        assert!(told.contains("Operation: Locate"), "{version}: {told}");
    }
    // Who names a version is not asked to try others.
    let correlation = locate_later(&client, "1.4");
    client.fails(&["poll", &correlation, "--kmip-version", "2.1"], 4);
    let told = client.json(&["poll", &correlation, "--wait", "--kmip-version", "1.4"]);
    assert_eq!(told["operation"], "Locate", "{told}");
    assert!(told["payload"].is_object(), "{told}");
    // Nobody knows this one.
    let unknown = client.fails(&["poll", "00"], 4);
    assert!(unknown.contains("operation Poll"), "{unknown}");
    let gone = client.run(&["cancel", &correlation]);
    failure(&gone, 4);
    let wrong = client.run(&["poll", "xyz"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn requests_that_wait_are_listed() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let correlation = locate_later(&client, "2.1");
    let listed = client.json(&["query-asynchronous-requests"]);
    assert_eq!(
        listed[0]["correlation"],
        correlation.to_lowercase(),
        "{listed}"
    );
    assert_eq!(listed[0]["operation"], "Locate", "{listed}");
    let table = client.succeeds(&["pending", "--operation", "Locate"]);
    assert!(
        table.starts_with("CORRELATION ") && table.contains("Locate"),
        "{table}"
    );
    assert_eq!(client.succeeds(&["pending", "--operation", "Create"]), "");
    assert_eq!(client.succeeds(&["pending", "00"]), "");
    let processed = client.succeeds(&["process", &correlation]);
    assert!(processed.ends_with(" is processed\n"), "{processed}");
    let old = client.fails(&["process", &correlation, "--kmip-version", "2.0"], 1);
    assert!(old.contains("Process") && old.contains("2.0"), "{old}");
}

#[test]
fn rules_for_new_objects_are_set_and_shown() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let contact = "Contact Information=me@example.com";
    let set = ["set-defaults", "--type", "SymmetricKey", "-a", contact];
    assert_eq!(client.succeeds(&set), "1 rule(s) set\n");
    let id = client.succeeds(&["create"]);
    let shown = client.succeeds(&["attributes", "get", id.trim(), "Contact Information"]);
    assert!(shown.contains("me@example.com"), "{shown}");
    client.succeeds(&["set-defaults", "--clear"]);
    let id = client.succeeds(&["create"]);
    let shown = client.succeeds(&["attributes", "get", id.trim(), "Contact Information"]);
    assert_eq!(shown, "");

    let length = "Cryptographic Length=256";
    let set = [
        "constraints",
        "set",
        "-t",
        "SymmetricKey,SecretData",
        "-a",
        length,
    ];
    client.succeeds(&set);
    client.fails(&["create", "--length", "128"], 4);
    client.succeeds(&["create"]);
    let table = client.succeeds(&["constraints", "get"]);
    for text in [
        "SymmetricKey",
        "SecretData",
        "Cryptographic Length=256",
        "all",
    ] {
        assert!(table.contains(text), "{table}");
    }
    // As a file, there and back.
    let file = world.path("constraints.xml");
    let file = file.to_str().unwrap();
    let before = client.json(&["constraints", "get", "--output", file]);
    client.succeeds(&["constraints", "set", "--clear"]);
    assert_eq!(client.json(&["constraints", "get"]), serde_json::json!([]));
    client.succeeds(&["create", "--length", "128"]);
    client.succeeds(&["constraints", "set", "--file", file]);
    assert_eq!(client.json(&["constraints", "get"]), before);
    let wrong = client.fails(&["set-defaults", "--file", file], 1);
    assert!(wrong.contains("constraints.xml"), "{wrong}");
    let nothing = client.run(&["constraints", "set"]);
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn numbers_are_counted_up_and_down() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let id = client.succeeds(&["create", "-a", "x-count=integer:7", "-a", "x-big=long:7"]);
    let id = id.trim();
    client.succeeds(&["attributes", "adjust", id, "x-count", "increment"]);
    client.succeeds(&[
        "attributes",
        "adjust",
        id,
        "x-count",
        "decrement",
        "--by",
        "3",
    ]);
    client.succeeds(&[
        "attributes",
        "adjust",
        id,
        "x-big",
        "increment",
        "--by",
        "long:5",
    ]);
    let value =
        |name| client.json(&["attributes", "get", id, name])["attributes"][0]["value"].clone();
    assert_eq!((value("x-count"), value("x-big")), (5.into(), 12.into()));
    let wrong = client.run(&[
        "attributes",
        "adjust",
        id,
        "x-count",
        "increment",
        "--by",
        "much",
    ]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_token_answers_and_roles_are_asked_for() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let begun = client.json(&["pkcs11", "C_Initialize"]);
    assert_eq!(begun["result"], "OK", "{begun}");
    let correlation = begun["correlation"].as_str().unwrap();
    let info = world.path("info");
    let info = info.to_str().unwrap();
    let asked = [
        "pkcs11",
        "C_GetInfo",
        "--correlation",
        correlation,
        "--output",
        info,
    ];
    client.succeeds(&asked);
    assert_eq!(std::fs::read(info).unwrap().len(), 76);
    // A function that the token does not have is an answer of its own.
    let refused = client.run(&["pkcs11", "C_GetInfo"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let role = client.succeeds(&["set-endpoint-role", "server"]);
    assert_eq!(role, "the role of the server is Server\n");
    client.fails(&["set-endpoint-role", "client"], 4);
    client.succeeds(&["interop", "begin", "TC-1"]);
    let unknown = client.fails(&["re-provision"], 4);
    assert!(unknown.contains("Re-Provision"), "{unknown}");
}
