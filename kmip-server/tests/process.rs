//! The server as a process, with real clients, real files and real signals.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use common::process::{PATIENCE, Process, World, create, key_bytes};
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

#[test]
fn https_is_offered_beside_tls() {
    let world = World::new();
    let process = world.start(&["--https-listen", "127.0.0.1:0"]);
    let mut first = world.client(&process, "alice");
    let key = first.call(create("disk")).unwrap().unique_identifier;
    let bytes = key_bytes(&mut first, &key).unwrap();
    let second = process.told("https ");
    for encoding in Encoding::ALL {
        let builder = world.builder_for(second, world.authority.client("alice"));
        let mut client = builder.https("/kmip", encoding).connect().unwrap();
        assert_eq!(key_bytes(&mut client, &key).unwrap(), bytes, "{encoding:?}");
    }
    let path = world.start(&["--https-listen", "127.0.0.1:0", "--https", "/other"]);
    let builder = world.builder_for(path.told("https "), world.authority.client("alice"));
    builder.https("/other", Encoding::Json).connect().unwrap();
}

#[test]
fn requests_that_have_arrived_are_finished_after_a_signal() {
    let world = World::new();
    // The answer is on its way for as long as it takes to send the signal.
    let process = world.start(&["--fault", "delay=1000,operation=Create"]);
    let mut client = world.client(&process, "alice");
    let (asking, asked) = channel();
    let waiting = thread::spawn(move || {
        asking.send(()).unwrap();
        client.call(create("disk"))
    });
    asked.recv().unwrap();
    // It must have arrived, which nobody but the server sees.
    thread::sleep(Duration::from_millis(500));
    process.signal("-TERM");
    waiting.join().unwrap().unwrap();
    assert!(process.wait().success());
}

#[test]
fn idle_clients_take_no_threads_and_are_served_when_they_come_back() {
    const CLIENTS: usize = 40;
    /// A server on which nothing happens has fewer.
    const FEW: usize = 10;
    let world = World::new();
    let process = world.start(&[]);
    let alice = world.authority.client("alice");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let builder = world.builder_for(&process.address, alice.clone());
            builder.version(ProtocolVersion::V1_4).connect().unwrap()
        })
        .collect();
    let rest = |clients: &mut Vec<kmip::client::Client>, made: usize| {
        for client in &mut *clients {
            let found = client.call(LocateRequest::default()).unwrap();
            assert_eq!(found.unique_identifier.len(), made);
        }
        let begun = Instant::now();
        while process.threads() >= FEW {
            assert!(begun.elapsed() < PATIENCE, "{} threads", process.threads());
            thread::sleep(Duration::from_millis(50));
        }
    };
    rest(&mut clients, 0);
    clients[0].call(create("disk")).unwrap();
    rest(&mut clients, 1);
    // Those that are idle do not delay the end.
    let begun = Instant::now();
    process.signal("-TERM");
    assert!(process.wait().success());
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn the_store_is_sealed_with_a_master_key_that_can_be_changed() {
    let world = World::new();
    let store = world.path("keys.sqlite");
    let [old, new] = ["old", "new"].map(|name| {
        let path = world.path(name);
        let digit = &name[..1].replace('o', "1").replace('n', "2");
        std::fs::write(&path, format!("{}\n", digit.repeat(64))).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let store = store.to_str().unwrap();
    let fails = |options: &[&str]| {
        let output = world.command(options).output().unwrap();
        assert!(!output.status.success(), "{options:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let key = {
        let clear = world.start(&["--store", store]);
        let mut late = world.client(&clear, "alice");
        let clear_key = late.call(create("in clear")).unwrap().unique_identifier;
        assert_eq!(key_bytes(&mut late, &clear_key).unwrap().len(), 32);
        let process = world.start(&["--store", store, "--master-key", &old]);
        // What lies in clear in a sealed store could not be read.
        let refused = late.call(create("too late")).unwrap_err();
        assert_eq!(refused.result_reason(), Some(ResultReason::GENERAL_FAILURE));
        // Nor is what is sealed by now given out for a key.
        let refused = key_bytes(&mut late, &clear_key).unwrap_err();
        assert_eq!(refused.result_reason(), Some(ResultReason::GENERAL_FAILURE));
        let mut client = world.client(&process, "alice");
        assert_eq!(key_bytes(&mut client, &clear_key).unwrap().len(), 32);
        client.call(create("disk")).unwrap().unique_identifier
    };
    assert!(fails(&["--store", store]).contains("sealed"));
    assert!(fails(&["--store", store, "--master-key", &new]).contains("does not open"));
    let rotate = [
        "--store",
        store,
        "--master-key",
        &old,
        "--rotate-master-key",
        &new,
    ];
    let rotated = common::process::program().args(rotate).output().unwrap();
    assert!(rotated.status.success(), "{rotated:?}");
    assert!(fails(&["--store", store, "--master-key", &old]).contains("does not open"));
    let mut command = world.command(&["--store", store]);
    let process = Process::run(command.env("KMIP_MASTER_KEY", "2".repeat(64)));
    let mut client = world.client(&process, "alice");
    assert_eq!(key_bytes(&mut client, &key).unwrap().len(), 32);
    let memory = ["--master-key", &old, "--rotate-master-key", &new];
    assert!(fails(&memory).contains("--store"));
}

#[test]
fn slow_silent_and_half_closed_clients_hinder_nobody() {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpStream};
    let world = World::new();
    let config = world.path("kmip.toml");
    std::fs::write(
        &config,
        "[limits]\nhandshake-seconds = 1\nidle-seconds = 1\nrequest-seconds = 1\n",
    )
    .unwrap();
    let process = world.start(&["--config", config.to_str().unwrap()]);
    let mut others = Vec::new();
    for bytes in [&b""[..], &[0x16, 3, 1], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(&process.address).unwrap();
        stream.write_all(bytes).unwrap();
        others.push(stream);
    }
    let half = TcpStream::connect(&process.address).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    others.push(half);
    let mut client = world.client(&process, "alice");
    client.call(create("disk")).unwrap();
    for mut stream in others {
        // Closed by the server, after an alert perhaps.
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        match stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn the_server_goes_on_when_nobody_can_be_told() {
    let world = World::new();
    let mut command = world.command(&["--log-messages"]);
    let full = std::fs::File::options().write(true).open("/dev/full");
    command.stderr(full.unwrap());
    let process = world.run(command);
    let mut client = world.client(&process, "alice");
    let key = client.call(create("disk")).unwrap().unique_identifier;
    assert_eq!(key_bytes(&mut client, &key).unwrap().len(), 32);
    process.signal("-TERM");
    assert!(process.wait().success());
}
