//! Objects that move from one server to another.

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use kmip::server::{Call, Engine, Failure, Handler, Peer};
use kmip::types::{Authentication, RequestPayload, ResponsePayload, ResultReason, Tag};
use kmip_server::{Configuration, KeyServer, MemoryStore};
use server::{Client, World, text};

#[test]
fn objects_move_between_servers() {
    let world = World::new();
    let (from, to) = (world.serve(&[]), world.serve(&[]));
    let (from, to) = (Client::of(&world, &from), Client::of(&world, &to));
    let created = [
        "create",
        "--name",
        "moving",
        "--length",
        "128",
        "--activate",
    ];
    let id = from.succeeds(&[&created[..], &["-a", "x-purpose=disk"]].concat());
    let id = id.trim();
    let file = world.path("moving.xml");
    let file = file.to_str().unwrap();
    from.succeeds(&["export", id, "--output", file]);
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // Nothing proves to the other server that the key has not been seen in clear.
    let output = to.run(&["import", file]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), id);
    let secret = |client: &Client<'_>| client.json(&["get", id, "--show-secrets"])["hex"].clone();
    assert_eq!(secret(&from), secret(&to));
    let attributes =
        |client: &Client<'_>| client.json(&["attributes", "get", id])["attributes"].clone();
    let there = attributes(&to);
    for attribute in attributes(&from).as_array().unwrap() {
        let kept = there.as_array().unwrap().contains(attribute);
        let name = attribute["name"].as_str().unwrap();
        let told = text(&output.stderr).contains(name);
        assert!(kept != told, "{attribute}: {}", text(&output.stderr));
        // What matters is there.
        let vital = [
            "Name",
            "State",
            "Activation Date",
            "Initial Date",
            "x-purpose",
        ];
        assert!(kept || !vital.contains(&name), "{attribute}");
    }
    let listed = to.json(&["locate", "--name", "moving"]);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["state"]),
        (&id.into(), &"Active".into())
    );
    let twice = to.fails(&["import", file], 4);
    assert!(twice.contains("operation Import"), "{twice}");
    let again = to.json(&["import", file, "--replace"]);
    assert_eq!(again["left_out"], serde_json::json!([]), "{again}");
    // To an older version, too, and with another identifier.
    let third = world.serve(&["--max-version", "1.4"]);
    let third = Client::of(&world, &third);
    let old = third.run(&["import", file, "--id", "copy"]);
    assert!(old.status.success(), "{}", text(&old.stderr));
    let copied = third.json(&["get", "copy", "--show-secrets"]);
    assert_eq!(copied["hex"], secret(&from));
    // A kind of link that 1.4 does not have is left out, and told.
    let exported = fs::read_to_string(file).unwrap();
    let with_link = exported.replace("\"moving\"", "\"linked\"").replace(
        "<Attributes>",
        "<Attributes><Link><LinkType type=\"Enumeration\" value=\"WrappingKeyLink\"/>\
         <LinkedObjectIdentifier type=\"TextString\" value=\"77\"/></Link>",
    );
    let linked = world.write("linked.xml", with_link.as_bytes());
    let linked = linked.to_str().unwrap();
    let told = third.json(&["import", linked, "--id", "linked"]);
    let left_out = told["left_out"].as_array().unwrap();
    assert!(left_out.contains(&"Link".into()), "{told}");
    // Unless it is said that the server may know it, as this one does.
    let fourth = world.serve(&["--max-version", "1.4"]);
    let fourth = Client::of(&world, &fourth);
    let sent = fourth.json(&["import", linked, "--id", "other", "--other-versions"]);
    let left_out = sent["left_out"].as_array().unwrap();
    assert!(!left_out.contains(&"Link".into()), "{sent}");
    assert!(!left_out.is_empty(), "{sent}");
    let nothing = world.write("nothing.xml", b"<ResponseMessage/>");
    let wrong = to.fails(&["import", nothing.to_str().unwrap()], 1);
    assert!(wrong.contains("no exported object"), "{wrong}");
}

/// Sets dates and states itself, whatever the specification says of Import.
struct Strict(KeyServer);

impl Handler for Strict {
    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        if let RequestPayload::Import(import) = &request {
            let refused = [Tag::INITIAL_DATE, Tag::STATE];
            let tags = import.attributes.iter().filter_map(|one| one.value.tag());
            if tags.into_iter().any(|tag| refused.contains(&tag)) {
                let text = "a client cannot set that";
                return Err(Failure::new(ResultReason::READ_ONLY_ATTRIBUTE, text));
            }
        }
        self.0.handle(call, request)
    }

    fn authenticate(
        &self,
        peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        self.0.authenticate(peer, credentials)
    }
}

#[test]
fn a_server_that_does_not_take_all_attributes_gets_the_others() {
    let world = World::new();
    let from = world.serve(&[]);
    let from = Client::of(&world, &from);
    let store = Arc::new(MemoryStore::new());
    let strict = Strict(KeyServer::new(Configuration::default(), store));
    let strict = world.within(Arc::new(Engine::new(strict)));
    let to = Client {
        world: &world,
        options: vec!["--server".to_owned(), strict.address().to_string()],
    };
    let created = ["create", "--name", "moving", "-a", "x-purpose=disk"];
    let id = from.succeeds(&created);
    let file = world.path("moving.xml");
    let file = file.to_str().unwrap();
    from.succeeds(&["export", id.trim(), "--output", file]);
    let imported = to.json(&["import", file, "--id", "copy"]);
    assert_eq!(imported["id"], "copy");
    let kept = to.json(&["attributes", "get", "copy", "Name", "x-purpose"]);
    assert_eq!(kept["attributes"].as_array().unwrap().len(), 2, "{kept}");
    let different = imported["different"].as_array().unwrap();
    assert!(
        different.contains(&"Short Unique Identifier".into()),
        "{imported}"
    );
    // What is wrong with more than attributes is refused as ever.
    let twice = to.fails(&["import", file, "--id", "copy"], 4);
    assert!(!twice.contains("a client cannot set that"), "{twice}");
}
