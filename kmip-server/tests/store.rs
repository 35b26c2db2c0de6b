//! What the stores keep: the same, whichever it is, and in a file also across restarts.

#![allow(
    clippy::cloned_ref_to_slice_refs,
    reason = "an array of one is compared with a list"
)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{Identifier, World, create, name};
use kmip::ProtocolVersion;
use kmip::types::{
    ActivateRequest, Attribute, BatchErrorContinuationOption, GetRequest, LocateRequest,
    ManagedObject, ObjectType, OpaqueDataType, OpaqueObject, RawValue, RegisterRequest,
    RequestBatchItem, RequestMessage, RequestPayload, ResultReason, ResultStatus, Secret, Tag,
};
use kmip_server::{AuditLog, MemoryStore, SqliteStore, Store, StoreError};

fn sqlite(path: &Path) -> World {
    World::with(Arc::new(SqliteStore::open(path).unwrap()), |_| {})
}

fn key_bytes(world: &World, version: ProtocolVersion, key: &Identifier) -> Vec<u8> {
    let request = GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    };
    match world.call(version, request).unwrap().managed_object {
        ManagedObject::SymmetricKey(key) => key
            .key_block
            .key_value
            .unwrap()
            .as_bytes()
            .unwrap()
            .to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    for version in ProtocolVersion::ALL {
        let (key, bytes, attributes) = {
            let world = sqlite(&path);
            let mut more = vec![
                name(&format!("one {version}")),
                name(&format!("two {version}")),
                Attribute::custom("x", "text", RawValue::TextString("\u{fc}".into())),
                Attribute::custom("x", "bytes", RawValue::ByteString(vec![0, 255].into())),
                Attribute::custom("x", "number", RawValue::LongInteger(i64::MIN)),
            ];
            if version < ProtocolVersion::V2_0 {
                // This one exists in 1.x only.
                more.push(Attribute::operation_policy_name("mine"));
            }
            let key = world.create(version, more);
            let bytes = key_bytes(&world, version, &key);
            (
                key.clone(),
                bytes,
                world.attributes(version, &key, &[]).unwrap(),
            )
        };
        let world = sqlite(&path);
        assert_eq!(world.attributes(version, &key, &[]).unwrap(), attributes);
        assert_eq!(key_bytes(&world, version, &key), bytes);
        let found = LocateRequest {
            attributes: [name(&format!("two {version}"))].into(),
            ..LocateRequest::default()
        };
        let found = world.call(version, found).unwrap();
        assert_eq!(found.unique_identifier, [key]);
    }
}

#[test]
fn destroyed_keys_leave_no_trace_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    let version = ProtocolVersion::V1_4;
    let secret = b"a secret that nobody must find any more, neither here nor there";
    let contains = || {
        let files = std::fs::read_dir(directory.path()).unwrap();
        files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| bytes.windows(secret.len()).any(|window| window == secret))
    };
    let world = sqlite(&path);
    let request = RegisterRequest {
        object_type: ObjectType::OPAQUE_OBJECT,
        managed_object: Some(ManagedObject::OpaqueObject(OpaqueObject {
            opaque_data_type: OpaqueDataType(0x8000_0001),
            opaque_data_value: Secret::borrowed(secret),
            ..OpaqueObject::default()
        })),
        ..RegisterRequest::default()
    };
    let object = world.call(version, request).unwrap().unique_identifier;
    assert!(contains());
    world.destroy(version, &object).unwrap();
    // The log is written back and truncated when the last connection closes.
    drop(world);
    assert!(!contains());
}

#[test]
fn a_batch_that_fails_is_undone_if_the_client_wants_it() {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(MemoryStore::new()),
        Arc::new(SqliteStore::open(&directory.path().join("keys.sqlite")).unwrap()),
    ];
    for (number, store) in stores.into_iter().enumerate() {
        let audit = directory.path().join(format!("audit.{number}"));
        let log = Arc::new(AuditLog::open(&audit).unwrap());
        let world = World::with(store, |configuration| configuration.audit = Some(log));
        let version = ProtocolVersion::V1_4;
        let old = world.create(version, [name("old")]);
        let bytes = key_bytes(&world, version, &old);
        let before = world.attributes(version, &old, &[]).unwrap();
        let destroy = kmip::types::DestroyRequest {
            unique_identifier: Some(old.clone()),
            ..kmip::types::DestroyRequest::default()
        };
        let mut message = RequestMessage::single(version, create([name("new")]));
        let header = &mut message.request_header;
        header.batch_error_continuation_option = Some(BatchErrorContinuationOption::UNDO);
        header.batch_count = 4;
        let requests: [RequestPayload<'_>; 3] = [
            ActivateRequest::default().into(),
            destroy.into(),
            create([name("new")]).into(),
        ];
        message
            .batch_item
            .extend(requests.map(RequestBatchItem::new));
        for (number, item) in message.batch_item.iter_mut().enumerate() {
            item.unique_batch_item_id = Some(vec![number as u8].into());
        }
        let answer = world.exchange(&world.peer, &message).batch_item;
        let statuses: Vec<_> = answer.iter().map(|item| item.result_status).collect();
        let undone = ResultStatus::OPERATION_UNDONE;
        assert_eq!(
            statuses,
            [undone, undone, undone, ResultStatus::OPERATION_FAILED]
        );
        assert_eq!(answer[3].result_reason, Some(ResultReason::INVALID_FIELD));
        let log = std::fs::read_to_string(&audit).unwrap();
        let undone = log.lines().filter(|line| line.contains("Operation Undone"));
        assert_eq!(undone.count(), 3);
        let found = world.call(version, LocateRequest::default()).unwrap();
        assert_eq!(found.unique_identifier, [old.clone()]);
        assert_eq!(world.attributes(version, &old, &[]).unwrap(), before);
        assert_eq!(key_bytes(&world, version, &old), bytes);
    }
}

#[test]
fn without_undo_what_was_done_before_the_failure_stays() {
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let key = world.create(version, []);
    let items = world.batch(
        version,
        vec![
            create([name("new")]).into(),
            create([name("new")]).into(),
            create([name("never")]).into(),
        ],
    );
    assert_eq!(items.len(), 2);
    assert_eq!(items[1].result_status, ResultStatus::OPERATION_FAILED);
    let found = world.call(version, LocateRequest::default()).unwrap();
    assert_eq!(found.unique_identifier.len(), 2);
    assert!(found.unique_identifier.contains(&key));
    let reference = [Tag::STATE.into()];
    assert!(world.attributes(version, &key, &reference).is_ok());
}

#[test]
fn a_file_of_another_format_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    drop(SqliteStore::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    match SqliteStore::open(&path) {
        Err(StoreError::Format { found: 99, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_store_finds_what_it_was_given() {
    let directory = tempfile::tempdir().unwrap();
    common::stores::keeps_what_it_is_given(Arc::new(MemoryStore::new()));
    let path = directory.path().join("keys.sqlite");
    common::stores::keeps_what_it_is_given(Arc::new(SqliteStore::open(&path).unwrap()));
}

/// The tables of format 1, as the first version of this server made them.
const FORMAT_1: &str = "
CREATE TABLE objects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    object_type INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    content_form INTEGER,
    content BLOB
) STRICT;
CREATE INDEX objects_by_owner ON objects (owner);
CREATE TABLE attributes (
    object INTEGER NOT NULL REFERENCES objects (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    instance INTEGER,
    form INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (object, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX attributes_by_value ON attributes (name, value);
PRAGMA user_version = 1;
";

/// Turns a file into one of format 1 with the same objects.
fn make_old(path: &Path) {
    let file = rusqlite::Connection::open(path).unwrap();
    file.execute_batch("ALTER TABLE objects RENAME TO new; DROP TABLE lookups;")
        .unwrap();
    file.execute_batch(FORMAT_1).unwrap();
    let mut new = file
        .prepare("SELECT number, attributes FROM new ORDER BY number")
        .unwrap();
    let mut rows = new.query([]).unwrap();
    file.execute_batch(
        "INSERT INTO objects SELECT number, identifier, owner, object_type, archived,
             content_form, content FROM new",
    )
    .unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (number, all): (i64, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        let (mut rest, mut position) = (&all[..], 0);
        // Form, index or -1, and an item whose length stands behind its tag and type.
        while !rest.is_empty() {
            let index = i32::from_be_bytes(rest[1..5].try_into().unwrap());
            let length = 8 + u32::from_be_bytes(rest[9..13].try_into().unwrap()) as usize;
            let insert = "INSERT INTO attributes VALUES (?, ?, 'name', ?, ?, ?)";
            let instance = (index >= 0).then_some(index);
            let values = (number, position, instance, rest[0], &rest[5..5 + length]);
            file.execute(insert, values).unwrap();
            rest = &rest[5 + length..];
            position += 1;
        }
    }
    drop(rows);
    drop(new);
    file.execute_batch("DROP TABLE new;").unwrap();
}

#[test]
fn a_file_of_the_first_format_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    let version = ProtocolVersion::V1_4;
    let (keys, before) = {
        let world = sqlite(&path);
        let keys = [
            world.create(version, [name("one"), name("other")]),
            world.create(
                version,
                [name("two"), Attribute::operation_policy_name("mine")],
            ),
        ];
        let known = keys.clone().map(|key| {
            // Once fetched, it is no longer fresh.
            let bytes = key_bytes(&world, version, &key);
            (world.attributes(version, &key, &[]).unwrap(), bytes)
        });
        (keys, known)
    };
    make_old(&path);
    let world = sqlite(&path);
    for (key, (attributes, bytes)) in keys.iter().zip(&before) {
        assert_eq!(world.attributes(version, key, &[]).unwrap(), *attributes);
        assert_eq!(key_bytes(&world, version, key), *bytes);
    }
    let found = LocateRequest {
        attributes: [name("other")].into(),
        ..LocateRequest::default()
    };
    let found = world.call(version, found).unwrap();
    assert_eq!(found.unique_identifier, keys[..1]);
    let all = world.call(version, LocateRequest::default()).unwrap();
    assert_eq!(all.unique_identifier.len(), 2);
}

#[test]
fn files_of_the_second_and_the_third_format_get_the_keys_of_the_present() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    let world = sqlite(&path);
    for number in 0..10 {
        world.create(ProtocolVersion::V1_4, [name(&format!("name {number}"))]);
    }
    drop(world);
    let lookups = |file: &rusqlite::Connection| {
        let mut all = file
            .prepare("SELECT key, object FROM lookups ORDER BY key, object")
            .unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let rows: Result<Vec<(i64, i64)>, _> = rows.unwrap().collect();
        rows.unwrap()
    };
    let file = rusqlite::Connection::open(&path).unwrap();
    let all = lookups(&file);
    // Its client, its name among those of the client, and its name among all.
    assert_eq!(all.len(), 30);
    // Those of a name are side by side, so that there is one page to write.
    let mut upper: Vec<i64> = all.iter().map(|(key, _)| key >> 32).collect();
    upper.dedup();
    assert_eq!(upper.len(), 11);
    drop(file);
    for old in [
        "DELETE FROM lookups WHERE key % 3 = 0; PRAGMA user_version = 2;",
        "UPDATE lookups SET key = -key; PRAGMA user_version = 3;",
    ] {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.execute_batch(old).unwrap();
        assert_ne!(lookups(&file), all);
        drop(file);
        drop(sqlite(&path));
        assert_eq!(lookups(&rusqlite::Connection::open(&path).unwrap()), all);
    }
}

#[test]
fn an_object_that_keeps_an_older_file_from_being_opened_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    let world = sqlite(&path);
    let key = world.create(ProtocolVersion::V1_4, [name("one")]);
    drop(world);
    let file = rusqlite::Connection::open(&path).unwrap();
    let damage = "UPDATE objects SET attributes = x'15ffffffff00'; PRAGMA user_version = 3;";
    file.execute_batch(damage).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    let identifier = key.as_text().unwrap();
    assert!(error.to_string().contains(identifier), "{error}");
    // Nothing of it was changed.
    let format: i64 = file
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(format, 3);
}

#[test]
fn transactions_that_come_together_fail_and_succeed_on_their_own() {
    const THREADS: usize = 8;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    let version = ProtocolVersion::V2_1;
    let world = sqlite(&path);
    let made: Vec<usize> = std::thread::scope(|scope| {
        let threads = (0..THREADS).map(|number| {
            let world = &world;
            scope.spawn(move || {
                let own = (0..10).filter(|key| {
                    let own = name(&format!("{number} {key}"));
                    world.call(version, create([own])).is_ok()
                });
                let own = own.count();
                assert_eq!(own, 10);
                // All want these names, and each goes to one.
                let common = (0..10).filter(|key| {
                    let common = name(&format!("common {key}"));
                    let also = name(&format!("{number} also {key}"));
                    world.call(version, create([also, common])).is_ok()
                });
                common.count()
            })
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(made.iter().sum::<usize>(), 10);
    drop(world);
    let world = sqlite(&path);
    let all = world.call(version, LocateRequest::default()).unwrap();
    assert_eq!(all.unique_identifier.len(), THREADS * 10 + 10);
}

#[test]
fn additions_that_come_together_fail_and_succeed_on_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.sqlite");
    common::stores::adds_what_comes_together(&MemoryStore::new());
    common::stores::adds_what_comes_together(&SqliteStore::open(&path).unwrap());
    // Not only in what is in memory.
    let again = SqliteStore::open(&path).unwrap();
    assert_eq!(common::stores::added(&again), common::stores::ADDED);
}
