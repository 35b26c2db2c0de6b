//! Commands that make objects from others, certificates, sessions, and what is done later.

mod common;
#[path = "common/server.rs"]
mod server;

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::x509::{X509NameBuilder, X509ReqBuilder};
use server::{Client, World};

fn secret(client: &Client<'_>, id: &str) -> String {
    let key = client.json(&["get", id, "--show-secrets"]);
    key["hex"].as_str().expect("digits").to_owned()
}

#[test]
fn keys_are_derived() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let key = world.write("key", &[0x5A; 32]);
    let base = client.succeeds(&[
        "register",
        key.to_str().unwrap(),
        "--usage",
        "derive-key",
        "--activate",
    ]);
    let base = base.trim();
    let options = [
        "--method", "HASH", "--hash", "SHA-256", "--length", "256", "--name", "made",
    ];
    let derived = client.json(&[&["derive-key", base][..], &options].concat());
    let derived = derived["id"].as_str().unwrap();
    let expected: String = sha256(&[0x5A; 32])
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(secret(&client, derived), expected);
    assert_eq!(
        client
            .succeeds(&["locate", "--name", "made", "--ids"])
            .trim(),
        derived
    );
    // The key may not be derived from.
    let other = client.succeeds(&["create"]);
    let refused = client.fails(
        &[&["derive-key", other.trim()][..], &options[..6]].concat(),
        4,
    );
    assert!(refused.contains("operation Derive Key"), "{refused}");
    let wrong = client.run(&["derive-key", base, "--method", "magic"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn keys_are_split_and_joined() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let whole = client.succeeds(&["create", "--activate"]);
    let whole = whole.trim();
    let parts = client.succeeds(&["split-key", whole, "--parts", "4", "--threshold", "3"]);
    let parts: Vec<&str> = parts.lines().collect();
    assert_eq!(parts.len(), 4);
    let joined = client.succeeds(&["join-split-key", parts[3], parts[0], parts[2]]);
    assert_eq!(secret(&client, joined.trim()), secret(&client, whole));
    let few = client.fails(&["join-split-key", parts[0], parts[1]], 4);
    assert!(few.contains("operation Join Split Key"), "{few}");
    // A key that nobody has had as a whole.
    let made = client.json(&["split-key", "--parts", "2", "--length", "128", "--activate"]);
    let parts: Vec<&str> = made["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part.as_str().unwrap())
        .collect();
    let joined = client.succeeds(&[&["join-split-key"][..], &parts].concat());
    assert_eq!(secret(&client, joined.trim()).len(), 32);
}

#[test]
fn certificates_are_issued_renewed_and_validated() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "me").unwrap();
    let mut request = X509ReqBuilder::new().unwrap();
    request.set_subject_name(&name.build()).unwrap();
    request.set_pubkey(&key).unwrap();
    request.sign(&key, MessageDigest::sha256()).unwrap();
    let request = world.write("me.csr", &request.build().to_pem().unwrap());
    let request = request.to_str().unwrap();
    let public = world.write("me.pem", &key.public_key_to_pem().unwrap());
    let public = client.succeeds(&["register", public.to_str().unwrap(), "--usage", "verify"]);
    let first = client.succeeds(&["certify", public.trim(), "--request", request]);
    let first = first.trim();
    let pem = client.succeeds(&["get", first, "--show-secrets", "--as", "pem"]);
    let certificate = openssl::x509::X509::from_pem(pem.as_bytes()).unwrap();
    assert!(certificate.public_key().unwrap().public_eq(&key));
    let second = client.succeeds(&["re-certify", first, "--request", request]);
    assert_ne!(second.trim(), first);
    let (own, ca) = (world.path("dev/client.crt"), world.path("dev/ca.crt"));
    let chain = [
        "validate",
        "--certificate",
        own.to_str().unwrap(),
        "--certificate",
    ];
    let chain = [&chain[..], &[ca.to_str().unwrap()]].concat();
    assert_eq!(client.succeeds(&chain), "valid\n");
    let later = client.run(&[&chain[..], &["--at", "2100-01-01T00:00:00Z"]].concat());
    assert_eq!(later.status.code(), Some(1), "{later:?}");
    let none = client.fails(
        &[
            "certify",
            "--request",
            world.path("dev/ca.key").to_str().unwrap(),
        ],
        1,
    );
    assert!(none.contains("no certificate request is in it"), "{none}");
}

#[test]
fn leases_are_shown() {
    let world = World::new();
    let server = world.serve(&["--lease-time", "60"]);
    let client = Client::of(&world, &server);
    let id = client.succeeds(&["create", "--activate"]);
    let id = id.trim();
    let table = client.succeeds(&["obtain-lease", id]);
    let mut lines = table.lines();
    assert!(
        lines.next().is_some_and(|head| head.starts_with("ID ")),
        "{table}"
    );
    let row = lines.next().expect("a row");
    assert!(row.starts_with(id) && row.contains(" 60 "), "{table}");
    assert_eq!(client.json(&["obtain-lease", id])[0]["seconds"], 60);
    client.fails(&["obtain-lease", "nothing"], 5);
    let unlimited = client.fails(&["get-usage-allocation", id, "10"], 4);
    assert!(
        unlimited.contains("operation Get Usage Allocation"),
        "{unlimited}"
    );
}

#[test]
fn a_ticket_stands_for_the_password_until_logout() {
    let world = World::new();
    let users = world.write("users", b"alice:correct horse\n");
    let server = world.serve(&["--users", users.to_str().unwrap()]);
    let client = Client::of(&world, &server);
    let password = world.write("password", b"correct horse\n");
    let ticket = world.path("ticket");
    let ticket = ticket.to_str().unwrap();
    client.fails(&["login", "--output", ticket], 4);
    client.succeeds(&[
        "login",
        "--user",
        "alice",
        "--password-file",
        password.to_str().unwrap(),
        "--output",
        ticket,
    ]);
    client.fails(&["create"], 4);
    let id = client.succeeds(&["create", "--ticket", ticket]);
    assert_eq!(
        client.succeeds(&["locate", "--ids", "--ticket", ticket]),
        id
    );
    let copy = world.write("copy", &std::fs::read(ticket).unwrap());
    client.succeeds(&["logout", ticket, "--ticket", ticket]);
    assert!(!world.path("ticket").exists());
    let ended = client.fails(&["locate", "--ticket", copy.to_str().unwrap()], 3);
    assert!(ended.contains("Invalid Ticket"), "{ended}");
    let wrong = client.fails(&["locate", "--ticket", password.to_str().unwrap()], 1);
    assert!(wrong.contains("no ticket of kmip login"), "{wrong}");
}

#[test]
fn servers_are_pinged_and_log() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let answers = client.succeeds(&["ping", "--count", "2"]);
    assert_eq!(answers.lines().count(), 2, "{answers}");
    assert!(answers.contains(" ms, KMIP 2.1"), "{answers}");
    let times = client.json(&["ping"]);
    assert_eq!(times["milliseconds"].as_array().map(Vec::len), Some(1));
    client.succeeds(&["log", "backup begins"]);
    let old = client.run(&["log", "backup begins", "--kmip-version", "1.4"]);
    assert!(!old.status.success());
}
