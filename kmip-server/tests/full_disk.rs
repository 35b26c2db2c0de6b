//! A disk without room: the server refuses to write, and goes on to read.

mod common;

use std::process::Command;

use common::process::{World, create, key_bytes};
use kmip::client::Error;
use kmip::types::{AsynchronousIndicator, LocateRequest, ResultReason};

/// Runs the server with files that may not grow beyond this many KiB. The signal for it is ignored, so
/// that writing fails as on a full disk.
fn limited(command: &Command, kibibytes: u32) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$@\"");
    let mut limited = Command::new("bash");
    limited
        .args(["-c", &script, "bash"])
        .arg(command.get_program())
        .args(command.get_args());
    limited
}

#[test]
fn a_full_disk_refuses_writes_and_keeps_serving_reads() {
    const MOST: usize = 1000;
    let world = World::new();
    let store = world.path("keys.sqlite").display().to_string();
    let options = ["--store", &store];
    let process = world.run(limited(&world.command(&options), 600));
    let mut client = world.client(&process, "alice");
    let mut ticketed = world.client(&process, "alice");
    ticketed.login(None, Some(MOST as i32)).unwrap();
    let mut keys = Vec::new();
    let refused = loop {
        assert!(keys.len() < MOST, "the disk is never full");
        match client.call(create(&format!("key {}", keys.len()))) {
            Ok(created) => keys.push(created.unique_identifier),
            Err(error) => break error,
        }
    };
    assert_eq!(
        refused.result_reason(),
        Some(ResultReason::GENERAL_FAILURE),
        "{refused}"
    );
    assert!(refused.to_string().contains("disk is full"), "{refused}");
    assert!(!keys.is_empty());
    // So is what notes something besides objects: the requests that a ticket is good for, and one that is
    // to be done later.
    let mut later = world
        .builder(&process, "alice")
        .asynchronous(AsynchronousIndicator::MANDATORY)
        .connect()
        .unwrap();
    for client in [&mut ticketed, &mut later] {
        let mut asked = (0..MOST).map(|_| client.call(LocateRequest::default()));
        let is_refused = |asked: &Error| asked.asynchronous_correlation_value().is_none();
        let refused = asked.find_map(|asked| asked.err().filter(is_refused));
        let refused = refused.expect("nothing more can be noted");
        assert!(refused.to_string().contains("disk is full"), "{refused}");
    }
    // Others are refused as well, and what was acknowledged is there for all.
    let mut other = world.client(&process, "alice");
    assert!(other.call(create("one more")).is_err());
    for key in &keys {
        for client in [&mut client, &mut other] {
            let attributes = client.get_attributes(key.clone(), Vec::new()).unwrap();
            assert_eq!(attributes.cryptographic_length(), Some(&256));
            assert_eq!(key_bytes(client, key).unwrap().len(), 32);
        }
    }
    let found = client.call(LocateRequest::default()).unwrap();
    assert_eq!(found.unique_identifier.len(), keys.len());
    drop(process);

    let process = world.start(&options);
    let mut client = world.client(&process, "alice");
    for key in &keys {
        assert_eq!(key_bytes(&mut client, key).unwrap().len(), 32);
    }
    client.call(create("there is room again")).unwrap();
}
