//! Operations that a server does later, and calls that few servers know.

mod common;
#[path = "common/server.rs"]
mod server;

use server::{Client, World, failure, text};

/// A Locate that is done later; returns its correlation value.
fn locate_later(client: &Client<'_>, version: &str) -> String {
    let how = match version.starts_with('1') {
        true => "optional",
        false => "Mandatory",
    };
    let locate = ["locate", "--kmip-version", version, "--asynchronous", how];
    let output = client.run(&locate);
    let told = failure(&output, 6);
    let correlation = text(&output.stdout).trim().to_owned();
    assert!(told.contains("does Locate later"), "{told}");
    assert!(
        told.contains(&format!("`kmip poll {correlation}`")),
        "{told}"
    );
    correlation
}

#[test]
fn any_operation_can_be_done_later() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let create = ["create", "--name", "later", "--json", "--asynchronous"];
    let output = client.run(&[&create[..], &["mandatory"]].concat());
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
    let pending: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(pending["status"], "pending");
    assert_eq!(pending["operation"], "Create");
    let correlation = pending["correlation"].as_str().unwrap();
    let done = client.json(&["poll", correlation, "--wait"]);
    assert_eq!(done["operation"], "Create", "{done}");
    let listed = client.json(&["locate", "--name", "later", "--ids"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    // What is about later requests is done at once itself, and so is a login.
    let ticket = world.path("ticket");
    let ticket = ticket.to_str().unwrap();
    for at_once in [&["pending"][..], &["login", "--output", ticket]] {
        client.succeeds(&[at_once, &["--asynchronous", "mandatory"]].concat());
    }
    // At once, as without the option.
    let created = client.json(&["create", "--asynchronous", "prohibited"]);
    assert!(created["id"].is_string(), "{created}");
    // KMIP 1.x has no such word, and nothing is sent.
    let version = ["--kmip-version", "1.4"];
    let old = client.fails(
        &[&["create", "--asynchronous", "mandatory"], &version[..]].concat(),
        1,
    );
    assert!(
        old.contains("1.4") && old.contains("Asynchronous Indicator"),
        "{old}"
    );
    let wrong = client.run(&["create", "--asynchronous", "perhaps"]);
    assert_eq!(wrong.status.code(), Some(2));
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
