//! What a user sees when a connection cannot be made: one line and a status.

mod common;
#[path = "common/server.rs"]
mod server;

use std::net::TcpListener;

use common::kmip;
use server::{Client, World, failure, text};
use test_support::{Authority, Request};

#[test]
fn a_server_that_is_not_there_is_named() {
    let world = World::new();
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let address = format!("127.0.0.1:{port}");
    let client = Client {
        world: &world,
        options: vec!["--server".to_owned(), address.clone()],
    };
    let error = client.fails(&["query"], 3);
    assert!(
        error.contains(&address) && error.contains("refused"),
        "{error}"
    );

    // Somebody who takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client {
        world: &world,
        options: vec![
            "--server".to_owned(),
            silent.local_addr().unwrap().to_string(),
        ],
    };
    let error = client.fails(&["query", "--timeout", "0.3"], 3);
    // What is left of the time limit when the handshake begins.
    assert!(
        error.contains("no connection within 0.2") || error.contains("0.3 s"),
        "{error}"
    );
}

#[test]
fn a_server_that_is_not_trusted_is_refused() {
    let world = World::new();
    let right = world.serve(&[]);
    let other = Authority::new("Other CA");
    let other_ca = world.path("other.crt");
    other.write_pem(&other_ca);
    let options = [
        "--server",
        &right.address,
        "--ca",
        other_ca.to_str().unwrap(),
    ];
    let output = world.command(&[&["query"][..], &options].concat()).output();
    let error = failure(&output.unwrap(), 3);
    assert!(
        error.contains("other.crt") && error.contains("issuer"),
        "{error}"
    );
    let output = world
        .command(&["query", "--no-verify", "-s", &right.address])
        .output();
    assert!(output.unwrap().status.success());

    let old = Request::new("localhost").ip("127.0.0.1").expired();
    let (cert, key) = old
        .signed_by(&other)
        .write_pem(&world.path("dev"), "old-server");
    let expired = world.serve_as(&cert, &key, &[]);
    let options = [
        "--server",
        &expired.address,
        "--ca",
        other_ca.to_str().unwrap(),
    ];
    let output = world.command(&[&["query"][..], &options].concat()).output();
    let error = failure(&output.unwrap(), 3);
    assert!(error.contains("expired"), "{error}");
    // The right certificate is trusted by itself; another pin is not the server's.
    let pinned = [
        "query",
        "--trust",
        cert.to_str().unwrap(),
        "-s",
        &right.address,
    ];
    let error = failure(&world.command(&pinned).output().unwrap(), 3);
    assert!(error.contains("another certificate"), "{error}");
    let pin = world.path("dev/server.crt");
    let pinned = ["query", "--pin", pin.to_str().unwrap()];
    let client = Client::of(&world, &right);
    client.succeeds(&pinned);
}

#[test]
fn options_of_the_server_may_stand_before_the_command() {
    let world = World::new();
    let server = world.serve(&[]);
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (
        path("dev/ca.crt"),
        path("dev/client.crt"),
        path("dev/client.key"),
    );
    let run = |before: &[&str], command: &[&str]| {
        let mut program = kmip();
        program.args(["--ca", &ca, "--cert", &cert, &format!("--key={key}")]);
        program.args(before).args(command);
        program.env("XDG_CONFIG_HOME", world.path("none"));
        program.env_remove("KMIP_SERVER").env_remove("KMIP_CONFIG");
        program.stdin(std::process::Stdio::null()).output().unwrap()
    };
    let address = server.address.as_str();
    let created = run(
        &["--server", address, "--json"],
        &["create", "--name", "first"],
    );
    let created: serde_json::Value = serde_json::from_slice(&created.stdout).unwrap();
    let id = created["id"].as_str().unwrap();
    // Also before commands of groups, with short names, and with an end of options.
    let short = format!("-s{address}");
    let got = run(&[&short], &["attributes", "get", id, "Name"]);
    assert!(text(&got.stdout).contains("first"), "{}", text(&got.stderr));
    let got = run(
        &["-s", address, "--no-verify-host-name"],
        &["get", "--", id],
    );
    assert!(got.status.success(), "{}", text(&got.stderr));
    // What is no such option is told as ever, and so is a missing command.
    let wrong = run(&["--name", "first"], &["create"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("--name"),
        "{}",
        text(&wrong.stderr)
    );
    let nothing = run(&["--server", address], &[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        text(&nothing.stderr).contains("Usage: kmip <COMMAND>"),
        "{}",
        text(&nothing.stderr)
    );
}

#[test]
fn errors_are_objects_for_programs() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let error = |arguments: &[&str], status: i32| -> serde_json::Value {
        let output = client.run(&[arguments, &["--json"]].concat());
        assert_eq!(
            output.status.code(),
            Some(status),
            "{}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty());
        serde_json::from_slice(&output.stderr).expect("one object")
    };
    let gone = error(&["get", "nothing"], 5);
    assert_eq!(gone["operation"], "Get", "{gone}");
    assert_eq!(gone["server"], server.address, "{gone}");
    assert_eq!(gone["retryable"], false, "{gone}");
    assert!(
        gone["reason"].as_str().unwrap().ends_with("NotFound"),
        "{gone}"
    );
    assert!(
        gone["error"].as_str().unwrap().contains("nothing"),
        "{gone}"
    );
    let wrong = error(&["register", "/no/such/file"], 1);
    assert!(
        wrong["error"].as_str().unwrap().contains("/no/such/file"),
        "{wrong}"
    );
    assert!(wrong.get("operation").is_none(), "{wrong}");
}

#[test]
fn wrong_options_are_explained() {
    let world = World::new();
    let server = world.serve(&["--max-version", "1.2"]);
    let client = Client::of(&world, &server);
    let error = client.fails(&["create", "--kmip-version", "2.1"], 4);
    assert!(error.contains("2.1"), "{error}");
    assert_eq!(client.json(&["versions"])["negotiated"], "1.2");
    // 1.2 has no Random IV, no Import, no Sensitive.
    let error = client.fails(&["create", "-a", "Sensitive=true"], 1);
    assert!(
        error.contains("Sensitive") && error.contains("1.2"),
        "{error}"
    );
    // Nor this algorithm, but the server may.
    let chacha = ["create", "--algorithm", "ChaCha20"];
    let error = client.fails(&chacha, 1);
    assert!(
        error.contains("KMIP 1.2 has no Cryptographic Algorithm"),
        "{error}"
    );
    assert!(error.contains("--other-versions"), "{error}");
    let sent = client.run(&[&chacha[..], &["--other-versions"]].concat());
    assert!(
        matches!(sent.status.code(), Some(0 | 4)),
        "{}",
        text(&sent.stderr)
    );
    let file = format!(
        "[servers.old]\naddress = \"{}\"\nother-versions = true\n",
        server.address
    );
    let file = world.write("other.toml", file.as_bytes());
    let mut command = world.command(&chacha);
    command
        .arg("--config")
        .arg(&file)
        .arg("--ca")
        .arg(world.path("dev/ca.crt"));
    let sent = command.output().unwrap();
    assert!(
        matches!(sent.status.code(), Some(0 | 4)),
        "{}",
        text(&sent.stderr)
    );

    let run = |arguments: &[&str]| {
        let mut command = kmip();
        command
            .args(arguments)
            .env("XDG_CONFIG_HOME", world.path("none"));
        command.env_remove("KMIP_SERVER").env_remove("KMIP_CONFIG");
        command.stdin(std::process::Stdio::null()).output().unwrap()
    };
    let error = failure(&run(&["query"]), 2);
    assert!(
        error.contains("which server?") && error.contains("none/kmip/servers.toml"),
        "{error}"
    );
    let error = failure(&run(&["query", "-s", "https://host"]), 2);
    assert!(error.contains("is a URL"), "{error}");
    let error = failure(&run(&["query", "-s", "host", "--encoding", "json"]), 2);
    assert!(error.contains("HTTPS"), "{error}");
    let error = failure(&run(&["query", "-s", "host", "--key", "k"]), 2);
    assert!(error.contains("--cert"), "{error}");
    let error = failure(&run(&["query", "-s", "host", "--cert", "/no/such/file"]), 2);
    assert!(error.contains("/no/such/file"), "{error}");
    let unknown = run(&["query", "-s", "host", "--kmip-version", "3.0"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("1.0 to 2.1"));
    let error = failure(&run(&["serve"]), 2);
    assert!(error.contains("'--cert' is missing"), "{error}");
    let lists = run(&["serve", "--provision", "--client-crl", "list.pem"]);
    let error = failure(&lists, 2);
    assert!(error.contains("'--client-crl'"), "{error}");
    let without = run(&[
        "query",
        "-s",
        &server.address,
        "--ca",
        world.path("dev/ca.crt").to_str().unwrap(),
    ]);
    let error = failure(&without, 3);
    assert!(error.contains("demands a client certificate"), "{error}");
}

#[test]
fn trial_certificates_are_private_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let directory = world.path("dev");
    for name in ["ca.key", "server.key", "client.key"] {
        let mode = std::fs::metadata(directory.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let before = std::fs::read(directory.join("client.key")).unwrap();
    let again = kmip().arg("dev-certs").arg(&directory).output().unwrap();
    let error = failure(&again, 1);
    assert!(error.contains("ca.crt is there already"), "{error}");
    assert_eq!(std::fs::read(directory.join("client.key")).unwrap(), before);

    let other = world.path("other");
    let hosts = [
        "--host",
        "keys.example.com",
        "--host",
        "2001:db8::7",
        "--days",
        "7",
    ];
    let made = kmip()
        .arg("dev-certs")
        .arg(&other)
        .args(hosts)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let pem = std::fs::read(other.join("server.crt")).unwrap();
    let certificate = openssl::x509::X509::from_pem(&pem).unwrap();
    let names = certificate.subject_alt_names().unwrap();
    assert!(
        names
            .iter()
            .any(|name| name.dnsname() == Some("keys.example.com"))
    );
    assert!(names.iter().any(|name| {
        name.ipaddress()
            .is_some_and(|ip| ip.starts_with(&[0x20, 1, 0xD, 0xB8]))
    }));
    let week = openssl::asn1::Asn1Time::days_from_now(8).unwrap();
    assert!(certificate.not_after() < week);
}
