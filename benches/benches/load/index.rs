//! Locate among few objects and many.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip::server::{Engine, Peer};
use kmip::types::{
    Attribute, AttributeValue, DateTime, ManagedObject, ObjectType, OpaqueObject, Secret, State,
    UniqueIdentifier,
};
use kmip_server::{
    AttributeSet, Configuration, KeyServer, MemoryStore, SqliteStore, Store, StoredObject,
    Transaction,
};
use rusqlite::Connection;
use rustix::time::ClockId;

use crate::page::{Page, median};
use crate::side::processor_time;
use crate::{TURNS, requests, setting, turn};

const FEW: u64 = 1000;
/// Objects that are added in one transaction.
const BATCH: u64 = 10_000;
/// Searches of a kind in each turn, at least.
const SEARCHES: usize = 20;

/// Objects with the same Object Group, and how many bytes each of them holds.
struct Group {
    size: u64,
    content: usize,
}

/// They follow each other.
const GROUPS: [Group; 3] = [
    Group {
        size: 100,
        content: 0,
    },
    Group {
        size: 1000,
        content: 0,
    },
    Group {
        size: 100,
        content: 64 << 10,
    },
];

pub(crate) fn measure(page: &mut Page) {
    let directory = tempfile::tempdir().expect("a directory");
    let files = ["few.sqlite", "many.sqlite"].map(|name| directory.path().join(name));
    let open =
        |file: &PathBuf| -> Arc<dyn Store> { Arc::new(SqliteStore::open(file).expect("a store")) };
    within(page, "SQLite", files.each_ref().map(open));
    bare(page, files);
    let memory = || -> Arc<dyn Store> { Arc::new(MemoryStore::new()) };
    within(page, "memory", [memory(), memory()]);
}

fn all() -> u64 {
    setting("KMIP_LOAD_OBJECTS", 1_000_000).max(10 * FEW)
}

/// What SQLite alone takes for a row by its identifier, through an index as the keys of the store are.
fn bare(page: &mut Page, files: [PathBuf; 2]) {
    let [few, many] = files.map(|file| {
        let connection = Connection::open(file).expect("a store");
        // As that of a connection of the store that reads.
        let set = connection.pragma_update(None, "cache_size", -4096);
        set.expect("a setting");
        connection
    });
    let next = Cell::new(0_u64);
    let look_up = |connection: &Connection, count: u64| {
        let query = "SELECT attributes FROM objects WHERE identifier = ?";
        let mut query = connection.prepare(query).expect("a query");
        repeat(|| {
            let identifier = format!("00000000-object-{}", scattered(&next, count));
            took(|| {
                let row = query.query_row([identifier], |row| row.get::<_, Vec<u8>>(0));
                row.expect("an object")
            })
        })
    };
    let ratios = (0..TURNS).map(|_| {
        let among_few = look_up(&few, FEW);
        look_up(&many, all()) / among_few
    });
    page.beside(
        "bare SQLite: a row by its identifier, among all / among 1,000",
        median(&mut ratios.collect::<Vec<_>>()),
    );
}

/// Another number in each call, in no order.
fn scattered(next: &Cell<u64>, count: u64) -> u64 {
    next.replace(next.get() + 1).wrapping_mul(7919) % count
}

/// Measures two stores by turns, one with few objects and one with many.
fn within(page: &mut Page, kind: &str, [few, many]: [Arc<dyn Store>; 2]) {
    let all = all();
    fill(&*few, FEW);
    fill(&*many, all);
    let engine = |store| Engine::new(KeyServer::new(Configuration::default(), store));
    let (few, many) = (engine(few), engine(many));
    let next = Cell::new(0_u64);
    // Not the same names again in the next turn.
    let name_among = |count: u64| requests::name(&format!("object {}", scattered(&next, count)));
    let length = || Attribute::cryptographic_length(256);
    let one = Some(1);
    let mut taken: [Vec<f64>; 6] = Default::default();
    for _ in 0..TURNS {
        let measured = [
            locate(&few, one, || vec![name_among(FEW)]),
            locate(&many, one, || vec![name_among(all)]),
            locate(&many, one, || vec![length(), name_among(all)]),
            locate(&many, None, || vec![group(0)]),
            locate(&many, None, || vec![group(1)]),
            locate(&many, None, || vec![group(2)]),
        ];
        for (times, time) in taken.iter_mut().zip(measured) {
            times.push(time);
        }
    }
    let ratio = |times: &[Vec<f64>], one: usize, other: usize| {
        let pairs = times[one].iter().zip(&times[other]);
        median(&mut pairs.map(|(one, other)| one / other).collect::<Vec<_>>())
    };
    let few_candidates = GROUPS[1].size as f64 / GROUPS[0].size as f64;
    for (what, measured) in [
        ("by name, among all / among 1,000", ratio(&taken, 1, 0)),
        (
            "by name and length / by name, among all",
            ratio(&taken, 2, 1),
        ),
        (
            "by group, for each of 1,000 candidates / of 100",
            ratio(&taken, 4, 3) / few_candidates,
        ),
        (
            "by group, with 64 KiB in each object / with nothing",
            ratio(&taken, 5, 3),
        ),
    ] {
        page.below(&format!("{kind}: Locate {what}"), measured, 1.5);
    }
    page.figure(&format!("{kind}: objects"), all as f64);
    for (what, times) in [
        "by name among 1,000 objects",
        "by name among all",
        "by name and length among all",
        "by a group of 100",
        "by a group of 1,000",
        "by a group of 100 with 64 KiB each",
    ]
    .iter()
    .zip(&mut taken)
    {
        page.figure(&format!("{kind}: Locate {what}, µs"), median(times));
    }
}

fn group(at: usize) -> Attribute<'static> {
    Attribute::from(AttributeValue::ObjectGroup(format!("group {at}").into()))
}

/// Microseconds of the processor for a Locate, in the engine alone: what other programs do meanwhile is
/// not in it.
fn locate(
    engine: &Engine<KeyServer>,
    most: Option<i32>,
    by: impl Fn() -> Vec<Attribute<'static>>,
) -> f64 {
    let mut answer = Vec::new();
    repeat(|| {
        let request = requests::locate(by(), most);
        answer.clear();
        let time = took(|| engine.respond(&Peer::local(), &request, &mut answer));
        let found = answer.windows(16).any(|part| part == b"00000000-object-");
        assert!(found, "nothing was found");
        time
    })
}

/// The median of many times, in microseconds.
fn repeat(mut measure: impl FnMut() -> Duration) -> f64 {
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < SEARCHES || begin.elapsed() < turn() / 5 {
        times.push(measure().as_secs_f64() * 1e6);
    }
    median(&mut times)
}

/// What the processor has done for something.
fn took<T>(work: impl FnOnce() -> T) -> Duration {
    let begin = processor_time(ClockId::ThreadCPUTime);
    let _done = work();
    processor_time(ClockId::ThreadCPUTime) - begin
}

fn fill(store: &dyn Store, count: u64) {
    for first in (0..count).step_by(BATCH as usize) {
        let mut transaction = store.begin().expect("a transaction");
        for number in first..count.min(first + BATCH) {
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
    let mut content = None;
    let mut first = 0;
    for (
        at,
        Group {
            size,
            content: bytes,
        },
    ) in GROUPS.iter().enumerate()
    {
        if (first..first + size).contains(&number) {
            attributes.push(group(at));
            content = Some(vec![0; *bytes]).filter(|bytes| !bytes.is_empty());
        }
        first += size;
    }
    let content = content.map(|bytes| {
        ManagedObject::OpaqueObject(OpaqueObject {
            opaque_data_value: Secret::owned(bytes),
            ..OpaqueObject::default()
        })
    });
    let object = StoredObject {
        identifier,
        owner: "local".to_owned(),
        object_type: ObjectType::SYMMETRIC_KEY,
        archived: false,
        attributes: AttributeSet::from_stored(attributes),
    };
    transaction
        .insert(&object, content.as_ref())
        .expect("an object");
}
