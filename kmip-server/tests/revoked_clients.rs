//! Clients whose certificates are on a revocation list.

mod common;

use std::fs::{self, File};

use common::process::{World, create};
use kmip::transport::tls::{ClientTls, Identity};
use kmip::types::LocateRequest;
use test_support::Certified;

/// What becomes of a client that asks for its keys.
fn ask(world: &World, address: &str, certified: &Certified) -> Result<(), String> {
    let Certified { key, certificate } = certified.clone();
    let tls = ClientTls::new()
        .ca_certificate(world.authority.certificate().clone())
        .identity(Identity::new(key, certificate, Vec::new()).unwrap());
    let client = kmip::client::Client::builder(address.parse().unwrap());
    let asked = client.tls(tls).connect();
    let asked = asked.and_then(|mut client| client.call(LocateRequest::default()).map(drop));
    asked.map_err(|error| kmip::with_causes(&error))
}

#[test]
fn a_client_on_the_list_is_refused_and_others_are_not() {
    let world = World::new();
    let [alice, bob] = ["alice", "bob"].map(|name| world.authority.client(name));
    let list = |days| world.authority.revocation_list(&[&alice.certificate], days);
    let (current, old) = (world.path("current.pem"), world.path("old.pem"));
    std::fs::write(&current, list(30)).unwrap();
    std::fs::write(&old, list(-1)).unwrap();
    let process = world.start(&["--client-crl", current.to_str().unwrap()]);
    let refused = ask(&world, &process.address, &alice).unwrap_err();
    assert!(refused.contains("revoked"), "{refused}");
    ask(&world, &process.address, &bob).unwrap();
    // A list that has run out says nothing about anybody, and none is let in. Here it stands in a
    // configuration file, relative to that.
    let path = world.path("server.toml");
    std::fs::write(&path, "client-crl = [\"old.pem\"]\n").unwrap();
    let process = world.start(&["--config", path.to_str().unwrap()]);
    assert!(ask(&world, &process.address, &bob).is_err());
}

#[test]
fn renewed_lists_are_taken_without_a_restart() {
    let world = World::new();
    let [alice, bob] = ["alice", "bob"].map(|name| world.authority.client(name));
    let [list, new, log] = ["list.pem", "new.pem", "stderr"].map(|name| world.path(name));
    let replace = |content: &[u8]| {
        fs::write(&new, content).unwrap();
        fs::rename(&new, &list).unwrap();
    };
    replace(&world.authority.revocation_list(&[], 30));
    let mut command = world.command(&["--client-crl", list.to_str().unwrap()]);
    command.stderr(File::create(&log).unwrap());
    let process = world.run(command);
    let mut told = 0;
    // What the server has told since the last time.
    let mut told = || {
        let text = fs::read_to_string(&log).unwrap();
        let new = text[told..].to_owned();
        told = text.len();
        new
    };
    let mut connected = world
        .builder_for(&process.address, alice.clone())
        .connect()
        .unwrap();
    connected.call(create("first")).unwrap();
    assert_eq!(told(), "");

    let revoked = world.authority.revocation_list(&[&alice.certificate], 30);
    replace(&revoked);
    let refuse_alice = || {
        let refused = ask(&world, &process.address, &alice).unwrap_err();
        assert!(refused.contains("revoked"), "{refused}");
        ask(&world, &process.address, &bob).unwrap();
    };
    refuse_alice();
    let text = told();
    assert!(
        text.contains("lists of clients have been read anew"),
        "{text}"
    );
    // A connection that there is already stays.
    connected.call(create("second")).unwrap();

    for damage in [
        &(|| replace(b"nothing")) as &dyn Fn(),
        &|| replace(&revoked[..revoked.len() / 2]),
        &|| fs::remove_file(&list).unwrap(),
    ] {
        damage();
        refuse_alice();
        let text = told();
        let stay = "previous revocation lists of clients stay in use: ";
        assert_eq!(text.matches(stay).count(), 1, "{text}");
        assert!(text.contains(list.to_str().unwrap()), "{text}");
    }
    replace(&world.authority.revocation_list(&[&bob.certificate], 30));
    ask(&world, &process.address, &alice).unwrap();
    assert!(ask(&world, &process.address, &bob).is_err());
    let text = told();
    assert!(text.contains("read anew"), "{text}");
}

#[test]
fn an_authority_without_a_list_is_not_trusted_by_lists() {
    let world = World::new();
    let path = world.path("server.toml");
    std::fs::write(
        world.path("list.pem"),
        world.authority.revocation_list(&[], 30),
    )
    .unwrap();
    std::fs::write(&path, "client-crl = [\"list.pem\"]\n").unwrap();
    let list = world.path("list.pem");
    for options in [
        ["--config", path.to_str().unwrap()],
        ["--client-crl", list.to_str().unwrap()],
    ] {
        let mut command = world.command(&options);
        let (store, audit) = (world.path("keys.sqlite"), world.path("audit.log"));
        command.arg("--store").arg(&store);
        command.arg("--audit").arg(&audit).arg("--provision");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("--client-crl"), "{told}");
        // It does not leave behind what it would have needed.
        assert!(!store.exists() && !audit.exists());
    }
    let missing = world.command(&["--client-crl", "nowhere.pem"]).output();
    let told = String::from_utf8(missing.unwrap().stderr).unwrap();
    assert!(told.contains("nowhere.pem"), "{told}");
}
