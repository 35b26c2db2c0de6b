//! The server as a process, with real clients, real files and real signals.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;

use common::process::{PATIENCE, World, create, key_bytes};
use kmip::client::Batch;
use kmip::types::{
    ActivateRequest, LocateRequest, QueryFunction, QueryRequest, ResponsePayload, ResultReason,
    State,
};
use kmip::{Encoding, ProtocolVersion};

#[test]
fn a_client_makes_and_activates_a_key_in_one_message() {
    let world = World::new();
    let process = world.start(&[]);
    let mut client = world.client(&process, "alice");
    assert_eq!(client.version(), ProtocolVersion::V2_1);
    let batch = Batch::new()
        .with(create("disk"))
        .with(ActivateRequest::default());
    let items = client.send_batch(batch).unwrap();
    let ResponsePayload::Create(created) = items[0].as_ref().unwrap() else {
        panic!("{items:?}");
    };
    let key = created.unique_identifier.clone();
    let attributes = client.get_attributes(key.clone(), Vec::new()).unwrap();
    assert_eq!(attributes.state(), Some(&State::ACTIVE));
    assert_eq!(key_bytes(&mut client, &key).unwrap().len(), 32);
}

#[test]
fn acknowledged_keys_survive_a_crash() {
    const CLIENTS: usize = 4;
    const KEYS: usize = 6;
    let world = World::new();
    let store = world.path("keys.sqlite");
    let options = ["--store", store.to_str().unwrap()];
    let process = world.start(&options);
    // Clients make keys until the server is gone; what was acknowledged is told here.
    let (acknowledged, made) = channel();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = world.client(&process, "alice");
            let acknowledged = acknowledged.clone();
            scope.spawn(move || {
                for key in 0.. {
                    let request = create(&format!("key {number} {key}"));
                    let Ok(created) = client.call(request) else {
                        return;
                    };
                    // Without an answer the key must be there nevertheless.
                    let bytes = key_bytes(&mut client, &created.unique_identifier).ok();
                    acknowledged
                        .send((created.unique_identifier, bytes))
                        .unwrap();
                }
            });
        }
        let mut keys: Vec<_> = (0..CLIENTS * KEYS)
            .map(|_| made.recv_timeout(PATIENCE).unwrap())
            .collect();
        process.signal("-KILL");
        process.wait();
        drop(acknowledged);
        keys.extend(made.iter());

        let process = world.start(&options);
        let mut client = world.client(&process, "alice");
        for (key, bytes) in &keys {
            let stored = key_bytes(&mut client, key).unwrap();
            assert!(bytes.as_ref().is_none_or(|bytes| *bytes == stored));
        }
        let found = client.call(LocateRequest::default()).unwrap();
        assert!(found.unique_identifier.len() >= keys.len());
    });
}

#[test]
fn only_the_owner_can_read_the_store() {
    let world = World::new();
    let store = world.path("keys.sqlite");
    // Someone was careless before.
    std::fs::write(&store, "").unwrap();
    std::fs::set_permissions(&store, PermissionsExt::from_mode(0o644)).unwrap();
    let process = world.start(&["--store", store.to_str().unwrap()]);
    world
        .client(&process, "alice")
        .call(create("disk"))
        .unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&store), 0o600);
    assert_eq!(mode(&world.path("keys.sqlite-wal")), 0o600);
}

#[test]
fn many_clients_work_at_the_same_time() {
    const CLIENTS: usize = 6;
    const KEYS: usize = 10;
    let world = World::new();
    let process = world.start(&[]);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = world.client(&process, &format!("client {number}"));
            scope.spawn(move || {
                for key in 0..KEYS {
                    client.call(create(&format!("key {key}"))).unwrap();
                }
                let found = client.call(LocateRequest::default()).unwrap();
                assert_eq!(found.unique_identifier.len(), KEYS);
            });
        }
    });
}

#[test]
fn a_signal_stops_the_server_in_good_order() {
    let world = World::new();
    for signal in ["-TERM", "-INT"] {
        let ready = world.path("ready");
        let process = world.start(&["--ready-file", ready.to_str().unwrap()]);
        let told = std::fs::read_to_string(&ready).unwrap();
        assert_eq!(told.trim_end(), process.address);
        let mut client = world.client(&process, "alice");
        client.call(create(signal)).unwrap();
        process.signal(signal);
        assert!(process.wait().success());
        std::fs::remove_file(ready).unwrap();
    }
}

#[test]
fn an_old_server_is_spoken_to_in_its_version() {
    let world = World::new();
    for newest in ["1.0", "1.2", "1.4", "2.0"] {
        let process = world.start(&["--max-version", newest]);
        let mut client = world.client(&process, "alice");
        assert_eq!(client.version().to_string(), newest);
        client.call(create("disk")).unwrap();
    }
    let process = world.start(&["--min-version", "2.0"]);
    let old = world
        .builder(&process, "alice")
        .versions(ProtocolVersion::V1_0, ProtocolVersion::V1_4);
    assert!(old.connect().is_err());
}

#[test]
fn query_shows_the_vendor_that_is_set() {
    let world = World::new();
    let process = world.start(&["--vendor", "IBM GKLM 4.2.1.0 KLM"]);
    let mut client = world.client(&process, "alice");
    let request = QueryRequest {
        query_function: vec![QueryFunction::QUERY_SERVER_INFORMATION],
        ..QueryRequest::default()
    };
    let answer = client.call(request).unwrap();
    let vendor = answer.vendor_identification.as_deref();
    assert_eq!(vendor, Some("IBM GKLM 4.2.1.0 KLM"));
}

#[test]
fn the_server_is_also_there_for_https() {
    let world = World::new();
    let process = world.start(&["--https", "/kmip"]);
    for encoding in [Encoding::Ttlv, Encoding::Json, Encoding::Xml] {
        let builder = world.builder(&process, "alice").https("/kmip", encoding);
        let mut client = builder.connect().unwrap();
        let key = client.call(create(&format!("{encoding:?}"))).unwrap();
        let bytes = key_bytes(&mut client, &key.unique_identifier);
        assert_eq!(bytes.unwrap().len(), 32);
    }
}

#[test]
fn users_have_to_log_in_if_there_are_any() {
    let world = World::new();
    let users = world.path("users");
    std::fs::write(&users, "# who may\nFred:password1\n").unwrap();
    let process = world.start(&["--users", users.to_str().unwrap(), "--max-version", "1.0"]);
    let builder = || world.builder(&process, "alice");
    let wrong = Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL);
    let refused = builder().connect().unwrap_err();
    assert_eq!(refused.result_reason(), wrong);
    for (name, password) in [
        ("Fred", "password2"),
        ("Barney", "password1"),
        ("Barney", ""),
    ] {
        let client = builder().username_and_password(name, password).connect();
        assert_eq!(client.unwrap_err().result_reason(), wrong, "{name}");
    }
    let client = builder()
        .username_and_password("Fred", "password1")
        .connect();
    client.unwrap().call(create("disk")).unwrap();
}

#[test]
fn wrong_options_are_explained() {
    let world = World::new();
    let fails = |options: &[&str]| {
        let output = world.command(options).output().unwrap();
        assert!(!output.status.success(), "{options:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(fails(&["--listen", "nowhere"]).contains("nowhere"));
    let store = world.path("no such directory/keys.sqlite");
    assert!(fails(&["--store", store.to_str().unwrap()]).contains("no such directory"));
    let text = world.path("text");
    std::fs::write(
        &text,
        "this is no database, but it is long enough to look like one",
    )
    .unwrap();
    assert!(fails(&["--store", text.to_str().unwrap()]).contains("store"));
    assert!(fails(&["--min-version", "2.0", "--max-version", "1.4"]).contains("2.0 to 1.4"));
    let nobody = world.path("nobody");
    std::fs::write(&nobody, "# nobody\n\n").unwrap();
    assert!(fails(&["--users", nobody.to_str().unwrap()]).contains("no users"));
    assert!(fails(&["--users", text.to_str().unwrap()]).contains("line 1"));
}

#[test]
fn links_in_the_place_of_the_ready_file_are_not_followed() {
    let world = World::new();
    let victim = world.path("victim");
    std::fs::write(&victim, "untouched").unwrap();
    let ready = world.path("ready");
    for place in [ready.clone(), ready.with_extension("tmp")] {
        std::os::unix::fs::symlink(&victim, place).unwrap();
    }
    let _process = world.start(&["--ready-file", ready.to_str().unwrap()]);
    assert!(!ready.is_symlink() && ready.is_file());
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
}
