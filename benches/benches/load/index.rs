//! Locate among few objects and many.

use std::sync::Arc;
use std::time::Instant;

use kmip::server::{Engine, Peer};
use kmip::types::{Attribute, AttributeValue, DateTime, ObjectType, State, UniqueIdentifier};
use kmip_server::{
    AttributeSet, Configuration, KeyServer, MemoryStore, SqliteStore, Store, StoredObject,
    Transaction,
};

use crate::page::{Page, median};
use crate::{requests, setting, turn};

const FEW: u64 = 1000;
/// Objects that are added in one transaction.
const BATCH: u64 = 10_000;
/// Objects in the smaller and the larger group.
const GROUPS: [u64; 2] = [100, 1000];

pub(crate) fn measure(page: &mut Page) {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite = SqliteStore::open(&directory.path().join("keys.sqlite")).expect("a store");
    within(page, "SQLite", Arc::new(sqlite));
    within(page, "memory", Arc::new(MemoryStore::new()));
}

fn within(page: &mut Page, kind: &str, store: Arc<dyn Store>) {
    let many = setting("KMIP_LOAD_OBJECTS", 1_000_000).max(10 * FEW);
    let engine = Engine::new(KeyServer::new(Configuration::default(), store.clone()));
    fill(&*store, 0, FEW);
    let one = Some(1);
    let among_few = locate(&engine, one, |turn| {
        vec![requests::name(&format!("object {}", turn % FEW))]
    });
    fill(&*store, FEW, many);
    let scattered = |turn: u64| turn.wrapping_mul(7919) % many;
    let among_many = locate(&engine, one, |turn| {
        vec![requests::name(&format!("object {}", scattered(turn)))]
    });
    let both = locate(&engine, one, |turn| {
        let name = requests::name(&format!("object {}", scattered(turn)));
        let length = Attribute::cryptographic_length(256);
        vec![length, name]
    });
    let groups = GROUPS.map(|size| locate(&engine, None, |_| vec![group(size)]));
    page.figure(&format!("{kind}: objects"), many as f64);
    for (what, time) in [
        ("by name among 1,000 objects", among_few),
        ("by name among all", among_many),
        ("by name and length among all", both),
        ("by a group of 100", groups[0]),
        ("by a group of 1,000", groups[1]),
    ] {
        page.figure(&format!("{kind}: Locate {what}, µs"), time);
    }
    page.below(
        &format!("{kind}: Locate by name, among all / among 1,000"),
        among_many / among_few,
        1.5,
    );
    page.below(
        &format!("{kind}: Locate by name and length / by name, among all"),
        both / among_many,
        1.5,
    );
    page.below(
        &format!("{kind}: Locate by group, for each of 1,000 candidates / of 100"),
        groups[1] / GROUPS[1] as f64 / (groups[0] / GROUPS[0] as f64),
        1.5,
    );
}

fn group(size: u64) -> Attribute<'static> {
    Attribute::from(AttributeValue::ObjectGroup(
        format!("group of {size}").into(),
    ))
}

/// Microseconds for a Locate, in the engine alone.
fn locate(
    engine: &Engine<KeyServer>,
    most: Option<i32>,
    by: impl Fn(u64) -> Vec<Attribute<'static>>,
) -> f64 {
    let mut times = Vec::new();
    let begin = Instant::now();
    let mut answer = Vec::new();
    for number in 0.. {
        let request = requests::locate(by(number), most);
        answer.clear();
        let sent = Instant::now();
        engine.respond(&Peer::local(), &request, &mut answer);
        times.push(sent.elapsed().as_secs_f64() * 1e6);
        let found = answer.windows(16).any(|part| part == b"00000000-object-");
        assert!(found, "nothing was found");
        if begin.elapsed() > turn() && number > 100 {
            break;
        }
    }
    median(&mut times)
}

fn fill(store: &dyn Store, from: u64, to: u64) {
    for first in (from..to).step_by(BATCH as usize) {
        let mut transaction = store.begin().expect("a transaction");
        for number in first..to.min(first + BATCH) {
            add(&mut *transaction, number);
        }
        transaction.commit().expect("a commit");
    }
}

fn add(transaction: &mut dyn Transaction, number: u64) {
    let identifier = format!("00000000-object-{number}");
    let mut attributes = vec![
        requests::name(&format!("object {number}")),
        Attribute::cryptographic_length(256),
        AttributeValue::UniqueIdentifier(UniqueIdentifier::from(identifier.clone())).into(),
        AttributeValue::ObjectType(ObjectType::SYMMETRIC_KEY).into(),
        AttributeValue::State(State::PRE_ACTIVE).into(),
        AttributeValue::InitialDate(DateTime(1_800_000_000)).into(),
    ];
    let mut first = 0;
    for size in GROUPS {
        if (first..first + size).contains(&number) {
            attributes.push(group(size));
        }
        first += size;
    }
    let object = StoredObject {
        identifier,
        owner: "local".to_owned(),
        object_type: ObjectType::SYMMETRIC_KEY,
        archived: false,
        attributes: AttributeSet::from_stored(attributes),
    };
    transaction.insert(&object, None).expect("an object");
}
