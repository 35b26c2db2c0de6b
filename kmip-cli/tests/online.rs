//! The commands that talk to a server, with a server as a process.

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::kmip;
use server::{Client, World, failure, text};

#[test]
fn a_key_lives_and_dies() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let id = client.succeeds(&["create", "--name", "disk 1", "-a", "x-purpose=backup"]);
    let id = id.trim();

    let listed = client.json(&["locate", "--name", "disk 1"]);
    assert_eq!(listed[0]["id"], id);
    assert_eq!(listed[0]["state"], "PreActive");
    assert_eq!(listed[0]["length"], "256");
    let table = client.succeeds(&["list", "--attribute", "x-purpose=backup"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("ID "), "{table}");
    assert!(lines[1].starts_with(id), "{table}");
    assert!(
        lines[1].contains("disk 1") && lines[1].contains("AES"),
        "{table}"
    );
    assert_eq!(
        client.succeeds(&["locate", "--state", "active", "--ids"]),
        ""
    );

    client.succeeds(&["activate", id]);
    let checked = client.succeeds(&["check", id, "--usage", "encrypt"]);
    assert_eq!(checked, format!("{id} may be used so\n"));
    let refused = client.fails(&["destroy", id, "--yes"], 4);
    assert!(refused.contains("operation Destroy"), "{refused}");
    let unsure = client.fails(&["destroy", id], 2);
    assert!(unsure.contains("give --yes"), "{unsure}");
    assert_eq!(
        client.succeeds(&["destroy", id, "--yes", "--revoke"]),
        format!("destroyed {id}\n")
    );
    let gone = client.fails(&["get", "no such key"], 5);
    assert!(gone.contains("Object Not Found"), "{gone}");
}

#[test]
fn secrets_are_written_only_where_they_are_asked_for() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let key = [0xA5; 32];
    let file = world.write("key", &key);
    let id = client.succeeds(&["register", file.to_str().unwrap(), "--name", "given"]);
    let id = id.trim();
    let digits = "a5".repeat(32);

    let shown = client.succeeds(&["get", id]);
    assert!(
        shown.contains("32 bytes") && !shown.contains(&digits),
        "{shown}"
    );
    assert!(!client.json(&["get", id]).to_string().contains(&digits));
    assert_eq!(client.json(&["get", id, "--show-secrets"])["hex"], digits);
    let printed = client.succeeds(&["get", id, "--show-secrets", "--as", "hex"]);
    assert_eq!(printed.trim(), digits);

    let output = world.path("fetched");
    client.succeeds(&["get", id, "--output", output.to_str().unwrap()]);
    assert_eq!(fs::read(&output).unwrap(), key);
    assert_eq!(
        fs::metadata(&output).unwrap().permissions().mode() & 0o777,
        0o600
    );

    // PEM comes back as it was.
    let certificate = fs::read(world.path("dev/ca.crt")).unwrap();
    let id = client.succeeds(&["register", world.path("dev/ca.crt").to_str().unwrap()]);
    let again = client.succeeds(&["get", id.trim(), "--show-secrets", "--as", "pem"]);
    assert_eq!(again.as_bytes(), certificate);

    let password = world.write("password", b"secret word\n");
    let password = password.to_str().unwrap();
    let id = client.succeeds(&["register", "--type", "secret-data", password]);
    let output = client.run(&["get", id.trim(), "--show-secrets"]);
    assert_eq!(output.stdout, b"secret word");
}

#[test]
fn attributes_are_shown_and_changed() {
    let world = World::new();
    let server = world.serve(&[]);
    let mut client = Client::of(&world, &server);
    for version in ["1.4", "2.1"] {
        client.options.truncate(2);
        client
            .options
            .extend(["--kmip-version".to_owned(), version.to_owned()]);
        let id = client.json(&["create", "--name", &format!("of {version}")]);
        let id = id["id"].as_str().unwrap();
        client.succeeds(&["attributes", "set", id, "Contact Information=a@example.com"]);
        client.succeeds(&["attributes", "set", id, "Contact Information=b@example.com"]);
        client.succeeds(&["attributes", "add", id, "x-count=integer:7"]);
        let found = client.json(&["attributes", "get", id, "ContactInformation", "x-count"]);
        let values: Vec<String> = found["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{}={}", one["name"], one["value"]))
            .collect();
        assert!(
            values.contains(&"\"Contact Information\"=\"b@example.com\"".to_owned()),
            "{values:?}"
        );
        assert!(values.contains(&"\"x-count\"=7".to_owned()), "{values:?}");
        client.succeeds(&["attributes", "modify", id, "x-count=integer:8"]);
        let shown = client.succeeds(&["attributes", "get", id, "x-count"]);
        assert!(
            shown
                .lines()
                .any(|line| line.split_whitespace().eq(["x-count", "8"])),
            "{shown}"
        );
        client.succeeds(&["attributes", "delete", id, "x-count"]);
        let names = client.succeeds(&["attributes", "list", id]);
        assert!(
            names.contains("Contact Information") && !names.contains("x-count"),
            "{names}"
        );
        let refused = client.fails(&["attributes", "modify", id, "Cryptographic Length=128"], 4);
        assert!(refused.contains("Modify Attribute"), "{refused}");
    }
    let wrong = client.run(&["attributes", "set", "a", "Nonsense=1"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("no attribute of KMIP"));
}

#[test]
fn keys_are_used_where_they_are() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    let plain = world.write("plain", b"attack at dawn");
    let plain = plain.to_str().unwrap();
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    let key = client.succeeds(&["create", "--activate"]);
    let key = key.trim();

    let (encrypted, decrypted) = (path("encrypted"), path("decrypted"));
    let mode = ["--mode", "GCM", "--tag-length", "16"];
    let encrypt = [
        "encrypt", key, "--aad", "0102", "-i", plain, "-o", &encrypted,
    ];
    let answer = client.json(&[&encrypt[..], &mode].concat());
    let (iv, tag) = (
        answer["iv"].as_str().unwrap(),
        answer["tag"].as_str().unwrap(),
    );
    assert_ne!(fs::read(&encrypted).unwrap(), b"attack at dawn");
    let decrypt = [
        "decrypt", key, "--iv", iv, "--aad", "0102", "-i", &encrypted, "-o", &decrypted,
    ];
    client.succeeds(&[&decrypt[..], &mode, &["--tag", tag]].concat());
    assert_eq!(fs::read(&decrypted).unwrap(), b"attack at dawn");
    let other = "00".repeat(16);
    client.fails(&[&decrypt[..], &mode, &["--tag", &other]].concat(), 4);

    let pair = client.json(&["create-key-pair", "--curve", "P-256", "--activate"]);
    let (private, public) = (
        pair["private"].as_str().unwrap(),
        pair["public"].as_str().unwrap(),
    );
    let signature = path("signature");
    let hash = ["--hash", "SHA-256"];
    client.succeeds(&[&["sign", private, "-i", plain, "-o", &signature][..], &hash].concat());
    let verify = ["verify", public, "--signature", &signature, "-i"];
    assert_eq!(
        client.succeeds(&[&verify[..], &[plain], &hash].concat()),
        "valid\n"
    );
    let output = client.run(&[&verify[..], &[encrypted.as_str()], &hash].concat());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "not valid\n");

    let mac_key = client.succeeds(&["create", "--algorithm", "HMAC-SHA256", "--activate"]);
    let (mac_key, mac) = (mac_key.trim(), path("mac"));
    client.succeeds(&["mac", mac_key, "-i", plain, "-o", &mac]);
    assert_eq!(fs::read(&mac).unwrap().len(), 32);
    assert_eq!(
        client.succeeds(&["mac", mac_key, "-i", plain, "--verify", &mac]),
        "valid\n"
    );

    let abc = world.write("abc", b"abc");
    let hashed = client.json(&["hash", "--input", abc.to_str().unwrap()]);
    assert_eq!(
        hashed["hash"],
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    let random = client.json(&["rng", "24"]);
    assert_eq!(random["data"].as_str().unwrap().len(), 48);

    let new = client.succeeds(&["rekey", key]);
    assert_ne!(new.trim(), key);
}

#[test]
fn raw_messages_go_through_every_transport() {
    let request = r#"<RequestMessage><RequestHeader><ProtocolVersion>
<ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/>
</ProtocolVersion><BatchCount type="Integer" value="1"/></RequestHeader><BatchItem>
<Operation type="Enumeration" value="Query"/><RequestPayload>
<QueryFunction type="Enumeration" value="QueryServerInformation"/></RequestPayload></BatchItem>
</RequestMessage>"#;
    let world = World::new();
    let message = world.write("request.xml", request.as_bytes());
    let message = message.to_str().unwrap();
    let (plain, https) = (world.serve(&[]), world.serve(&["--https", "/kmip"]));
    let clients = [
        Client::of(&world, &plain),
        Client::https(&world, &https, "ttlv"),
        Client::https(&world, &https, "json"),
        Client::https(&world, &https, "xml"),
    ];
    for client in &clients {
        let answer = client.succeeds(&["raw", message]);
        assert!(answer.starts_with("ResponseMessage KMIP 1.4\n"), "{answer}");
        assert!(
            answer.contains("VendorIdentification: \"kmip-server"),
            "{answer}"
        );
        let json = client.succeeds(&["raw", message, "--to", "json"]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["tag"], "ResponseMessage");
        assert_eq!(
            client.json(&["query"])["vendor_identification"]
                .as_str()
                .map(|v| &v[..11]),
            Some("kmip-server")
        );
    }
    // What the server cannot read is sent all the same, and answered.
    let damaged = "42007801000000084200770100000000";
    let answer = clients[0].succeeds(&["raw", damaged]);
    assert!(answer.contains("InvalidMessage"), "{answer}");
}

#[test]
fn servers_come_from_the_configuration_file() {
    let world = World::new();
    let server = world.serve(&[]);
    let users = world.write("users", b"alice:correct horse\n");
    let guarded = world.serve(&["--users", users.to_str().unwrap()]);
    world.write("right", b"correct horse\n");
    world.write("wrong", b"battery\n");
    let identity = "cert = \"dev/client.crt\"\nkey = \"dev/client.key\"\nca = \"dev/ca.crt\"";
    let file = format!(
        "default = \"plain\"\n[servers.plain]\naddress = \"{}\"\n{identity}\nkmip-version = \"1.2\"\n\
         [servers.guarded]\naddress = \"{}\"\n{identity}\nuser = \"alice\"\npassword-file = \"right\"\n",
        server.address, guarded.address
    );
    let file = world.write("servers.toml", file.as_bytes());
    let run = |arguments: &[&str]| {
        let mut command = kmip();
        command
            .args(arguments)
            .env("KMIP_CONFIG", &file)
            .env_remove("KMIP_SERVER");
        command.output().unwrap()
    };
    let listed = text(&run(&["servers"]).stdout);
    assert!(
        listed.contains("guarded") && listed.contains("alice"),
        "{listed}"
    );
    let query = text(&run(&["query", "--json"]).stdout);
    let query: serde_json::Value = serde_json::from_str(&query).unwrap();
    assert_eq!(query["version"], "1.2");
    assert_eq!(query["server"], server.address);
    assert!(run(&["create", "--server", "guarded"]).status.success());
    // The environment chooses, too, and what the command line says goes before it.
    let chosen = |arguments: &[&str]| {
        let mut command = kmip();
        command.args(arguments).env("KMIP_CONFIG", &file);
        command.env("KMIP_SERVER", "guarded").output().unwrap()
    };
    let query = text(&chosen(&["query", "--json"]).stdout);
    assert!(query.contains(&guarded.address), "{query}");
    let query = text(&chosen(&["query", "--json", "--server", "plain"]).stdout);
    assert!(query.contains(&server.address), "{query}");
    let doctor = chosen(&["doctor", "plain"]);
    assert!(doctor.status.success(), "{}", text(&doctor.stderr));
    let error = failure(&chosen(&["query", "--https", "https://127.0.0.1:1/"]), 3);
    assert!(error.contains("127.0.0.1:1"), "{error}");
    let wrong = world.path("wrong");
    let wrong = wrong.to_str().unwrap();
    let refused = run(&[
        "create",
        "-s",
        "guarded",
        "--user",
        "alice",
        "--password-file",
        wrong,
    ]);
    let refused = failure(&refused, 4);
    assert!(
        refused.contains("Authentication Not Successful"),
        "{refused}"
    );
    assert!(!refused.contains("battery"), "{refused}");
    let unasked = failure(&run(&["create", "-s", "guarded", "--user", "alice"]), 2);
    assert!(unasked.contains("--password-file"), "{unasked}");

    world.write(
        "servers.toml",
        b"default = \"a\"\n\n[servers.a]\nadress = \"x\"\n",
    );
    let misspelt = failure(&run(&["query"]), 2);
    assert!(
        misspelt.contains("servers.toml: line 4") && misspelt.contains("adress"),
        "{misspelt}"
    );
}
