//! The audit log: what is in it, what is not, and what happens when it cannot be written.

mod common;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use common::process::{World, create, key_bytes};
use kmip::client::Client;
use kmip::codec::{Extra, RawItem, RawValue};
use kmip::types::{
    Certificate, CertificateRequest, GetAttributeListRequest, GetConstraintsRequest, LocateRequest,
    QueryAsynchronousRequestsRequest, ReProvisionRequest, ResultReason, Tag,
};
use serde_json::Value;

fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn about<'r>(records: &'r [Value], operation: &str) -> Vec<&'r Value> {
    let records = records.iter();
    records
        .filter(|record| record["operation"] == operation)
        .collect()
}

/// Creates keys until that works, for what takes effect some time after a signal.
fn create_until_it_works(client: &mut Client, mut is_done: impl FnMut() -> bool) {
    for number in 0..100_000 {
        let made = client.call(create(&format!("again {number}")));
        if made.is_ok() && is_done() {
            return;
        }
    }
    panic!("the signal has no effect");
}

#[test]
fn each_operation_is_noted_without_secrets() {
    let world = World::new();
    let users = world.path("users");
    std::fs::write(&users, "Fred:password1\n").unwrap();
    let path = world.path("audit.jsonl");
    let options = [
        "--audit",
        path.to_str().unwrap(),
        "--users",
        users.to_str().unwrap(),
    ];
    let process = world.start(&options);
    let login = |password| {
        let builder = world.builder(&process, "alice");
        builder.username_and_password("Fred", password).connect()
    };
    let mut client = login("password1").unwrap();
    let key = client.call(create("disk")).unwrap().unique_identifier;
    let bytes = key_bytes(&mut client, &key).unwrap();
    assert!(key_bytes(&mut client, &"nothing".into()).is_err());
    assert!(login("wrong password").is_err());

    let records = records(&path);
    let made = about(&records, "Create");
    let [made] = made[..] else {
        panic!("{made:?}");
    };
    assert_eq!(made["objects"], serde_json::json!([key.as_text().unwrap()]));
    assert_eq!(made["result"], "Success");
    assert_eq!(made["user"], "Fred");
    assert_eq!(made["certificate"], "alice");
    assert!(made["address"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(made["version"], "2.1");
    assert!(made["reason"].is_null());
    let got = about(&records, "Get");
    let [good, bad] = got[..] else {
        panic!("{got:?}");
    };
    assert_eq!(good["objects"], made["objects"]);
    assert_eq!(bad["objects"], serde_json::json!(["nothing"]));
    assert_eq!(bad["result"], "Operation Failed");
    assert_eq!(bad["reason"], "Object Not Found");
    let refused = records
        .iter()
        .filter(|record| record["operation"].is_null() && record["event"].is_null());
    let refused: Vec<&Value> = refused.collect();
    assert!(!refused.is_empty());
    for record in refused {
        assert_eq!(record["reason"], "Authentication Not Successful");
        assert!(record["user"].is_null());
    }

    let text = std::fs::read_to_string(&path).unwrap();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in [
        digits.as_str(),
        &digits.to_uppercase(),
        "password1",
        "wrong password",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_signal_begins_a_new_file() {
    let world = World::new();
    let (path, old) = (world.path("audit.jsonl"), world.path("audit.jsonl.1"));
    let process = world.start(&["--audit", path.to_str().unwrap()]);
    let mut client = world.client(&process, "alice");
    client.call(create("first")).unwrap();
    std::fs::rename(&path, &old).unwrap();
    process.signal("-HUP");
    create_until_it_works(&mut client, || path.exists());
    client.call(create("last")).unwrap();
    assert!(!about(&records(&old), "Create").is_empty());
    assert!(!about(&records(&path), "Create").is_empty());
    // A restart adds to what is there.
    let before = records(&path).len();
    drop(process);
    let process = world.start(&["--audit", path.to_str().unwrap()]);
    world
        .client(&process, "alice")
        .call(create("more"))
        .unwrap();
    assert!(records(&path).len() > before);
}

#[test]
fn while_it_cannot_be_written_nothing_is_changed_and_nothing_is_lost() {
    let world = World::new();
    let path = world.path("audit.jsonl");
    symlink("/dev/full", &path).unwrap();
    let process = world.start(&["--audit", path.to_str().unwrap()]);
    let mut client = world.client(&process, "alice");
    // That the server has started could not be noted already.
    let refused = client.call(create("refused")).unwrap_err();
    assert_eq!(refused.result_reason(), Some(ResultReason::GENERAL_FAILURE));
    assert!(refused.to_string().contains("audit log"), "{refused}");
    let found = client.call(LocateRequest::default()).unwrap();
    assert!(found.unique_identifier.is_empty());
    for read in [
        client.call(GetConstraintsRequest::default()).err(),
        client
            .call(QueryAsynchronousRequestsRequest::default())
            .err(),
    ] {
        assert!(read.is_none(), "{read:?}");
    }

    let real = world.path("real");
    std::fs::remove_file(&path).unwrap();
    symlink(&real, &path).unwrap();
    process.signal("-HUP");
    create_until_it_works(&mut client, || true);
    let records = records(&real);
    assert_eq!(records[0]["event"], "started");
    let made = about(&records, "Create");
    assert_eq!(made[0]["result"], "Operation Failed");
    assert_eq!(made.last().unwrap()["result"], "Success");
    assert_eq!(about(&records, "Locate").len(), 1);
}

#[test]
fn no_identifier_of_a_client_keeps_its_line_out_of_the_log() {
    let world = World::new();
    let path = world.path("audit.jsonl");
    let process = world.start(&["--audit", path.to_str().unwrap()]);
    let mut client = world.client(&process, "alice");
    let key = client.call(create("disk")).unwrap().unique_identifier;
    let identifier = |text: String| RawItem {
        tag: Tag::UNIQUE_IDENTIFIER,
        value: RawValue::TextString(text.into()),
    };
    // Written as \u0001, it is longer than what may wait for a log that cannot be written.
    let long = "\u{1}".repeat(1 << 19);
    let mut request = GetAttributeListRequest {
        unique_identifier: Some(key.clone()),
        ..GetAttributeListRequest::default()
    };
    request.extra.push(identifier(long));
    let _ = client.call(request.clone());
    request.extra = Extra::new();
    // What is within something else stands behind.
    for number in 0..1000 {
        let inner = vec![identifier(format!("inner {number}"))];
        request.extra.push(RawItem {
            tag: Tag(0x54_0001),
            value: RawValue::Structure(inner),
        });
    }
    let _ = client.call(request);
    let records = records(&path);
    let noted = about(&records, "Get Attribute List");
    assert_eq!(noted.len(), 2);
    for record in noted {
        assert_eq!(record["objects"][0], *key.as_text().unwrap());
        assert!(record.to_string().len() < 10_000);
    }
}

/// Who can connect from now on has been made by somebody.
#[test]
fn a_new_certificate_for_a_client_is_noted() {
    let world = World::new();
    let path = world.path("audit.jsonl");
    let process = world.start(&["--audit", path.to_str().unwrap(), "--provision"]);
    let mut client = world.client(&process, "alice");
    let provisioned = client.call(ReProvisionRequest::default()).unwrap();
    let provisioned = provisioned.unique_identifier.unwrap();
    let both = ReProvisionRequest {
        certificate: Some(Certificate::default()),
        certificate_request: Some(CertificateRequest::default()),
        ..ReProvisionRequest::default()
    };
    assert!(client.call(both).is_err());
    let records = records(&path);
    let noted = about(&records, "Re-Provision");
    let [good, bad] = noted[..] else {
        panic!("{noted:?}");
    };
    assert_eq!(good["certificate"], "alice");
    assert_eq!(good["result"], "Success");
    let expected = serde_json::json!([provisioned.as_text().unwrap()]);
    assert_eq!(good["objects"], expected);
    assert_eq!(bad["result"], "Operation Failed");
    assert_eq!(bad["reason"], "Invalid Field");
}
