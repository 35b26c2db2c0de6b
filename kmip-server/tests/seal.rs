//! Contents at rest are sealed: nothing of a key is in the file, and no other key, object or file opens
//! them.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Identifier, World, create, name, pair};
use kmip::ProtocolVersion;
use kmip::types::{
    CertifyRequest, GetRequest, ImportRequest, ManagedObject, ObjectType, OpaqueObject,
    RegisterRequest, ResultReason, Secret,
};
use kmip_server::{
    Added, Addition, MasterKey, MemoryStore, SealedStore, SqliteStore, Store, StoreError,
    Transaction,
};

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Place {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("keys.sqlite")
    }

    fn clear(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(&self.file()).unwrap())
    }

    fn sealed(&self, key: &MasterKey) -> Result<World, StoreError> {
        let store = SealedStore::open(self.clear(), key.clone())?;
        Ok(World::with(Arc::new(store), |_| {}))
    }

    /// Everything that is on the disk, the write-ahead log included.
    fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        let read = |file: std::io::Result<std::fs::DirEntry>| std::fs::read(file.unwrap().path());
        files.flat_map(|file| read(file).unwrap()).collect()
    }
}

fn master(byte: u8) -> MasterKey {
    MasterKey::from_bytes([byte; 32])
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

fn content(world: &World, object: &Identifier) -> Result<ManagedObject<'static>, ResultReason> {
    let request = GetRequest {
        unique_identifier: Some(object.clone()),
        ..GetRequest::default()
    };
    world.call(VERSION, request).map(|got| got.managed_object)
}

fn key_bytes(world: &World, key: &Identifier) -> Vec<u8> {
    match content(world, key).unwrap() {
        ManagedObject::SymmetricKey(key) => {
            let value = key.key_block.key_value.unwrap();
            value.as_bytes().unwrap().to_vec()
        }
        other => panic!("{other:?}"),
    }
}

fn register(world: &World, data: &[u8]) -> Identifier {
    let request = RegisterRequest {
        object_type: ObjectType::OPAQUE_OBJECT,
        managed_object: Some(ManagedObject::OpaqueObject(OpaqueObject {
            opaque_data_value: Secret::owned(data.to_vec()),
            ..OpaqueObject::default()
        })),
        ..RegisterRequest::default()
    };
    world.call(VERSION, request).unwrap().unique_identifier
}

#[test]
fn no_byte_of_a_key_is_in_the_file() {
    let (place, secret) = (Place::new(), b"this is what nobody may find");
    let world = place.sealed(&master(1)).unwrap();
    let key = world.create(VERSION, [name("visible")]);
    let (bytes, opaque) = (key_bytes(&world, &key), register(&world, secret));
    let file = place.bytes();
    // The search finds what is there: names are not sealed.
    assert!(contains(&file, b"visible"));
    for part in bytes.chunks(8).chain(secret.chunks(8)) {
        assert!(!contains(&file, part));
    }
    drop(world);
    let world = place.sealed(&master(1)).unwrap();
    assert_eq!(key_bytes(&world, &key), bytes);
    let ManagedObject::OpaqueObject(got) = content(&world, &opaque).unwrap() else {
        panic!("another object");
    };
    assert_eq!(got.opaque_data_value.expose(), secret);
}

#[test]
fn a_store_in_clear_is_sealed_when_it_gets_a_master_key() {
    let place = Place::new();
    let (first, second, bytes) = {
        let world = World::with(place.clear(), |_| {});
        let first = world.create(VERSION, [name("first")]);
        let bytes = key_bytes(&world, &first);
        (first, world.create(VERSION, [name("second")]), bytes)
    };
    assert!(contains(&place.bytes(), &bytes));
    assert!(!SealedStore::is_sealed(&*place.clear()).unwrap());
    let world = place.sealed(&master(1)).unwrap();
    assert_eq!(key_bytes(&world, &first), bytes);
    assert_eq!(key_bytes(&world, &second).len(), 32);
    drop(world);
    assert!(SealedStore::is_sealed(&*place.clear()).unwrap());
    assert!(!contains(&std::fs::read(place.file()).unwrap(), &bytes));
}

#[test]
fn another_key_opens_nothing() {
    let place = Place::new();
    drop(place.sealed(&master(1)).unwrap());
    let phrase = MasterKey::from_pass_phrase("a phrase that is wrong", "test").unwrap();
    for wrong in [master(2), phrase] {
        let refused = place.sealed(&wrong).err().unwrap();
        assert!(matches!(refused, StoreError::WrongMasterKey), "{refused:?}");
    }
}

#[test]
fn a_pass_phrase_serves_as_master_key() {
    let place = Place::new();
    let phrase = |text| MasterKey::from_pass_phrase(text, "test").unwrap();
    let key = {
        let world = place.sealed(&phrase("correct horse battery")).unwrap();
        world.create(VERSION, [])
    };
    assert!(place.sealed(&phrase("correct horse batterz")).is_err());
    let world = place.sealed(&phrase("correct horse battery")).unwrap();
    assert_eq!(key_bytes(&world, &key).len(), 32);
    assert!(MasterKey::from_pass_phrase("too short", "test").is_err());
}

#[test]
fn sealed_contents_are_good_for_their_object_only() {
    let place = Place::new();
    let world = place.sealed(&master(1)).unwrap();
    let [one, two] = ["one", "two"].map(|text| world.create(VERSION, [name(text)]));
    let (one_text, two_text) = (one.as_text().unwrap(), two.as_text().unwrap());
    let file = rusqlite::Connection::open(place.file()).unwrap();
    let swap = "UPDATE objects SET content = (SELECT content FROM objects WHERE identifier = ?1)
                WHERE identifier = ?2";
    file.execute(swap, [one_text, two_text]).unwrap();
    // Nothing of it is the client's business, but the operator is told.
    let (sender, told) = std::sync::mpsc::channel();
    let store = SealedStore::open(place.clear(), master(1)).unwrap();
    let world = World::with(Arc::new(store), |configuration| {
        configuration.report = Arc::new(move |error| sender.send(error.to_string()).unwrap());
    });
    assert_eq!(key_bytes(&world, &one).len(), 32);
    assert_eq!(content(&world, &two), Err(ResultReason::GENERAL_FAILURE));
    let told = told.recv().unwrap();
    assert!(
        told.contains(two_text) && told.contains("damaged"),
        "{told}"
    );
}

#[test]
fn the_master_key_can_be_changed() {
    let place = Place::new();
    let before = place.sealed(&master(1)).unwrap();
    let key = before.create(VERSION, []);
    let (bytes, old) = (
        key_bytes(&before, &key),
        std::fs::read(place.file()).unwrap(),
    );
    drop(before);
    let store = place.clear();
    let refused = SealedStore::rotate(&*store, &master(9), &master(2)).unwrap_err();
    assert!(matches!(refused, StoreError::WrongMasterKey));
    SealedStore::rotate(&*store, &master(1), &master(2)).unwrap();
    drop(store);
    assert!(place.sealed(&master(1)).is_err());
    let after = place.sealed(&master(2)).unwrap();
    assert_eq!(key_bytes(&after, &key), bytes);
    assert_ne!(old, std::fs::read(place.file()).unwrap());
}

#[test]
fn a_process_with_the_old_master_key_reads_no_more_after_a_change() {
    let inner = Arc::new(MemoryStore::new());
    let old = SealedStore::open(inner.clone(), master(1)).unwrap();
    let world = World::with(Arc::new(old), |configuration| {
        configuration.report = Arc::new(|_| {});
    });
    let key = world.create(VERSION, []);
    SealedStore::rotate(&*inner, &master(1), &master(2)).unwrap();
    assert_eq!(content(&world, &key), Err(ResultReason::GENERAL_FAILURE));
    // What it would seal with a key that is gone, nobody could open.
    assert_eq!(
        world.call(VERSION, common::create([])).unwrap_err(),
        ResultReason::GENERAL_FAILURE
    );
    let new = SealedStore::open(inner.clone(), master(2)).unwrap();
    let world = World::with(Arc::new(new), |_| {});
    key_bytes(&world, &key);
    assert_eq!(inner.begin().unwrap().list(None, 10).unwrap().len(), 2);
}

/// A store that tells how many transactions were begun in it, other than those of additions.
struct Watched(MemoryStore, AtomicUsize);

impl Store for Watched {
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.begin()
    }

    fn view(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        self.0.view()
    }

    fn add(&self, addition: Addition) -> Result<Added, StoreError> {
        self.0.add(addition)
    }
}

#[test]
fn new_keys_are_added_sealed_without_a_transaction_of_their_own() {
    let inner = Arc::new(Watched(MemoryStore::new(), AtomicUsize::new(0)));
    let open = |store: &Arc<Watched>| SealedStore::open(store.clone(), master(1)).unwrap();
    let world = World::with(Arc::new(open(&inner)), |_| {});
    let begun = inner.1.load(Ordering::SeqCst);
    let key = world.create(VERSION, [name("first")]);
    assert_eq!(inner.1.load(Ordering::SeqCst), begun);
    let identifier = key.as_text().unwrap().to_owned();
    let stored = inner.view().unwrap().content(&identifier).unwrap();
    assert!(matches!(stored, Some(ManagedObject::OpaqueObject(_))));
    let bytes = key_bytes(&world, &key);
    assert_eq!(bytes.len(), 32);

    // Another process changes the data key: that of this one seals nothing any more.
    SealedStore::rotate(&*inner, &master(1), &master(1)).unwrap();
    let second = world.create(VERSION, [name("second")]);
    let elsewhere = World::with(Arc::new(open(&inner)), |_| {});
    assert_eq!(key_bytes(&elsewhere, &second), key_bytes(&world, &second));
    assert_eq!(key_bytes(&elsewhere, &key), bytes);

    // And the master key: then nothing at all.
    SealedStore::rotate(&*inner, &master(1), &master(2)).unwrap();
    let before = inner.view().unwrap().list(None, 100).unwrap();
    assert!(world.call(VERSION, create([name("third")])).is_err());
    assert_eq!(inner.view().unwrap().list(None, 100).unwrap(), before);
}

#[test]
fn a_process_whose_master_key_stays_goes_on_with_new_data_keys() {
    let inner = Arc::new(MemoryStore::new());
    let store = SealedStore::open(inner.clone(), master(1)).unwrap();
    let world = World::with(Arc::new(store), |_| {});
    SealedStore::rotate(&*inner, &master(1), &master(1)).unwrap();
    let key = world.create(VERSION, []);
    let again = SealedStore::open(inner, master(1)).unwrap();
    key_bytes(&World::with(Arc::new(again), |_| {}), &key);
}

#[test]
fn clients_cannot_take_the_place_of_the_keyring() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let world = World::with(store, |_| {});
    let request = ImportRequest {
        unique_identifier: "kmip-server:keyring".into(),
        object_type: Some(ObjectType::OPAQUE_OBJECT),
        replace_existing: Some(true),
        managed_object: ManagedObject::OpaqueObject(OpaqueObject::default()),
        ..ImportRequest::default()
    };
    let refused = world.call(VERSION, request).unwrap_err();
    assert_eq!(refused, ResultReason::OBJECT_ALREADY_EXISTS);
    let keyring = Identifier::from("kmip-server:keyring");
    let sealed = SealedStore::open(Arc::new(MemoryStore::new()), master(1)).unwrap();
    let world = World::with(Arc::new(sealed), |_| {});
    assert_eq!(
        content(&world, &keyring),
        Err(ResultReason::OBJECT_NOT_FOUND)
    );
}

#[test]
fn the_authority_is_the_same_after_a_restart_and_its_key_is_sealed() {
    fn issuer(world: &World) -> Vec<u8> {
        let (_, public) = pair(world, VERSION);
        let request = CertifyRequest {
            unique_identifier: Some(public),
            ..CertifyRequest::default()
        };
        let certified = world.call(VERSION, request).unwrap().unique_identifier;
        let ManagedObject::Certificate(certificate) = content(world, &certified).unwrap() else {
            panic!("no certificate");
        };
        let der = openssl::x509::X509::from_der(&certificate.certificate_value).unwrap();
        der.authority_key_id().unwrap().as_slice().to_vec()
    }
    let place = Place::new();
    let first = issuer(&place.sealed(&master(1)).unwrap());
    assert_eq!(issuer(&place.sealed(&master(1)).unwrap()), first);
    assert!(!contains(&place.bytes(), b"PRIVATE KEY"));
    // Without a master key it is there as well, in clear.
    let clear = Place::new();
    let first = issuer(&World::with(clear.clear(), |_| {}));
    assert_eq!(issuer(&World::with(clear.clear(), |_| {})), first);
    assert!(contains(&clear.bytes(), b"PRIVATE KEY"));
}

#[test]
fn files_with_master_keys_are_checked() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let file = |content: &str, mode: u32| {
        let path = directory.path().join("key");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        MasterKey::from_file(&path)
    };
    let digits = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
    assert!(file(&format!("{digits}\n"), 0o600).is_ok());
    let refused = |content: &str, mode| file(content, mode).unwrap_err().to_string();
    assert!(refused(&digits, 0o640).contains("chmod 600"));
    assert!(refused(&digits, 0o604).contains("chmod 600"));
    for wrong in [
        "",
        "00",
        &digits[1..],
        &format!("{digits}0"),
        &format!("x{}", &digits[1..]),
    ] {
        assert!(refused(wrong, 0o600).contains("64 hexadecimal digits"));
    }
    let absent = MasterKey::from_file(Path::new("/nowhere/key")).unwrap_err();
    assert!(absent.to_string().contains("/nowhere/key"));
    assert_eq!(format!("{:?}", master(7)), "MasterKey");
}
